#include "reactor/shard.h"

#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

Task<uint32_t> where_am_i(Duration nap) {
  if (nap > Duration{}) co_await sleep_for(nap);
  co_return this_shard().id().value;
}

Task<void> call_and_count(ShardId to, Duration nap, uint64_t& answers) {
  const uint32_t there = co_await submit_to(to, [nap] { return where_am_i(nap); });
  CHECK(there == to.value, there, to);
  ++answers;
}

Task<void> call_everybody(uint32_t calls) {
  Gate gate;
  uint64_t answers = 0;
  for (uint32_t i = 0; i < calls; ++i) {
    const ShardId to(i % this_shard().shard_count());
    gate.spawn("call", call_and_count(to, Duration(this_shard().random() % 3 * 10'000), answers));
  }
  co_await gate.close();
  EXPECT_EQ(answers, calls);
  EXPECT_EQ(this_shard().id().value, 0);
}

TEST_CASE("submit_to runs on the other shard and comes home, with one request in flight too") {
  for (uint32_t shards = 1; shards <= 4; ++shards) {
    for (const uint32_t in_flight : {1u, kRequestsInFlightPerPeer}) {
      for (uint64_t seed = 1; seed <= 5; ++seed) {
        in_world([] { return call_everybody(200); },
                 {.shards = shards, .requests_per_peer = in_flight}, seed);
      }
    }
  }
}

TEST_CASE("more calls than a mail ring has slots all arrive") {
  in_world([] { return call_everybody(4 * kMailboxSlots); },
           {.shards = 2, .requests_per_peer = 4 * kMailboxSlots});
}

Task<void> bump(std::vector<int>& log, int value) {
  log.push_back(value);
  co_return;
}
Task<void> call_with(ShardId to, std::vector<int>& log, int value) {
  co_await submit_to(to, [&log, value] { return bump(log, value); });
}
Task<void> in_order() {
  std::vector<int> log;  // read here only after all calls are home
  for (int i = 0; i < 100; ++i) co_await call_with(ShardId(1), log, i);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(log[static_cast<size_t>(i)], i);
}
TEST_CASE("one caller's calls to a shard run in its order") {
  in_world([] { return in_order(); }, {.shards = 2, .requests_per_peer = 1});
}

Task<void> note_class(std::vector<int>& log, int value) {
  log.push_back(value);
  co_return;
}
Task<void> by_class() {
  std::vector<int> log;
  Gate gate;
  gate.spawn("background", note_class(log, 4), TaskClass::background);
  gate.spawn("replication", note_class(log, 3), TaskClass::replication);
  gate.spawn("request", note_class(log, 2), TaskClass::request);
  gate.spawn("completion", note_class(log, 1), TaskClass::completion);
  co_await gate.close();
  EXPECT_EQ(log, std::vector<int>{1, 2, 3, 4});
}
TEST_CASE("ready tasks run class by class") {
  in_world([] { return by_class(); });
}

Task<void> ping_pong(uint32_t rounds) {
  for (uint32_t i = 0; i < rounds; ++i) {
    const ShardId to(1 + i % (this_shard().shard_count() - 1));
    co_await submit_to(to, [] { return where_am_i(1us); });
  }
}
TEST_CASE("no wake is lost between shards that sleep all the time") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    in_world([] { return ping_pong(300); }, {.shards = 3}, seed);
  }
}

}  // namespace
}  // namespace odradek::reactor
