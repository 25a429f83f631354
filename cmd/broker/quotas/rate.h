// How much came in a sliding time: the arithmetic of Kafka's quotas, so that a client is throttled
// as long by us as by Kafka. Pure: times are given, in milliseconds of any clock that does not go
// back. Whoever owns an object calls it on one shard.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace odradek::broker {

// quota.window.num and quota.window.size.seconds. REQUIRES: both are at least 1.
struct QuotaWindows {
  int64_t count = 11;
  int64_t each_ms = 1000;
  int64_t all_ms() const { return count * each_ms; }
};

// A rate per second over `count` windows (Kafka's Rate over a WindowedSum): what came since the
// oldest window began, divided by the time since then, but by no less than `count` - 1 windows.
//
//     |  60  |  0  |  45  | 12 .         rate = (60 + 45 + 12) / span, span >= (count - 1) windows
//     ^ oldest                ^ now
//
// A window begins with the first value after the one before was full. One that had nothing for
// `count` windows counts no more. Bounds: count + 1 windows.
class SampledRate {
 public:
  // `value` may be negative: it takes back what was recorded at the same time.
  void record(const QuotaWindows& windows, double value, int64_t now_ms);
  double per_second(const QuotaWindows& windows, int64_t now_ms);
  // How long nothing may come until the rate is `limit` again, as Kafka tells it: 0 when it is not
  // above, and when the limit is not a number.
  int64_t throttle_ms(const QuotaWindows& windows, double limit, int64_t now_ms);

 private:
  struct Window {
    int64_t begin_ms;
    int64_t last_ms;  // of the last value
    double sum;
  };
  void forget_old(const QuotaWindows& windows, int64_t now_ms);
  int64_t span_ms(const QuotaWindows& windows, int64_t now_ms) const;

  std::vector<Window> windows_;  // a ring; the newest stands at current_
  size_t current_ = 0;
};

// Credit that grows with time up to what all windows together allow (KIP-599): who has any may
// spend more than there is, and then waits until it has grown above zero again. Full at first.
class TokenBucket {
 public:
  double tokens(const QuotaWindows& windows, double limit, int64_t now_ms);
  void spend(const QuotaWindows& windows, double limit, double amount, int64_t now_ms);
  // Until the credit is zero again; 0 when it is not below.
  int64_t throttle_ms(const QuotaWindows& windows, double limit, int64_t now_ms);

 private:
  double tokens_ = 0;
  std::optional<int64_t> updated_ms_;
};

}  // namespace odradek::broker
