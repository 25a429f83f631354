#include <algorithm>
#include <set>

#include "log/checkpoint_files.h"
#include "log/release.h"
#include "reactor/base/prng.h"
#include "reactor/file.h"
#include "tests/log/compaction_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kLog = partition_id(9);

std::string value_of(int i, size_t bytes = 400) {
  return std::to_string(i) + std::string(bytes, static_cast<char>('a' + i % 26));
}

// `count` batches of two records over `keys` keys.
Task<void> fill(Live& live, KeyedModel& model, int count, int keys, Codec codec = Codec::none) {
  for (int i = 0; i < count; ++i) {
    KeyedBatch batch{.codec = codec};
    for (int k = 0; k < 2; ++k) {
      const int n = 2 * i + k;
      batch.records.push_back({"k" + std::to_string(n % keys), value_of(n), 5'000 + n});
    }
    co_await append_keyed(live, kLog, model, batch);
  }
  // What is closed is in its file soon: the destager needs a moment.
  co_await reactor::sleep_for(500ms);
}

// Closes the active segment, so that all before can be compacted.
Task<void> roll(Live& live, KeyedModel& model) {
  LogConfig config = live.log(kLog).config();
  LogConfig tiny = config;
  tiny.segment_bytes = 2'000;
  live.log(kLog).configure(tiny);
  co_await append_keyed(live, kLog, model, {.records = {{"roll", value_of(1, 1'500), 9'000}}});
  live.log(kLog).configure(config);
  co_await reactor::sleep_for(500ms);
}

Task<void> compact(Live& live) {
  co_await live.manager->run_compaction();
  co_await reactor::sleep_for(100ms);  // the old files go
}

uint64_t files_of(World& world, std::string_view part) {
  return static_cast<uint64_t>(std::ranges::count_if(
      world.disk("node").files(), [&](const std::string& path) { return path.contains(part); }));
}

TEST_CASE("compaction leaves the newest record of each key, at its offset") {
  for (const Codec codec : {Codec::none, Codec::zstd}) {
    LogWorld world;
    KeyedModel model;
    world.live([&](Live& live) -> Task<void> {
      must(co_await live.open(kLog, compacted_config()));
      co_await fill(live, model, 200, 10, codec);
      co_await roll(live, model);
      const uint64_t before = live.log(kLog).size_bytes();
      co_await compact(live);
      const KeyedContents found = co_await verify_keyed(live, kLog, model);
      EXPECT(live.log(kLog).size_bytes() < before / 4);
      std::map<std::string, int> times;
      for (const SeenRecord& record : found.records) ++times[record.key];
      for (const auto& [key, count] : times) EXPECT_EQ(count, 1);
      EXPECT_EQ(times.size(), 11);
    });
    // And after a clean restart, which reads the new files.
    world.live([&](Live& live) -> Task<void> {
      must(co_await live.open(kLog, compacted_config(), 1));
      co_await verify_keyed(live, kLog, model);
    });
    EXPECT_EQ(files_of(world.world, ".deleted"), 0);
    EXPECT_EQ(files_of(world.world, ".cleaned"), 0);
  }
}

TEST_CASE("a second compaction goes on where the first one ended, over a restart too") {
  LogWorld world;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    co_await fill(live, model, 100, 10);
    co_await roll(live, model);
    co_await compact(live);
  });
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config(), 1));
    co_await fill(live, model, 100, 7);
    co_await roll(live, model);
    co_await compact(live);
    const KeyedContents found = co_await verify_keyed(live, kLog, model);
    std::set<std::string> keys;
    for (const SeenRecord& record : found.records) {
      if (record.key != "roll") EXPECT(keys.insert(record.key).second);
    }
  });
}

