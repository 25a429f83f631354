// What compaction knows of the dirty part of one log: the last offset of each key, and up to where
// that is known. A table of fixed size over memory that is lent to it; when it is full the log is
// cleaned as far as it was read, so there is always progress. Owned by one cleaning. Pure.
//
// An entry is 24 bytes: the key's hash (16) and offset + 1 (8; 0: free). Open addressing.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "log/key_hash.h"
#include "log/types.h"
#include "reactor/base/bytes.h"

namespace odradek::log {

class KeyMap {
 public:
  static constexpr size_t kEntryBytes = 24;

  // `chunks` are zeroed memory of equal size, at least one entry each, and outlive the map. At most
  // the share `load_max` of the entries is used, and at least one.
  KeyMap(std::vector<MutableBytes> chunks, double load_max, KeyHasher hasher);

  // Who looks up many keys hashes some first, so that their entries are on the way from memory:
  // one by one each costs a cache miss.
  static constexpr size_t kLookAhead = 32;
  KeyHash hash_ahead(BytesView key) const;

  // The key was seen at `offset`. False, and nothing noted, when the key is new and the map full.
  // REQUIRES: offsets ascend.
  bool try_put(const KeyHash& hash, Offset offset);
  // Absent: not seen.
  std::optional<Offset> find(const KeyHash& hash) const;

  // Everything up to and including `offset` was looked at.
  void note_latest(Offset offset) { latest_ = std::max(latest_, offset); }
  // -1 before anything was.
  Offset latest() const { return latest_; }

  uint64_t size() const { return size_; }
  uint64_t capacity() const { return capacity_; }

 private:
  struct Entry {
    KeyHash hash;
    int64_t offset_after = 0;  // offset + 1
  };
  static_assert(sizeof(Entry) == kEntryBytes);
  uint64_t first_slot(const KeyHash& hash) const;
  uint8_t* place(uint64_t slot) const;
  // The slot that holds the hash, or the free one where it would go.
  uint64_t slot_of(const KeyHash& hash, Entry& found) const;

  // Fixed at construction.
  std::vector<MutableBytes> chunks_;
  KeyHasher hasher_;
  uint64_t per_chunk_;
  uint64_t slots_;
  uint64_t capacity_;
  // Written by try_put() and note_latest().
  uint64_t size_ = 0;
  Offset latest_{-1};
};

}  // namespace odradek::log
