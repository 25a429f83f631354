// Kafka's sparse time index of one segment: {largest timestamp so far, last offset of the batch
// that has it}, timestamps strictly ascending, offsets ascending. Owned by a Segment.
#pragma once

#include <cstdint>
#include <vector>

#include "log/segment_format.h"
#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::log {

struct TimeEntry {
  int64_t timestamp_ms = -1;
  Offset offset{-1};
  bool operator==(const TimeEntry&) const = default;
};

class TimeIndex {
 public:
  explicit TimeIndex(Offset base) : base_(base) {}

  // Adds the entry unless its timestamp is not above the last one's.
  void append(TimeEntry entry);
  // The last entry with timestamp < `timestamp_ms`: every record up to its offset is older than
  // that.
  // {-1, base} when there is none.
  TimeEntry before(int64_t timestamp_ms) const;
  TimeEntry last() const;        // {-1, base} when empty
  void truncate(Offset offset);  // drops entries at or above it
  void clear() { entries_.clear(); }
  void thin(size_t entries_max);  // keeps at most so many, evenly, and the last one

  size_t size() const { return entries_.size(); }
  const TimeEntry& entry(size_t i) const { return entries_[i]; }
  uint64_t file_bytes() const { return entries_.size() * kTimeIndexEntryBytes; }

  std::vector<uint8_t> encode() const;
  // As SegmentIndex::decode().
  static Result<TimeIndex> decode(Offset base, BytesView file);

 private:
  Offset base_;
  std::vector<TimeEntry> entries_;
};

}  // namespace odradek::log
