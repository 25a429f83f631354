#include "log/segment_index.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace odradek::log {

bool SegmentIndex::try_append(IndexEntry entry) {
  const int64_t relative = entry.offset - base_;
  if (relative < 0 || relative > INT32_MAX || entry.position > kSegmentBytesMax) return false;
  const auto packed = Packed{static_cast<uint32_t>(relative), entry.position};
  if (!entries_.empty() && (packed.relative_offset <= entries_.back().relative_offset ||
                            packed.position <= entries_.back().position)) {
    return false;
  }
  entries_.push_back(packed);
  return true;
}

IndexEntry SegmentIndex::entry(size_t i) const {
  CHECK(i < entries_.size(), i, entries_.size());
  return {base_ + int64_t{entries_[i].relative_offset}, entries_[i].position};
}

IndexEntry SegmentIndex::lookup(Offset offset) const {
  const int64_t relative = offset - base_;
  const auto after = std::ranges::upper_bound(
      entries_, relative, {}, [](const Packed& p) { return int64_t{p.relative_offset}; });
  if (after == entries_.begin()) return {base_, 0};
  return entry(static_cast<size_t>(after - entries_.begin()) - 1);
}

IndexEntry SegmentIndex::before(uint32_t position) const {
  const auto at = std::ranges::lower_bound(entries_, position, {}, &Packed::position);
  if (at == entries_.begin()) return {base_, 0};
  return entry(static_cast<size_t>(at - entries_.begin()) - 1);
}

void SegmentIndex::truncate(Offset offset, uint64_t position) {
  while (!entries_.empty() &&
         (entry(entries_.size() - 1).offset >= offset || entries_.back().position >= position)) {
    entries_.pop_back();
  }
}

void SegmentIndex::thin(uint32_t bytes) {
  std::vector<Packed> kept;
  uint64_t next = 0;
  for (const Packed& p : entries_) {
    if (p.position < next) continue;
    kept.push_back(p);
    next = uint64_t{p.position} + bytes;
  }
  kept.shrink_to_fit();
  entries_ = std::move(kept);
}

std::vector<uint8_t> SegmentIndex::encode() const {
  std::vector<uint8_t> out(file_bytes());
  uint8_t* p = out.data();
  for (const Packed& e : entries_) {
    store_be(p, e.relative_offset);
    store_be(p + 4, e.position);
    p += kIndexEntryBytes;
  }
  return out;
}

Result<SegmentIndex> SegmentIndex::decode(Offset base, BytesView file) {
  if (file.size() % kIndexEntryBytes != 0) {
    return fail(Errc::corrupt, "index of " + std::to_string(file.size()) + " bytes");
  }
  SegmentIndex index(base);
  index.entries_.reserve(file.size() / kIndexEntryBytes);
  for (size_t at = 0; at < file.size(); at += kIndexEntryBytes) {
    const auto relative = load_be<int32_t>(file.data() + at);
    const auto position = load_be<int32_t>(file.data() + at + 4);
    // A file that was preallocated ends in zeros. The very first batch may have such an entry.
    if (relative == 0 && position == 0) {
      if (at == 0 && file.size() > kIndexEntryBytes) continue;
      break;
    }
    if (relative < 0 || position < 0 ||
        !index.try_append({base + int64_t{relative}, static_cast<uint32_t>(position)})) {
      return fail(Errc::corrupt, "index entry at byte " + std::to_string(at) + " out of order");
    }
  }
  return index;
}

}  // namespace odradek::log
