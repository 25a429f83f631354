// What a power cut leaves: the contract that everything durable is built on.
#include "tests/reactor/support.h"

namespace odradek::reactor::sim {
namespace {

WorldOptions plain() {
  WorldOptions options;
  options.disk.short_transfer = 0;
  return options;
}

Task<void> write_text(std::string path, std::string bytes, uint64_t offset, bool durable) {
  File file = must(co_await File::open(path, to_write()));
  if (durable) {
    std::vector<iovec> parts{{bytes.data(), bytes.size()}};
    must(co_await file.write_durable(parts, offset));
  } else {
    must(co_await file.write(as_bytes(bytes), offset));
  }
  must(co_await file.close());
}

Task<void> forever() { co_await sleep_for(std::chrono::hours(10)); }

// Runs `script` on a node, then cuts the power.
struct Machine {
  explicit Machine(uint64_t seed = 1, WorldOptions options = plain()) : world(seed, options) {}
  World world;
  NodeId node{};
  bool scripted = false;

  static Task<int> main(Machine& machine, std::function<Task<void>()> script) {
    co_await script();
    machine.scripted = true;
    co_await forever();
    co_return 0;
  }
  void run(std::function<Task<void>()> script, DiskOutcome outcome) {
    scripted = false;
    node = world.start({}, [this, script] { return main(*this, script); });
    REQUIRE_EQ(world.run_until([this] { return scripted; }), Run::done);
    world.crash(node, outcome);
  }
  std::optional<std::vector<uint8_t>> contents(std::string path) {
    return world.disk("node").contents(path);
  }
};

TEST_CASE("a write without a sync is read back at once and lost by a power cut") {
  Machine machine;
  machine.world.disk("node").put("/data/a", text("old"));
  machine.run([] { return write_text("/data/a", "new", 0, false); }, DiskOutcome::all_lost);
  EXPECT(machine.contents("/data/a") == text("old"));
  machine.run([] { return write_text("/data/a", "new", 0, false); }, DiskOutcome::all_kept);
  EXPECT(machine.contents("/data/a") == text("new"));
}

TEST_CASE("a durable write survives every outcome") {
  for (const DiskOutcome outcome : kDiskOutcomes) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      Machine machine(seed);
      machine.world.disk("node").put("/data/a", text("old"));
      machine.run([] { return write_text("/data/a", std::string(9000, 'x'), 0, true); }, outcome);
      EXPECT(machine.contents("/data/a") == text(std::string(9000, 'x')));
    }
  }
}

TEST_CASE("a file whose directory was not synced has no name after a power cut") {
  Machine machine;
  machine.world.disk("node").put("/data/other", {});
  machine.run([] { return write_text("/data/a", "new", 0, true); }, DiskOutcome::all_lost);
  EXPECT_FALSE(machine.contents("/data/a"));
  auto with_directory = []() -> Task<void> {
    co_await write_text("/data/a", "new", 0, true);
    must(co_await sync_directory("/data"));
  };
  machine.run(with_directory, DiskOutcome::all_lost);
  EXPECT(machine.contents("/data/a") == text("new"));
}

Task<void> replace_without_directory_sync() {
  co_await write_text("/data/a.tmp", "new", 0, true);
  must(co_await rename_file("/data/a.tmp", "/data/a"));
}

TEST_CASE("a rename without a sync of its directory is lost, with one it is kept") {
  Machine machine;
  machine.world.disk("node").put("/data/a", text("old"));
  machine.run([] { return replace_without_directory_sync(); }, DiskOutcome::all_lost);
  EXPECT(machine.contents("/data/a") == text("old"));
  EXPECT_FALSE(machine.contents("/data/a.tmp"));
  auto replace = []() -> Task<void> { must(co_await replace_file("/data/a", text("new"))); };
  machine.run(replace, DiskOutcome::all_lost);
  EXPECT(machine.contents("/data/a") == text("new"));
}

TEST_CASE("an atomic replace leaves the old or the new bytes wherever the power goes") {
  auto replace = []() -> Task<void> { must(co_await replace_file("/data/a", text("new"))); };
  Machine counting;
  counting.world.disk("node").put("/data/a", text("old"));
  counting.run(replace, DiskOutcome::all_kept);
  const uint64_t steps = counting.world.steps(counting.node);
  EXPECT(steps > 10);
  int olds = 0;
  int news = 0;
  for (uint64_t k = 1; k <= steps; ++k) {
    for (const DiskOutcome outcome : kDiskOutcomes) {
      Machine machine;
      machine.world.disk("node").put("/data/a", text("old"));
      machine.node =
          machine.world.start({}, [&machine, &replace] { return Machine::main(machine, replace); });
      machine.world.crash_at(machine.node, k, outcome);
      REQUIRE_EQ(machine.world.run_until_exit(machine.node, std::chrono::hours(1)), Run::done);
      REQUIRE(machine.world.crashed(machine.node));
      const auto after = machine.contents("/data/a");
      REQUIRE(after);
      olds += after == text("old");
      news += after == text("new");
      EXPECT((after == text("old") || after == text("new")));
    }
  }
  EXPECT(olds > 0);
  EXPECT(news > 0);
}

}  // namespace
}  // namespace odradek::reactor::sim
