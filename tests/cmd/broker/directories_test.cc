// The directories that a broker has to itself.
#include "log/directory.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

Task<void> take(std::string path, Status& out) {
  auto lock = co_await log::DirectoryLock::take(std::move(path));
  out = lock ? co_await lock->close() : Status(fail(lock.error()));
}

Status try_to_take(Cluster& cluster, const std::string& path) {
  Status out;
  cluster.world().run([&] { return take(path, out); }, {.name = "other", .disk = "broker"});
  return out;
}

TEST_CASE("log.dirs and a metadata.log.dir of its own are locked until the broker stops") {
  Cluster cluster({{"log.dirs", "/one,/two"}, {"metadata.log.dir", "/meta"}});
  for (const char* path : {"/one", "/two", "/meta"}) {
    const Status refused = try_to_take(cluster, path);
    REQUIRE_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::permission);
    EXPECT(refused.error().context.find("stop that broker first") != std::string::npos);
  }
  cluster.stop();
  for (const char* path : {"/one", "/two", "/meta"}) EXPECT(try_to_take(cluster, path).has_value());
}

TEST_CASE("a damaged log directory is offline and the partitions of the others are served") {
  Cluster cluster({{"log.dirs", "/one,/two"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    for (const int32_t p : {0, 1}) EXPECT_EQ((co_await produce(c, "t", p, batch())).error, 0);
  });
  cluster.stop();
  auto& disk = cluster.world().disk("broker");
  const bool first = disk.contents("/two/t-0/00000000000000000000.log").has_value();
  REQUIRE(first != disk.contents("/two/t-1/00000000000000000000.log").has_value());
  disk.flip_bit("/two/odradek.manifest", 60, 1);
  cluster.start();
  static int32_t offline = 0;
  offline = first ? 0 : 1;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ((co_await produce(c, "t", offline, batch())).error, 56);
    EXPECT_EQ((co_await produce(c, "t", 1 - offline, batch())).base, 1);
    co_await create_topic(c, "new", 2);
    for (const int32_t p : {0, 1}) EXPECT_EQ((co_await produce(c, "new", p, batch())).error, 0);
  });
  EXPECT(cluster.logged("/two is offline until a restart"));
}

}  // namespace
}  // namespace odradek::broker
