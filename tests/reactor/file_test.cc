#include "reactor/file.h"

#include <cerrno>

#include "reactor/limits.h"
#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

using sim::NodeOptions;
using sim::Run;
using sim::World;
using sim::WorldOptions;

std::vector<uint8_t> pattern(size_t bytes, uint8_t seed) {
  std::vector<uint8_t> out(bytes);
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(i * 7 + i / 4096 + seed);
  return out;
}

Task<void> names_and_errors() {
  EXPECT_EQ(error_of(co_await File::open("/no/such", {})), Errc::not_found);
  must(co_await make_directories("/data/deep/er"));
  must(co_await make_directories("/data/deep/er"));
  File file = must(co_await File::open("/data/a", to_write()));
  must(co_await file.close());
  OpenOptions exclusive = to_write();
  exclusive.exclusive = true;
  EXPECT_EQ(error_of(co_await File::open("/data/a", exclusive)), Errc::exists);
  EXPECT_EQ(error_of(co_await make_directory("/data")), Errc::exists);
  EXPECT_EQ(error_of(co_await remove_file("/data/b")), Errc::not_found);
  EXPECT_EQ(error_of(co_await remove_directory("/data/deep")), Errc::io);  // not empty
  must(co_await remove_directory("/data/deep/er"));
  must(co_await rename_file("/data/a", "/data/z"));
  const auto entries = must(co_await list_directory("/data"));
  REQUIRE_EQ(entries.size(), 2);
  EXPECT_EQ(entries[0].name, "deep");
  EXPECT(entries[0].directory);
  EXPECT_EQ(entries[1].name, "z");
}
TEST_CASE("names come and go, and errors say which kind they are") {
  in_world([] { return names_and_errors(); });
}

