#include "log/wal_scan.h"

#include <algorithm>

#include "log/dump.h"
#include "reactor/shard.h"
#include "reactor/wait.h"
#include "tests/log/wal_testing.h"
#include "tests/test.h"

namespace odradek::log {
namespace {

using namespace testing;  // NOLINT: the helpers of this folder's tests
using reactor::Task;
using reactor::sim::Disk;
using reactor::sim::DiskOutcome;
using reactor::sim::kDiskOutcomes;
using reactor::sim::NodeId;
using reactor::sim::Run;
using reactor::sim::World;
using reactor::sim::WorldOptions;

// Appends with both kinds of flush, releases behind itself, and goes round the ring some times.
Task<int> append_for_ever(Ledger& ledger, WalOptions options, int count, bool trailing) {
  (void)co_await reactor::make_directory("/data");
  must(co_await reactor::sync_directory("/"));
  options.listener = &ledger;
  options.lazy_flush_bytes = 24 * 1024;
  options.lazy_flush_delay = 2ms;
  auto wal = must(co_await Wal::create(std::move(options)));
  ledger.wal = wal->id();
  for (int64_t base = 0; base < count; ++base) {
    std::vector<uint8_t> batch = make_batch(base, static_cast<size_t>(base * 997 % 3000));
    while (!wal->has_room(batch.size(), WalRoom::append)) {
      ledger.release(*wal, wal->written());
      must(co_await wal->wait_for_room(batch.size(), WalRoom::append, kMonoMax));
    }
    const WalFlush flush = base / 10 % 2 == 0 ? WalFlush::now : WalFlush::lazily;
    const WalSequence at = ledger.stage(*wal, batch_record(base), std::move(batch), flush);
    if (base % 4 == 1 && flush == WalFlush::now) must(co_await wal->wait_durable(at, kMonoMax));
    if (base % 4 == 3) co_await reactor::sleep_for(300us);
    // Either right behind the writer, or all at once when there is no room.
    if (trailing && wal->written() > WalSequence(3)) ledger.release(*wal, wal->written() - 3);
  }
  must(co_await wal->stop());
  ledger.finished = true;
  co_return 0;
}

// Fills the ring to the last block, so that the next group overwrites a file right after the
// release.
Task<int> append_and_block(Ledger& ledger, int rounds) {
  (void)co_await reactor::make_directory("/data");
  must(co_await reactor::sync_directory("/"));
  WalOptions options = small_wal();
  options.listener = &ledger;
  auto wal = must(co_await Wal::create(std::move(options)));
  ledger.wal = wal->id();
  while (rounds > 0) {
    const auto base = static_cast<int64_t>(ledger.staged.size());
    std::vector<uint8_t> batch = make_batch(base, 7000);
    if (wal->has_room(batch.size(), WalRoom::internal)) {
      ledger.stage(*wal, batch_record(base), std::move(batch), WalFlush::now);
      continue;
    }
    const MonoTime soon = reactor::this_shard().now() + 20ms;
    if (co_await wal->wait_for_room(batch.size(), WalRoom::internal, soon)) continue;
    ledger.release(*wal, wal->written());
    --rounds;
  }
  must(co_await wal->stop());
  co_return 0;
}

std::vector<Found> scan(World& world, bool retire = false,
                        std::vector<std::string>* reusable = nullptr) {
  std::vector<Found> found;
  world.run([&] { return scan_into(found, retire, reusable); }, {.name = "scan", .disk = "node"});
  return found;
}

WorldOptions hard_disk() {
  WorldOptions options;
  options.disk.tear_bytes = 512;
  options.disk.write_back = 100'000;
  return options;
}

// One life that ends at `step` with `outcome`, a scan, and a second life in the reused files that
// ends in the same way.
void crash_twice(uint64_t seed, uint64_t step, DiskOutcome outcome) {
  INFO("seed ", seed, " step ", step, " outcome ",
       std::string(reactor::sim::outcome_name(outcome)));
  World world(seed, hard_disk());
  Ledger first;
  const NodeId node =
      world.start({}, [&] { return append_for_ever(first, small_wal(), 240, seed % 2 == 0); });
  world.crash_at(node, step, outcome);
  REQUIRE_EQ(world.run_until_exit(node), Run::done);
  std::vector<std::string> reusable;
  expect_kept(first, scan(world, true, &reusable));
  Ledger second;
  WalOptions options = small_wal();
  options.reusable_files = reusable;
  world.start({}, [&] { return append_for_ever(second, options, 240, seed % 2 == 0); });
  world.crash_at(node, 3 * step / 2, outcome);
  REQUIRE_EQ(world.run_until_exit(node), Run::done);
  expect_kept(second, scan(world));
}

uint64_t steps_of_a_run(uint64_t seed) {
  World world(seed, hard_disk());
  Ledger ledger;
  const NodeId node =
      world.start({}, [&] { return append_for_ever(ledger, small_wal(), 240, seed % 2 == 0); });
  REQUIRE_EQ(world.run_until_exit(node), Run::done);
  REQUIRE(ledger.finished);
  expect_kept(ledger, scan(world));
  return world.steps(node);
}

TEST_CASE("whatever a crash leaves, everything reported durable is found") {
  for (const uint64_t seed : {1, 2}) {
    const uint64_t steps = steps_of_a_run(seed);
    REQUIRE(steps > 500);
    for (uint64_t step = seed; step <= steps; step += 3) {
      crash_twice(seed, step, kDiskOutcomes[(step / 3) % 4]);
    }
  }
}

TEST_CASE("crashes at random moments of other schedules lose nothing durable either") {
  for (uint64_t seed = 3; seed < 100; ++seed) {
    crash_twice(seed, 100 + seed * 37 % 500, kDiskOutcomes[seed % 4]);
  }
}

TEST_CASE("a crash while a file is overwritten that was just released is no damage") {
  World counting(1, hard_disk());
  Ledger whole;
  const NodeId counted = counting.start({}, [&] { return append_and_block(whole, 4); });
  REQUIRE_EQ(counting.run_until_exit(counted), Run::done);
  for (uint64_t step = 30; step <= counting.steps(counted); ++step) {
    for (const DiskOutcome outcome : {DiskOutcome::torn, DiskOutcome::random}) {
      INFO("step ", step, " outcome ", std::string(reactor::sim::outcome_name(outcome)));
      World world(1, hard_disk());
      Ledger ledger;
      const NodeId node = world.start({}, [&] { return append_and_block(ledger, 4); });
      world.crash_at(node, step, outcome);
      REQUIRE_EQ(world.run_until_exit(node), Run::done);
      expect_kept(ledger, scan(world));
    }
  }
}

// A finished WAL of `count` groups on a quiet disk, and what a test does to its file.
struct Ring {
  World world;
  Ledger ledger;
  std::vector<Found> found;

