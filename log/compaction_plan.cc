#include "log/compaction_plan.h"

#include <algorithm>

#include "log/limits.h"
#include "log/segment_format.h"

namespace odradek::log {

static Offset first_dirty(const LogFacts& facts) {
  const bool known = facts.clean_to >= facts.log_start && facts.clean_to <= facts.log_end;
  return known ? facts.clean_to : facts.log_start;
}

Cleanable cleanable(const LogFacts& facts, const LogConfig& config, int64_t now_ms) {
  Cleanable out;
  out.first_dirty = out.end = first_dirty(facts);
  const int64_t lag_min = std::max<int64_t>(config.min_compaction_lag_ms, 0);
  int64_t oldest_ms = INT64_MAX;
  for (const ClosedSegment& segment : facts.closed) {
    const bool too_new = lag_min > 0 && segment.max_timestamp_ms > now_ms - lag_min;
    if (segment.next > facts.last_stable) break;
    if (segment.next > out.first_dirty && too_new) break;
    out.end = std::max(out.end, segment.next);
    if (segment.base < out.first_dirty) out.clean_bytes += segment.bytes;
    if (segment.next <= out.first_dirty) continue;
    out.dirty_bytes += segment.bytes;
    if (segment.first_timestamp_ms > 0) {
      oldest_ms = std::min(oldest_ms, segment.first_timestamp_ms);
    }
  }
  const int64_t lag_max = std::max<int64_t>(config.max_compaction_lag_ms, 0);
  out.overdue = out.dirty_bytes > 0 && oldest_ms < now_ms && now_ms - oldest_ms > lag_max;
  return out;
}

bool wants_cleaning(const Cleanable& found, const LogConfig& config) {
  if (found.dirty_bytes == 0) return false;
  return found.overdue || found.ratio() > config.min_cleanable_ratio;
}

// At most: an entry for each index.interval.bytes of batches.
static uint64_t index_bytes(const ClosedSegment& segment, const LogConfig& config) {
  const uint64_t interval = std::max<uint64_t>(config.index_interval_bytes, kBatchHeaderBytes);
  return std::min<uint64_t>(segment.bytes / interval * kTimeIndexEntryBytes,
                            config.segment_index_bytes);
}

std::vector<SegmentGroup> group_segments(const LogFacts& facts, const LogConfig& config,
                                         Offset end) {
  std::vector<SegmentGroup> out;
  uint64_t bytes = 0, index = 0;
  for (size_t i = 0; i < facts.closed.size() && facts.closed[i].base < end; ++i) {
    const ClosedSegment& segment = facts.closed[i];
    const bool joins = !out.empty() && bytes + segment.bytes <= config.segment_bytes &&
                       index + index_bytes(segment, config) <= config.segment_index_bytes &&
                       segment.next - facts.closed[out.back().first].base <= kSegmentOffsetsMax;
    if (!joins) {
      out.push_back({i, 0});
      bytes = index = 0;
    }
    ++out.back().count;
    bytes += segment.bytes;
    index += index_bytes(segment, config);
  }
  return out;
}

}  // namespace odradek::log
