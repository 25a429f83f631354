// Power cuts at every step of a canonical life of a log, with every outcome of the disk, and the
// same for the recovery after it. What a client was told must be there; nothing else may be.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "log/checkpoint_files.h"
#include "log/manifest.h"
#include "log/segment_format.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kFirst = partition_id(1);
const TopicPartition kSecond = partition_id(1, 1);
const TopicPartition kThird = partition_id(2);

LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 20'000;
  return config;
}

// Opens the three logs and checks what is in them; the third one may have been deleted.
Task<void> look(Live& live) {
  for (const TopicPartition id : {kFirst, kSecond, kThird}) {
    must(co_await live.open(id, small_segments(), 1));
    if (live.client->deleting.contains(id) && live.log(id).log_end().value == 0) {
      live.client->forget(id);
    }
    co_await verify(live, id);
  }
  live.client->deleting.clear();
}

// An idempotent batch, sent twice, as a client does whose answer was lost. In an earlier life it
// may have been sent too: then it is found again.
Task<void> send_twice(Live& live, TopicPartition id) {
  int32_t& sequence = live.client->next_sequence;
  const BatchSpec spec{.timestamp_ms = 50'000'000 + sequence,
                       .value_bytes = 1'500,
                       .producer = 7,
                       .epoch = 0,
                       .sequence = sequence};
  const Appended first = co_await live.append(id, spec);
  CHECK(first.fault == AppendFault::none, first.message);
  const Appended again = co_await live.append(id, spec);
  CHECK(again.duplicate && again.base == first.base, again.base, first.base);
  ++sequence;
}

Task<void> delete_and_make_again(Live& live, TopicPartition id) {
  live.client->deleting.insert(id);
  must(co_await live.manager->delete_partition(id));
  live.client->forget(id);
  must(co_await live.open(id, small_segments(), 1));
  live.client->deleting.clear();
  co_await live.append(id, {.value_bytes = 700});
}

