// A disk without room: what is refused, what goes on, and that nothing is lost meanwhile.
#include "log/partition_log.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kFirst = partition_id(1);

TEST_CASE(
    "a full disk refuses appends, reads go on, and appends do too when there is space again") {
  LogWorld world;
  world.options.disk_reserve_bytes = 1 << 20;
  LogConfig config;
  config.segment_bytes = 100'000;
  config.retention_bytes = 200'000;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    co_await live.append(kFirst, {.value_bytes = 50'000});
    co_await reactor::sleep_for(5s);
    reactor::sim::Disk& disk = world.world.disk("node");
    disk.options().capacity_bytes = disk.used_bytes() + (2 << 20);
    AppendFault fault = AppendFault::none;
    for (int i = 0; i < 200 && fault == AppendFault::none; ++i) {
      fault = (co_await live.append(kFirst, {.value_bytes = 50'000})).fault;
    }
    EXPECT_EQ(fault, AppendFault::storage_error);
    EXPECT_FALSE(live.manager->writable());
    co_await verify(live, kFirst);
    disk.options().capacity_bytes += 64 << 20;
    co_await reactor::sleep_for(2s);
    EXPECT_EQ((co_await live.append(kFirst, {.value_bytes = 50'000})).fault, AppendFault::none);
    EXPECT(live.manager->writable());
    co_await verify(live, kFirst);
  });
  EXPECT_EQ(world.stop_error, "");
}

TEST_CASE("partitions go, and others serve, while the disk has no space left at all") {
  LogWorld world;
  LogConfig config;
  config.file_delete_delay_ms = 10;
  const TopicPartition second = partition_id(2);
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    must(co_await live.open(second, config));
    for (int i = 0; i < 5; ++i) co_await live.append(second, {.value_bytes = 100'000});
    co_await live.append(kFirst, {.value_bytes = 50'000});
    co_await reactor::sleep_for(40s);  // for the WAL to grow
    reactor::sim::Disk& disk = world.world.disk("node");
    disk.options().capacity_bytes = disk.used_bytes();
    EXPECT_EQ((co_await live.append(kFirst, {.value_bytes = 900'000})).fault,
              AppendFault::storage_error);
    co_await verify(live, kFirst);
    must(co_await live.manager->delete_partition(second));
    live.client->forget(second);
    // What the deletion gave back is less than the reserve; without one it is enough.
    disk.options().capacity_bytes += world.options.disk_reserve_bytes;
    co_await reactor::sleep_for(3s);
    EXPECT_EQ((co_await live.append(kFirst, {.value_bytes = 200'000})).fault, AppendFault::none);
    co_await verify(live, kFirst);
  });
  EXPECT_EQ(world.stop_error, "");
}

// Appends, small ones and such that need a segment, while the disk has `room` bytes left.
Task<void> fill_disk(Live& live, reactor::sim::Disk& disk, uint64_t room) {
  LogConfig config;
  config.segment_bytes = 20'000;
  config.retention_ms = -1;
  must(co_await live.open(kFirst, config));
  for (int i = 0; i < 30; ++i) co_await live.append(kFirst, {.value_bytes = 6'000});
  disk.options().capacity_bytes = disk.used_bytes() + room;
  for (size_t i = 0; i < 60; ++i) {
    (void)co_await live.append(kFirst, {.value_bytes = i % 3 == 0 ? 9'000u : 700u});
  }
  co_await reactor::sleep_for(3s);
  co_await verify(live, kFirst);
  disk.options().capacity_bytes = 4ull << 30;
  co_await reactor::sleep_for(3s);
  EXPECT_EQ((co_await live.append(kFirst, {.value_bytes = 9'000})).fault, AppendFault::none);
  EXPECT_EQ((co_await live.append(kFirst)).fault, AppendFault::none);
  co_await verify(live, kFirst);
}

TEST_CASE("wherever the space ends, nothing is lost, and the log goes on when there is some") {
  for (uint64_t room = 0; room < 50; ++room) {
    CAPTURE(room);
    LogWorld world(room + 1);
    world.options.disk_reserve_bytes = 0;
    const auto script = [&](Live& live) {
      return fill_disk(live, world.world.disk("node"), room * 4'096);
    };
    world.live_until_crash(script, room % 2 == 0 ? DiskOutcome::all_lost : DiskOutcome::random);
    world.live([](Live& live) -> Task<void> {
      must(co_await live.open(kFirst));
      co_await verify(live, kFirst);
    });
  }
}

}  // namespace
}  // namespace odradek::log::test
