#include "reactor/base/uuid.h"

#include "reactor/base/bytes.h"

namespace odradek {

static constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static constexpr size_t kTextLength = 22;

std::string Uuid::to_string() const {
  std::string text;
  text.reserve(kTextLength);
  uint32_t pending = 0;
  int bits = 0;
  for (const uint8_t byte : bytes) {
    pending = pending << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += kAlphabet[pending >> (bits - 6) & 63];
  }
  text += kAlphabet[pending << (6 - bits) & 63];
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  Uuid id;
  uint32_t pending = 0;
  int bits = 0;
  size_t filled = 0;
  for (const char c : text) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    pending = pending << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    if (filled < id.bytes.size()) id.bytes[filled++] = static_cast<uint8_t>(pending >> bits);
  }
  return id;
}

std::optional<Uuid> Uuid::from_random(uint64_t high, uint64_t low) {
  Uuid id;
  store_be<uint64_t>(id.bytes.data(), high);
  store_be<uint64_t>(id.bytes.data() + 8, low);
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  if (id.to_string().starts_with('-')) return std::nullopt;
  return id;
}

}  // namespace odradek
