// Points in time as people write them.
#pragma once

#include <cstdint>
#include <string_view>

#include "reactor/base/result.h"

namespace odradek::cli {

// Milliseconds since 1970: a number of them, a date ("2026-01-31", "2026-01-31T12:30",
// "2026-01-31T12:30:05.250Z"; UTC), or so long before `now_ms` ("-90s", "-15m", "-2h", "-7d").
// Errc::invalid names `option`.
Result<int64_t> parse_time(std::string_view option, std::string_view text, int64_t now_ms);

}  // namespace odradek::cli
