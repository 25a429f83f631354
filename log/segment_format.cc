#include "log/segment_format.h"

#include <algorithm>
#include <array>

#include "reactor/base/check.h"

namespace odradek::log {

static constexpr size_t kBaseDigits = 20;

std::string segment_file_name(Offset base, std::string_view suffix) {
  CHECK(base.value >= 0, base);
  const std::string digits = std::to_string(base.value);
  std::string name(kBaseDigits - digits.size(), '0');
  return name.append(digits).append(suffix);
}

std::string segment_path(const std::string& directory, Offset base, std::string_view suffix) {
  return directory + "/" + segment_file_name(base, suffix);
}

std::optional<SegmentFileName> parse_segment_file_name(std::string_view name) {
  if (name.size() <= kBaseDigits || name[kBaseDigits] != '.') return std::nullopt;
  uint64_t base = 0;
  for (const char c : name.substr(0, kBaseDigits)) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (base > (static_cast<uint64_t>(INT64_MAX) - digit) / 10) return std::nullopt;
    base = base * 10 + digit;
  }
  return SegmentFileName{Offset(static_cast<int64_t>(base)), name.substr(kBaseDigits)};
}

}  // namespace odradek::log
