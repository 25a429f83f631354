#include "reactor/timer.h"

#include <algorithm>
#include <memory>

#include "reactor/base/prng.h"
#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

MonoTime at(int64_t ns) { return MonoTime(Duration(ns)); }

struct Numbered {
  Numbered(std::vector<int>& l, int n) : log(&l), number(n) {}
  std::vector<int>* log;
  int number;
  Timer timer{[](Timer& t) {
    auto* self =
        reinterpret_cast<Numbered*>(reinterpret_cast<char*>(&t) - offsetof(Numbered, timer));
    self->log->push_back(self->number);
  }};
};

TEST_CASE("timers fire in order of time, equal times in the order they were armed") {
  TimerQueue queue;
  std::vector<int> log;
  Numbered a(log, 1), b(log, 2), c(log, 3), d(log, 4);
  queue.arm(a.timer, at(30));
  queue.arm(b.timer, at(10));
  queue.arm(c.timer, at(30));
  queue.arm(d.timer, at(20));
  EXPECT(queue.next() == at(10));
  EXPECT_EQ(queue.fire_due(at(9)), 0);
  EXPECT_EQ(queue.fire_due(at(30)), 4);
  EXPECT_EQ(log, std::vector<int>{2, 4, 1, 3});
  EXPECT(queue.next() == kMonoMax);
}

TEST_CASE("a cancelled timer does not fire and can be armed again") {
  TimerQueue queue;
  std::vector<int> log;
  Numbered a(log, 1), b(log, 2);
  queue.arm(a.timer, at(10));
  queue.arm(b.timer, at(20));
  queue.cancel(a.timer);
  queue.cancel(a.timer);
  EXPECT_FALSE(a.timer.armed());
  queue.arm(a.timer, at(30));
  EXPECT_EQ(queue.fire_due(at(100)), 2);
  EXPECT_EQ(log, std::vector<int>{2, 1});
}

TEST_CASE("any mix of arming, cancelling and firing agrees with a sorted list") {
  Prng prng(3);
  TimerQueue queue;
  std::vector<int> log;
  std::vector<std::unique_ptr<Numbered>> timers;
  for (int i = 0; i < 50; ++i) timers.push_back(std::make_unique<Numbered>(log, i));
  std::vector<std::pair<std::pair<int64_t, uint64_t>, int>> model;
  uint64_t sequence = 0;
  int64_t now = 0;
  for (int round = 0; round < 20'000; ++round) {
    const int i = static_cast<int>(prng.below(50));
    Timer& timer = timers[static_cast<size_t>(i)]->timer;
    const auto same = [i](const auto& entry) { return entry.second == i; };
    if (!timer.armed()) {
      const auto when = now + static_cast<int64_t>(prng.below(100));
      queue.arm(timer, at(when));
      model.push_back({{when, ++sequence}, i});
    } else if (prng.chance(1, 3)) {
      queue.cancel(timer);
      std::erase_if(model, same);
    }
    if (!prng.chance(1, 4)) continue;
    now += static_cast<int64_t>(prng.below(10));
    std::ranges::sort(model);
    std::vector<int> due;
    while (!model.empty() && model.front().first.first <= now) {
      due.push_back(model.front().second);
      model.erase(model.begin());
    }
    log.clear();
    queue.fire_due(at(now));
    REQUIRE_EQ(log, due);
  }
  for (auto& entry : timers) queue.cancel(entry->timer);
}

}  // namespace
}  // namespace odradek::reactor
