// Variable-length integers as Kafka writes them: seven bits a byte, least significant first; signed
// ones zigzag-coded (Protocol Buffers, "Encoding"). Decoding never reads past `end`.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace odradek {

inline constexpr size_t kVarint32BytesMax = 5;
inline constexpr size_t kVarint64BytesMax = 10;

constexpr uint32_t zigzag(int32_t v) {
  return (static_cast<uint32_t>(v) << 1) ^ static_cast<uint32_t>(v >> 31);
}
constexpr uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int32_t unzigzag(uint32_t v) { return static_cast<int32_t>((v >> 1) ^ (~(v & 1) + 1)); }
constexpr int64_t unzigzag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

// How many bytes the unsigned, or the zigzag, form takes.
constexpr size_t uvarint_size(uint64_t v) {
  return (static_cast<size_t>(std::bit_width(v | 1)) + 6) / 7;
}
constexpr size_t varint_size(int64_t v) { return uvarint_size(zigzag(v)); }

// Writes at `p` and returns the byte after. REQUIRES: room for uvarint_size(v).
inline uint8_t* put_uvarint(uint8_t* p, uint64_t v) {
  for (; v >= 0x80; v >>= 7) *p++ = static_cast<uint8_t>(v | 0x80);
  *p++ = static_cast<uint8_t>(v);
  return p;
}
inline uint8_t* put_varint(uint8_t* p, int64_t v) { return put_uvarint(p, zigzag(v)); }

namespace detail {
template <class T, size_t kBytesMax>
[[gnu::noinline]] const uint8_t* get_uvarint_slow(const uint8_t* p, const uint8_t* end, T& v) {
  T result = 0;
  for (size_t i = 0; i < kBytesMax && p + i < end; ++i) {
    result |= static_cast<T>(p[i] & 0x7f) << (7 * i);
    if (p[i] < 0x80) {
      v = result;
      return p + i + 1;
    }
  }
  return nullptr;
}
}  // namespace detail

// Reads at `p` and returns the byte after, or nullptr when the bytes end first or the value takes
// more than 5 (32-bit) or 10 (64-bit) bytes. Bits of the last byte that do not fit are dropped, as
// Kafka does.
inline const uint8_t* get_uvarint32(const uint8_t* p, const uint8_t* end, uint32_t& v) {
  if (p < end && *p < 0x80) [[likely]] {
    v = *p;
    return p + 1;
  }
  if (end - p >= 2 && p[1] < 0x80) [[likely]] {
    v = (p[0] & 0x7fU) | static_cast<uint32_t>(p[1]) << 7;
    return p + 2;
  }
  return detail::get_uvarint_slow<uint32_t, kVarint32BytesMax>(p, end, v);
}
inline const uint8_t* get_uvarint64(const uint8_t* p, const uint8_t* end, uint64_t& v) {
  if (p < end && *p < 0x80) [[likely]] {
    v = *p;
    return p + 1;
  }
  if (end - p >= 2 && p[1] < 0x80) [[likely]] {
    v = (p[0] & 0x7fU) | static_cast<uint64_t>(p[1]) << 7;
    return p + 2;
  }
  return detail::get_uvarint_slow<uint64_t, kVarint64BytesMax>(p, end, v);
}
inline const uint8_t* get_varint32(const uint8_t* p, const uint8_t* end, int32_t& v) {
  uint32_t raw = 0;
  p = get_uvarint32(p, end, raw);
  v = unzigzag(raw);
  return p;
}
inline const uint8_t* get_varint64(const uint8_t* p, const uint8_t* end, int64_t& v) {
  uint64_t raw = 0;
  p = get_uvarint64(p, end, raw);
  v = unzigzag(raw);
  return p;
}

}  // namespace odradek
