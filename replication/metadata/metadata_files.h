// The small files and the control batches of the metadata log as bytes: pure functions, in Kafka's
// formats (org.apache.kafka.raft.FileQuorumStateStore, LeaderEpochCheckpointFile,
// PartitionMetadataFile, Snapshots).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/types.h"
#include "reactor/base/result.h"
#include "replication/metadata/image.h"
#include "replication/metadata/record_list.h"
#include "replication/quorum/quorum.h"

namespace odradek::metadata {

inline constexpr std::string_view kMetadataTopic = "__cluster_metadata";
inline constexpr std::string_view kMetadataFolder = "__cluster_metadata-0";
inline constexpr Uuid kMetadataTopicId{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

// A snapshot's name: it holds everything below `end`, whose last record is of `epoch`.
struct SnapshotId {
  log::Offset end{0};
  log::LeaderEpoch epoch{0};
  auto operator<=>(const SnapshotId&) const = default;
};
struct EpochStart {
  log::LeaderEpoch epoch{0};
  log::Offset start{0};
  bool operator==(const EpochStart&) const = default;
};

std::string segment_name(log::Offset base);  // <20 digits>.log
std::optional<log::Offset> parse_segment_name(std::string_view name);
std::string snapshot_name(SnapshotId id);  // <20 digits>-<10 digits>.checkpoint
std::optional<SnapshotId> parse_snapshot_name(std::string_view name);

// `quorum-state`: version 0 names the voters (kraft.version 0), version 1 the voted directory.
std::string quorum_state_text(const quorum::HardState& state, int16_t kraft_version,
                              const std::vector<quorum::Voter>& voters);
Result<quorum::HardState> parse_quorum_state(std::string_view text);

std::string leader_epochs_text(const std::vector<EpochStart>& epochs);
std::string partition_metadata_text(const Uuid& topic_id);

// What the voters record says of the quorum (KIP-853).
struct VoterSet {
  int16_t kraft_version = 0;
  std::vector<quorum::Voter> voters;
  std::vector<Endpoint> endpoints;  // of this node, the only voter
};

// The control batch that begins an epoch. The first one of a log that was formatted with voters
// (KIP-853) repeats them: `formatted` is what the snapshot at offset 0 says, or null. Kafka 4.3
// writes the leader change in version 0, without directories, whatever kraft.version is, and its
// tools read no other.
Result<std::vector<uint8_t>> leader_change_batch(const quorum::Lead& lead,
                                                 const VoterSet* formatted, int64_t timestamp_ms);
// A data batch of `records` from `base` on. REQUIRES: not empty.
Result<std::vector<uint8_t>> data_batch(const std::vector<std::vector<uint8_t>>& records,
                                        log::Offset base, log::LeaderEpoch epoch,
                                        int64_t timestamp_ms);
// A whole snapshot file: header (and voters), records, footer. `contained_ms` is the append time of
// the last record of the log it contains.
Result<std::vector<uint8_t>> snapshot_bytes(SnapshotId id, const VoterSet& voters,
                                            const RecordList& records, int64_t contained_ms,
                                            int64_t now_ms);

// Parts of at most kAppendBytesMax; several are framed as one transaction. REQUIRES: `records` is
// no part of a transaction if it is larger.
std::vector<RecordList> split_into_batches(RecordList records);

// Takes what a control record says of the quorum; other control records change nothing.
Status read_voters(BytesView key, BytesView value, VoterSet& voters);
// SnapshotHeader's last contained log timestamp; absent for any other record.
Result<std::optional<int64_t>> read_snapshot_header(BytesView key, BytesView value);
bool is_snapshot_footer(BytesView key);

}  // namespace odradek::metadata
