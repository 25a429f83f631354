#include "reactor/task.h"

#include <memory>

#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

Task<std::unique_ptr<int>> boxed(int value) { co_return std::make_unique<int>(value); }

Task<uint64_t> sum_to(uint64_t n) {
  if (n == 0) co_return 0;
  co_return n + co_await sum_to(n - 1);
}

Task<void> note(std::vector<int>& log, int value) {
  log.push_back(value);
  co_return;
}

Task<void> values_move() {
  const std::unique_ptr<int> value = co_await boxed(7);
  EXPECT_EQ(*value, 7);
}
TEST_CASE("a task hands over a value that can only be moved") {
  in_world([] { return values_move(); });
}

Task<void> nothing_without_await() {
  std::vector<int> log;
  {
    const Task<void> dropped = note(log, 1);
    EXPECT(dropped.valid());
  }
  EXPECT(log.empty());
  Task<void> kept = note(log, 2);
  co_await std::move(kept);
  EXPECT_EQ(log, std::vector<int>{2});
}
TEST_CASE("a task that nobody awaits never runs") {
  in_world([] { return nothing_without_await(); });
}

Task<void> deep() { EXPECT_EQ(co_await sum_to(1000), 500'500); }
TEST_CASE("tasks nest a thousand deep") {
  in_world([] { return deep(); });
}

Task<void> many_in_a_row() {
  std::vector<int> log;
  for (int i = 0; i < 200'000; ++i) co_await note(log, i);
  EXPECT_EQ(log.size(), 200'000);
}
TEST_CASE("awaiting tasks in a loop does not grow the stack") {
  in_world([] { return many_in_a_row(); });
}

}  // namespace
}  // namespace odradek::reactor
