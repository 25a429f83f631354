// Kafka's Uuid: 16 bytes, printed as 22 characters of URL-safe base64 without padding
// (org.apache.kafka.common.Uuid). Topic ids, cluster ids and directory ids are these.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace odradek {

struct Uuid {
  std::array<uint8_t, 16> bytes{};  // as on the wire, most significant first

  auto operator<=>(const Uuid&) const = default;
  bool is_zero() const { return *this == Uuid{}; }
  // 22 characters of base64url.
  std::string to_string() const;
  // Inverse of to_string(); absent when `text` is not 22 characters of base64url.
  static std::optional<Uuid> parse(std::string_view text);
  // From 16 random bytes: version 4, variant 2, and never starting with '-' when printed, as
  // Kafka's. `high` and `low` come from the shard's random source; retry with new ones when absent
  // is returned.
  static std::optional<Uuid> from_random(uint64_t high, uint64_t low);
};

}  // namespace odradek

template <>
struct std::hash<odradek::Uuid> {
  size_t operator()(const odradek::Uuid& id) const noexcept {
    uint64_t high;
    uint64_t low;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    return high * 0x9e3779b97f4a7c15 ^ low;
  }
};
