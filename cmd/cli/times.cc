#include "cmd/cli/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

namespace odradek::cli {

namespace {

// Takes `digits` digits (0: as many as there are) off the front.
std::optional<int64_t> take_number(std::string_view& text, size_t digits) {
  int64_t value = 0;
  const std::string_view part = digits == 0 ? text : text.substr(0, digits);
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  const auto taken = static_cast<size_t>(end - part.data());
  if (error != std::errc() || (digits != 0 && taken != digits) || value < 0) return std::nullopt;
  text.remove_prefix(taken);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int64_t> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86'400'000};
}

// "12:30", "12:30:05", "12:30:05.250"; milliseconds of the day.
std::optional<int64_t> take_clock(std::string_view& text) {
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  int64_t ms = (*hours * 60 + *minutes) * 60'000;
  if (!take(text, ':')) return ms;
  const auto seconds = take_number(text, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  ms += *seconds * 1000;
  if (!take(text, '.')) return ms;
  const auto fraction = take_number(text, 3);
  if (!fraction) return std::nullopt;
  return ms + *fraction;
}

// "", "Z", "+02:00", "-0530"; milliseconds that the clock there is ahead of UTC.
std::optional<int64_t> take_zone(std::string_view& text) {
  if (text.empty() || take(text, 'Z')) return 0;
  const bool behind = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  (void)take(text, ':');
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 18 || *minutes > 59) return std::nullopt;
  const int64_t ms = (*hours * 60 + *minutes) * 60'000;
  return behind ? -ms : ms;
}

std::optional<int64_t> parse_date(std::string_view text) {
  const auto day = take_date(text);
  if (!day) return std::nullopt;
  int64_t ms = *day;
  if (take(text, 'T') || take(text, ' ')) {
    const auto clock = take_clock(text);
    if (!clock) return std::nullopt;
    ms += *clock;
  }
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return ms - *zone;
}

// "90s", "15m", "2h", "7d".
std::optional<int64_t> parse_length(std::string_view text) {
  const auto count = take_number(text, 0);
  if (!count || text.size() != 1 || *count > 1'000'000'000) return std::nullopt;
  switch (text[0]) {
    case 's': return *count * 1000;
    case 'm': return *count * 60'000;
    case 'h': return *count * 3'600'000;
    case 'd': return *count * 86'400'000;
    default: return std::nullopt;
  }
}

// A number and what it counts, off the front: "2H", "0.5S"; milliseconds.
std::optional<int64_t> take_iso_part(std::string_view& text, bool clock) {
  static constexpr int64_t kMost = 1'000'000'000;
  const auto count = take_number(text, 0);
  if (!count || *count > kMost) return std::nullopt;
  int64_t thousandths = 0;
  if (clock && take(text, '.')) {
    int64_t unit = 100;
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return std::nullopt;
    for (const char c : text.substr(0, digits)) {
      thousandths += (c - '0') * unit;
      unit /= 10;
    }
    text.remove_prefix(digits);
    if (!take(text, 'S')) return std::nullopt;
    return *count * 1000 + thousandths;
  }
  if (!clock && take(text, 'D')) return *count * 86'400'000;
  if (clock && take(text, 'H')) return *count * 3'600'000;
  if (clock && take(text, 'M')) return *count * 60'000;
  if (clock && take(text, 'S')) return *count * 1000;
  return std::nullopt;
}

// "P1DT2H30M".
std::optional<int64_t> parse_iso_length(std::string_view text) {
  if (!take(text, 'P') || text.empty() || text.ends_with('T')) return std::nullopt;
  int64_t ms = 0;
  bool clock = false;
  while (!text.empty()) {
    if (!clock && take(text, 'T')) clock = true;
    const auto part = take_iso_part(text, clock);
    if (!part || __builtin_add_overflow(ms, *part, &ms)) return std::nullopt;
  }
  return ms;
}

}  // namespace

Result<int64_t> parse_time(std::string_view option, std::string_view text, int64_t now_ms) {
  std::string_view rest = text;
  const auto number = take_number(rest, 0);
  if (number && rest.empty()) return *number;
  if (text.starts_with('-')) {
    if (const auto age = parse_length(text.substr(1))) return std::max<int64_t>(now_ms - *age, 0);
  }
  if (const auto date = parse_date(text)) return *date;
  return fail(Errc::invalid, fmt::format("{} {}: must be milliseconds since 1970, a UTC date like "
                                         "2026-01-31T12:30:00, or an age like -2h",
                                         option, text));
}

Result<int64_t> parse_duration(std::string_view option, std::string_view text) {
  if (const auto length = parse_length(text)) return *length;
  if (const auto length = parse_iso_length(text)) return *length;
  return fail(Errc::invalid, fmt::format("{} {}: must be a length of time like 2h, 7d or P1DT2H30M",
                                         option, text));
}

}  // namespace odradek::cli
