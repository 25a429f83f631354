// Logs on several shards, several directories, and a number of shards that changes at a restart.
#include <cerrno>

#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

constexpr int32_t kPartitions = 6;

TopicPartition nth(int32_t p) { return partition_id(5, p); }

// One node whose partitions are spread round-robin over its shards.
class ShardWorld {
 public:
  explicit ShardWorld(uint64_t seed = 1) : world(seed) {
    options.directories = {"/data"};
    options.wal_bytes = 4 << 20;
  }
  using ShardScript = std::function<Task<void>(Live&, uint32_t shard)>;

  void live(uint32_t shards, const ShardScript& script, bool stop, DiskOutcome outcome = {}) {
    script_ = script;
    stop_ = stop;
    scripted_ = false;
    node = world.start({.shards = shards}, [this] { return main(*this); });
    REQUIRE_EQ(world.run_until([this] { return scripted_ || !world.running(node); }), Run::done);
    CAPTURE(error);
    REQUIRE(scripted_);
    if (!stop) {
      world.crash(node, outcome);
      return;
    }
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    REQUIRE_EQ(world.exit_code(node).value_or(-1), 0);
  }

  World world;
  LogOptions options;
  NodeId node{};
  Client client;
  std::string error;

 private:
  // On each shard: what start() made, kept in an array of its own slot.
  static Task<void> start_on(ShardWorld& self, LogStore* store, uint32_t shard) {
    auto manager = co_await LogManager::start(self.options, store);
    CHECK(manager.has_value(), manager.error());
    self.managers_[shard] = std::move(*manager);
  }
  static Task<void> script_on(ShardWorld& self, LogStore* store, uint32_t shard) {
    Live live{store, self.managers_[shard].get(), &self.client};
    co_await self.script_(live, shard);
  }
  static Task<void> stop_on(ShardWorld& self, uint32_t shard) {
    const Status stopped = co_await self.managers_[shard]->stop();
    if (!stopped) self.error = stopped.error().to_string();
    self.managers_[shard].reset();
  }
  static Task<int> main(ShardWorld& self) {
    auto store = co_await LogStore::open(self.options);
    if (!store) {
      self.error = store.error().to_string();
      co_return 2;
    }
    const uint32_t shards = reactor::this_shard().shard_count();
    // A crashed life's managers were never destroyed, as on a real machine.
    for (auto& manager : self.managers_) (void)manager.release();
    self.managers_.clear();
    self.managers_.resize(shards);
    for (uint32_t i = 0; i < shards; ++i) {
      co_await reactor::submit_to(reactor::ShardId(i),
                                  [&self, &store, i] { return start_on(self, store->get(), i); });
    }
    for (uint32_t i = 0; i < shards; ++i) {
      co_await reactor::submit_to(reactor::ShardId(i),
                                  [&self, &store, i] { return script_on(self, store->get(), i); });
    }
    self.scripted_ = true;
    if (!self.stop_) co_await reactor::sleep_for(std::chrono::hours(10'000));
    for (uint32_t i = 0; i < shards; ++i) {
      co_await reactor::submit_to(reactor::ShardId(i), [&self, i] { return stop_on(self, i); });
    }
    const Status closed = co_await (*store)->close();
    if (!closed) self.error = closed.error().to_string();
    co_return 0;
  }

  ShardScript script_;
  bool stop_ = true;
  bool scripted_ = false;
  std::vector<std::unique_ptr<LogManager>> managers_;
};

Task<void> append_to_own(Live& live, uint32_t shard) {
  const auto shards = static_cast<int32_t>(reactor::this_shard().shard_count());
  for (int32_t p = 0; p < kPartitions; ++p) {
    if (p % shards != static_cast<int32_t>(shard)) continue;
    must(co_await live.open(nth(p)));
    co_await verify(live, nth(p));
    for (int i = 0; i < 5; ++i) {
      const Appended appended = co_await live.append(nth(p), {.value_bytes = 2'000});
      CHECK(appended.fault == AppendFault::none, appended.message);
    }
    co_await live.stage(nth(p), {.value_bytes = 3'000});
  }
}

TEST_CASE("partitions move between shards at a restart, after a clean stop and after a power cut") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    ShardWorld world(seed);
    const DiskOutcome outcome = reactor::sim::kDiskOutcomes[seed % 4];
    world.live(3, append_to_own, false, outcome);
    world.live(1, append_to_own, false, outcome);
    world.live(2, append_to_own, true);
    world.live(4, append_to_own, false, outcome);
    world.live(2, append_to_own, true);
    EXPECT_EQ(world.error, "");
  }
}

TEST_CASE("partitions are spread over the log directories and found in them") {
  ShardWorld world;
  world.options.directories = {"/data1", "/data2", "/data3"};
  world.live(2, append_to_own, false, DiskOutcome::all_lost);
  world.live(
      1,
      [](Live& live, uint32_t shard) -> Task<void> {
        std::map<std::string, int> count;
        for (const FoundPartition& found : live.store->found()) ++count[found.directory];
        EXPECT_EQ(count.size(), 3);
        for (const auto& [directory, partitions] : count) EXPECT_EQ(partitions, 2);
        co_await append_to_own(live, shard);
      },
      true);
  EXPECT_EQ(world.error, "");
}

TEST_CASE("a damaged directory is offline: its logs are refused, not made anew, and others serve") {
  LogWorld world;
  world.options.directories = {"/one", "/two"};
  const TopicPartition first = nth(0);
  const TopicPartition second = nth(1);
  world.live([=](Live& live) -> Task<void> {
    must(co_await live.open(first));
    must(co_await live.open(second));
    co_await live.append(first);
    co_await live.append(second);
  });
  reactor::sim::Disk& disk = world.world.disk("node");
  REQUIRE(disk.contents("/two/topic5-1/00000000000000000000.log").has_value());
  disk.flip_bit("/two/odradek.manifest", 60, 1);
  world.live([=](Live& live) -> Task<void> {
    EXPECT_FALSE(live.store->clean());
    EXPECT(live.store->offline("/two"));
    EXPECT_FALSE(live.store->offline("/one"));
    PartitionSpec known = spec_of(second);
    known.known_before = true;
    const Status refused = co_await live.manager->open_partition(known);
    EXPECT_EQ(refused.error().code, Errc::fenced);
    EXPECT_EQ(live.manager->absence(second), Errc::corrupt);
    must(co_await live.open(first));
    co_await verify(live, first);
    EXPECT_EQ((co_await live.append(first)).fault, AppendFault::none);
    // A new one has its place in the directory that works.
    must(co_await live.open(nth(2)));
    EXPECT_EQ((co_await live.append(nth(2))).fault, AppendFault::none);
  });
  EXPECT_EQ(world.stop_error, "");
  disk.flip_bit("/two/odradek.manifest", 60, 1);
  world.live([=](Live& live) -> Task<void> {
    EXPECT_EQ(live.store->found().size(), 3);
    for (const TopicPartition id : {first, second, nth(2)}) {
      must(co_await live.open(id));
      co_await verify(live, id);
    }
  });
}

TEST_CASE("a fenced directory takes no new partition while another one works") {
  LogWorld world;
  world.options.directories = {"/one", "/two"};
  world.live([&](Live& live) -> Task<void> {
    for (int32_t p : {0, 1, 2}) {
      must(co_await live.open(nth(p)));
      co_await live.append(nth(p));
    }
    // Two has fewer. Its WAL fails.
    world.world.disk("node").inject({.code = reactor::OpCode::write,
                                     .path_part = "/two/odradek.wal",
                                     .error = EIO,
                                     .count = 1});
    EXPECT_EQ((co_await live.append(nth(1))).fault, AppendFault::storage_error);
    co_await reactor::sleep_for(100ms);
    EXPECT_EQ((co_await live.append(nth(0))).fault, AppendFault::none);
    for (int32_t p : {3, 4}) {
      must(co_await live.open(nth(p)));
      EXPECT_EQ((co_await live.append(nth(p))).fault, AppendFault::none);
    }
  });
  EXPECT_NE(world.stop_error, "");
  EXPECT(world.world.disk("node").contents("/one/odradek.clean").has_value());
  EXPECT_FALSE(world.world.disk("node").contents("/two/odradek.clean").has_value());
}

TEST_CASE("a failure that one shard meets fences the directory on all shards") {
  ShardWorld world;
  world.live(
      2,
      [&](Live& live, uint32_t shard) -> Task<void> {
        if (shard == 0) {
          must(co_await live.open(nth(0)));
          world.world.disk("node").inject(
              {.code = reactor::OpCode::write, .path_part = ".wal", .error = EIO, .count = 1});
          const Appended appended = co_await live.append(nth(0));
          EXPECT_EQ(appended.fault, AppendFault::storage_error);
          co_return;
        }
        co_await reactor::sleep_for(100ms);
        EXPECT_FALSE(live.manager->writable());
        const Status opened = co_await live.open(nth(1));
        EXPECT_FALSE(opened.has_value());
        if (!opened) EXPECT_EQ(opened.error().code, Errc::fenced);
      },
      true);
  EXPECT_NE(world.error, "");
}

}  // namespace
}  // namespace odradek::log::test
