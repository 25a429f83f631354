// One partition's log as its users see it, on simulated disks.
#include "log/partition_log.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "log/partition.h"
#include "log/wal_scan.h"
#include "reactor/file.h"
#include "reactor/metrics.h"
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

Task<void> read_ring(uint64_t& bytes, size_t& files, size_t& live) {
  const std::unique_ptr<WalScan> scan = must(co_await WalScan::open("/data"));
  bytes = scan->bytes_read();
  files = scan->files().size();
  live = scan->wals().size();
}

TEST_CASE("a start after a clean stop reads nothing of the WAL but its files' headers") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    for (int i = 0; i < 50; ++i) co_await live.append(kFirst, {.value_bytes = 20'000});
  });
  uint64_t bytes = 0;
  size_t files = 0;
  size_t live_wals = 1;
  world.world.run([&] { return read_ring(bytes, files, live_wals); },
                  {.name = "scan", .disk = "node"});
  EXPECT_EQ(live_wals, 0);
  EXPECT(files >= 2);
  EXPECT_EQ(bytes, files * kWalFileHeaderBytes);
}

TEST_CASE("a clean stop's mark that was put back beside a later WAL counts for nothing") {
  LogWorld world;
  const Script life = [](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await live.append(kFirst, {.value_bytes = 700});
  };
  world.live(life);
  reactor::sim::Disk& disk = world.world.disk("node");
  const std::vector<uint8_t> mark = *disk.contents("/data/odradek.clean");
  world.live_until_crash(life, DiskOutcome::all_lost);
  EXPECT_FALSE(disk.contents("/data/odradek.clean"));
  disk.put("/data/odradek.clean", mark);
  world.live([](Live& live) -> Task<void> {
    EXPECT_FALSE(live.store->clean());
    must(co_await live.open(kFirst));
    co_await verify(live, kFirst);
  });
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

TEST_CASE(
    "an idempotent retry gets the first attempt's offsets, after a restart and after a crash") {
  LogWorld world;
  const BatchSpec spec{.records = 2, .timestamp_ms = 77, .producer = 9, .epoch = 0, .sequence = 0};
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await live.append(kFirst);
    EXPECT_EQ((co_await live.append(kFirst, spec)).base.value, 1);
    const Appended again = co_await live.append(kFirst, spec);
    EXPECT(again.duplicate);
    EXPECT(again.log_append_time_ms > 0);
    EXPECT_EQ(again.base.value, 1);
    EXPECT_EQ(again.last.value, 2);
  });
  const auto retry = [&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    const Appended again = co_await live.append(kFirst, spec);
    EXPECT(again.duplicate);
    EXPECT_EQ(again.base.value, 1);
    const Appended gap = co_await live.append(
        kFirst, {.timestamp_ms = 78, .producer = 9, .epoch = 0, .sequence = 5});
    EXPECT_EQ(gap.fault, AppendFault::out_of_order_sequence);
  };
  world.live_until_crash(retry, DiskOutcome::all_lost);
  world.live(retry);
  world.live(retry);
}

// Trap 23.
TEST_CASE("the state of producers is found again behind several rolls") {
  LogConfig config;
  config.segment_bytes = 10'000;
  LogWorld world;
  const auto spec_at = [](int32_t sequence) {
    return BatchSpec{.timestamp_ms = 5'000 + sequence,
                     .value_bytes = 3'000,
                     .producer = 9,
                     .epoch = 0,
                     .sequence = sequence};
  };
  world.live_until_crash(
      [&](Live& live) -> Task<void> {
        must(co_await live.open(kFirst, config));
        for (int32_t i = 0; i < 12; ++i) co_await live.append(kFirst, spec_at(i));
      },
      DiskOutcome::torn);
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    const Appended again = co_await live.append(kFirst, spec_at(11));
    EXPECT(again.duplicate);
    EXPECT_EQ(again.base.value, 11);
    EXPECT_EQ((co_await live.append(kFirst, spec_at(12))).base.value, 12);
    co_await verify(live, kFirst);
  });
}

// Retention has left the segment that is written and nothing before it; then power goes.
static void lose_all_but_the_last_segment(LogWorld& world, const LogConfig& config,
                                          const std::vector<BatchSpec>& specs) {
  world.live_until_crash(
      [&](Live& live) -> Task<void> {
        must(co_await live.open(kFirst, config));
        for (const BatchSpec& spec : specs) co_await live.append(kFirst, spec);
        co_await reactor::sleep_for(1s);
        co_await live.manager->run_retention();
        EXPECT(live.log(kFirst).log_start().value > 0);
      },
      DiskOutcome::all_lost);
}

