// The disk's own contract, and a search for ways around it.
#include "reactor/sim/disk.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "reactor/sim/file_data.h"
#include "tests/reactor/support.h"

namespace odradek::reactor::sim {
namespace {

// Drives one FileData with random operations and checks a crash against every byte's possible
// values.
struct Trial {
  explicit Trial(uint64_t seed) : prng(seed) {}
  static constexpr uint64_t kSpan = 6 * kPageBytes;
  static constexpr uint64_t kSample = 61;  // values are tracked of every so many bytes
  using Values = std::vector<std::set<uint8_t>>;
  Prng prng;
  FileData file;
  std::vector<uint8_t> now;   // as a reader sees it
  std::vector<uint8_t> safe;  // as of the last finished sync that covers most
  Values later = Values(kSpan / kSample + 1);
  struct Open {
    uint64_t id;
    std::vector<uint8_t> contents;
    Values later = Values(kSpan / kSample + 1);
  };
  std::vector<Open> syncs;
  bool shrunk = false;

  void remember(uint64_t at, uint8_t value) {
    if (at % kSample != 0) return;
    later[at / kSample].insert(value);
    for (Open& sync : syncs) sync.later[at / kSample].insert(value);
  }
  void write() {
    const uint64_t offset = prng.below(kSpan - 1);
    std::vector<uint8_t> bytes(1 + prng.below(std::min<uint64_t>(kSpan - offset, 9000)));
    const auto value = static_cast<uint8_t>(prng.next());
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(value + i / 64);
    const iovec parts[] = {{bytes.data(), bytes.size() / 2},
                           {bytes.data() + bytes.size() / 2, bytes.size() - bytes.size() / 2}};
    file.write(parts, bytes.size(), offset, prng, 0);
    if (now.size() < offset + bytes.size()) now.resize(offset + bytes.size());
    for (size_t i = 0; i < bytes.size(); ++i) {
      now[offset + i] = bytes[i];
      remember(offset + i, bytes[i]);
    }
  }
  void truncate() {
    const uint64_t length = prng.below(now.size() + 1);
    for (uint64_t i = length; i < now.size(); ++i) remember(i, 0);
    file.truncate(length);
    now.resize(length);
    shrunk = true;
  }
  void begin_sync() { syncs.push_back({file.begin_sync(), now}); }
  void end_sync(bool fails) {
    const size_t index = prng.below(syncs.size());
    Open sync = std::move(syncs[index]);
    syncs.erase(syncs.begin() + static_cast<ptrdiff_t>(index));
    if (fails) return file.fail_sync(sync.id, false);
    file.finish_sync(sync.id);
    // Those that began earlier promise less from now on.
    std::erase_if(syncs, [&](const Open& other) {
      if (other.id > sync.id) return false;
      file.finish_sync(other.id);
      return true;
    });
    safe = std::move(sync.contents);
    later = std::move(sync.later);
  }
  void check_reads() {
    std::vector<uint8_t> seen(kSpan);
    seen.resize(file.read(seen, 0));
    REQUIRE(seen == now);
  }
  void crash(DiskOutcome outcome) {
    const std::vector<uint8_t> before = now;
    file.crash(outcome, prng, prng.chance(1, 2) ? 512 : 4096);
    std::vector<uint8_t> after(kSpan);
    after.resize(file.read(after, 0));
    if (outcome == DiskOutcome::all_lost) REQUIRE(after == safe);
    if (outcome == DiskOutcome::all_kept) REQUIRE(after == before);
    if (!shrunk) REQUIRE(after.size() >= safe.size());
    uint64_t impossible = UINT64_MAX;
    for (uint64_t i = 0; i < after.size(); i += kSample) {
      const uint8_t old = i < safe.size() ? safe[i] : 0;
      const bool possible =
          after[i] == old || later[i / kSample].contains(after[i]) || (shrunk && after[i] == 0);
      if (!possible) impossible = i;
    }
    REQUIRE_EQ(impossible, UINT64_MAX);
  }
};

TEST_CASE("after a crash every byte is what was synced, or something written since") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Trial trial(seed);
    const uint64_t operations = trial.prng.between(1, 30);
    const bool truncates = trial.prng.chance(1, 3);
    for (uint64_t i = 0; i < operations; ++i) {
      const uint64_t kind = trial.prng.below(8);
      if (kind == 0 && truncates) {
        trial.truncate();
      } else if (kind <= 2) {
        trial.begin_sync();
      } else if (kind <= 4 && !trial.syncs.empty()) {
        trial.end_sync(false);
      } else {
        trial.write();
      }
      trial.check_reads();
    }
    CAPTURE(seed);
    trial.crash(kDiskOutcomes[seed % 4]);
  }
}

