#include "log/time_index.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace odradek::log {

void TimeIndex::append(TimeEntry entry) {
  const TimeEntry newest = last();
  if (entry.timestamp_ms <= newest.timestamp_ms) return;
  CHECK(entry.offset >= newest.offset, entry.offset, newest.offset);
  CHECK(entry.offset - base_ <= INT32_MAX, entry.offset, base_);
  entries_.push_back(entry);
}

TimeEntry TimeIndex::last() const {
  return entries_.empty() ? TimeEntry{-1, base_} : entries_.back();
}

TimeEntry TimeIndex::before(int64_t timestamp_ms) const {
  const auto at = std::ranges::lower_bound(entries_, timestamp_ms, {}, &TimeEntry::timestamp_ms);
  return at == entries_.begin() ? TimeEntry{-1, base_} : *(at - 1);
}

void TimeIndex::truncate(Offset offset) {
  while (!entries_.empty() && entries_.back().offset >= offset) entries_.pop_back();
}

void TimeIndex::thin(size_t entries_max) {
  if (entries_.size() <= entries_max || entries_max == 0) return;
  const size_t step = (entries_.size() + entries_max - 1) / entries_max;
  std::vector<TimeEntry> kept;
  for (size_t i = 0; i + 1 < entries_.size(); i += step) kept.push_back(entries_[i]);
  if (kept.size() == entries_max) kept.pop_back();
  kept.push_back(entries_.back());
  entries_ = std::move(kept);
}

std::vector<uint8_t> TimeIndex::encode() const {
  std::vector<uint8_t> out(file_bytes());
  uint8_t* p = out.data();
  for (const TimeEntry& e : entries_) {
    store_be(p, e.timestamp_ms);
    store_be(p + 8, static_cast<int32_t>(e.offset - base_));
    p += kTimeIndexEntryBytes;
  }
  return out;
}

Result<TimeIndex> TimeIndex::decode(Offset base, BytesView file) {
  if (file.size() % kTimeIndexEntryBytes != 0) {
    return fail(Errc::corrupt, "time index of " + std::to_string(file.size()) + " bytes");
  }
  TimeIndex index(base);
  index.entries_.reserve(file.size() / kTimeIndexEntryBytes);
  for (size_t at = 0; at < file.size(); at += kTimeIndexEntryBytes) {
    const auto timestamp = load_be<int64_t>(file.data() + at);
    const auto relative = load_be<int32_t>(file.data() + at + 8);
    if (at > 0 && timestamp == 0 && relative == 0) break;  // preallocated
    const TimeEntry newest = index.last();
    const TimeEntry next{timestamp, base + int64_t{relative}};
    // Kafka closes a segment without timestamps with one entry of -1.
    if (timestamp == -1 && index.entries_.empty()) continue;
    if (relative < 0 || next.timestamp_ms <= newest.timestamp_ms || next.offset < newest.offset) {
      return fail(Errc::corrupt,
                  "time index entry at byte " + std::to_string(at) + " out of order");
    }
    index.entries_.push_back(next);
  }
  return index;
}

}  // namespace odradek::log
