#include "reactor/logger.h"

#include <ctime>

namespace odradek::reactor {

static std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::info: return "INFO ";
    case LogLevel::warning: return "WARN ";
    case LogLevel::error: return "ERROR";
  }
  return "?";
}

void write_log(LogLevel level, std::string_view text) {
  Shard& shard = this_shard();
  const int64_t ms = shard.wall_now().ms;
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char stamp[32];
  const size_t n = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  const bool kept = shard.driver().write_log_line(
      fmt::format("{}.{:03}Z {} [{}] {}", std::string_view(stamp, n), ms % 1000, level_name(level),
                  shard.id().value, text));
  shard.note_log_line(kept);
}

}  // namespace odradek::reactor
