// Timers of one shard: a 4-ary heap of intrusive nodes, exact to the nanosecond, O(log n) to arm
// and to cancel, nothing allocated per timer but its slot in the heap. A timer fires inside
// Shard::turn(). (A heap and not a wheel: docs/decisions/0001-timer-heap.md.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "reactor/base/time.h"

namespace odradek::reactor {

class TimerQueue;

// Owned by whoever waits; must be cancelled or fired before it is destroyed.
class Timer {
 public:
  using Callback = void (*)(Timer&);
  explicit Timer(Callback on_fire) : on_fire_(on_fire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();
  bool armed() const { return slot_ != kIdle; }
  MonoTime when() const { return when_; }

 private:
  friend class TimerQueue;
  static constexpr size_t kIdle = SIZE_MAX;
  Callback on_fire_;
  MonoTime when_{};
  uint64_t sequence_ = 0;  // equal times fire in the order they were armed
  size_t slot_ = kIdle;
};

class TimerQueue {
 public:
  // REQUIRES: not armed. `when` in the past fires at the next turn.
  void arm(Timer& timer, MonoTime when);
  // No effect on a timer that is not armed.
  void cancel(Timer& timer);
  // The earliest deadline, kMonoMax without timers.
  MonoTime next() const { return heap_.empty() ? kMonoMax : heap_.front()->when_; }
  // Fires everything due at `now`; returns how many.
  size_t fire_due(MonoTime now);
  size_t size() const { return heap_.size(); }

 private:
  static constexpr size_t kArity = 4;
  static bool before(const Timer* a, const Timer* b) {
    return a->when_ != b->when_ ? a->when_ < b->when_ : a->sequence_ < b->sequence_;
  }
  void sift_up(size_t slot);
  void sift_down(size_t slot);
  void place(size_t slot, Timer* timer) {
    heap_[slot] = timer;
    timer->slot_ = slot;
  }
  std::vector<Timer*> heap_;
  uint64_t armed_count_ = 0;
};

}  // namespace odradek::reactor