TEST_CASE("a retry is known whose batch retention took, also when no earlier segment is left") {
  LogConfig config;
  config.segment_bytes = 10'000;
  config.segment_ms = INT64_MAX;  // these records are old
  config.retention_bytes = 1;
  config.retention_ms = -1;
  LogWorld world;
  const auto spec_at = [](int32_t sequence) {
    return BatchSpec{.timestamp_ms = 5'000 + sequence,
                     .value_bytes = 3'000,
                     .producer = 9,
                     .epoch = 0,
                     .sequence = sequence};
  };
  std::vector<BatchSpec> specs;
  for (int32_t i = 0; i < 10; ++i) specs.push_back(spec_at(i));
  lose_all_but_the_last_segment(world, config, specs);
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    // The last five of a producer are known: one in the segment that is left, four before it.
    EXPECT_EQ(live.log(kFirst).log_start().value, 9);
    for (const int32_t sequence : {5, 8, 9}) {
      const Appended again = co_await live.append(kFirst, spec_at(sequence));
      EXPECT(again.duplicate);
      EXPECT_EQ(again.base.value, sequence);
    }
    EXPECT_EQ((co_await live.append(kFirst, spec_at(10))).base.value, 10);
  });
}

TEST_CASE("a retry is known when records were deleted up to the log's end") {
  LogWorld world;
  const BatchSpec spec{.timestamp_ms = 77, .producer = 9, .epoch = 0, .sequence = 0};
  world.live_until_crash(
      [&](Live& live) -> Task<void> {
        must(co_await live.open(kFirst));
        co_await live.append(kFirst, spec);
        EXPECT_EQ(must(co_await live.log(kFirst).delete_records(Offset(-1))).value, 1);
      },
      DiskOutcome::all_lost);
  const auto retry = [&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    const Appended again = co_await live.append(kFirst, spec);
    EXPECT(again.duplicate);
    EXPECT_EQ(again.base.value, 0);
  };
  world.live_until_crash(retry, DiskOutcome::all_lost);
  world.live(retry);
}

TEST_CASE("a log much larger than the WAL and the tail's memory is read back from its files") {
  LogWorld world;
  world.options.wal_bytes = 1 << 20;
  world.node_options.arena_bytes = 16 << 20;
  LogConfig config;
  config.segment_bytes = 4 << 20;
  const auto fill = [&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    for (int i = 0; i < 150; ++i) {
      const Appended appended = co_await live.append(kFirst, {.value_bytes = 200'000});
      CHECK(appended.fault == AppendFault::none, appended.message);
    }
    co_await verify(live, kFirst);
  };
  world.live(fill);
  world.live_until_crash(fill, DiskOutcome::all_lost);
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    EXPECT_EQ(live.log(kFirst).log_end().value, 300);
    co_await verify(live, kFirst);
  });
}

TEST_CASE("many lukewarm partitions share one WAL that is smaller than what they hold") {
  LogWorld world;
  world.options.wal_bytes = 512 << 10;
  const auto fill = [](Live& live) -> Task<void> {
    for (int32_t p = 0; p < 150; ++p) must(co_await live.open(partition_id(3, p)));
    for (int round = 0; round < 8; ++round) {
      for (int32_t p = 0; p < 150; ++p) {
        const Appended appended = co_await live.append(partition_id(3, p), {.value_bytes = 1'000});
        CHECK(appended.fault == AppendFault::none, appended.message);
      }
    }
    for (int32_t p = 0; p < 150; ++p) co_await verify(live, partition_id(3, p));
  };
  world.live_until_crash(fill, DiskOutcome::random);
  world.live_until_crash(fill, DiskOutcome::all_lost);
  world.live(fill);
}

// Trap 79.
TEST_CASE("deleted records stay deleted, and what is below the log start is out of range") {
  LogWorld world;
  world.live_until_crash(
      [](Live& live) -> Task<void> {
        must(co_await live.open(kFirst));
        for (int i = 0; i < 10; ++i) co_await live.append(kFirst);
        EXPECT_EQ(must(co_await live.log(kFirst).delete_records(Offset(4))).value, 4);
        EXPECT_EQ(must(co_await live.log(kFirst).delete_records(Offset(2))).value, 4);
        const auto beyond = co_await live.log(kFirst).delete_records(Offset(11));
        REQUIRE_FALSE(beyond.has_value());
        EXPECT_EQ(beyond.error().code, Errc::out_of_range);
      },
      DiskOutcome::all_lost);
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    EXPECT_EQ(live.log(kFirst).log_start().value, 4);
    const auto read = co_await live.log(kFirst).read({.from = Offset(3), .limit = Offset(10)});
    REQUIRE_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, Errc::out_of_range);
    EXPECT_EQ(must(co_await live.log(kFirst).delete_records(Offset(-1))).value, 10);
  });
}

