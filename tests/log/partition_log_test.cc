// One partition's log as its users see it, on simulated disks.
#include "log/partition_log.h"

#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kFirst = partition_id(1);

TEST_CASE("what was appended is read back at consecutive offsets") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    const Appended one = co_await live.append(kFirst, {.records = 3});
    const Appended two = co_await live.append(kFirst, {.records = 1});
    EXPECT_EQ(one.base.value, 0);
    EXPECT_EQ(one.last.value, 2);
    EXPECT_EQ(two.base.value, 3);
    const auto there = co_await live.read_all(kFirst);
    EXPECT_EQ(there.size(), 2);
    EXPECT_EQ(live.log(kFirst).log_end().value, 4);
    EXPECT_EQ(live.log(kFirst).high_watermark().value, 4);
  });
}

TEST_CASE("a clean restart finds everything and says that it was clean") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    for (int i = 0; i < 20; ++i) co_await live.append(kFirst, {.records = 2, .value_bytes = 700});
  });
  EXPECT_EQ(world.stop_error, "");
  world.live([](Live& live) -> Task<void> {
    EXPECT(live.store->clean());
    REQUIRE_EQ(live.store->found().size(), 1);
    EXPECT_EQ(live.store->found()[0].topic_name, "topic1");
    must(co_await live.open(kFirst));
    EXPECT_EQ(live.log(kFirst).log_end().value, 40);
    co_await verify(live, kFirst);
    const Appended next = co_await live.append(kFirst);
    EXPECT_EQ(next.base.value, 40);
    co_await verify(live, kFirst);
  });
  EXPECT_EQ(world.stop_error, "");
}

TEST_CASE("acknowledged batches survive a power cut whatever it leaves") {
  for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      LogWorld world(seed);
      for (int life = 0; life < 4; ++life) {
        world.live_until_crash(
            [](Live& live) -> Task<void> {
              must(co_await live.open(kFirst));
              co_await verify(live, kFirst);
              for (int i = 0; i < 10; ++i) {
                co_await live.append(kFirst, {.records = 2, .value_bytes = 900});
              }
              for (int i = 0; i < 3; ++i) co_await live.stage(kFirst, {.value_bytes = 3000});
            },
            outcome);
        EXPECT_FALSE(world.was_clean);
      }
    }
  }
}

}  // namespace
}  // namespace odradek::log::test
