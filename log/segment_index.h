// Kafka's sparse offset index of one segment: {last offset of a batch, position of that batch},
// both ascending. A hint: a reader believes an entry only when the batch at its position holds its
// offset. Owned by a Segment. Bounded by segment.index.bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "log/segment_format.h"
#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::log {

struct IndexEntry {
  Offset offset;          // last offset of the batch at `position`
  uint32_t position = 0;  // bytes from the start of the .log
  bool operator==(const IndexEntry&) const = default;
};

class SegmentIndex {
 public:
  explicit SegmentIndex(Offset base) : base_(base) {}

  // False (and nothing added) when the entry does not come after the last one, or does not fit in
  // 32 bits relative to the base.
  bool try_append(IndexEntry entry);
  // The last entry with offset <= `offset`; {base, 0} when there is none.
  IndexEntry lookup(Offset offset) const;
  // The last entry before `position`; {base, 0} when there is none.
  IndexEntry before(uint32_t position) const;
  // Drops entries at or above `offset`, or at or above `position`.
  void truncate(Offset offset, uint64_t position);
  // Drops entries closer than `bytes` to the one before: closed segments are read in large units.
  void thin(uint32_t bytes);
  void clear() { entries_.clear(); }

  Offset base() const { return base_; }
  size_t size() const { return entries_.size(); }
  uint64_t file_bytes() const { return entries_.size() * kIndexEntryBytes; }
  IndexEntry entry(size_t i) const;

  // The .index file, as Kafka writes it.
  std::vector<uint8_t> encode() const;
  // Errc::corrupt for a broken order or a size that is no whole number of entries. Trailing zero
  // entries (a preallocated file) are dropped.
  static Result<SegmentIndex> decode(Offset base, BytesView file);

 private:
  struct Packed {
    uint32_t relative_offset;
    uint32_t position;
  };
  Offset base_;
  std::vector<Packed> entries_;
};

}  // namespace odradek::log
