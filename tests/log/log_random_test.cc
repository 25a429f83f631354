// Lives of a log drawn from a seed: sizes, partitions, deletions, retention, concurrent producers,
// power cuts, kills and clean stops, one after the other on the same disk.
#include <cstdlib>

#include "reactor/base/prng.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

constexpr int32_t kLogs = 4;

TopicPartition nth(uint64_t i) { return partition_id(static_cast<uint8_t>(1 + i / 2), i % 2); }

struct Plan {
  Prng draw;
  Durability durability = Durability::flushed;
  uint32_t segment_bytes = 0;
  size_t value_bytes_max = 0;
  uint64_t operations = 0;
  bool concurrent = false;

  LogConfig config() const {
    LogConfig out;
    out.durability = durability;
    out.segment_bytes = segment_bytes;
    out.index_interval_bytes = 512;
    out.file_delete_delay_ms = 10;
    return out;
  }
};

BatchSpec random_batch(Plan& plan) {
  BatchSpec spec;
  spec.records = static_cast<int32_t>(plan.draw.between(1, 3));
  // Small ones mostly, large ones now and then.
  const uint64_t most = plan.draw.chance(1, 5) ? plan.value_bytes_max : 800;
  spec.value_bytes = plan.draw.between(1, most) / static_cast<uint64_t>(spec.records);
  return spec;
}

Task<void> look(Live& live, const Plan& plan) {
  for (int32_t i = 0; i < kLogs; ++i) {
    const TopicPartition id = nth(static_cast<uint64_t>(i));
    must(co_await live.open(id, plan.config(), 1));
    if (live.client->deleting.contains(id) && live.log(id).log_end().value == 0) {
      live.client->forget(id);
    }
    co_await verify(live, id);
  }
  live.client->deleting.clear();
}

Task<void> delete_some(Live& live, TopicPartition id, Plan& plan) {
  const int64_t high = live.log(id).high_watermark().value;
  const auto before = static_cast<int64_t>(plan.draw.below(static_cast<uint64_t>(high) + 1));
  const auto start = co_await live.log(id).delete_records(Offset(before));
  if (start) live.client->start[id] = std::max(live.client->start[id], start->value);
}

Task<void> delete_log(Live& live, TopicPartition id, const Plan& plan) {
  live.client->deleting.insert(id);
  must(co_await live.manager->delete_partition(id));
  live.client->forget(id);
  live.client->deleting.erase(id);
  must(co_await live.open(id, plan.config(), 1));
}

Task<void> append_many(Live& live, TopicPartition id, BatchSpec spec, int count) {
  for (int i = 0; i < count; ++i) {
    const Appended appended = co_await live.append(id, spec);
    CHECK(appended.fault == AppendFault::none, appended.message);
  }
}

Task<void> at_once(Live& live, Plan& plan) {
  reactor::Gate gate;
  const uint64_t producers = plan.draw.between(2, 12);
  for (uint64_t i = 0; i < producers; ++i) {
    gate.spawn("producer", append_many(live, nth(plan.draw.below(kLogs)), random_batch(plan), 4));
  }
  co_await gate.close();
}

Task<void> one_operation(Live& live, Plan& plan) {
  const TopicPartition id = nth(plan.draw.below(kLogs));
  switch (plan.draw.below(20)) {
    case 0: co_return co_await delete_some(live, id, plan);
    case 1: co_return co_await live.manager->run_retention();
    case 2: co_return co_await reactor::sleep_for(std::chrono::milliseconds(plan.draw.below(50)));
    case 3: co_return co_await verify(live, id);
    case 4:
    case 5: co_return co_await at_once(live, plan);
    case 6:
      if (plan.draw.chance(1, 3)) co_await delete_log(live, id, plan);
      co_return;
    case 7:
    case 8:
    case 9: {
      const Appended staged = co_await live.stage(id, random_batch(plan));
      CHECK(staged.fault == AppendFault::none, staged.message);
      co_return;
    }
    default: co_return co_await append_many(live, id, random_batch(plan), 1);
  }
}

