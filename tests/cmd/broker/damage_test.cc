// What clients see of damage at rest: one partition's storage error, and nothing of it elsewhere.
#include <algorithm>

#include "log/wal_format.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

constexpr int16_t kStorageError = 56;

// Flips a bit in the large batch that one of the write-ahead logs holds.
void damage_large_batch(reactor::sim::Disk& disk) {
  const Bytes needle(100, 'v');
  for (const std::string& path : disk.files()) {
    if (!path.ends_with(log::kWalSuffix)) continue;
    const auto bytes = *disk.contents(path);
    const auto found = std::ranges::search(bytes, needle);
    if (found.empty()) continue;
    disk.flip_bit(path, static_cast<uint64_t>(found.begin() - bytes.begin()) + 10, 0);
    return;
  }
  FAIL("the write-ahead log holds no batch");
}

TEST_CASE("a damaged partition answers KAFKA_STORAGE_ERROR until its topic is made anew") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "bad");
    co_await create_topic(c, "good");
    EXPECT_EQ((co_await produce(c, "bad", 0, batch({.value_bytes = 300}))).error, 0);
    // What follows it in its write-ahead log tells damage from the torn end of one.
    for (const char* topic : {"bad", "good", "good"}) {
      EXPECT_EQ((co_await produce(c, topic, 0, batch())).error, 0);
    }
  });
  cluster.world().crash(cluster.broker(), reactor::sim::DiskOutcome::all_kept);
  damage_large_batch(cluster.world().disk("broker"));
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    const Bytes records = batch();
    EXPECT_EQ((co_await produce(c, "bad", 0, records)).error, kStorageError);
    const auto refused = co_await fetch(c, {.topic = "bad"});
    EXPECT_EQ(refused->message.responses.at(0).partitions.at(0).error_code, kStorageError);
    EXPECT_EQ((co_await produce(c, "good", 0, records)).base, 2);
    const auto there = co_await fetch(c, {.topic = "good"});
    EXPECT_EQ(there->message.responses.at(0).partitions.at(0).high_watermark, 3);
    EXPECT_EQ(co_await delete_topic(c, "bad"), 0);
    co_await create_topic(c, "bad");
    EXPECT_EQ((co_await produce(c, "bad", 0, records)).base, 0);
  });
  EXPECT(cluster.logged("/data/bad-0 is quarantined: "));
}

}  // namespace
}  // namespace odradek::broker