TEST_CASE("a deleted partition does not come back, and a new one of its name starts empty") {
  for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
    LogWorld world;
    world.live_until_crash(
        [](Live& live) -> Task<void> {
          must(co_await live.open(kFirst));
          for (int i = 0; i < 10; ++i) co_await live.append(kFirst, {.value_bytes = 3'000});
          must(co_await live.manager->delete_partition(kFirst));
          EXPECT(live.manager->find(kFirst) == nullptr);
        },
        outcome);
    world.client = {};
    world.client.next_timestamp = 9'000'000;
    world.live_until_crash(
        [](Live& live) -> Task<void> {
          EXPECT_EQ(live.store->found().size(), 0);
          must(co_await live.open(kFirst));
          EXPECT_EQ(live.log(kFirst).log_end().value, 0);
          for (int i = 0; i < 3; ++i) co_await live.append(kFirst, {.value_bytes = 500});
        },
        outcome);
    world.live([](Live& live) -> Task<void> {
      must(co_await live.open(kFirst));
      EXPECT_EQ(live.log(kFirst).log_end().value, 3);
      co_await verify(live, kFirst);
    });
  }
}

TEST_CASE("a batch in a file that does not fit into a read is not skipped for what is in memory") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await live.append(kFirst, {.value_bytes = 40'000});
  });
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await live.append(kFirst, {.value_bytes = 100});
    const LogSlice nothing = must(co_await live.log(kFirst).read(
        {.from = Offset(0), .bytes_max = 10'000, .limit = Offset(2)}));
    EXPECT_EQ(nothing.bytes, 0);
    const LogSlice whole = must(co_await live.log(kFirst).read(
        {.from = Offset(0), .bytes_max = 10'000, .limit = Offset(2), .at_least_one = true}));
    EXPECT_EQ(whole.first.value, 0);
  });
}

TEST_CASE(
    "a time is searched from the log start on, although memory still holds what was deleted") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    for (int i = 0; i < 4; ++i) co_await live.append(kFirst, {.records = 3});
    EXPECT_EQ(must(co_await live.log(kFirst).delete_records(Offset(4))).value, 4);
    const auto found = must(co_await live.log(kFirst).offset_for_time(0, Offset(12)));
    EXPECT_EQ(found.offset.value, 4);
  });
}

static Task<void> delete_log(Live& live, TopicPartition id) {
  must(co_await live.manager->delete_partition(id));
}

TEST_CASE("whoever watches a log is told before nobody can find it any more") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await live.append(kFirst);
    PartitionLog::Watcher watcher;
    watcher.on_progress = [](PartitionLog::Watcher&) {};
    live.log(kFirst).add_watcher(watcher);
    reactor::Gate gate;
    gate.spawn("delete", delete_log(live, kFirst));
    while (live.manager->find(kFirst)) co_await reactor::yield();
    EXPECT(!watcher.registered);
    co_await gate.close();
  });
}

TEST_CASE("the files of a deleted partition go after file.delete.delay.ms") {
  LogWorld world;
  LogConfig config;
  config.file_delete_delay_ms = 5'000;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    co_await live.append(kFirst);
    must(co_await live.manager->delete_partition(kFirst));
    const auto before = must(co_await reactor::list_directory("/data"));
    const auto deleted = [](const auto& entries) {
      return std::ranges::count_if(
          entries, [](const reactor::DirEntry& entry) { return entry.name.ends_with("-delete"); });
    };
    EXPECT_EQ(deleted(before), 1);
    co_await reactor::sleep_for(10s);
    const auto after = must(co_await reactor::list_directory("/data"));
    EXPECT_EQ(deleted(after), 0);
  });
}

