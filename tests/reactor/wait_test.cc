#include "reactor/wait.h"

#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

MonoTime soon(Duration d) { return this_shard().now() + d; }

Task<void> wait_and_note(WaitList& list, MonoTime deadline, std::vector<int>& log, int id) {
  const bool notified = co_await list.wait(deadline);
  log.push_back(notified ? id : -id);
}

Task<void> one_by_one() {
  WaitList list;
  std::vector<int> log;
  Gate gate;
  for (int i = 1; i <= 3; ++i) {
    gate.spawn("wait", wait_and_note(list, i == 2 ? soon(1ms) : kMonoMax, log, i));
    co_await sleep_for(1us);
  }
  list.notify_one();
  co_await sleep_for(5ms);
  EXPECT_EQ(log, std::vector<int>{1, -2});
  list.notify_all();
  co_await gate.close();
  EXPECT_EQ(log, std::vector<int>{1, -2, 3});
}
TEST_CASE("waiters are woken first come first served, or by their deadline") {
  in_world([] { return one_by_one(); });
}

Task<void> level() {
  Event event;
  EXPECT_FALSE(co_await event.wait(soon(1ms)));
  event.set();
  EXPECT(co_await event.wait(soon(1ms)));
  EXPECT(co_await event.wait());
  event.reset();
  EXPECT_FALSE(co_await event.wait(soon(1ms)));
}
TEST_CASE("an event lets everybody through while it is set") {
  in_world([] { return level(); });
}

Task<void> take(Semaphore& semaphore, uint64_t units, MonoTime deadline, std::vector<int>& log,
                int id) {
  const bool taken = co_await semaphore.acquire(units, deadline);
  log.push_back(taken ? id : -id);
}

Task<void> fair() {
  Semaphore semaphore(4);
  std::vector<int> log;
  Gate gate;
  EXPECT(semaphore.try_acquire(3));
  gate.spawn("big", take(semaphore, 3, kMonoMax, log, 1));
  co_await sleep_for(1us);
  gate.spawn("small", take(semaphore, 1, kMonoMax, log, 2));
  co_await sleep_for(1us);
  EXPECT_FALSE(semaphore.try_acquire(1));  // one is free, but others were first
  EXPECT(log.empty());
  semaphore.release(3);
  co_await gate.close();
  EXPECT_EQ(log.size(), 2);
  EXPECT_EQ(semaphore.available(), 0);
}
TEST_CASE("a semaphore lets nobody overtake a larger request") {
  in_world([] { return fair(); });
}

Task<void> gives_up() {
  Semaphore semaphore(2);
  std::vector<int> log;
  Gate gate;
  gate.spawn("too big", take(semaphore, 5, soon(1ms), log, 1));
  co_await sleep_for(1us);
  gate.spawn("small", take(semaphore, 2, kMonoMax, log, 2));
  co_await gate.close();
  EXPECT_EQ(log, std::vector<int>{-1, 2});
}
TEST_CASE("units that are enough go on when the request before gives up") {
  in_world([] { return gives_up(); });
}

Task<void> sleep_and_count(int& count, Duration duration) {
  co_await sleep_for(duration);
  ++count;
}
Task<void> closing() {
  int count = 0;
  Gate gate;
  const MonoTime start = this_shard().now();
  for (int i = 1; i <= 10; ++i) gate.spawn("sleep", sleep_and_count(count, i * 10ms));
  EXPECT_EQ(gate.running(), 10);
  co_await gate.close();
  EXPECT_EQ(count, 10);
  EXPECT(gate.closed());
  EXPECT(this_shard().now() >= start + 100ms);
  EXPECT(this_shard().now() < start + 110ms);
}
TEST_CASE("closing a gate waits for all that was spawned, and no longer") {
  in_world([] { return closing(); });
}

Task<void> spin(bool& stop, int& turns) {
  while (!stop) {
    ++turns;
    co_await yield();
  }
}
Task<void> yielding() {
  bool stop = false;
  int turns = 0;
  Gate gate;
  gate.spawn("spin", spin(stop, turns));
  co_await sleep_for(10ms);
  stop = true;
  co_await gate.close();
  EXPECT(turns > 10);
}
TEST_CASE("a task that yields for ever stops neither timers nor others") {
  for (const uint32_t tasks_per_turn : {1u, 1'000'000u}) {
    in_world([] { return yielding(); }, {.tasks_per_turn = tasks_per_turn});
  }
}

}  // namespace
}  // namespace odradek::reactor
