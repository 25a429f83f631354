#include "cmd/cli/times.h"

#include <fmt/format.h>

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

std::optional<int64_t> parse_date(std::string_view text) {
  const auto day = take_date(text);
  if (!day) return std::nullopt;
  int64_t ms = *day;
  if (take(text, 'T') || take(text, ' ')) {
    const auto clock = take_clock(text);
    if (!clock) return std::nullopt;
    ms += *clock;
  }
  (void)take(text, 'Z');
  return text.empty() ? std::optional(ms) : std::nullopt;
}

std::optional<int64_t> parse_age(std::string_view text) {
  if (!take(text, '-')) return std::nullopt;
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

}  // namespace

Result<int64_t> parse_time(std::string_view option, std::string_view text, int64_t now_ms) {
  std::string_view rest = text;
  const auto number = take_number(rest, 0);
  if (number && rest.empty()) return *number;
  if (const auto age = parse_age(text)) return std::max<int64_t>(now_ms - *age, 0);
  if (const auto date = parse_date(text)) return *date;
  return fail(Errc::invalid, fmt::format("{} {}: must be milliseconds since 1970, a UTC date like "
                                         "2026-01-31T12:30:00, or an age like -2h",
                                         option, text));
}

}  // namespace odradek::cli
