#include "cmd/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cmd/cli/table.h"

namespace odradek::cli {

static constexpr Duration kPause = 250ms;

Progress::Progress(bool wanted, std::string what, uint64_t total_bytes)
    : shown_(wanted && ::isatty(STDERR_FILENO) == 1),
      what_(std::move(what)),
      total_bytes_(total_bytes) {}

void Progress::update(uint64_t records, uint64_t bytes, MonoTime now) {
  if (!shown_) return;
  if (began_ == MonoTime{}) began_ = last_ = now;
  if (now - last_ < kPause) return;
  last_ = now;
  printed_ = true;
  const std::string part =
      total_bytes_ == 0
          ? ""
          : fmt::format(" {:3} %", 100 * std::min(bytes, total_bytes_) / total_bytes_);
  fmt::print(stderr, "\r{}:{} {}\x1b[K", what_, part, amount_text(records, bytes, now - began_));
  (void)std::fflush(stderr);
}

void Progress::clear() {
  if (printed_) fmt::print(stderr, "\r\x1b[K");
  printed_ = false;
}

std::string amount_text(uint64_t records, uint64_t bytes, Duration time) {
  const double seconds = static_cast<double>(time.count()) / 1e9;
  const double rate = seconds > 0 ? static_cast<double>(records) / seconds : 0;
  return fmt::format("{} records, {}, {:.2f} s, {:.0f} records/s", records, bytes_text(bytes),
                     seconds, rate);
}

}  // namespace odradek::cli
