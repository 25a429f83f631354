// Offsets by time, for many partitions at once: one request per leader, again where an error may
// pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kafka/client/client.h"

namespace odradek::client {

// ListOffsets' special times (KIP-405, KIP-734, KIP-1005, KIP-1023).
inline constexpr int64_t kLatest = -1;
inline constexpr int64_t kEarliest = -2;
inline constexpr int64_t kMaxTimestamp = -3;
inline constexpr int64_t kEarliestLocal = -4;
inline constexpr int64_t kLatestTiered = -5;
inline constexpr int64_t kEarliestPendingUpload = -6;

// One question and, once asked, its answer.
struct OffsetQuery {
  std::string topic;
  int32_t partition = 0;
  int64_t time = kLatest;  // milliseconds, or a special time
  // The answer: absent when there is no such record, or on an error.
  std::optional<int64_t> offset;
  int64_t timestamp = -1;
  int32_t leader_epoch = -1;
  std::optional<Error> error;
};

// Fills in the answers. An error of the whole is one that no partition is to blame for.
// REQUIRES: the topics are in the client's metadata (need_topic()).
reactor::Task<Result<std::vector<OffsetQuery>>> list_offsets(Client& client,
                                                             std::vector<OffsetQuery> queries,
                                                             MonoTime deadline);

}  // namespace odradek::client
