#include "log/key_map.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "reactor/base/check.h"

namespace odradek::log {

// Above this share a probe that finds nothing walks far.
static constexpr double kLoadMax = 0.95;

KeyMap::KeyMap(std::vector<MutableBytes> chunks, double load_max, KeyHasher hasher)
    : chunks_(std::move(chunks)), hasher_(hasher) {
  CHECK(!chunks_.empty());
  per_chunk_ = chunks_.front().size() / kEntryBytes;
  for (const MutableBytes& chunk : chunks_) {
    CHECK(chunk.size() / kEntryBytes == per_chunk_ && per_chunk_ > 0, chunk.size(), per_chunk_);
  }
  slots_ = per_chunk_ * chunks_.size();
  const double load = std::clamp(load_max, 0.0, kLoadMax);
  // One slot stays free, so that every search ends; a map of one slot is searched once.
  capacity_ = std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(slots_) * load));
}

uint8_t* KeyMap::place(uint64_t slot) const {
  return chunks_[slot / per_chunk_].data() + slot % per_chunk_ * kEntryBytes;
}

uint64_t KeyMap::first_slot(const KeyHash& hash) const {
  // The high bits of the product: even over any number of slots.
  return static_cast<uint64_t>((static_cast<unsigned __int128>(hash.low) * slots_) >> 64);
}

KeyHash KeyMap::hash_ahead(BytesView key) const {
  const KeyHash hash = hasher_(key);
  __builtin_prefetch(place(first_slot(hash)));
  return hash;
}

uint64_t KeyMap::slot_of(const KeyHash& hash, Entry& found) const {
  uint64_t slot = first_slot(hash);
  for (uint64_t searched = 0; searched < slots_; ++searched) {
    std::memcpy(&found, place(slot), kEntryBytes);
    if (found.offset_after == 0 || found.hash == hash) return slot;
    if (++slot == slots_) slot = 0;
  }
  found = {};
  return slots_;
}

bool KeyMap::try_put(const KeyHash& hash, Offset offset) {
  Entry entry;
  const uint64_t slot = slot_of(hash, entry);
  if (entry.offset_after == 0) {
    if (size_ >= capacity_ || slot == slots_) return false;
    ++size_;
  }
  CHECK(entry.offset_after <= offset.value + 1, offset, entry.offset_after);
  entry = {hash, offset.value + 1};
  std::memcpy(place(slot), &entry, kEntryBytes);
  note_latest(offset);
  return true;
}

std::optional<Offset> KeyMap::find(const KeyHash& hash) const {
  Entry entry;
  slot_of(hash, entry);
  if (entry.offset_after == 0) return std::nullopt;
  return Offset(entry.offset_after - 1);
}

}  // namespace odradek::log
