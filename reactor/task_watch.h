// Which task made a turn of the loop long: as well as a clock that is read once per few tasks can
// tell. A stretch between two readings holds at most kTaskStretch tasks; the longest stretch of the
// turn names its tasks. Owned by the shard's loop.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "reactor/base/time.h"

namespace odradek::reactor {

inline constexpr size_t kTaskStretch = 4;  // a clock reading costs more than a short task

class TaskWatch {
 public:
  // The turn began at `start`; until the first reading `name` runs.
  void begin(MonoTime start, const char* name) {
    last_ = start;
    longest_ = Duration{};
    names_[0] = name;
    count_ = 1;
  }
  // A task of this name is about to run. True: it is the last of a stretch, look() after it.
  bool runs(const char* name) {
    names_[count_++] = name;
    return count_ == kTaskStretch;
  }
  // It is `at` now, between two tasks.
  void look(MonoTime at) {
    if (at - last_ > longest_) {
      longest_ = at - last_;
      suspects_ = names_;
      suspect_count_ = count_;
    }
    last_ = at;
    count_ = 0;
  }
  MonoTime last() const { return last_; }
  // What ran in the longest stretch since begin().
  std::span<const char* const> suspects() const { return {suspects_.data(), suspect_count_}; }

 private:
  std::array<const char*, kTaskStretch> names_{};
  std::array<const char*, kTaskStretch> suspects_{};
  size_t count_ = 0;
  size_t suspect_count_ = 0;
  MonoTime last_{};
  Duration longest_{};
};

}  // namespace odradek::reactor
