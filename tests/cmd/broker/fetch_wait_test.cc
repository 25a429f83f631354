#include "cmd/broker/fetch_wait.h"

#include "reactor/shard.h"
#include "reactor/sim/world.h"
#include "tests/test.h"

namespace odradek::broker {
namespace {

using reactor::Task;

// Without partitions: all that counts here is who ends whom.
class NoLogs : public log::LogManager {
 public:
  Task<Status> open_partition(log::PartitionSpec) override { co_return Status{}; }
  log::PartitionLog* find(const log::TopicPartition&) override { return nullptr; }
  Errc absence(const log::TopicPartition&) const override { return Errc::moved; }
  void configure_partition(const log::TopicPartition&, const log::LogConfig&) override {}
  Task<Status> delete_partition(log::TopicPartition) override { co_return Status{}; }
  Task<Status> move_partition(log::TopicPartition, std::string) override { co_return Status{}; }
  std::optional<log::FutureLog> future_of(const log::TopicPartition&) const override { return {}; }
  Task<void> wait_handed_over(log::TopicPartition) override { co_return; }
  void configure_moves(double) override {}
  bool serves(const std::string&) const override { return true; }
  bool writable() const override { return true; }
  Task<void> run_retention() override { co_return; }
  Task<void> run_compaction() override { co_return; }
  void configure_compaction(const log::CompactionOptions&) override {}
  Task<Status> stop() override { co_return Status{}; }
};

Task<void> waiting(FetchWaits& waits, NoLogs& logs, WaitKey key, MonoTime deadline) {
  co_await waits.wait(logs, key, {}, deadline);
}

Task<void> pair_up() {
  NoLogs logs;
  FetchWaits waits;
  const MonoTime begin = reactor::this_shard().now();
  // Cancelled before, during and after.
  waits.cancel({1, 1});
  EXPECT_EQ(waits.size(), 1u);
  co_await waiting(waits, logs, {1, 1}, begin + 100s);
  EXPECT_EQ(waits.size(), 0u);
  reactor::Gate gate;
  gate.spawn("wait", waiting(waits, logs, {1, 2}, begin + 100s));
  co_await reactor::sleep_for(1s);
  EXPECT_EQ(gate.running(), 1u);
  waits.cancel({1, 2});
  co_await gate.close();
  EXPECT_EQ(waits.size(), 0u);
  co_await waiting(waits, logs, {1, 3}, reactor::this_shard().precise_now() + 1s);
  EXPECT_EQ(waits.size(), 1u);
  waits.cancel({1, 3});
  EXPECT_EQ(waits.size(), 0u);
  EXPECT(reactor::this_shard().precise_now() - begin < 5s);
}

TEST_CASE("of a wait nothing is left once it and its cancel have been, in whatever order") {
  reactor::sim::World world(1);
  world.run([] { return pair_up(); });
}

Task<void> stop_all() {
  NoLogs logs;
  FetchWaits waits;
  reactor::Gate gate;
  for (uint64_t i = 0; i < 10; ++i) gate.spawn("wait", waiting(waits, logs, {0, i}, kMonoMax));
  co_await reactor::sleep_for(1s);
  waits.stop();
  co_await gate.close();
  EXPECT_FALSE(co_await waits.wait(logs, std::vector<Awaited>{}, kMonoMax));
}

TEST_CASE("a stop ends every wait and those to come") {
  reactor::sim::World world(1);
  world.run([] { return stop_all(); });
}

}  // namespace
}  // namespace odradek::broker