TEST_CASE("retention removes the oldest segments by size and by age, never what is newer") {
  LogWorld world;
  LogConfig config;
  config.segment_bytes = 10'000;
  config.retention_bytes = 25'000;
  config.retention_ms = -1;
  const int64_t now =
      world.world.wall_ms(world.world.start({.name = "clock"}, []() -> Task<int> { co_return 0; }));
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    for (int i = 0; i < 20; ++i) {
      co_await live.append(kFirst, {.timestamp_ms = now - 10'000 + i, .value_bytes = 4'000});
    }
    co_await reactor::sleep_for(1s);
    co_await live.manager->run_retention();
    EXPECT(live.log(kFirst).size_bytes() <= 35'000);
    EXPECT(live.log(kFirst).size_bytes() >= 25'000);
    const int64_t start = live.log(kFirst).log_start().value;
    EXPECT(start > 0);
    live.client->start[kFirst] = start;
    co_await verify(live, kFirst);
    config.retention_ms = 1'000;
    live.log(kFirst).configure(config);
    co_await live.manager->run_retention();
    co_await reactor::sleep_for(1s);
    co_await live.manager->run_retention();
    EXPECT_EQ(live.log(kFirst).log_start().value, 20);
    const auto families = reactor::this_shard().metrics().snapshot().families;
    const auto& segments = families.at("odradek_retention_deleted_segments_total").samples;
    const auto& bytes = families.at("odradek_retention_deleted_bytes_total").samples;
    REQUIRE_EQ(segments.size(), 1u);
    EXPECT(segments.begin()->second.value >= 8);  // of 20 records, two in each
    EXPECT(bytes.begin()->second.value >= 80'000);
    EXPECT_EQ((co_await live.append(kFirst)).base.value, 20);
  });
  world.client.start[kFirst] = 20;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    EXPECT_EQ(live.log(kFirst).log_start().value, 20);
    co_await verify(live, kFirst);
  });
}

Task<void> delete_before(Live& live, Offset before) {
  EXPECT(must(co_await live.log(kFirst).delete_records(before)) >= before);
}

TEST_CASE("of two DeleteRecords at the same time the larger one stays, also after a restart") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    for (int i = 0; i < 10; ++i) co_await live.append(kFirst);
    reactor::Gate gate;
    for (const int64_t before : {5, 8, 3}) {
      gate.spawn("delete records", delete_before(live, Offset(before)));
      co_await reactor::yield();
    }
    co_await gate.close();
    EXPECT_EQ(live.log(kFirst).log_start().value, 8);
  });
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    EXPECT_EQ(live.log(kFirst).log_start().value, 8);
  });
}

TEST_CASE("after a failed fsync nothing is acknowledged and the directory is fenced") {
  LogWorld world;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst));
    co_await live.append(kFirst);
    world.world.disk("node").inject(
        {.code = reactor::OpCode::fdatasync, .path_part = ".wal", .error = EIO, .count = 1});
    world.world.disk("node").inject(
        {.code = reactor::OpCode::write_sync, .path_part = ".wal", .error = EIO, .count = 1});
    const Appended staged = co_await live.stage(kFirst);
    const Status visible = co_await live.log(kFirst).wait_visible(staged.last, kMonoMax);
    REQUIRE_FALSE(visible.has_value());
    EXPECT_EQ(visible.error().code, Errc::fenced);
    EXPECT_FALSE(live.manager->writable());
    const Appended after = co_await live.append(kFirst);
    EXPECT_EQ(after.fault, AppendFault::storage_error);
    EXPECT_EQ(live.log(kFirst).high_watermark().value, 1);
    co_await verify(live, kFirst);
  });
  EXPECT_NE(world.stop_error, "");
  world.world.disk("node").clear_faults();  // one of the two was enough
  world.live([](Live& live) -> Task<void> {
    EXPECT_FALSE(live.store->clean());
    must(co_await live.open(kFirst));
    co_await verify(live, kFirst);
    EXPECT_EQ((co_await live.append(kFirst)).fault, AppendFault::none);
  });
}

