// Reading batches of a segment that are on disk, through the shard's read cache. What is still in
// the tail's memory is the tail's to read: `disk_bytes` says where that begins.
#pragma once

#include <cstdint>
#include <optional>

#include "log/partition_log.h"
#include "log/read_cache.h"
#include "log/segment.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

// A batch in a segment: its header and where it begins.
struct BatchAt {
  BatchHeader header;
  uint64_t position = 0;
  uint64_t end() const { return position + static_cast<uint64_t>(header.size_bytes()); }
};

// All functions: `cache` and `segment` outlive the task; nothing at or above position `disk_bytes`
// is read, which is the end of a batch and at most segment.size_bytes(). Errc::corrupt names the
// position.

// The batch that holds `offset`, or the first one after it (offsets may have gaps). Absent when
// there is none below disk_bytes. An index entry is believed only if the batch at its position
// holds its offset.
reactor::Task<Result<std::optional<BatchAt>>> find_batch(ReadCache& cache, Segment& segment,
                                                         Offset offset, uint64_t disk_bytes);

// Whole batches from the one that holds options.from on, below options.limit, as
// PartitionLog::read() describes. `next_position` is where the following batch begins: a reader
// that goes on starts there.
struct SegmentSlice {
  LogSlice slice;
  uint64_t next_position = 0;
  bool refused = false;  // a batch follows that is too large, or not below the limit
};
reactor::Task<Result<SegmentSlice>> read_segment(ReadCache& cache, Segment& segment,
                                                 ReadOptions options, uint64_t disk_bytes);

// The first record with timestamp >= `timestamp_ms` and offset < `limit`; absent when there is none
// here.
reactor::Task<Result<std::optional<OffsetAndTime>>> find_time(ReadCache& cache, Segment& segment,
                                                              int64_t timestamp_ms, Offset limit,
                                                              uint64_t disk_bytes);
// The first record that has the segment's largest timestamp below disk_bytes.
reactor::Task<Result<std::optional<OffsetAndTime>>> find_max_time(ReadCache& cache,
                                                                  Segment& segment,
                                                                  uint64_t disk_bytes);

// The same questions about one batch that is in memory, for the tail: what `batch` views stays
// valid until the task ends. Absent when no record of it qualifies. Errc::corrupt when its records
// cannot be decoded.
reactor::Task<Result<std::optional<OffsetAndTime>>> first_at_or_after(Chain batch,
                                                                      int64_t timestamp_ms);
reactor::Task<Result<std::optional<OffsetAndTime>>> first_of_max_time(Chain batch);

}  // namespace odradek::log