// Trap 77.
TEST_CASE("a read at a gap gives the next batch, from wherever it begins") {
  LogWorld world;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    co_await fill(live, model, 120, 13);
    co_await roll(live, model);
    co_await compact(live);
    const KeyedContents all = co_await verify_keyed(live, kLog, model);
    for (int64_t from = 0; from < model.end; from += 3) {
      const KeyedContents rest = co_await read_keyed(live, kLog, Offset(from), 3'000);
      std::vector<SeenRecord> expected;
      for (const SeenRecord& record : all.records) {
        if (record.offset >= from) expected.push_back(record);
      }
      EXPECT(rest.records == expected);
    }
    // Times are found in what is left.
    const auto found = must(co_await live.log(kLog).offset_for_time(5'000, Offset(model.end)));
    EXPECT_EQ(found.offset.value, all.records.front().offset);
  });
}

TEST_CASE("with memory for few keys compaction goes on in parts, and ends") {
  LogWorld world;
  world.options.compaction.memory_bytes = 4096;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    co_await fill(live, model, 500, 900);
    co_await fill(live, model, 500, 900);
    co_await roll(live, model);
    co_await compact(live);
    const KeyedContents found = co_await verify_keyed(live, kLog, model);
    EXPECT(found.records.size() <= 902);
  });
}

TEST_CASE("a tombstone stays for delete.retention.ms after it was cleaned, then it goes") {
  LogWorld world;
  KeyedModel model;
  LogConfig config = compacted_config();
  config.delete_retention_ms = 60'000;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, config));
    co_await fill(live, model, 40, 10);
    co_await append_keyed(live, kLog, model, {.records = {{"k3", std::nullopt, 8'000}}});
    co_await roll(live, model);
    co_await compact(live);
    const auto tombstones = [](const KeyedContents& found) {
      return std::ranges::count_if(found.records, [](const SeenRecord& r) { return !r.value; });
    };
    EXPECT_EQ(tombstones(co_await verify_keyed(live, kLog, model)), 1);
    co_await reactor::sleep_for(40s);
    co_await fill(live, model, 40, 2);
    co_await roll(live, model);
    co_await compact(live);
    EXPECT_EQ(tombstones(co_await verify_keyed(live, kLog, model)), 1);
    co_await reactor::sleep_for(40s);
    co_await fill(live, model, 40, 2);
    co_await roll(live, model);
    co_await compact(live);
    EXPECT_EQ(tombstones(co_await verify_keyed(live, kLog, model, true)), 0);
  });
}

TEST_CASE(
    "an idempotent producer goes on after its batches were compacted away and all restarted") {
  LogWorld world;
  KeyedModel model;
  int32_t sequence = 0;
  const auto batch = [&sequence] {
    return KeyedBatch{.records = {{"same", value_of(sequence, 900), 5'000}},
                      .producer = 42,
                      .epoch = 1,
                      .sequence = sequence};
  };
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    for (int i = 0; i < 30; ++i, ++sequence) {
      co_await append_keyed(live, kLog, model, batch());
    }
    // Another producer's records overtake the last one.
    co_await append_keyed(live, kLog, model, {.records = {{"same", value_of(7), 6'000}}});
    co_await roll(live, model);
    co_await compact(live);
    const KeyedContents found = co_await verify_keyed(live, kLog, model);
    const auto emptied = std::ranges::find(found.batches, 0, &BatchHeader::record_count);
    REQUIRE(emptied != found.batches.end());
    EXPECT_EQ(emptied->last_sequence(), 29);
  });
  // Snapshots gone, what it knows comes from the batches that are left.
  world.world.run(
      []() -> Task<void> {
        for (const auto& entry : *co_await reactor::list_directory("/data/topic9-0")) {
          if (entry.name.ends_with(".snapshot")) {
            must(co_await reactor::remove_file("/data/topic9-0/" + entry.name));
          }
        }
      },
      {.name = "remove", .disk = "node"});
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config(), 1));
    const Appended next = co_await append_keyed(live, kLog, model, batch());
    EXPECT_EQ(static_cast<int>(next.fault), 0);
    sequence += 5;
    const Appended gap = co_await append_keyed(live, kLog, model, batch());
    EXPECT(gap.fault == AppendFault::out_of_order_sequence);
  });
}

TEST_CASE("who reads while segments are put together misses nothing") {
  LogWorld world;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    co_await fill(live, model, 300, 40);
    co_await roll(live, model);
    bool done = false;
    int rounds = 0;
    reactor::Gate gate;
    gate.spawn("reader", [](Live& l, KeyedModel& m, bool& end, int& n) -> Task<void> {
      while (!end) {
        const KeyedContents found = co_await read_keyed(l, kLog, Offset(0), 2'000);
        std::set<std::string> keys;
        for (const SeenRecord& record : found.records) keys.insert(record.key);
        CHECK(keys.size() == 41, keys.size());
        const auto time = co_await l.log(kLog).offset_for_time(5'000 + 590, Offset(m.end));
        CHECK(time.has_value() && time->offset.value >= 0);
        ++n;
        co_await reactor::yield();
      }
    }(live, model, done, rounds));
    co_await live.manager->run_compaction();
    done = true;
    co_await gate.close();
    EXPECT(rounds >= 2);
    co_await verify_keyed(live, kLog, model);
  });
}

TEST_CASE("damage in a segment stops the compaction of its log, is named, and harms no other") {
  LogWorld world;
  KeyedModel model;
  const TopicPartition other = partition_id(10);
  KeyedModel other_model;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    co_await fill(live, model, 60, 10);
    co_await roll(live, model);
  });
  std::string victim;
  for (const std::string& path : world.world.disk("node").files()) {
    if (path.contains("topic9-0/") && path.ends_with(".log") && victim.empty()) victim = path;
  }
  world.world.run(
      [&victim]() -> Task<void> {
        auto file = must(co_await reactor::File::open(victim, {.write = true}));
        const std::string broken = "XXXX";
        must(co_await file.write(as_bytes(broken), 700));
        must(co_await file.close());
      },
      {.name = "damage", .disk = "node"});
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config(), 1));
    must(co_await live.open(other, compacted_config(), 1));
    const uint64_t before = live.log(kLog).size_bytes();
    co_await live.manager->run_compaction();
    EXPECT_EQ(live.log(kLog).size_bytes(), before);
    co_await append_keyed(live, kLog, model, {.records = {{"k", "v", 1}}});
    co_await append_keyed(live, other, other_model, {.records = {{"k", "v", 1}}});
    EXPECT_EQ(metric("odradek_compaction_uncleanable_partitions"), 1);
  });
}

