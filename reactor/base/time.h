// Two kinds of time that never mix. Monotonic time drives timers and deadlines; wall time stamps
// records and retention. Both come from the shard (reactor/shard.h), never from std::chrono::now.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace odradek {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

// Of a configuration's milliseconds, whose largest stands for never: at most a hundred years, so
// that it can be added to a point of time.
constexpr Duration duration_from_ms(int64_t ms) {
  constexpr int64_t kMsMax = 100LL * 365 * 24 * 3'600 * 1'000;
  return std::chrono::milliseconds(std::clamp(ms, -kMsMax, kMsMax));
}

struct MonoClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock, Duration>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;  // since an arbitrary start, nanoseconds
inline constexpr MonoTime kMonoMax = MonoTime::max();

// Milliseconds since 1970-01-01 UTC, as Kafka's timestamps are.
struct WallTime {
  int64_t ms = 0;
  auto operator<=>(const WallTime&) const = default;
};

}  // namespace odradek