  explicit Ring(int count, uint64_t seed = 1) : world(seed) {
    world.run([this, count] { return write_groups(ledger, count); });
    look();
  }
  static Task<void> write_groups(Ledger& ledger, int count) {
    (void)co_await reactor::make_directory("/data");
    WalOptions options = small_wal();
    options.listener = &ledger;
    auto wal = must(co_await Wal::create(std::move(options)));
    ledger.wal = wal->id();
    for (int64_t base = 0; base < count; ++base) {
      const WalSequence at =
          ledger.stage(*wal, batch_record(base), make_batch(base, 500), WalFlush::now);
      must(co_await wal->wait_durable(at, kMonoMax));
    }
    must(co_await wal->stop());
  }
  Disk& disk() { return world.disk("node"); }
  void look() { found = scan(world); }
  const ScannedWal& wal() const { return found.at(0).wal; }
  std::vector<std::string> files() {
    std::vector<std::string> out = disk().files();
    std::erase_if(out, [](const std::string& path) { return !path.ends_with(kWalSuffix); });
    return out;
  }
  // Where group `sequence` lies.
  std::pair<std::string, uint64_t> place(uint64_t sequence) {
    for (const std::string& path : files()) {
      const std::vector<uint8_t> bytes = *disk().contents(path);
      for (uint64_t at = kWalFileHeaderBytes; at < bytes.size(); at += kWalBlockBytes) {
        const auto header =
            decode_wal_group_header(BytesView(bytes).subspan(at, kWalGroupHeaderBytes));
        if (header && header->header.sequence == WalSequence(sequence)) return {path, at};
      }
    }
    FAIL("no such group");
    return {};
  }
  void flip(uint64_t sequence, uint64_t byte) {
    const auto [path, at] = place(sequence);
    disk().flip_bit(path, at + byte, 3);
  }
};

TEST_CASE("a directory without a ring is an empty ring") {
  World world(1);
  world.disk("node").put("/data/x", {});
  EXPECT(scan(world).empty());
}

TEST_CASE("a broken group that a later one calls durable is damage, named, and the rest is read") {
  Ring ring(5);
  ring.flip(3, 300);
  ring.look();
  REQUIRE_EQ(ring.wal().damage.size(), 1);
  EXPECT_EQ(ring.wal().damage[0].first.value, 3);
  EXPECT_EQ(ring.wal().damage[0].last.value, 3);
  EXPECT(ring.wal().damage[0].what.find(".wal at ") != std::string::npos);
  EXPECT_EQ(ring.wal().live.size(), 4);
  EXPECT_EQ(ring.wal().last.value, 5);
  EXPECT_FALSE(ring.wal().torn);
}

TEST_CASE("a group whose header is broken is missing, and that is damage too") {
  Ring ring(5);
  ring.flip(2, 40);
  ring.look();
  REQUIRE_EQ(ring.wal().damage.size(), 1);
  EXPECT_EQ(ring.wal().damage[0].first.value, 2);
  EXPECT_EQ(ring.wal().damage[0].what, "missing");
  EXPECT_EQ(ring.wal().live.size(), 4);
}

// Trap 80.
TEST_CASE("a broken last group is a torn end and is cut") {
  Ring ring(5);
  ring.flip(5, 300);
  ring.look();
  EXPECT(ring.wal().damage.empty());
  EXPECT(ring.wal().torn);
  EXPECT_EQ(ring.wal().last.value, 4);
}

TEST_CASE("no flipped bit of a group is ever read as good") {
  Ring ring(3);
  const auto [path, at] = ring.place(2);
  // Header, record header, batch, padding of the group: only the last may be flipped unnoticed.
  const size_t meaningful = kWalGroupHeaderBytes + kWalRecordHeaderBytes + kWalBatchBytesMin + 500;
  for (size_t byte = 0; byte < meaningful; byte += byte < 256 ? 1 : 13) {
    ring.disk().flip_bit(path, at + byte, 5);
    ring.look();
    REQUIRE_EQ(ring.wal().damage.size(), 1);
    REQUIRE_EQ(ring.wal().live.size(), 2);
    ring.disk().flip_bit(path, at + byte, 5);
  }
  ring.look();
  expect_kept(ring.ledger, ring.found);
}

TEST_CASE("a file cut at any block is damage where it was durable, and never a crash") {
  Ring ring(6);
  const auto [path, at] = ring.place(1);
  const std::vector<uint8_t> whole = *ring.disk().contents(path);
  for (size_t bytes = 0; bytes < whole.size(); bytes += kWalBlockBytes / 2) {
    ring.disk().put(path, BytesView(whole).first(bytes));
    ring.look();
    if (ring.found.empty()) continue;
    const size_t groups = bytes < kWalFileHeaderBytes ? 0 : (bytes - kWalFileHeaderBytes) / 4096;
    REQUIRE_EQ(ring.wal().live.size(), std::min<size_t>(groups, 6));
  }
}

Task<void> retire_everything() { must(co_await WalScan::retire_all("/data")); }

Task<void> count_bytes(uint64_t& bytes, size_t& reusable) {
  const std::unique_ptr<WalScan> scan = must(co_await WalScan::open("/data"));
  bytes = scan->bytes_read();
  reusable = scan->reusable().size();
}

TEST_CASE("after a clean stop the next scan finds nothing and reads only headers") {
  Ring ring(6);
  ring.world.run([] { return retire_everything(); }, {.name = "scan", .disk = "node"});
  ring.look();
  EXPECT(ring.found.empty());
  uint64_t bytes = 0;
  size_t reusable = 0;
  ring.world.run([&] { return count_bytes(bytes, reusable); }, {.name = "scan", .disk = "node"});
  EXPECT_EQ(reusable, ring.files().size());
  EXPECT_EQ(bytes, ring.files().size() * kWalFileHeaderBytes);
}

TEST_CASE("one readable copy of a file's header is enough") {
  Ring ring(3);
  const std::string path = ring.place(1).first;
  ring.disk().flip_bit(path, 20, 1);
  ring.look();
  expect_kept(ring.ledger, ring.found);
  ring.disk().flip_bit(path, 20, 1);
  ring.disk().flip_bit(path, kWalBlockBytes + 20, 1);
  ring.look();
  expect_kept(ring.ledger, ring.found);
}

// Gives the second copy of the header to another WAL, as when a crash comes between the two writes.
Task<void> hand_second_copy_over(std::string path) {
  std::vector<uint8_t> block(kWalBlockBytes);
  encode_wal_file_header({.wal = reactor::this_shard().random_uuid(), .file_bytes = 1 << 20},
                         block);
  auto file = must(co_await reactor::File::open(path, {.write = true}));
  must(co_await file.write(block, kWalBlockBytes));
  must(co_await file.sync_data());
  must(co_await file.close());
}

TEST_CASE("a WAL that was retired stays so when the header of the next owner is lost") {
  Ring ring(6);
  const auto retire = [&] {
    ring.world.run([] { return retire_everything(); }, {.name = "scan", .disk = "node"});
  };
  retire();
  for (const std::string& path : ring.files()) {
    ring.world.run([&] { return hand_second_copy_over(path); }, {.name = "scan", .disk = "node"});
  }
  retire();
  for (const std::string& path : ring.files()) ring.disk().flip_bit(path, kWalBlockBytes + 20, 1);
  ring.look();
  EXPECT(ring.found.empty());
}

TEST_CASE("a file of a newer format is refused and not touched") {
  Ring ring(3);
  const std::string path = ring.place(1).first;
  std::vector<uint8_t> bytes = *ring.disk().contents(path);
  bytes[8] = 2;
  const BytesView hashed = BytesView(bytes).subspan(4, kWalBlockBytes - 4);
  store_le<uint32_t>(bytes.data(), crc32c(0, hashed));
  ring.disk().put(path, bytes);
  Status status;
  const auto open = [](Status& out) -> Task<void> {
    const auto opened = co_await WalScan::open("/data");
    if (!opened) out = fail(opened.error());
  };
  ring.world.run([&] { return open(status); }, {.name = "scan", .disk = "node"});
  REQUIRE_FALSE(status.has_value());
  EXPECT(status.error().code == Errc::unsupported);
  EXPECT(*ring.disk().contents(path) == bytes);
}

TEST_CASE("a group that does not continue the one before it is not believed") {
  Ring ring(4);
  const auto [path, at] = ring.place(3);
  std::vector<uint8_t> bytes = *ring.disk().contents(path);
  const MutableBytes head = MutableBytes(bytes).subspan(at, kWalGroupHeaderBytes);
  WalGroupHeader header = decode_wal_group_header(head)->header;
  header.previous_checksum ^= 1;
  encode_wal_group_header(header, head);
  ring.disk().put(path, bytes);
  ring.look();
  REQUIRE_EQ(ring.wal().damage.size(), 1);
  EXPECT_EQ(ring.wal().damage[0].first.value, 3);
}

Task<void> dump_into(std::vector<std::string>& lines, WalDumpOptions options, Status& status) {
  status = co_await dump_wal("/data", options,
                             [&lines](std::string_view line) { lines.emplace_back(line); });
}

Status dump_ring(Ring& ring, std::vector<std::string>& lines, WalDumpOptions options = {}) {
  Status status;
  ring.world.run([&] { return dump_into(lines, options, status); },
                 {.name = "scan", .disk = "node"});
  return status;
}

TEST_CASE("a dump prints what is live and fails for damage in what was durable") {
  Ring ring(4);
  const auto [path, at] = ring.place(3);
  ring.disk().flip_bit(path, at + 40, 0);
  std::vector<std::string> lines;
  const Status status = dump_ring(ring, lines);
  REQUIRE_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Errc::corrupt);
  EXPECT(status.error().context.starts_with("/data/odradek.wal: damaged groups 3 to 3"));
  EXPECT(std::ranges::any_of(lines, [](const auto& l) { return l.starts_with("  group 4"); }));
}

TEST_CASE("a dump of one file of the ring prints the groups in it and no others") {
  Ring ring(2);
  std::vector<std::string> lines;
  EXPECT(dump_ring(ring, lines, {.only_file = "/data/odradek.wal/none.wal"}).has_value());
  EXPECT(std::ranges::none_of(lines, [](const auto& l) { return l.starts_with("  group"); }));
  lines.clear();
  EXPECT(dump_ring(ring, lines, {.only_file = ring.place(2).first}).has_value());
  EXPECT(std::ranges::any_of(lines, [](const auto& l) { return l.starts_with("  group 2"); }));
}

TEST_CASE("a dump names files, WALs, groups and records") {
  Ring ring(2);
  std::vector<std::string> lines;
  EXPECT(dump_ring(ring, lines).has_value());
  const auto count = [&lines](std::string_view start) {
    return std::ranges::count_if(lines, [start](const auto& l) { return l.starts_with(start); });
  };
  EXPECT(count("file /data/odradek.wal/") >= 2);
  EXPECT_EQ(count("wal " + ring.ledger.wal.to_string() + ": 2 live groups, last 2"), 1);
  EXPECT_EQ(count("  group "), 2);
  EXPECT_EQ(count("    batch AQIDBAUGBwgJCgsMDQ4PEA-7 generation 2 epoch 3 offsets 1 to 1"), 1);
}

}  // namespace
}  // namespace odradek::log
