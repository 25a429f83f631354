// 128 bits of a key, for compaction: two keys with the same hash would be taken for one, and a
// record would be lost. SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012): keyed,
// so that nobody can choose keys that collide. Pure.
#pragma once

#include <cstdint>

#include "reactor/base/bytes.h"

namespace odradek::log {

struct KeyHash {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const KeyHash&) const = default;
};

class KeyHasher {
 public:
  // Two random numbers, drawn for each use.
  KeyHasher(uint64_t key_low, uint64_t key_high) : key_low_(key_low), key_high_(key_high) {}
  KeyHash operator()(BytesView key) const;

 private:
  uint64_t key_low_;
  uint64_t key_high_;
};

}  // namespace odradek::log
