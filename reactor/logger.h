// Lines for the operator. A line is formatted on its shard and handed to the driver, which never
// blocks: a full queue drops the line and counts it.
//   log_info("listening on {}", address);
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "reactor/shard.h"

namespace odradek::reactor {

enum class LogLevel : uint8_t { info, warning, error };

// Adds wall time, level and shard to `text` and hands the line to the driver of this shard.
void write_log(LogLevel level, std::string_view text);

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace odradek::reactor
