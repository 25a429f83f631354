#include "log/key_hash.h"

#include <bit>
#include <cstring>

namespace odradek::log {

namespace {

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  uint64_t out() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

KeyHash KeyHasher::operator()(BytesView key) const {
  SipState s{key_low_ ^ 0x736f6d6570736575u, key_high_ ^ 0x646f72616e646f6du ^ 0xeeu,
             key_low_ ^ 0x6c7967656e657261u, key_high_ ^ 0x7465646279746573u};
  const uint8_t* p = key.data();
  size_t left = key.size();
  for (; left >= 8; left -= 8, p += 8) s.take(load_le<uint64_t>(p));
  uint64_t last = static_cast<uint64_t>(key.size()) << 56;
  for (size_t i = 0; i < left; ++i) last |= static_cast<uint64_t>(p[i]) << (8 * i);
  s.take(last);
  s.v2 ^= 0xee;
  const uint64_t low = s.out();
  s.v1 ^= 0xdd;
  return {low, s.out()};
}

}  // namespace odradek::log
