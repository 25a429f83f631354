#include "reactor/timer.h"

#include "reactor/base/check.h"

namespace odradek::reactor {

Timer::~Timer() { CHECK(!armed()); }

void TimerQueue::arm(Timer& timer, MonoTime when) {
  CHECK(!timer.armed());
  timer.when_ = when;
  timer.sequence_ = ++armed_count_;
  heap_.push_back(&timer);
  timer.slot_ = heap_.size() - 1;
  sift_up(timer.slot_);
}

void TimerQueue::cancel(Timer& timer) {
  if (!timer.armed()) return;
  const size_t slot = timer.slot_;
  timer.slot_ = Timer::kIdle;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(slot, last);
  sift_up(slot);
  sift_down(last->slot_);
}

size_t TimerQueue::fire_due(MonoTime now) {
  size_t fired = 0;
  while (!heap_.empty() && heap_.front()->when_ <= now) {
    Timer* timer = heap_.front();
    cancel(*timer);
    timer->on_fire_(*timer);
    ++fired;
  }
  return fired;
}

void TimerQueue::sift_up(size_t slot) {
  Timer* timer = heap_[slot];
  while (slot > 0) {
    const size_t parent = (slot - 1) / kArity;
    if (!before(timer, heap_[parent])) break;
    place(slot, heap_[parent]);
    slot = parent;
  }
  place(slot, timer);
}

void TimerQueue::sift_down(size_t slot) {
  Timer* timer = heap_[slot];
  for (;;) {
    const size_t first = slot * kArity + 1;
    if (first >= heap_.size()) break;
    size_t best = first;
    for (size_t child = first + 1; child < first + kArity && child < heap_.size(); ++child) {
      if (before(heap_[child], heap_[best])) best = child;
    }
    if (!before(heap_[best], timer)) break;
    place(slot, heap_[best]);
    slot = best;
  }
  place(slot, timer);
}

}  // namespace odradek::reactor
