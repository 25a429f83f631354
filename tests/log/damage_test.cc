// Bits that flip at rest: in the write-ahead log, in segments and what is beside them, in the
// manifest. Whatever flips, a partition is served with all that was acknowledged, or not at all.
#include <algorithm>
#include <cerrno>

#include "log/wal_scan.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kA = partition_id(1);
const TopicPartition kB = partition_id(2);
const TopicPartition kC = partition_id(3);
const TopicPartition kIdle = partition_id(4);
const std::vector<TopicPartition> kAll{kA, kB, kC, kIdle};

// Groups of one and of several records; the last three are each of one partition.
Task<void> life(Live& live) {
  for (const TopicPartition id : kAll) must(co_await live.open(id, {}, 1));
  co_await live.append(kIdle, {.value_bytes = 60});
  for (int round = 0; round < 3; ++round) {
    co_await live.append(kA, {.value_bytes = 700});
    co_await live.stage(kB, {.value_bytes = 5'000});
    co_await live.append(kC, {.records = 3, .value_bytes = 100});
    co_await live.append(kB, {.value_bytes = 40});
  }
  for (const TopicPartition id : {kA, kB, kC}) co_await live.append(id, {.value_bytes = 10});
}

struct GroupAt {
  std::string path;
  uint64_t at = 0;
  WalGroupHeader header;
  std::vector<uint64_t> records;  // where each begins, in the file
  std::set<TopicPartition> partitions;
};

struct DamagedWorld : LogWorld {
  explicit DamagedWorld(const Script& script = life) : LogWorld(11) {
    options.wal_bytes = 512 << 10;
    options.disk_reserve_bytes = 0;
    live_until_crash(script, DiskOutcome::all_kept);
  }
  reactor::sim::Disk& disk() { return world.disk("node"); }

  // The groups of the WAL in order, without marks.
  std::vector<GroupAt> groups() {
    std::vector<GroupAt> out;
    for (const std::string& path : disk().files()) {
      if (!path.ends_with(kWalSuffix)) continue;
      const std::vector<uint8_t> bytes = *disk().contents(path);
      for (uint64_t at = kWalFileHeaderBytes; at < bytes.size(); at += kWalBlockBytes) {
        const auto found =
            decode_wal_group_header(BytesView(bytes).subspan(at, kWalGroupHeaderBytes));
        if (!found || found->header.record_count == 0) continue;
        out.push_back(group_of(path, at, found->header, bytes));
      }
    }
    std::ranges::sort(out, {}, [](const GroupAt& g) { return g.header.sequence; });
    return out;
  }
  static GroupAt group_of(const std::string& path, uint64_t at, const WalGroupHeader& header,
                          BytesView file) {
    GroupAt out{path, at, header, {}, {}};
    WalRecordCursor cursor(header, file.subspan(at + kWalGroupHeaderBytes, header.record_bytes));
    uint64_t position = at + kWalGroupHeaderBytes;
    while (auto item = must(cursor.next())) {
      out.records.push_back(position);
      out.partitions.insert(item->record.id);
      position += wal_record_size(item->payload.size());
    }
    return out;
  }

  // Starts, looks at every partition, stops. Returns those that were not served.
  std::set<TopicPartition> quarantined() {
    std::set<TopicPartition> out;
    live([&out](Live& running) { return look(running, out); });
    return out;
  }
  static Task<void> look(Live& live, std::set<TopicPartition>& out) {
    for (const TopicPartition id : kAll) {
      const Status opened = co_await live.open(id, {}, 2);
      if (opened) {
        co_await verify(live, id);
        EXPECT_EQ((co_await live.append(id, {.value_bytes = 90})).fault, AppendFault::none);
        continue;
      }
      EXPECT_EQ(opened.error().code, Errc::corrupt);
      EXPECT_EQ(live.manager->absence(id), Errc::corrupt);
      EXPECT(live.manager->find(id) == nullptr);
      out.insert(id);
    }
  }
  bool says(const std::string& what) {
    return std::ranges::any_of(world.lines(node), [&](const std::string& line) {
      return line.find(what) != std::string::npos;
    });
  }
};

bool within(const std::set<TopicPartition>& inner, const std::set<TopicPartition>& outer) {
  return std::ranges::includes(outer, inner);
}

TEST_CASE(
    "a flipped bit in a batch of the WAL quarantines its partition and no other, and says so") {
  const size_t count = DamagedWorld().groups().size();
  REQUIRE(count >= 10);
  for (size_t i = 0; i + 1 < count; ++i) {
    DamagedWorld world;
    const GroupAt group = world.groups()[i];
    REQUIRE(group.header.sequence < world.groups().back().header.sequence);
    CAPTURE(i);
    for (size_t r = 0; r < group.records.size(); r += 2) {
      DamagedWorld damaged;
      damaged.disk().flip_bit(group.path, group.records[r] + kWalRecordHeaderBytes + 64, 3);
      const std::set<TopicPartition> hit = damaged.quarantined();
      REQUIRE_EQ(hit.size(), 1);
      REQUIRE(within(hit, group.partitions));
      EXPECT(damaged.says("is quarantined: "));
      EXPECT(damaged.says("has a bad checksum in the write-ahead log"));
      // It stays so after a clean stop, and the others stay served.
      EXPECT(damaged.quarantined() == hit);
      EXPECT(damaged.says("is quarantined: "));
    }
  }
}

TEST_CASE("a flipped bit in any header of a group quarantines at most the partitions in it") {
  const size_t count = DamagedWorld().groups().size();
  for (size_t i = 0; i + 1 < count; ++i) {
    for (const uint64_t byte : {2, 6, 33, 41, 60, 90, 127}) {
      DamagedWorld damaged;
      const GroupAt group = damaged.groups()[i];
      CAPTURE(i);
      CAPTURE(byte);
      damaged.disk().flip_bit(group.path, group.at + byte, 5);
      REQUIRE(within(damaged.quarantined(), group.partitions));
    }
    for (const uint64_t byte : {1, 4, 8, 12, 20, 33, 60, 70}) {
      DamagedWorld damaged;
      const GroupAt group = damaged.groups()[i];
      CAPTURE(i);
      CAPTURE(byte);
      damaged.disk().flip_bit(group.path, group.records.back() + byte, 5);
      REQUIRE(within(damaged.quarantined(), group.partitions));
    }
  }
}

TEST_CASE("without the group behind it, a lost group may be anybody's") {
  DamagedWorld damaged;
  const std::vector<GroupAt> groups = damaged.groups();
  const GroupAt& first = groups[groups.size() - 4];
  damaged.disk().flip_bit(first.path, first.at + 40, 1);
  damaged.disk().flip_bit(groups[groups.size() - 3].path, groups[groups.size() - 3].at + 40, 1);
  const std::set<TopicPartition> hit = damaged.quarantined();
  // C goes on behind the damage where it ended before it.
  EXPECT(hit.contains(kIdle));
  EXPECT_FALSE(hit.contains(kC));
}

TEST_CASE("a flipped bit above what later groups call durable is a torn end and no damage") {
  for (const uint64_t byte : {8, 100, 200, 250}) {
    DamagedWorld damaged;
    const GroupAt last = damaged.groups().back();
    damaged.disk().flip_bit(last.path, last.at + byte, 2);
    // The oracle is told that the newest batch of C may be gone.
    damaged.client.acked[kC].erase(std::prev(damaged.client.acked[kC].end()));
    damaged.client.watermark[kC] = 0;
    EXPECT(damaged.quarantined().empty());
  }
}

TEST_CASE("the files of a damaged WAL are set aside and not used again") {
  DamagedWorld damaged;
  const GroupAt group = damaged.groups()[3];
  damaged.disk().flip_bit(group.path, group.at + 40, 1);
  (void)damaged.quarantined();
  EXPECT(damaged.disk().contents(group.path + kWalDamagedSuffix).has_value());
  EXPECT_FALSE(damaged.disk().contents(group.path).has_value());
}

TEST_CASE("a quarantined partition can be deleted, and a new one takes its place") {
  DamagedWorld damaged;
  const GroupAt group = damaged.groups()[1];
  REQUIRE(group.partitions == std::set<TopicPartition>{kA});
  damaged.disk().flip_bit(group.path, group.records[0] + kWalRecordHeaderBytes + 64, 3);
  damaged.live([](Live& live) -> Task<void> {
    EXPECT_FALSE((co_await live.open(kA)).has_value());
    must(co_await live.manager->delete_partition(kA));
    live.client->forget(kA);
    EXPECT_EQ(live.manager->absence(kA), Errc::moved);
    must(co_await live.open(kA));
    EXPECT_EQ((co_await live.append(kA)).base.value, 0);
  });
  EXPECT(damaged.quarantined().empty());
}

// --- segments ---

// Everything is in the files: the logs are read from them alone.
struct StoredWorld : LogWorld {
  StoredWorld() : LogWorld(12) {
    live([](Live& live) -> Task<void> {
      for (const TopicPartition id : {kA, kB}) must(co_await live.open(id, config(), 1));
      for (int i = 0; i < 12; ++i) co_await live.append(kA, {.records = 2, .value_bytes = 3'000});
      co_await live.append(kB, {.value_bytes = 500});
    });
  }
  static LogConfig config() {
    LogConfig config;
    config.segment_bytes = 20'000;
    return config;
  }
  // Reads A from its start until something is refused; what is read must be what was sent.
  static Task<void> read_until_refused(Live& live, bool& refused) {
    const Status opened = co_await live.open(kA, config(), 1);
    refused = !opened;
    Offset at(0);
    while (!refused && at < live.log(kA).high_watermark()) {
      auto slice = co_await live.log(kA).read({.from = at,
                                               .bytes_max = 4'000,
                                               .limit = live.log(kA).high_watermark(),
                                               .at_least_one = true});
      refused = !slice;
      if (refused) {
        EXPECT_EQ(slice.error().code, Errc::corrupt);
        break;
      }
      EXPECT(slice->bytes > 0);
      at = slice->next;
    }
    if (!refused) co_await verify(live, kA);
    must(co_await live.open(kB, config(), 1));
    co_await verify(live, kB);
  }
  std::vector<std::string> files_of(const std::string& suffix) {
    std::vector<std::string> out = world.disk("node").files();
    std::erase_if(out, [&](const std::string& path) {
      return !path.starts_with("/data/topic1-0/") || !path.ends_with(suffix);
    });
    return out;
  }
};

TEST_CASE("a flipped bit in a segment is refused when it is read, and other logs are served") {
  for (uint64_t byte = 5; byte < 12'000; byte += 997) {
    StoredWorld stored;
    CAPTURE(byte);
    stored.world.disk("node").flip_bit(stored.files_of(".log").at(1), byte, 6);
    bool refused = false;
    stored.live([&](Live& live) { return StoredWorld::read_until_refused(live, refused); });
    REQUIRE(refused);
  }
}

TEST_CASE("a flipped bit in what is derived from a segment is never believed") {
  for (const char* suffix : {".odx", ".index", ".timeindex", ".snapshot"}) {
    const size_t count = StoredWorld().files_of(suffix).size();
    for (size_t i = 0; i < count; i += 2) {
      const size_t bytes =
          StoredWorld().world.disk("node").contents(StoredWorld().files_of(suffix)[i])->size();
      for (uint64_t byte = 0; byte < bytes; byte += 7) {
        StoredWorld stored;
        CAPTURE(suffix);
        CAPTURE(byte);
        stored.world.disk("node").flip_bit(stored.files_of(suffix)[i], byte, byte % 8);
        bool refused = false;
        stored.live([&](Live& live) { return StoredWorld::read_until_refused(live, refused); });
        REQUIRE_FALSE(refused);
      }
    }
  }
}

TEST_CASE("a segment file that is gone is damage, unless all of it is in the WAL") {
  DamagedWorld damaged;
  damaged.disk().remove("/data/topic1-0/00000000000000000000.log");
  EXPECT(damaged.quarantined().empty());
  for (const size_t index : {0, 2}) {
    StoredWorld stored;
    stored.world.disk("node").remove(stored.files_of(".log").at(index));
    bool refused = false;
    stored.live([&](Live& live) { return StoredWorld::read_until_refused(live, refused); });
    EXPECT(refused);
  }
}

// --- the manifest ---

// Starts; true when the start was refused for damage. Otherwise everything must be there.
bool refused(LogWorld& world) {
  std::set<TopicPartition> hit;
  world.begin([&hit](Live& live) { return DamagedWorld::look(live, hit); }, true);
  REQUIRE_EQ(world.world.run_until_exit(world.node), Run::done);
  REQUIRE(hit.empty());
  if (world.world.exit_code(world.node) == 0) return false;
  REQUIRE(world.stop_error.find("corrupt") != std::string::npos);
  REQUIRE(world.stop_error.find("/data/odradek.manifest") != std::string::npos);
  return true;
}

TEST_CASE("a flipped bit in the manifest's snapshot is refused") {
  LogWorld first(13);
  first.live(life);
  const size_t bytes = first.world.disk("node").contents("/data/odradek.manifest")->size();
  for (uint64_t byte = 0; byte < bytes; byte += 29) {
    LogWorld world(13);
    world.live(life);
    CAPTURE(byte);
    world.world.disk("node").flip_bit("/data/odradek.manifest", byte, byte % 8);
    // A version that is not known is refused too, as a newer one.
    if (byte == 8 || byte == 9) continue;
    REQUIRE(refused(world));
  }
}

TEST_CASE("a flipped bit in the manifest's journal is refused, in its last entry too") {
  std::vector<uint8_t> journal = *DamagedWorld().disk().contents("/data/odradek.manifest.journal");
  while (!journal.empty() && journal.back() == 0) journal.pop_back();
  const size_t bytes = journal.size();
  REQUIRE(bytes > 200);
  size_t refusals = 0;
  size_t runs = 0;
  for (uint64_t byte = 0; byte < bytes; byte += 23) {
    DamagedWorld world;
    CAPTURE(byte);
    world.disk().flip_bit("/data/odradek.manifest.journal", byte, byte % 8);
    refusals += refused(world) ? 1 : 0;
    ++runs;
  }
  EXPECT_EQ(refusals, runs);
}

}  // namespace
}  // namespace odradek::log::test
