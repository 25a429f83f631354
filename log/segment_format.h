// Names and constants of the files of one segment. All but .odx are Kafka's
// (org.apache.kafka.storage. internals.log: LogFileUtils, OffsetIndex, TimeIndex,
// ProducerStateManager); .odx is in FORMAT.md.
//
//   00000000000000000042.log        batches, nothing of ours between them
//   00000000000000000042.index      {relative offset i32, position i32}, big-endian
//   00000000000000000042.timeindex  {timestamp i64, relative offset i32}, big-endian
//   00000000000000000042.snapshot   producer state at offset 42
//   00000000000000000042.odx        one CRC-32C for each read unit of the .log
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "log/types.h"
#include "reactor/base/bytes.h"

namespace odradek::log {

inline constexpr std::string_view kLogSuffix = ".log";
inline constexpr std::string_view kIndexSuffix = ".index";
inline constexpr std::string_view kTimeIndexSuffix = ".timeindex";
inline constexpr std::string_view kSnapshotSuffix = ".snapshot";
inline constexpr std::string_view kTransactionIndexSuffix = ".txnindex";
inline constexpr std::string_view kChecksumsSuffix = ".odx";
// All of them, the batches' first.
inline constexpr std::array<std::string_view, 6> kSegmentSuffixes{
    kLogSuffix,       kIndexSuffix,   kTimeIndexSuffix, kTransactionIndexSuffix,
    kChecksumsSuffix, kSnapshotSuffix};
// Behind any of these: what compaction is writing, and what is about to be removed.
inline constexpr std::string_view kCleanedSuffix = ".cleaned";
inline constexpr std::string_view kDeletedSuffix = ".deleted";

inline constexpr size_t kIndexEntryBytes = 8;
inline constexpr size_t kTimeIndexEntryBytes = 12;
// Disk is read, checked and cached in these: a power of two, a whole number of I/O blocks.
inline constexpr uint32_t kReadUnitBytes = 128 * 1024;
// Positions are int32 in Kafka's index.
inline constexpr uint64_t kSegmentBytesMax = 0x7fffffff;

// What a file of Kafka's is called: `base` in 20 digits and the suffix.
std::string segment_file_name(Offset base, std::string_view suffix);
std::string segment_path(const std::string& directory, Offset base, std::string_view suffix);

struct SegmentFileName {
  Offset base;
  std::string_view suffix;  // borrowed from the name: ".log", ".index" ...
};
// Absent for names that are not 20 digits and a suffix.
std::optional<SegmentFileName> parse_segment_file_name(std::string_view name);

// One segment of one partition, by name: what its checksums are seeded with.
struct SegmentId {
  TopicPartition partition;
  Offset base;
  bool operator==(const SegmentId&) const = default;
};

}  // namespace odradek::log