TEST_CASE("without room on the disk nothing is compacted, and appends are not refused for it") {
  LogWorld world(1, {.disk = {.capacity_bytes = 2'600'000}});
  world.options.wal_bytes = 1 << 20;
  world.options.disk_reserve_bytes = 100'000;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    co_await fill(live, model, 150, 10);
    co_await roll(live, model);
    auto hog = must(co_await reactor::File::open("/data/hog", {.write = true, .create = true}));
    const auto stat = must(co_await reactor::stat_filesystem("/data"));
    must(co_await hog.allocate(0, stat.available - 130'000));
    const uint64_t before = live.log(kLog).size_bytes();
    co_await live.manager->run_compaction();
    EXPECT(live.manager->writable());
    must(co_await hog.truncate(0));
    must(co_await hog.close());
    co_await verify_keyed(live, kLog, model);
    co_await reactor::sleep_for(61s);
    co_await live.manager->run_compaction();
    EXPECT(live.log(kLog).size_bytes() < before / 2);
    co_await verify_keyed(live, kLog, model);
  });
}

// A compacted log with records of 10 keys, all of them in closed segments but the last.
static Task<void> open_filled(Live& live, KeyedModel& model) {
  must(co_await live.open(kLog, compacted_config()));
  co_await fill(live, model, 200, 10);
  co_await roll(live, model);
}

// A compaction of that log which is in the middle of its work a second later.
static Task<void> begin_compaction(Live& live, KeyedModel& model, reactor::Gate& gate) {
  co_await open_filled(live, model);
  gate.spawn("compact", live.manager->run_compaction());
  co_await reactor::sleep_for(1s);
}

TEST_CASE("compaction keeps to its rate") {
  LogWorld world;
  world.options.compaction.bytes_per_second = 100'000;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    co_await open_filled(live, model);
    const uint64_t bytes = live.log(kLog).size_bytes();
    const MonoTime began = reactor::this_shard().now();
    co_await live.manager->run_compaction();
    const std::chrono::duration<double> took = reactor::this_shard().now() - began;
    // It is read twice at least, in pieces.
    EXPECT(took.count() > 1.8 * static_cast<double>(bytes) / 100'000);
    co_await verify_keyed(live, kLog, model);
  });
}

