#include "reactor/base/utf8.h"

#include <cstdint>

namespace odradek {

// Bytes that follow the first of a sequence; -1: it is none.
static int following(uint8_t first) {
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

size_t utf8_size(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<uint8_t>(text[0]);
  const int more = following(first);
  if (more < 0 || static_cast<size_t>(more) >= text.size()) return 0;
  uint32_t point = first & (more == 0 ? 0x7f : 0x3f >> more);
  for (size_t i = 1; i <= static_cast<size_t>(more); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return 0;
    point = (point << 6) | (byte & 0x3f);
  }
  const bool short_enough = more != 2 || point >= 0x800;
  const bool in_range = more != 3 || (point >= 0x10000 && point <= 0x10ffff);
  if (!short_enough || !in_range || (point >= 0xd800 && point <= 0xdfff)) return 0;
  return static_cast<size_t>(more) + 1;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t size = utf8_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string to_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t size = utf8_size(text);
    out += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

}  // namespace odradek
