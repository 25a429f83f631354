// Large batches, which go to their segment and leave an extent record in the WAL.
#include <map>

#include "log/wal_format.h"
#include "reactor/sim/disk.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kFirst = partition_id(1);

// Bytes of the groups in the WAL's files; of one life that was not stopped cleanly.
uint64_t wal_bytes_written(LogWorld& world) {
  reactor::sim::Disk& disk = world.world.disk(world.node);
  std::vector<reactor::DirEntry> files;
  REQUIRE_EQ(disk.list_dir("/data/odradek.wal", files), 0);
  uint64_t bytes = 0;
  for (const reactor::DirEntry& file : files) {
    const auto contents = disk.contents("/data/odradek.wal/" + file.name);
    REQUIRE(contents.has_value());
    for (uint64_t at = 0; at + kWalBlockBytes <= contents->size(); at += kWalBlockBytes) {
      const auto group =
          decode_wal_group_header(BytesView(*contents).subspan(at, kWalGroupHeaderBytes));
      if (group) bytes += group->header.group_bytes;
    }
  }
  return bytes;
}

TEST_CASE("a batch of 1 MiB costs the WAL less than 16 KiB") {
  LogWorld world;
  uint64_t before = 0;
  const auto fill = [&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await live.append(kFirst, {.value_bytes = 1'000});
    before = wal_bytes_written(world);
    const Appended appended = co_await live.append(kFirst, {.value_bytes = 1 << 20});
    CHECK(appended.fault == AppendFault::none, appended.message);
  };
  world.live_until_crash(fill, DiskOutcome::all_lost);
  EXPECT(before >= kWalBlockBytes);
  EXPECT(wal_bytes_written(world) > before);
  EXPECT(wal_bytes_written(world) - before < 16 << 10);
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await verify(live, kFirst);
  });
}

TEST_CASE("a large batch for which extents have no room has them destaged at once") {
  LogWorld world;
  world.options.wal_bytes = 512 << 10;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    const MonoTime began = reactor::this_shard().precise_now();
    co_await live.append(kFirst, {.value_bytes = 240'000});
    const Appended appended = co_await live.append(kFirst, {.value_bytes = 300'000});
    CHECK(appended.fault == AppendFault::none, appended.message);
    EXPECT(reactor::this_shard().precise_now() - began < 1s);
    co_await verify(live, kFirst);
  });
}

TEST_CASE("a batch larger than the WAL survives") {
  LogWorld world;
  world.options.wal_bytes = 512 << 10;
  const auto fill = [&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    for (int i = 0; i < 5; ++i) co_await live.append(kFirst, {.value_bytes = 3'000'000});
    CHECK(live.client->acked[kFirst].size() % 5 == 0);
    co_await verify(live, kFirst);
  };
  world.live_until_crash(fill, DiskOutcome::torn);
  world.live(fill);
}

TEST_CASE("in `written` mode too a killed process loses no large batch that was acknowledged") {
  LogWorld world;
  LogConfig config;
  config.durability = Durability::written;
  for (int life = 0; life < 3; ++life) {
    world.begin(
        [&](Live& live) -> Task<void> {
          must(co_await live.open(kFirst, config));
          co_await verify(live, kFirst);
          for (int i = 0; i < 4; ++i) {
            const Appended appended = co_await live.append(kFirst, {.value_bytes = 400'000});
            CHECK(appended.fault == AppendFault::none, appended.message);
          }
        },
        false);
    REQUIRE_EQ(world.world.run_until([&] { return world.scripted; }), Run::done);
    world.world.kill(world.node);
  }
}

TEST_CASE("an extent that did not get to the segment ends the log there") {
  LogWorld world;
  world.live_until_crash(
      [](Live& live) -> Task<void> {
        must(co_await live.open(kFirst));
        co_await live.append(kFirst, {.value_bytes = 300'000});
        const Appended large = co_await live.stage(kFirst, {.value_bytes = 400'000});
        const Appended small = co_await live.append(kFirst, {.value_bytes = 100});
        EXPECT_EQ(large.base.value, 1);
        EXPECT_EQ(small.base.value, 2);
      },
      DiskOutcome::all_lost);
  // As if the second batch's bytes had not come: what is behind it was not acknowledged either.
  world.world.disk(world.node).flip_bit("/data/topic1-0/00000000000000000000.log", 500'000, 3);
  std::map<int64_t, uint32_t>& acked = world.client.acked[kFirst];
  acked.erase(acked.find(2));
  world.client.watermark[kFirst] = 1;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    EXPECT_EQ(live.log(kFirst).log_end().value, 1);
    co_await verify(live, kFirst);
    const Appended next = co_await live.append(kFirst, {.value_bytes = 300'000});
    EXPECT_EQ(next.base.value, 1);
  });
}

TEST_CASE("a batch larger than a commit group survives") {
  LogWorld world;
  world.options.wal_bytes = 12 << 20;
  const auto fill = [&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    for (int i = 0; i < 5; ++i) {
      const Appended appended = co_await live.append(kFirst, {.value_bytes = 1'500'000});
      CHECK(appended.fault == AppendFault::none, appended.message);
    }
    co_await verify(live, kFirst);
  };
  world.live_until_crash(fill, DiskOutcome::torn);
  world.live(fill);
}

}  // namespace
}  // namespace odradek::log::test
