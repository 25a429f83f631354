// Kafka's small text files in a log directory: the offset checkpoints
// (recovery-point-offset-checkpoint, log-start-offset-checkpoint, replication-offset-checkpoint,
// cleaner-offset-checkpoint), partition.metadata, and the names of partition directories. Pure:
// text in, text out; write with reactor::replace_file().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/types.h"
#include "reactor/base/result.h"

namespace odradek::log {

inline constexpr std::string_view kRecoveryPointFile = "recovery-point-offset-checkpoint";
inline constexpr std::string_view kLogStartFile = "log-start-offset-checkpoint";
inline constexpr std::string_view kHighWatermarkFile = "replication-offset-checkpoint";
inline constexpr std::string_view kCleanerFile = "cleaner-offset-checkpoint";
inline constexpr std::string_view kLeaderEpochFile = "leader-epoch-checkpoint";
inline constexpr std::string_view kPartitionMetadataFile = "partition.metadata";
inline constexpr std::string_view kCleanShutdownFile = ".kafka_cleanshutdown";

struct PartitionOffset {
  std::string topic;
  PartitionId partition;
  Offset offset;
  bool operator==(const PartitionOffset&) const = default;
};
// "0", the count, and "<topic> <partition> <offset>" a line.
std::string encode_offset_checkpoint(const std::vector<PartitionOffset>& entries);
// Errc::corrupt for a malformed line or count, Errc::unsupported for another version.
Result<std::vector<PartitionOffset>> decode_offset_checkpoint(std::string_view text);

// "version: 0" and "topic_id: <uuid>".
std::string encode_partition_metadata(const TopicId& topic);
Result<TopicId> decode_partition_metadata(std::string_view text);

// <topic>-<partition>, and how Kafka renames it before it deletes it:
// <topic>-<partition>.<32 hex digits>-delete, cut in the topic so that 255 bytes are enough; with
// -future it is being copied to where it will be.
struct PartitionDirectory {
  std::string topic;
  PartitionId partition;
  bool deleted = false;
  bool future = false;
};
std::string partition_directory_name(std::string_view topic, PartitionId partition);
std::string deleted_directory_name(std::string_view topic, PartitionId partition,
                                   const Uuid& unique);
// Not cut: longer than 255 bytes for a topic whose name leaves no room.
std::string future_directory_name(std::string_view topic, PartitionId partition,
                                  const Uuid& unique);
// Absent for names that are none of these.
std::optional<PartitionDirectory> parse_partition_directory(std::string_view name);

namespace detail {
// The lines of `text`, each ended by '\n' (or "\r\n"); the last may lack it.
std::vector<std::string_view> lines_of(std::string_view text);
std::vector<std::string_view> words_of(std::string_view line);
// A whole decimal number, or absent.
std::optional<int64_t> number_of(std::string_view word);
// The entry lines of a checkpoint file after its version ("0") and its count, which must fit.
Result<std::vector<std::string_view>> checkpoint_entries(std::string_view text,
                                                         std::string_view file);
}  // namespace detail

}  // namespace odradek::log