Task<void> whole_transfers() {
  const auto bytes = pattern(300'000, 3);
  File file = must(co_await File::open("/a", to_write()));
  must(co_await file.write(BytesView(bytes), 1000));
  std::vector<uint8_t> back(400'000);
  EXPECT_EQ(must(co_await file.read(back, 1000)), bytes.size());
  back.resize(bytes.size());
  EXPECT(back == bytes);
  EXPECT_EQ(must(co_await file.read(back, 301'000)), 0);
  must(co_await file.close());
  EXPECT_EQ(must(co_await stat_file("/a")).size, 301'000);
  EXPECT_EQ(must(co_await read_file("/a", 301'000)).size(), 301'000);
  EXPECT_EQ(error_of(co_await read_file("/a", 300'999)), Errc::too_large);
}
TEST_CASE("reads and writes are whole however short the transfers are") {
  WorldOptions options;
  options.disk.short_transfer = 800'000;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    in_world([] { return whole_transfers(); }, {}, seed, options);
  }
}

Task<void> many_parts() {
  const auto bytes = pattern(kIovecsMax * 3 * 100, 1);
  std::vector<iovec> parts;
  for (size_t i = 0; i < bytes.size(); i += 100) {
    parts.push_back({const_cast<uint8_t*>(bytes.data()) + i, 100});
  }
  File file = must(co_await File::open("/a", to_write()));
  must(co_await file.write_durable(parts, 0));
  must(co_await file.close());
  EXPECT(must(co_await read_file("/a", 1 << 20)) == bytes);
}
TEST_CASE("a vectored write takes more parts than one operation does") {
  in_world([] { return many_parts(); });
}

Task<void> direct() {
  OpenOptions options = to_write();
  options.direct = true;
  File file = must(co_await File::open("/a", options));
  EXPECT(file.direct());
  Lease lease = must(Result<Lease>(this_shard().arena().try_allocate(8192)));
  must(co_await file.write(lease.bytes(), 4096));
  EXPECT_EQ(error_of(co_await file.write(lease.bytes(), 512)), Errc::io);
  EXPECT_EQ(error_of(co_await file.write(lease.bytes().first(100), 0)), Errc::io);
  EXPECT_EQ(error_of(co_await file.write(lease.bytes().subspan(8, 4096), 0)), Errc::io);
  EXPECT_EQ(error_of(co_await file.read(lease.writable().first(100), 0)), Errc::io);
  must(co_await file.close());
}
TEST_CASE("direct I/O off its alignment is refused") {
  in_world([] { return direct(); });
}

Task<void> not_direct() {
  OpenOptions options = to_write();
  options.direct = true;
  File file = must(co_await File::open("/a", options));
  EXPECT_FALSE(file.direct());
  must(co_await file.write(as_bytes("odd"), 1));
  must(co_await file.close());
}
TEST_CASE("a file system without direct I/O is opened buffered and says so") {
  WorldOptions options;
  options.disk.direct_supported = false;
  in_world([] { return not_direct(); }, {}, 1, options);
}

Task<void> fills_up() {
  File file = must(co_await File::open("/a", to_write()));
  const auto bytes = pattern(64 * 1024, 0);
  must(co_await file.write(BytesView(bytes), 0));
  EXPECT_EQ(error_of(co_await file.write(BytesView(bytes), 64 * 1024)), Errc::disk_full);
  EXPECT_EQ(error_of(co_await file.allocate(0, 1 << 20)), Errc::disk_full);
  must(co_await file.write(BytesView(bytes), 0));  // what is allocated can be overwritten
  must(co_await file.truncate(0));
  EXPECT_EQ(must(co_await stat_filesystem("/")).available, 100 * 1024);
  must(co_await file.write(BytesView(bytes), 0));
  must(co_await file.close());
}
TEST_CASE("a full disk says so, and has room again after a truncation") {
  WorldOptions options;
  options.disk.capacity_bytes = 100 * 1024;
  in_world([] { return fills_up(); }, {}, 1, options);
}

Task<void> reserves() {
  File file = must(co_await File::open("/a", to_write()));
  must(co_await file.write(as_bytes("abc"), 0));
  must(co_await file.reserve(3, 60 * 1024));
  EXPECT_EQ(must(co_await stat_file("/a")).size, 3);
  EXPECT(must(co_await stat_file("/a")).allocated >= 60 * 1024);
  EXPECT_EQ(error_of(co_await file.reserve(3, 1 << 20)), Errc::disk_full);
  File other = must(co_await File::open("/b", to_write()));
  const auto bytes = pattern(64 * 1024, 0);
  EXPECT_EQ(error_of(co_await other.write(BytesView(bytes), 0)), Errc::disk_full);
  must(co_await other.close());
  must(co_await file.write(as_bytes("def"), 3));  // into the space it has
  must(co_await file.close());
  EXPECT_EQ(as_text(BytesView(must(co_await read_file("/a", 1 << 20)))), "abcdef");
}
TEST_CASE("reserved space is the file's, leaves its size, and is refused as a whole") {
  WorldOptions options;
  options.disk.capacity_bytes = 100 * 1024;
  in_world([] { return reserves(); }, {}, 1, options);
}

Task<void> zeros() {
  File file = must(co_await File::open("/a", to_write()));
  must(co_await file.write(as_bytes("abcdef"), 0));
  must(co_await file.truncate(3));
  must(co_await file.allocate(0, 10'000));
  must(co_await file.close());
  const auto bytes = must(co_await read_file("/a", 1 << 20));
  REQUIRE_EQ(bytes.size(), 10'000);
  EXPECT_EQ(as_text(BytesView(bytes).first(3)), "abc");
  for (size_t i = 3; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], 0);
  EXPECT(must(co_await stat_file("/a")).allocated >= 10'000);
}
TEST_CASE("allocated space and what follows a truncation read as zeros") {
  in_world([] { return zeros(); });
}

Task<int> hold_lock(Duration how_long, bool reopen) {
  File file = must(co_await File::open("/lock", to_write()));
  const Status locked = co_await file.lock();
  if (locked && reopen) {
    File again = must(co_await File::open("/lock", {}));
    must(co_await again.close());
  }
  if (locked) co_await sleep_for(how_long);
  must(co_await file.close());
  if (locked) co_return 0;
  co_return locked.error().code == Errc::permission ? 1 : 2;
}
// The exit code of a second process while a first holds the lock of the same disk.
int second_locker(bool reopen, std::function<void(World&, sim::NodeId)> between) {
  World world(5);
  const auto first =
      world.start({.name = "a", .disk = "shared"}, [=] { return hold_lock(1s, reopen); });
  world.run_for(100ms);
  between(world, first);
  const auto second =
      world.start({.name = "b", .disk = "shared"}, [] { return hold_lock(0s, false); });
  REQUIRE_EQ(world.run_until_exit(second), Run::done);
  return world.exit_code(second).value();
}
TEST_CASE("a second process finds the lock held until the first is gone") {
  EXPECT_EQ(second_locker(false, [](World&, sim::NodeId) {}), 1);
  EXPECT_EQ(second_locker(false, [](World& world, sim::NodeId) { world.run_for(2s); }), 0);
  EXPECT_EQ(second_locker(false, [](World& world, sim::NodeId first) { world.kill(first); }), 0);
}
TEST_CASE("closing any descriptor of a file drops the process's lock, as POSIX has it") {
  EXPECT_EQ(second_locker(true, [](World&, sim::NodeId) {}), 0);
}

Task<void> refused() {
  EXPECT_EQ(error_of(co_await File::open("/a", to_write())), Errc::permission);
  EXPECT_EQ(error_of(co_await make_directory("/d")), Errc::permission);
}
TEST_CASE("a read-only disk refuses changes") {
  WorldOptions options;
  options.disk.read_only = true;
  in_world([] { return refused(); }, {}, 1, options);
}

Task<void> few_descriptors() {
  std::vector<File> files;
  for (int i = 0; i < 5; ++i) {
    files.push_back(must(co_await File::open("/f" + std::to_string(i), to_write())));
  }
  EXPECT_EQ(error_of(co_await File::open("/more", to_write())), Errc::io);
  for (File& file : files) must(co_await file.close());
}
TEST_CASE("descriptors run out with an error") {
  in_world([] { return few_descriptors(); }, {.descriptors_max = 8});
}

}  // namespace
}  // namespace odradek::reactor
