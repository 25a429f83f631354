// Bytes without an owner: views, and big-endian / little-endian loads and stores. Kafka's wire and
// record formats are big-endian; our private files are little-endian.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace odradek {

using BytesView = std::span<const uint8_t>;  // borrowed, read-only
using MutableBytes = std::span<uint8_t>;     // borrowed, writable

inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Unaligned loads and stores. REQUIRES: sizeof(T) bytes at `p`.
template <std::integral T>
T load_be(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return std::byteswap(value);
}
template <std::integral T>
void store_be(uint8_t* p, T value) {
  value = std::byteswap(value);
  std::memcpy(p, &value, sizeof(T));
}
template <std::integral T>
T load_le(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}
template <std::integral T>
void store_le(uint8_t* p, T value) {
  std::memcpy(p, &value, sizeof(T));
}
static_assert(std::endian::native == std::endian::little, "x86-64 and AArch64 Linux only");

template <std::unsigned_integral T>
constexpr T align_up(T value, T alignment) {
  return (value + alignment - 1) / alignment * alignment;
}
template <std::unsigned_integral T>
constexpr T align_down(T value, T alignment) {
  return value / alignment * alignment;
}

}  // namespace odradek
