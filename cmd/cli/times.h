// Points in time as people write them.
#pragma once

#include <cstdint>
#include <string_view>

#include "reactor/base/result.h"

namespace odradek::cli {

// Milliseconds since 1970: a number of them, a date ("2026-01-31", "2026-01-31T12:30",
// "2026-01-31T12:30:05.250Z"; UTC, unless it ends as "+02:00"), or so long before `now_ms` ("-90s",
// "-15m", "-2h", "-7d"). Errc::invalid names `option`.
Result<int64_t> parse_time(std::string_view option, std::string_view text, int64_t now_ms);

// Milliseconds of a length of time: "90s", "15m", "2h", "7d", or ISO 8601 as Kafka's tools want it:
// "P1DT2H30M", "PT0.5S". Errc::invalid names `option`.
Result<int64_t> parse_duration(std::string_view option, std::string_view text);

}  // namespace odradek::cli