TEST_CASE("a new rate holds at once, whatever the old one had left to wait for") {
  LogWorld world;
  world.options.compaction.bytes_per_second = 1;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    reactor::Gate gate;
    co_await begin_compaction(live, model, gate);
    CompactionOptions faster = world.options.compaction;
    faster.bytes_per_second = 100'000'000;
    const MonoTime began = reactor::this_shard().now();
    live.manager->configure_compaction(faster);
    co_await gate.close();
    EXPECT(reactor::this_shard().now() - began < 10s);
    EXPECT(metric("odradek_compaction_removed_records_total") > 0);
    co_await verify_keyed(live, kLog, model);
  });
}

// The memory that appends fill only serves reads: the map of keys has its share of it.
TEST_CASE("where appends filled the memory a log is still compacted in one round") {
  constexpr int kKeys = 60'000, kPerBatch = 1'000;
  LogWorld world;
  world.node_options.arena_bytes = 16 << 20;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    LogConfig config = compacted_config();
    config.segment_bytes = 4 << 20;
    must(co_await live.open(kLog, config));
    for (int first = 0; first < 2 * kKeys; first += kPerBatch) {
      KeyedBatch batch;
      for (int n = first; n < first + kPerBatch; ++n) {
        batch.records.push_back({"k" + std::to_string(n % kKeys), value_of(n, 150), 5'000 + n});
      }
      co_await append_keyed(live, kLog, model, batch);
    }
    co_await reactor::sleep_for(500ms);
    co_await roll(live, model);
    const reactor::Arena& arena = reactor::this_shard().arena();
    EXPECT(arena.used_bytes() > arena.limit_bytes() / 2);
    co_await compact(live);
    EXPECT_EQ(metric("odradek_compaction_runs_total"), 1);
    EXPECT_EQ(metric("odradek_compaction_removed_records_total"), kKeys);
    co_await verify_keyed(live, kLog, model);
  });
}

TEST_CASE("a log that is deleted or stopped while it is compacted ends in peace") {
  LogWorld world;
  world.options.compaction.bytes_per_second = 50'000;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    reactor::Gate gate;
    co_await begin_compaction(live, model, gate);
    must(co_await live.manager->delete_partition(kLog));
    co_await gate.close();
    model = {};
    must(co_await live.open(kLog, compacted_config(), 1));
    co_await fill(live, model, 200, 10);
    co_await roll(live, model);
    // The background begins one of its own; the stop comes in the middle of it.
    co_await reactor::sleep_for(17s);
  });
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config(), 2));
    co_await verify_keyed(live, kLog, model);
  });
}

TEST_CASE("retention takes segments from a log that is being compacted") {
  LogWorld world;
  world.options.compaction.bytes_per_second = 50'000;
  KeyedModel model;
  world.live([&](Live& live) -> Task<void> {
    reactor::Gate gate;
    co_await begin_compaction(live, model, gate);
    must(co_await live.log(kLog).delete_records(Offset(150)));
    const MonoTime began = reactor::this_shard().now();
    co_await live.manager->run_retention();
    EXPECT(reactor::this_shard().now() - began < 1s);
    EXPECT_EQ(live.log(kLog).log_start().value, 150);
    co_await gate.close();
    co_await verify_keyed(live, kLog, model);
  });
}

TEST_CASE("a release tells Kafka's cleaner how far ours was") {
  LogWorld world;
  KeyedModel model;
  int64_t clean_to = 0;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, compacted_config()));
    co_await fill(live, model, 100, 10);
    co_await roll(live, model);
    clean_to = model.end - 1;  // the active segment holds the last record
    co_await compact(live);
  });
  std::string text;
  world.world.run(
      [&text]() -> Task<void> {
        ReleaseOptions options;
        options.directories = {"/data"};
        must(co_await release_directories(options));
        const auto file =
            must(co_await reactor::read_file("/data/cleaner-offset-checkpoint", 1'000));
        text = std::string(as_text(file));
      },
      {.name = "release", .disk = "node"});
  EXPECT_EQ(text, "0\n1\ntopic9 0 " + std::to_string(clean_to) + "\n");
}

}  // namespace
}  // namespace odradek::log::test
