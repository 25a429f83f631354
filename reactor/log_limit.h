// Keeps one kind of log line from becoming a storm: at most one each interval; what was held back
// is told with the next. Owned by one shard.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "reactor/base/time.h"

namespace odradek::reactor {

class LogLimit {
 public:
  explicit LogLimit(Duration interval) : interval_(interval) {}
  // When a line may be written at `now`: how many were held back since the last one.
  std::optional<uint64_t> allow(MonoTime now) {
    if (written_ && now - last_ < interval_) {
      ++held_back_;
      return std::nullopt;
    }
    written_ = true;
    last_ = now;
    return std::exchange(held_back_, 0);
  }

 private:
  Duration interval_;
  MonoTime last_{};
  bool written_ = false;
  uint64_t held_back_ = 0;
};

}  // namespace odradek::reactor