TEST_CASE("a roll leaves the leader epochs beside the segments, as Kafka does") {
  LogWorld world;
  LogConfig config;
  config.segment_bytes = 20'000;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config, 3));
    for (int i = 0; i < 3; ++i) co_await live.append(kFirst, {.value_bytes = 5'000});
    live.log(kFirst).begin_epoch(LeaderEpoch(7));
    for (int i = 0; i < 3; ++i) co_await live.append(kFirst, {.value_bytes = 5'000});
    const auto file = world.world.disk("node").contents("/data/topic1-0/leader-epoch-checkpoint");
    CHECK(file.has_value());
    EXPECT_EQ(std::string(as_text(*file)), "0\n2\n3 0\n7 3\n");
  });
}

TEST_CASE("a time is found per record, in files and in memory, not below the log start") {
  LogWorld world;
  LogConfig config;
  config.segment_bytes = 5'000;
  // Offset i has time 1'000'000 + 10 i; two records a batch, three batches a segment.
  const auto look = [](Live& live) -> Task<void> {
    PartitionLog& log = live.log(kFirst);
    const Offset end = log.high_watermark();
    const OffsetAndTime at = must(co_await log.offset_for_time(1'000'035, end));
    EXPECT_EQ(at.offset.value, 4);
    EXPECT_EQ(at.timestamp_ms, 1'000'040);
    EXPECT_EQ(must(co_await log.offset_for_time(1'000'190, end)).offset.value, 19);
    EXPECT_EQ(must(co_await log.offset_for_time(1'000'191, end)).offset.value, -1);
    EXPECT_EQ(must(co_await log.offset_for_time(1'000'190, Offset(18))).offset.value, -1);
    EXPECT_EQ(must(co_await log.offset_of_max_time()).offset.value, 19);
  };
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    for (int i = 0; i < 10; ++i) {
      co_await live.append(
          kFirst,
          {.records = 2, .timestamp_ms = 1'000'000 + 20 * i, .step_ms = 10, .value_bytes = 600});
    }
    co_await look(live);
  });
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    co_await look(live);
    must(co_await live.log(kFirst).delete_records(Offset(3)));
    const Offset end = live.log(kFirst).high_watermark();
    EXPECT_EQ(must(co_await live.log(kFirst).offset_for_time(0, end)).offset.value, 3);
    EXPECT_EQ(must(co_await live.log(kFirst).offset_for_time(1'000'050, end)).offset.value, 5);
  });
}

TEST_CASE("a segment ends when segment.ms passed between its first record and the next") {
  LogWorld world;
  LogConfig config;
  config.segment_ms = 1'000;
  const auto segments = [&] {
    return std::ranges::count_if(world.world.disk("node").files(),
                                 [](const std::string& path) { return path.ends_with(".log"); });
  };
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    co_await live.append(kFirst, {.timestamp_ms = 100'000});
    co_await live.append(kFirst, {.timestamp_ms = 101'000});
    EXPECT_EQ(segments(), 1);
    co_await live.append(kFirst, {.timestamp_ms = 101'001});
    EXPECT_EQ(segments(), 2);
  });
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    co_await live.append(kFirst, {.timestamp_ms = 102'001});
    EXPECT_EQ(segments(), 2);
    co_await live.append(kFirst, {.timestamp_ms = 102'002});
    EXPECT_EQ(segments(), 3);
    co_await verify(live, kFirst);
  });
}

TEST_CASE("segment.jitter.ms shortens each segment by chance") {
  LogWorld world;
  LogConfig config;
  config.segment_ms = 100'000;
  config.segment_jitter_ms = INT64_MAX;
  std::set<int64_t> lengths;
  size_t segments = 0;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, config));
    for (int64_t i = 0; i < 200; ++i) {
      co_await live.append(kFirst, {.timestamp_ms = 5'000 + i * 10'000});
    }
    std::vector<int64_t> bases;
    const auto& log = static_cast<Partition&>(live.log(kFirst)).segments();
    for (size_t i = 0; i < log.size(); ++i) bases.push_back(log.at(i).base().value);
    segments = bases.size();
    for (size_t i = 1; i < bases.size(); ++i) lengths.insert(bases[i] - bases[i - 1]);
  });
  // Without it each would have eleven batches, and with all of it each one.
  EXPECT(segments > 20);
  EXPECT(segments < 100);
  EXPECT(lengths.size() > 3);
}

TEST_CASE("every start of a higher epoch is remembered with its offset") {
  LogWorld world;
  world.live_until_crash(
      [](Live& live) -> Task<void> {
        must(co_await live.open(kFirst, {}, 3));
        for (int i = 0; i < 4; ++i) co_await live.append(kFirst);
        live.log(kFirst).begin_epoch(LeaderEpoch(5));
        for (int i = 0; i < 4; ++i) co_await live.append(kFirst);
      },
      DiskOutcome::all_lost);
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kFirst, {}, 6));
    PartitionLog& log = live.log(kFirst);
    EXPECT_EQ(log.epoch_of(Offset(3)).value, 3);
    EXPECT_EQ(log.epoch_of(Offset(4)).value, 5);
    EXPECT_EQ(log.end_of_epoch(LeaderEpoch(3)).offset.value, 4);
    EXPECT_EQ(log.end_of_epoch(LeaderEpoch(4)).epoch.value, 3);
    EXPECT_EQ(log.end_of_epoch(LeaderEpoch(5)).offset.value, 8);
    EXPECT_EQ(log.end_of_epoch(LeaderEpoch(6)).offset.value, 8);
    EXPECT_EQ(log.end_of_epoch(LeaderEpoch(7)).offset.value, -1);
    co_return;
  });
}

}  // namespace
}  // namespace odradek::log::test
