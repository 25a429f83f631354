// What of a log is to be compacted, and in which pieces: Kafka's rules (LogCleanerManager, Cleaner)
// over what a partition says of itself. Pure.
//
//   log start        clean_to                        end
//   |    clean        |        dirty                  |   too new, or active
//   +-----------------+-------------------------------+----------------------
#pragma once

#include <cstdint>
#include <vector>

#include "log/partition_log.h"
#include "log/types.h"

namespace odradek::log {

// A segment that is closed, in its file to the end, and on stable storage.
struct ClosedSegment {
  Offset base;
  Offset next;  // one past its last record
  uint64_t bytes = 0;
  int64_t max_timestamp_ms = -1;
  int64_t first_timestamp_ms = -1;  // of its first batch; -1: not known
};
struct LogFacts {
  std::vector<ClosedSegment> closed;  // oldest first, without gaps between them
  Offset log_start{0};
  Offset last_stable{0};
  Offset log_end{0};
  Offset clean_to{-1};  // -1: never cleaned
};

struct Cleanable {
  Offset first_dirty{0};
  Offset end{0};  // the base of the first segment that is not to be cleaned, or where all ends
  uint64_t clean_bytes = 0;
  uint64_t dirty_bytes = 0;
  bool overdue = false;  // max.compaction.lag.ms
  double ratio() const {
    const uint64_t all = clean_bytes + dirty_bytes;
    return all == 0 ? 0 : static_cast<double>(dirty_bytes) / static_cast<double>(all);
  }
};
// A segment is not cleaned when a record of it is newer than min.compaction.lag.ms, or not stable.
Cleanable cleanable(const LogFacts& facts, const LogConfig& config, int64_t now_ms);
// Dirty enough (min.cleanable.dirty.ratio), or overdue.
bool wants_cleaning(const Cleanable& found, const LogConfig& config);

// Indexes of closed segments, those that become one each time: below segment.bytes,
// segment.index.bytes and the range of relative offsets together. Segments from `end` on are left
// out.
struct SegmentGroup {
  size_t first = 0;
  size_t count = 0;
};
std::vector<SegmentGroup> group_segments(const LogFacts& facts, const LogConfig& config,
                                         Offset end);

}  // namespace odradek::log
