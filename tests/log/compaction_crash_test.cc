// Power cuts at every step of a log's life in which it is compacted, with every outcome of the
// disk, and of the recovery after it. I14 must hold, and no file of a swap may be left over.
#include <algorithm>
#include <cstdlib>

#include "reactor/base/prng.h"
#include "tests/log/compaction_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kLog = partition_id(9);

LogConfig small_segments() {
  LogConfig config = compacted_config();
  config.segment_bytes = 6'000;
  return config;
}

struct Story {
  KeyedModel model;
  Prng prng{5};
  int32_t sequence = 0;
};

Task<void> append_some(Live& live, Story& story, int count) {
  for (int i = 0; i < count; ++i) {
    KeyedBatch batch{.codec = story.prng.chance(1, 2) ? Codec::lz4 : Codec::none};
    for (int k = 0; k < 2; ++k) {
      const uint64_t n = story.prng.next();
      std::optional<std::string> value = std::to_string(n) + std::string(300 + n % 300, 'v');
      if (story.prng.chance(1, 6)) value.reset();
      batch.records.push_back({"k" + std::to_string(n % 7), value, 5'000});
    }
    const Appended appended = co_await append_keyed(live, kLog, story.model, batch);
    CHECK(appended.fault == AppendFault::none, appended.message);
  }
  co_await reactor::sleep_for(20ms);  // what was rolled is destaged
}

Task<void> life(Live& live, Story& story) {
  must(co_await live.open(kLog, small_segments(), 1));
  co_await verify_keyed(live, kLog, story.model);
  for (int round = 0; round < 2; ++round) {
    co_await append_some(live, story, 12);
    co_await live.manager->run_compaction();
    co_await append_some(live, story, 3);
  }
}

struct Runner {
  static WorldOptions quiet() {
    WorldOptions options;
    options.stall = 0;
    return options;
  }
  explicit Runner(uint64_t seed) : world(seed, quiet()) {
    world.options.wal_bytes = 512 << 10;
    world.options.disk_reserve_bytes = 0;
    world.options.compaction.backoff = 5ms;
  }
  void live() {
    world.live([this](Live& l) { return life(l, story); });
  }
  // False when it ended before the step came.
  bool crash(uint64_t step, DiskOutcome outcome, bool whole_life) {
    const uint64_t before = world.world.steps(world.node);
    world.begin(
        [this, whole_life](Live& l) -> Task<void> {
          if (whole_life) co_return co_await life(l, story);
          must(co_await l.open(kLog, small_segments(), 1));
          co_await verify_keyed(l, kLog, story.model);
        },
        true);
    world.world.crash_at(world.node, before + step, outcome);
    REQUIRE_EQ(world.world.run_until_exit(world.node), Run::done);
    return world.world.crashed(world.node);
  }
  void check() {
    world.live([this](Live& l) -> Task<void> {
      must(co_await l.open(kLog, small_segments(), 1));
      co_await verify_keyed(l, kLog, story.model);
      co_await reactor::sleep_for(1s);  // for the sweeping, and one more compaction
      co_await append_some(l, story, 2);
      co_await verify_keyed(l, kLog, story.model);
    });
    REQUIRE_EQ(world.stop_error, "");
    for (const std::string& path : world.world.disk("node").files()) {
      CAPTURE(path);
      REQUIRE_FALSE(path.contains(".cleaned"));
      REQUIRE_FALSE(path.contains(".deleted"));
    }
  }
  Story story;
  LogWorld world;
};

uint64_t stride_or(uint64_t usual) {
  const char* given = std::getenv("ODRADEK_CRASH_STRIDE");
  return given ? std::max<uint64_t>(1, std::strtoull(given, nullptr, 10)) : usual;
}

TEST_CASE("whatever step the power is cut at while a log is compacted, the newest records stay") {
  Runner whole(1);
  whole.live();
  const uint64_t before = whole.world.world.steps(whole.world.node);
  whole.live();
  const uint64_t steps = whole.world.world.steps(whole.world.node) - before;
  size_t runs = 0;
  for (uint64_t step = 1; step <= steps + steps / 10; step += stride_or(41)) {
    for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
      CAPTURE(step);
      CAPTURE(reactor::sim::outcome_name(outcome));
      Runner runner(1 + step % 5);
      runner.live();
      if (!runner.crash(step, outcome, true)) continue;
      runner.check();
      ++runs;
    }
  }
  MESSAGE("steps " << steps << ", crashes " << runs);
}

TEST_CASE("a power cut during the recovery of a compacted log changes nothing") {
  size_t runs = 0;
  for (const uint64_t step : {400, 700, 1'000, 1'300, 1'600, 1'900}) {
    for (uint64_t again = 1; again < 2'000; again += stride_or(61)) {
      const DiskOutcome outcome = reactor::sim::kDiskOutcomes[(step + again) % 4];
      CAPTURE(step);
      CAPTURE(again);
      Runner runner(3);
      runner.live();
      if (!runner.crash(step, outcome, true)) break;
      if (!runner.crash(again, outcome, false)) break;
      runner.check();
      ++runs;
    }
  }
  MESSAGE("crashes: " << runs);
}

}  // namespace
}  // namespace odradek::log::test