TEST_CASE("torn and random crashes really tear: all four kinds of remains occur") {
  int old_whole = 0;
  int new_whole = 0;
  int mixed = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Prng prng(seed);
    FileData file;
    std::vector<uint8_t> bytes(4 * kPageBytes, 'o');
    iovec part{bytes.data(), bytes.size()};
    file.write({&part, 1}, bytes.size(), 0, prng, 0);
    file.settle();
    std::ranges::fill(bytes, 'n');
    file.write({&part, 1}, bytes.size(), 0, prng, 0);
    file.crash(seed % 2 ? DiskOutcome::torn : DiskOutcome::random, prng, 4096);
    std::vector<uint8_t> after(bytes.size());
    file.read(after, 0);
    const auto news = static_cast<size_t>(std::ranges::count(after, 'n'));
    old_whole += news == 0;
    new_whole += news == bytes.size();
    mixed += news > 0 && news < bytes.size();
    EXPECT_EQ(news % kPageBytes, 0);
  }
  EXPECT(old_whole > 5);
  EXPECT(new_whole > 5);
  EXPECT(mixed > 100);
}

TEST_CASE(
    "a sync covers what was written before it began, even when it was overwritten meanwhile") {
  Prng prng(1);
  FileData file;
  std::vector<uint8_t> bytes(kPageBytes, 'a');
  const iovec part{bytes.data(), bytes.size()};
  file.write({&part, 1}, bytes.size(), 0, prng, 0);
  const uint64_t sync = file.begin_sync();
  std::ranges::fill(bytes, 'b');
  file.write({&part, 1}, bytes.size(), 0, prng, 0);
  file.finish_sync(sync);
  file.crash(DiskOutcome::all_lost, prng, 4096);
  file.read(bytes, 0);
  EXPECT_EQ(bytes[0], 'a');
}

struct Pages {
  Prng prng{1};
  FileData file;
  void write(uint64_t page, uint64_t count, char value) {
    std::vector<uint8_t> bytes(count * kPageBytes, static_cast<uint8_t>(value));
    const iovec part{bytes.data(), bytes.size()};
    file.write({&part, 1}, bytes.size(), page * kPageBytes, prng, 0);
  }
  // What is left of the first byte of each page after all that may be lost is lost.
  std::string crash() {
    file.crash(DiskOutcome::all_lost, prng, 4096);
    std::string left;
    for (uint64_t at = 0; at < file.size(); at += kPageBytes) {
      uint8_t byte = 0;
      file.read({&byte, 1}, at);
      left.push_back(byte == 0 ? '.' : static_cast<char>(byte));
    }
    return left;
  }
};

TEST_CASE("a sync of a range covers its pages and the size that finds them, and no more") {
  Pages pages;
  pages.write(0, 6, 'a');
  const uint64_t sync = pages.file.begin_range_sync(2 * kPageBytes, 2 * kPageBytes);
  pages.write(3, 1, 'b');
  pages.file.finish_sync(sync);
  EXPECT_EQ(pages.crash(), "..aa");
}

TEST_CASE("a sync of a range that ends late takes nothing back") {
  Pages pages;
  pages.write(0, 4, 'a');
  const uint64_t early = pages.file.begin_range_sync(3 * kPageBytes, kPageBytes);
  const uint64_t late = pages.file.begin_range_sync(0, kPageBytes);
  pages.file.finish_sync(late);
  pages.file.finish_sync(early);
  EXPECT_EQ(pages.crash(), "a..a");
}

TEST_CASE("a truncation is durable with the next sync of any range") {
  Pages pages;
  pages.write(0, 4, 'a');
  pages.file.settle();
  pages.file.truncate(kPageBytes);
  pages.write(2, 1, 'b');
  pages.file.finish_sync(pages.file.begin_range_sync(2 * kPageBytes, kPageBytes));
  EXPECT_EQ(pages.crash(), "a.b");
}

