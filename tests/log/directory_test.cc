#include "log/directory.h"

#include "log/log_manager.h"
#include "log/manifest.h"
#include "reactor/wait.h"
#include "tests/log/wal_testing.h"
#include "tests/test.h"

namespace odradek::log {
namespace {

using reactor::Task;
using reactor::sim::DiskOutcome;
using reactor::sim::NodeId;
using reactor::sim::Run;
using reactor::sim::World;
using testing::must;

std::vector<uint8_t> text(std::string_view s) { return {s.begin(), s.end()}; }

// Opens, and says whether the last stop was clean; the error when refused.
Task<void> look(std::string path, Result<bool>& out) {
  auto directory = co_await LogDirectory::open(path);
  if (!directory) {
    out = fail(directory.error());
    co_return;
  }
  out = (*directory)->was_clean();
  must(co_await (*directory)->close());
}

Result<bool> look(World& world, std::string path = "/data") {
  Result<bool> out;
  world.run([&] { return look(path, out); }, {.name = "looker", .disk = "node"});
  return out;
}

Task<void> use(bool clean_stop) {
  auto directory = must(co_await LogDirectory::open("/data"));
  must(co_await directory->begin_use());
  auto manifest = must(co_await Manifest::open("/data"));
  must(co_await manifest->close());
  if (clean_stop) must(co_await directory->mark_clean({}));
  must(co_await directory->close());
}

Task<int> use_until_crash(bool& in_use) {
  co_await use(true);
  auto directory = must(co_await LogDirectory::open("/data"));
  CHECK(directory->was_clean());
  must(co_await directory->begin_use());
  in_use = true;
  co_await reactor::sleep_for(std::chrono::hours(1));
  co_return 0;
}

TEST_CASE("a new directory is made, with its parents, and is not clean") {
  World world(1);
  const auto clean = look(world, "/var/lib/odradek");
  REQUIRE(clean.has_value());
  EXPECT_FALSE(*clean);
}

TEST_CASE("a directory with Kafka's data is refused without even a lock file in it") {
  World world(4);
  world.disk("node").put("/data/orders-0/00000000000000000000.log", text("precious"));
  const auto refused = look(world);
  REQUIRE_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::exists);
  EXPECT_FALSE(world.disk("node").contents("/data/.lock"));
}

Task<void> open_store(std::vector<std::string> directories, Status& out) {
  LogOptions options;
  options.directories = std::move(directories);
  auto store = co_await LogStore::open(options);
  out = store ? co_await (*store)->close() : Status(fail(store.error()));
}

TEST_CASE("one refused directory among several leaves the others untouched too") {
  World world(5);
  world.disk("node").put("/kafka/orders-0/00000000000000000000.log", text("precious"));
  const auto before = world.disk("node").files();
  Status status;
  world.run([&] { return open_store({"/new", "/kafka"}, status); }, {.disk = "node"});
  REQUIRE_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Errc::exists);
  EXPECT(world.disk("node").files() == before);
}

TEST_CASE("a clean stop is seen at the next start") {
  World world(2);
  world.run([] { return use(true); });
  EXPECT(*look(world));
  world.run([] { return use(false); });
  EXPECT_FALSE(*look(world));
}

TEST_CASE("the mark of a clean stop is gone for good when the directory is used again") {
  for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
    World world(3);
    bool in_use = false;
    const NodeId node = world.start({}, [&] { return use_until_crash(in_use); });
    REQUIRE_EQ(world.run_until([&] { return in_use; }), Run::done);
    world.crash(node, outcome);
    EXPECT_FALSE(*look(world));
  }
}

TEST_CASE("a directory that another process uses is refused") {
  World world(4);
  bool in_use = false;
  const NodeId node = world.start({}, [&] { return use_until_crash(in_use); });
  REQUIRE_EQ(world.run_until([&] { return in_use; }), Run::done);
  const auto second = look(world);
  REQUIRE_FALSE(second.has_value());
  EXPECT(second.error().code == Errc::permission);
  world.kill(node);
  EXPECT(look(world).has_value());
}

TEST_CASE("Kafka's data is refused and not touched") {
  for (const char* path :
       {"/data/orders-0/00000000000000000000.log", "/data/recovery-point-offset-checkpoint",
        "/data/.kafka_cleanshutdown"}) {
    World world(5);
    world.disk("node").put(path, text("x"));
    const auto refused = look(world);
    REQUIRE_FALSE(refused.has_value());
    EXPECT(refused.error().code == Errc::exists);
    EXPECT(refused.error().context.find("Apache Kafka") != std::string::npos);
    EXPECT(world.disk("node").contents(path) == text("x"));
  }
}

TEST_CASE("a formatted directory with the metadata log alone is not Kafka's data") {
  World world(6);
  world.disk("node").put("/data/meta.properties", text("version=1\n"));
  world.disk("node").put("/data/bootstrap.checkpoint", text("x"));
  world.disk("node").put("/data/__cluster_metadata-0/00000000000000000000.log", text("x"));
  EXPECT(look(world).has_value());
}

TEST_CASE("our WAL without our manifest is refused") {
  World world(7);
  world.run([] { return use(true); });
  world.disk("node").put("/data/odradek.wal/x.wal", text("x"));
  EXPECT(look(world).has_value());
  world.disk("node").remove("/data/odradek.manifest");
  const auto refused = look(world);
  REQUIRE_FALSE(refused.has_value());
  EXPECT(refused.error().code == Errc::corrupt);
}

TEST_CASE("the mark of a clean stop names each WAL's last group, and a cut one is no mark") {
  Uuid one;
  one.bytes.fill(3);
  const std::vector<WalEnd> ends{{one, WalSequence(17)}, {Uuid{}, WalSequence(0)}};
  const std::string whole = encode_clean_mark(ends);
  REQUIRE(decode_clean_mark(whole).has_value());
  EXPECT(*decode_clean_mark(whole) == ends);
  for (size_t bytes = 0; bytes + 1 < whole.size(); ++bytes) {
    EXPECT_FALSE(decode_clean_mark(std::string_view(whole).substr(0, bytes)).has_value());
  }
  EXPECT_FALSE(decode_clean_mark(whole + "wal\n").has_value());
}

TEST_CASE("a partition's directory is known by its name") {
  EXPECT(is_partition_directory("orders-0"));
  EXPECT(is_partition_directory("with-dash-12"));
  EXPECT_FALSE(is_partition_directory("orders"));
  EXPECT_FALSE(is_partition_directory("orders-"));
  EXPECT_FALSE(is_partition_directory("-1"));
  EXPECT_FALSE(is_partition_directory("orders-1.abc-delete"));
}

}  // namespace
}  // namespace odradek::log
