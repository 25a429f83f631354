// A log directory given back to Kafka: what is left there, and that no crash leaves it to both or
// loses anything.
#include "log/release.h"

#include <algorithm>

#include "log/checkpoint_files.h"
#include "log/directory.h"
#include "log/manifest.h"
#include "log/segment_format.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kA = partition_id(1);
const TopicPartition kB = partition_id(2, 3);
const TopicPartition kNever = partition_id(3);

LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 20'000;
  return config;
}

Task<void> life(Live& live) {
  for (const TopicPartition id : {kA, kB, kNever}) {
    must(co_await live.open(id, small_segments(), 2));
  }
  for (int i = 0; i < 10; ++i) {
    co_await live.append(kA, {.records = 2, .value_bytes = 3'000});
    co_await live.append(kB, {.value_bytes = 100});
  }
  const Offset start = must(co_await live.log(kB).delete_records(Offset(4)));
  live.client->start[kB] = start.value;
}

Task<void> open_and_close(LogOptions options, Status& out) {
  auto store = co_await LogStore::open(std::move(options));
  out = store ? co_await (*store)->close() : Status(fail(store.error()));
}

struct ReleaseWorld : LogWorld {
  explicit ReleaseWorld(DiskOutcome outcome = DiskOutcome::all_lost) : LogWorld(21, quiet()) {
    options.disk_reserve_bytes = 0;
    options.wal_bytes = 512 << 10;
    live_until_crash(life, outcome);
  }
  static WorldOptions quiet() {
    WorldOptions options;
    options.stall = 0;
    return options;
  }
  reactor::sim::Disk& disk() { return world.disk("node"); }
  static Task<int> release_main(Status& out) {
    const auto released = co_await release_directories({{"/data"}, 17});
    out = released ? Status() : Status(fail(released.error()));
    co_return 0;
  }
  void begin_release(Status& out) {
    node = world.start(node_options, [&out] { return release_main(out); });
  }
  Status release() {
    Status out;
    begin_release(out);
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    CHECK(world.descriptors_left(node) == 0, world.descriptors_left(node));
    return out;
  }
  uint64_t steps_so_far() { return world.steps(node); }
  std::string text(const std::string& path) {
    const auto bytes = disk().contents(path);
    return bytes ? std::string(as_text(*bytes)) : "(none)";
  }
  bool has(std::string_view part) {
    return std::ranges::any_of(disk().files(),
                               [&](const std::string& p) { return p.find(part) != p.npos; });
  }
  // Kafka's view: the segments alone hold what was acknowledged.
  void expect_released() {
    std::vector<reactor::DirEntry> entries;
    world.run([&] { return list("/data", entries); }, {.name = "look", .disk = "node"});
    for (const reactor::DirEntry& entry : entries) REQUIRE(entry.name != "odradek.wal");
    EXPECT_FALSE(has("odradek"));
    EXPECT_FALSE(has(".odx"));
    EXPECT_FALSE(has(".tmp"));
    EXPECT_EQ(text("/data/.kafka_cleanshutdown"), "{\"version\":0,\"brokerEpoch\":17}");
    EXPECT_EQ(text("/data/recovery-point-offset-checkpoint"), "0\n2\ntopic1 0 20\ntopic2 3 10\n");
    EXPECT_EQ(text("/data/replication-offset-checkpoint"),
              text("/data/recovery-point-offset-checkpoint"));
    EXPECT_EQ(text("/data/log-start-offset-checkpoint"), "0\n1\ntopic2 3 4\n");
    EXPECT_EQ(text("/data/topic1-0/leader-epoch-checkpoint"), "0\n1\n2 0\n");
    EXPECT_EQ(text("/data/topic1-0/partition.metadata"), encode_partition_metadata(kA.topic));
    std::set<uint32_t> there;
    for (const std::string& path : disk().files()) {
      if (path.ends_with(kLogSuffix)) read_batches(*disk().contents(path), there);
    }
    for (const auto& [id, batches] : client.acked) {
      for (const auto& [base, crc] : batches) REQUIRE(there.contains(crc));
    }
  }
  static Task<void> list(std::string path, std::vector<reactor::DirEntry>& out) {
    out = must(co_await reactor::list_directory(std::move(path)));
  }
  // All of the file is whole batches.
  static void read_batches(BytesView file, std::set<uint32_t>& out) {
    while (!file.empty()) {
      REQUIRE(file.size() >= kBatchHeaderBytes);
      const BatchHeader header = BatchHeader::parse(file);
      const auto size = static_cast<size_t>(header.size_bytes());
      REQUIRE(size <= file.size());
      REQUIRE(batch_crc(file.first(size)) == header.crc);
      out.insert(header.crc);
      file = file.subspan(size);
    }
  }
};

TEST_CASE("a release after a power cut leaves Kafka's files, and none of ours") {
  ReleaseWorld world;
  must(world.release());
  world.expect_released();
  const Status again = world.release();
  REQUIRE_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::not_found);
  Status opened;
  world.world.run([&] { return open_and_close(world.options, opened); },
                  {.name = "other", .disk = "node"});
  REQUIRE_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Errc::exists);
}