Task<void> failing_sync() {
  File file = must(co_await File::open("/data", to_write()));
  must(co_await file.write(as_bytes("new"), 0));
  EXPECT_EQ(error_of(co_await file.sync_data()), Errc::io);
  must(co_await file.sync_data());  // as Linux: the second one knows of nothing
  must(co_await file.close());
}
TEST_CASE("after a failed sync the next one succeeds and the data is gone all the same") {
  World world(1);
  world.disk("node").put("/data", as_bytes("old"));
  world.disk("node").inject(
      {.code = OpCode::fdatasync, .path_part = "data", .error = EIO, .count = 1});
  world.run([] { return failing_sync(); });
  world.disk("node").crash(DiskOutcome::all_lost);
  EXPECT(world.disk("node").contents("/data") == text("old"));
}

Task<void> failing_writes() {
  File a = must(co_await File::open("/a", to_write()));
  File b = must(co_await File::open("/b", to_write()));
  must(co_await a.write(as_bytes("1"), 0));
  EXPECT_EQ(error_of(co_await a.write(as_bytes("2"), 0)), Errc::io);
  must(co_await b.write(as_bytes("3"), 0));
  must(co_await a.write(as_bytes("4"), 0));
  must(co_await a.close());
  must(co_await b.close());
}
TEST_CASE("an injected fault hits the path and the turn it was meant for") {
  World world(1);
  world.disk("node").inject(
      {.code = OpCode::write, .path_part = "/a", .error = EIO, .skip = 1, .count = 1});
  world.run([] { return failing_writes(); });
  EXPECT(world.disk("node").contents("/a") == text("4"));
}

TEST_CASE("a bit flipped at rest is read, and stays after a crash") {
  Disk disk({}, 1);
  disk.put("/dir/a", as_bytes("abc"));
  disk.flip_bit("/dir/a", 1, 0);
  EXPECT(disk.contents("/dir/a") == text("acc"));
  disk.crash(DiskOutcome::all_lost);
  EXPECT(disk.contents("/dir/a") == text("acc"));
  EXPECT_EQ(disk.files(), std::vector<std::string>{"/dir/a"});
}

TEST_CASE("a renamed directory takes its files along, durably only after a sync of its parent") {
  for (const bool synced : {false, true}) {
    Disk disk({}, 1);
    disk.put("/logs/topic-0/1.log", as_bytes("x"));
    EXPECT_EQ(disk.rename("/logs/topic-0", "/logs/topic-0.gone"), 0);
    EXPECT(disk.contents("/logs/topic-0.gone/1.log") == text("x"));
    InodeId logs = 0;
    REQUIRE_EQ(disk.open("/logs", 0, 0, logs), 0);
    if (synced) EXPECT_EQ(disk.finish_sync(logs, disk.begin_sync(logs)), 0);
    disk.crash(DiskOutcome::all_lost);
    EXPECT_EQ(disk.contents("/logs/topic-0.gone/1.log").has_value(), synced);
    EXPECT_EQ(disk.contents("/logs/topic-0/1.log").has_value(), !synced);
  }
}

TEST_CASE("of one directory's changes a crash keeps a prefix") {
  std::set<size_t> kept;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Disk disk({}, seed);
    for (int i = 0; i < 5; ++i) {
      InodeId id = 0;
      REQUIRE_EQ(disk.open("/" + std::to_string(i), O_CREAT | O_RDWR, 0, id), 0);
      disk.close(id, 1);
    }
    disk.crash(DiskOutcome::random);
    const auto files = disk.files();
    kept.insert(files.size());
    for (size_t i = 0; i < files.size(); ++i) EXPECT_EQ(files[i], "/" + std::to_string(i));
  }
  EXPECT_EQ(kept.size(), 6);
}

TEST_CASE("an unlinked file lives as long as it is open") {
  Disk disk({}, 1);
  disk.put("/a", as_bytes("x"));
  InodeId id = 0;
  REQUIRE_EQ(disk.open("/a", 0, 0, id), 0);
  EXPECT_EQ(disk.unlink("/a"), 0);
  char c = 0;
  const iovec part{&c, 1};
  EXPECT_EQ(disk.read(id, {&part, 1}, 0, false), 1);
  EXPECT_EQ(c, 'x');
  disk.close(id, 1);
  EXPECT_EQ(disk.used_bytes(), 0);
}

}  // namespace
}  // namespace odradek::reactor::sim
