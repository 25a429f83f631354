// The leader epochs of one partition's log and where each began (KIP-101, KIP-279). Pure. Owned by
// one partition's log; kept in the manifest, and in Kafka's leader-epoch-checkpoint on roll and
// release.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/types.h"
#include "reactor/base/result.h"

namespace odradek::log {

struct EpochStart {
  LeaderEpoch epoch;
  Offset start;
  bool operator==(const EpochStart&) const = default;
};
struct EpochEnd {
  LeaderEpoch epoch{-1};
  Offset end{-1};
  bool operator==(const EpochEnd&) const = default;
};

class LeaderEpochs {
 public:
  LeaderEpochs() = default;

  // `epoch` begins at `start`. Entries that contradict it (a later start, or an epoch as high) go.
  // False when nothing changed: the epoch is known already.
  bool assign(LeaderEpoch epoch, Offset start);
  // OffsetForLeaderEpoch: {latest, log_end} for the latest epoch; {-1, -1} for -1, for one above
  // the latest, and without any; otherwise {the highest known epoch <= `epoch`, start of the next
  // higher}; below the first: {epoch, start of the first}.
  EpochEnd end_of(LeaderEpoch epoch, Offset log_end) const;
  // The epoch of the record at `offset`; -1 before the first entry.
  LeaderEpoch epoch_of(Offset offset) const;
  LeaderEpoch latest() const;  // -1 without any
  // The log now ends at `end`: epochs that began there or later go.
  void truncate_end(Offset end);
  // The log now starts at `start`: older epochs go, the one in force begins there.
  void truncate_start(Offset start);
  const std::vector<EpochStart>& entries() const { return entries_; }
  bool operator==(const LeaderEpochs&) const = default;

  // Kafka's leader-epoch-checkpoint: "0", the count, and "<epoch> <start>" a line.
  std::string encode_checkpoint() const;
  static Result<LeaderEpochs> decode_checkpoint(std::string_view text);

 private:
  std::vector<EpochStart> entries_;  // both ascending, epochs strictly
};

}  // namespace odradek::log
