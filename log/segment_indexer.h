// The derived indexes of a segment while batches are added to it: which batches get an entry is
// Kafka's rule (org.apache.kafka.storage.internals.log.LogSegment.append). Pure.
#pragma once

#include <cstdint>

#include "log/batch/batch.h"
#include "log/segment_index.h"
#include "log/time_index.h"

namespace odradek::log {

class SegmentIndexer {
 public:
  SegmentIndexer(Offset base, uint32_t interval_bytes)
      : index(base), times(base), interval_bytes_(interval_bytes) {}

  // The next batch, which lies at `position`.
  void note(const BatchHeader& header, uint64_t position) {
    if (header.max_timestamp > max_time.timestamp_ms) {
      max_time = {header.max_timestamp, header.last_offset()};
    }
    if (bytes_since_entry_ > interval_bytes_ &&
        index.try_append({header.last_offset(), static_cast<uint32_t>(position)})) {
      if (max_time.offset.value >= 0) times.append(max_time);
      bytes_since_entry_ = 0;
    }
    bytes_since_entry_ += static_cast<uint64_t>(header.size_bytes());
  }
  // Adds what `later`, which begins where this one ends, has seen.
  void append(const SegmentIndexer& later) {
    for (size_t i = 0; i < later.index.size(); ++i) index.try_append(later.index.entry(i));
    for (size_t i = 0; i < later.times.size(); ++i) times.append(later.times.entry(i));
    if (later.max_time.timestamp_ms > max_time.timestamp_ms) max_time = later.max_time;
    if (later.index.size() > 0) bytes_since_entry_ = 0;
    bytes_since_entry_ += later.bytes_since_entry_;
  }
  void truncate(Offset offset, uint64_t position) {
    index.truncate(offset, position);
    times.truncate(offset);
    // The timestamp stays as an upper bound: nothing is deleted or skipped for being older than it
    // is.
    if (max_time.offset >= offset) max_time.offset = Offset(-1);
  }

  SegmentIndex index;
  TimeIndex times;
  TimeEntry max_time;  // offset -1: not known which batch has it

 private:
  uint32_t interval_bytes_;
  uint64_t bytes_since_entry_ = 0;
};

}  // namespace odradek::log