Task<void> live_by(Live& live, Plan& plan) {
  co_await look(live, plan);
  for (uint64_t i = 0; i < plan.operations; ++i) co_await one_operation(live, plan);
}

// How a life ends.
void end_life(LogWorld& world, Prng& draw, const Script& script) {
  if (draw.chance(1, 4)) {
    world.live(script);
    CAPTURE(world.stop_error);
    REQUIRE_EQ(world.stop_error, "");
    return;
  }
  world.begin(script, false);
  const uint64_t steps = world.world.steps(world.node) + draw.between(200, 12'000);
  const auto over = [&] {
    return world.scripted || !world.world.running(world.node) ||
           world.world.steps(world.node) >= steps;
  };
  REQUIRE_EQ(world.world.run_until(over), Run::done);
  CAPTURE(world.stop_error);
  REQUIRE(world.world.running(world.node));
  if (draw.chance(1, 4)) {
    world.world.kill(world.node);
  } else {
    world.world.crash(world.node, reactor::sim::kDiskOutcomes[draw.below(4)]);
  }
}

void run_seed(uint64_t seed) {
  CAPTURE(seed);
  Prng draw(seed);
  LogWorld world(seed);
  // A batch in pieces needs a ring of many times its size: the large ones go with the large ring.
  constexpr uint64_t kWalBytes[] = {512 << 10, 4 << 20, 16 << 20};
  constexpr uint64_t kValueBytes[] = {30'000, 150'000, 900'000};
  const uint64_t ring = draw.below(3);
  world.options.wal_bytes = kWalBytes[ring];
  world.node_options.arena_bytes = draw.chance(1, 2) ? 80 << 20 : 128 << 20;
  const uint32_t segment_bytes = 20'000u << draw.below(7);
  const uint64_t lives = draw.between(3, 6);
  for (uint64_t life = 0; life < lives; ++life) {
    Plan plan{draw.split()};
    plan.segment_bytes = segment_bytes;
    plan.value_bytes_max = std::min<uint64_t>(segment_bytes / 2, kValueBytes[ring]);
    plan.operations = draw.between(5, 120);
    end_life(world, draw, [&plan](Live& live) { return live_by(live, plan); });
  }
  Plan last{draw.split()};
  last.segment_bytes = segment_bytes;
  world.live([&last](Live& live) { return look(live, last); });
  REQUIRE_EQ(world.stop_error, "");
}

// ODRADEK_SEEDS=<first>:<count> runs others than the default ones.
TEST_CASE("no acknowledged batch is lost, changed or moved in lives drawn from seeds") {
  uint64_t first = 1;
  uint64_t count = 40;
  if (const char* given = std::getenv("ODRADEK_SEEDS")) {
    char* rest = nullptr;
    first = std::strtoull(given, &rest, 10);
    if (*rest == ':') count = std::strtoull(rest + 1, nullptr, 10);
  }
  for (uint64_t seed = first; seed < first + count; ++seed) run_seed(seed);
}

TEST_CASE("in `written` mode a killed process loses nothing that was acknowledged") {
  LogWorld world;
  LogConfig config;
  config.durability = Durability::written;
  for (int life = 0; life < 5; ++life) {
    world.begin(
        [&](Live& live) -> Task<void> {
          must(co_await live.open(nth(0), config));
          co_await verify(live, nth(0));
          for (int i = 0; i < 20; ++i) {
            const Appended appended = co_await live.append(nth(0), {.value_bytes = 2'000});
            CHECK(appended.fault == AppendFault::none, appended.message);
          }
        },
        false);
    REQUIRE_EQ(world.world.run_until([&] { return world.scripted; }), Run::done);
    world.world.kill(world.node);
  }
}

}  // namespace
}  // namespace odradek::log::test