TEST_CASE(
    "a release that is cut at any step leaves the directory to one owner, and ends when run "
    "again") {
  const uint64_t before = ReleaseWorld().steps_so_far();
  uint64_t steps = 0;
  {
    ReleaseWorld counting;
    must(counting.release());
    steps = counting.world.steps(counting.node) - before;
  }
  size_t ours = 0;
  size_t nobodys = 0;
  for (uint64_t step = 1; step <= steps; step += 7) {
    for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
      CAPTURE(step);
      ReleaseWorld world;
      Status out;
      world.begin_release(out);
      world.world.crash_at(world.node, before + step, outcome);
      REQUIRE_EQ(world.world.run_until_exit(world.node), Run::done);
      const bool manifest = world.has("odradek.manifest");
      const bool wal = world.has("odradek.wal/");
      // Ours: then all is there for us too.
      if (manifest && !world.has("odradek.wal/released")) {
        ++ours;
        ReleaseWorld copy;
        Status other;
        copy.begin_release(other);
        copy.world.crash_at(copy.node, before + step, outcome);
        REQUIRE_EQ(copy.world.run_until_exit(copy.node), Run::done);
        copy.live([](Live& live) -> Task<void> {
          for (const TopicPartition id : {kA, kB}) {
            must(co_await live.open(id, small_segments(), 2));
            co_await verify(live, id);
          }
        });
      }
      if (!manifest && wal) ++nobodys;
      const Status again = world.release();
      // Released already, when the cut came behind the last step.
      if (!again) {
        REQUIRE_EQ(again.error().code, Errc::not_found);
        REQUIRE_FALSE((manifest || wal));
      }
      world.expect_released();
    }
  }
  EXPECT(ours > 20);
  EXPECT(nobodys > 5);
}

// Opening takes longer than the time between two rounds of retention, and all that is closed is
// older than what topics keep if nothing is said.
TEST_CASE("a release takes no records, however long it opens logs and whatever their age") {
  ReleaseWorld world;
  reactor::sim::DiskOptions& speed = world.disk().options();
  speed.slow = 0;
  speed.read = {400s, 400s};
  Status out;
  world.begin_release(out);
  const MonoTime began = world.world.now();
  REQUIRE_EQ(world.world.run_until_exit(world.node, std::chrono::hours(100)), Run::done);
  must(out);
  EXPECT(world.world.now() - began > 600s);
  world.expect_released();
}

Task<void> begin_move(Live& live) {
  must(co_await live.open(kA, small_segments()));
  for (int i = 0; i < 10; ++i) co_await live.append(kA, {.value_bytes = 3'000});
  co_await reactor::sleep_for(2s);  // what is closed is in its file
  live.manager->configure_moves(1'000);
  std::string other = live.log(kA).log_directory() == "/data" ? "/more" : "/data";
  must(co_await live.manager->move_partition(kA, std::move(other)));
  co_await reactor::sleep_for(1s);
}

Task<void> release_both(Status& out) {
  const auto released = co_await release_directories({{"/data", "/more"}, 17});
  out = released ? Status() : Status(fail(released.error()));
}

TEST_CASE("a release leaves Kafka no copy of a move that was cut off") {
  LogWorld world;
  world.options.directories = {"/data", "/more"};
  world.live(begin_move);
  const auto copies = [&] {
    return std::ranges::count_if(world.world.disk("node").files(),
                                 [](const std::string& p) { return p.contains("-future"); });
  };
  EXPECT(copies() > 0);
  Status released;
  world.world.run([&] { return release_both(released); }, {.name = "release", .disk = "node"});
  must(released);
  EXPECT_EQ(copies(), 0);
  std::vector<reactor::DirEntry> entries;
  for (const std::string path : {"/data", "/more"}) {
    world.world.run([&] { return ReleaseWorld::list(path, entries); },
                    {.name = "look", .disk = "node"});
    for (const reactor::DirEntry& entry : entries) EXPECT(!entry.name.contains("-future"));
  }
}

Task<int> hold(std::string path, bool& held) {
  DirectoryLock lock = must(co_await DirectoryLock::take(std::move(path)));
  held = true;
  co_await reactor::sleep_for(std::chrono::hours(1));
  must(co_await lock.close());
  co_return 0;
}

TEST_CASE("a release is refused while another process has the directory, and changes nothing") {
  ReleaseWorld world;
  bool held = false;
  const NodeId other =
      world.world.start({.name = "other", .disk = "node"}, [&] { return hold("/data", held); });
  REQUIRE_EQ(world.world.run_until([&] { return held; }), Run::done);
  const auto before = world.disk().files();
  const Status refused = world.release();
  REQUIRE_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::permission);
  EXPECT(world.disk().files() == before);
  world.world.kill(other);
  must(world.release());
}

// --- quarantine ---

Task<void> quarantine(TopicPartition id) {
  auto manifest = must(co_await Manifest::open("/data"));
  manifest->edit(QuarantineSet{id, "a test says so"});
  must(co_await manifest->close());
}

Task<void> accept(std::string partition, Status& out) {
  out = co_await accept_loss("/data", std::move(partition));
}

TEST_CASE("a release is refused while a partition is quarantined, until the loss is accepted") {
  ReleaseWorld world;
  const auto on_disk = [&](std::function<Task<void>()> task) {
    world.world.run(std::move(task), {.name = "tool", .disk = "node"});
  };
  on_disk([] { return quarantine(kB); });
  const Status refused = world.release();
  REQUIRE_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  EXPECT(refused.error().context.find("accept-loss /data topic2-3") != std::string::npos);
  Status accepted;
  on_disk([&] { return accept("topic1-0", accepted); });
  EXPECT_EQ(accepted.error().code, Errc::not_found);
  on_disk([&] { return accept("topic2-3", accepted); });
  must(accepted);
  must(world.release());
  world.expect_released();
}

}  // namespace
}  // namespace odradek::log::test