// The canonical life: three logs, small and large batches, rolls, a restart's residue, records
// deleted, a log deleted and made again, an idempotent producer.
Task<void> life(Live& live) {
  co_await look(live);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) {
      co_await live.append(kFirst, {.records = 2, .value_bytes = 2'500});
      co_await live.append(kSecond, {.value_bytes = 300});
    }
    co_await send_twice(live, kSecond);
    co_await live.stage(kFirst, {.value_bytes = 5'000});
    co_await live.append(kThird, {.value_bytes = 9'000});
    co_await live.stage(kSecond, {.value_bytes = 100});
    if (round == 1) {
      const Offset start = must(co_await live.log(kSecond).delete_records(Offset(2)));
      live.client->start[kSecond] = std::max(live.client->start[kSecond], start.value);
      co_await delete_and_make_again(live, kThird);
    }
  }
}

// More than the WAL holds: it is emptied into the segments and used again while appends go on.
Task<void> heavy_life(Live& live) {
  co_await look(live);
  for (int i = 0; i < 14; ++i) {
    co_await live.append(kFirst, {.value_bytes = 18'000});
    co_await live.append(kSecond, {.value_bytes = 1'200});
    co_await live.stage(kThird, {.value_bytes = 19'000});
    co_await live.stage(kThird, {.value_bytes = 500});
  }
}

LogConfig large_segments(Durability durability) {
  LogConfig config;
  config.segment_bytes = 300'000;
  config.durability = durability;
  return config;
}

Task<void> append_some(Live& live, TopicPartition id, size_t value_bytes, int count) {
  for (int i = 0; i < count; ++i) {
    const Appended appended = co_await live.append(id, {.value_bytes = value_bytes});
    CHECK(appended.fault == AppendFault::none, appended.message);
  }
}

// With this WAL batches of 32 KiB or more are extents: alone, several on their way at once, small
// batches behind them, in a log that rolls and in one that is deleted under them.
Task<void> life_of_extents(Live& live) {
  co_await look(live);
  for (const TopicPartition id : {kFirst, kSecond, kThird}) {
    must(co_await live.open(id, large_segments(Durability::flushed), 1));
  }
  for (int round = 0; round < 2; ++round) {
    co_await live.append(kSecond, {.value_bytes = 40'000});
    co_await live.stage(kFirst, {.value_bytes = 90'000});
    co_await live.stage(kFirst, {.value_bytes = 300});
    co_await live.append(kFirst, {.value_bytes = 33'000});
    reactor::Gate gate;
    gate.spawn("large", append_some(live, kFirst, 70'000, 2));
    gate.spawn("small", append_some(live, kFirst, 900, 3));
    gate.spawn("other", append_some(live, kSecond, 5'000, 3));
    gate.spawn("block", append_some(live, kSecond, (10 << 12) - 70, 1));
    co_await gate.close();
    co_await live.stage(kThird, {.value_bytes = 120'000});
    co_await live.stage(kThird, {.value_bytes = 120});
    if (round == 0) co_await delete_and_make_again(live, kThird);
    co_await send_twice(live, kSecond);
  }
}

// One life cut at `crash.step`, then two more starts, the first of them cut as well when `again` is
// set.
struct Runner {
  static WorldOptions quiet() {
    WorldOptions options;
    options.stall = 0;
    return options;
  }
  Runner(uint64_t seed, Script life_script) : world(seed, quiet()), script(std::move(life_script)) {
    world.options.wal_bytes = 512 << 10;
    world.options.disk_reserve_bytes = 0;
  }

  // A first clean life, so that the crash meets old data too. Returns the steps so far.
  uint64_t prepare() {
    world.live(script);
    return world.world.steps(world.node);
  }
  uint64_t steps_of_life() {
    const uint64_t before = prepare();
    world.live(script);
    return world.world.steps(world.node) - before;
  }
  // False when the life ended before the step came.
  bool crash(uint64_t step, DiskOutcome outcome) {
    const uint64_t before = prepare();
    world.begin(script, true);
    world.world.crash_at(world.node, before + step, outcome);
    REQUIRE_EQ(world.world.run_until_exit(world.node), Run::done);
    return world.world.crashed(world.node);
  }
  // Cuts the power `step` steps after a start.
  bool crash_start(uint64_t step, DiskOutcome outcome) {
    const uint64_t before = world.world.steps(world.node);
    world.begin([](Live& live) { return look(live); }, true);
    world.world.crash_at(world.node, before + step, outcome);
    REQUIRE_EQ(world.world.run_until_exit(world.node), Run::done);
    return world.world.crashed(world.node);
  }
  void check() {
    world.live([](Live& live) -> Task<void> {
      co_await look(live);
      co_await reactor::sleep_for(1s);  // for the sweeping
    });
    REQUIRE_EQ(world.stop_error, "");
    expect_no_orphans();
  }
  // Every file in a partition's directory is of a segment that the manifest knows.
  void expect_no_orphans() {
    ManifestState state;
    world.world.run([&state] { return read_manifest(state); }, {.name = "look", .disk = "node"});
    for (const std::string& path : world.world.disk("node").files()) {
      const std::string name = path.substr(path.rfind('/') + 1);
      const std::string final_name = name.substr(0, name.rfind(".tmp"));
      const auto file = parse_segment_file_name(final_name);  // views its argument
      if (!file || path.find("-delete/") != path.npos) continue;
      CAPTURE(path);
      bool known = false;
      for (const ManifestPartition* p : state.sorted()) {
        if (!path.starts_with("/data/" + partition_directory_name(p->topic_name, p->id.partition)))
          continue;
        const bool at_end = !p->segments.empty() && file->base == p->segments.rbegin()->second.next;
        known = p->segments.contains(file->base) || (at_end && file->suffix == kSnapshotSuffix);
      }
      REQUIRE(known);
    }
  }
  static Task<void> read_manifest(ManifestState& out) {
    out = must(co_await Manifest::read("/data"));
  }

  LogWorld world;
  Script script;
};

// ODRADEK_CRASH_STRIDE=1 cuts at every single step; the default keeps the unit tests short.
uint64_t stride_or(uint64_t usual) {
  const char* given = std::getenv("ODRADEK_CRASH_STRIDE");
  return given ? std::max<uint64_t>(1, std::strtoull(given, nullptr, 10)) : usual;
}

// Cuts the power at every `stride`th step of `script`, with every outcome.
void cut_everywhere(const Script& script, uint64_t stride) {
  const uint64_t steps = Runner(1, script).steps_of_life();
  size_t runs = 0;
  for (uint64_t step = 1; step <= steps + steps / 10; step += stride) {
    for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
      CAPTURE(step);
      CAPTURE(reactor::sim::outcome_name(outcome));
      Runner runner(1 + step % 5, script);
      if (!runner.crash(step, outcome)) continue;
      runner.check();
      ++runs;
    }
  }
  MESSAGE("steps " << steps << ", crashes " << runs);
}

// Trap 81.
TEST_CASE("whatever step the power is cut at, acknowledged batches are there") {
  cut_everywhere([](Live& live) { return life(live); }, stride_or(23));
}

TEST_CASE("whatever step the power is cut at while the WAL is used again") {
  cut_everywhere([](Live& live) { return heavy_life(live); }, stride_or(97));
}

TEST_CASE("whatever step the power is cut at while large batches go past the WAL") {
  cut_everywhere([](Live& live) { return life_of_extents(live); }, stride_or(13));
}

TEST_CASE("a power cut while extents are recovered changes nothing") {
  size_t runs = 0;
  for (const uint64_t step : {300, 600, 900, 1'200}) {
    for (uint64_t again = 1; again < 2'000; again += stride_or(37)) {
      const DiskOutcome outcome = reactor::sim::kDiskOutcomes[(step + again) % 4];
      CAPTURE(step);
      CAPTURE(again);
      Runner runner(4, [](Live& live) { return life_of_extents(live); });
      if (!runner.crash(step, outcome)) continue;
      if (!runner.crash_start(again, outcome)) break;
      runner.check();
      ++runs;
    }
  }
  MESSAGE("crashes: " << runs);
}

TEST_CASE("a power cut during recovery changes nothing") {
  size_t runs = 0;
  for (const uint64_t step : {500, 900, 1'300, 1'700, 2'100}) {
    for (uint64_t again = 1; again < 2'000; again += stride_or(29)) {
      const DiskOutcome outcome = reactor::sim::kDiskOutcomes[(step + again) % 4];
      CAPTURE(step);
      CAPTURE(again);
      Runner runner(3, [](Live& live) { return life(live); });
      if (!runner.crash(step, outcome)) continue;
      if (!runner.crash_start(again, outcome)) break;
      runner.check();
      ++runs;
    }
  }
  MESSAGE("crashes: " << runs);
}

}  // namespace
}  // namespace odradek::log::test
