#include "log/wal.h"

#include <cerrno>

#include "reactor/shard.h"
#include "tests/log/wal_testing.h"
#include "tests/test.h"

namespace odradek::log {
namespace {

using namespace testing;  // NOLINT: the helpers of this folder's tests
using reactor::Task;
using reactor::sim::World;

Task<std::unique_ptr<Wal>> open_wal(Ledger& ledger, WalOptions options) {
  (void)co_await reactor::make_directory("/data");
  options.listener = &ledger;
  auto wal = must(co_await Wal::create(std::move(options)));
  ledger.wal = wal->id();
  co_return wal;
}

// Appends `count` batches one after the other, keeping the last four unreleased.
Task<void> append_many(Wal& wal, Ledger& ledger, int count, size_t fill, WalFlush flush) {
  for (int i = 0; i < count; ++i) {
    const auto base = static_cast<int64_t>(ledger.staged.size());
    std::vector<uint8_t> batch = make_batch(base, fill + base % 50);
    while (!wal.has_room(batch.size(), WalRoom::append)) {
      ledger.release(wal, wal.written());
      must(co_await wal.wait_for_room(batch.size(), WalRoom::append, kMonoMax));
    }
    const WalSequence at = ledger.stage(wal, batch_record(base), std::move(batch), flush);
    if (i % 3 == 2) must(co_await wal.wait_durable(at, kMonoMax));
    if (wal.written() > WalSequence(4)) ledger.release(wal, wal.written() - 4);
  }
}

Task<void> append_and_stop(Ledger& ledger, WalOptions options, int count, size_t fill,
                           WalFlush flush) {
  auto wal = co_await open_wal(ledger, std::move(options));
  co_await append_many(*wal, ledger, count, fill, flush);
  must(co_await wal->stop());
  ledger.finished = true;
}

std::vector<Found> scan(World& world, bool retire = false,
                        std::vector<std::string>* reusable = nullptr) {
  std::vector<Found> found;
  world.run([&] { return scan_into(found, retire, reusable); }, {.name = "scan", .disk = "node"});
  return found;
}

TEST_CASE("what was appended before a stop is found by the scan, byte for byte") {
  World world(1);
  Ledger ledger;
  world.run([&] { return append_and_stop(ledger, small_wal(), 20, 100, WalFlush::now); });
  EXPECT_EQ(ledger.durable.value, ledger.staged.back().sequence.value);
  expect_kept(ledger, scan(world));
}

TEST_CASE("appends go round the ring many times") {
  World world(2);
  Ledger ledger;
  world.run([&] { return append_and_stop(ledger, small_wal(), 400, 1500, WalFlush::now); });
  EXPECT_EQ(ledger.durable.value, ledger.staged.back().sequence.value);
  expect_kept(ledger, scan(world));
}

Task<void> stage_in_one_turn(Ledger& ledger) {
  auto wal = co_await open_wal(ledger, small_wal());
  WalSequence last;
  for (int i = 0; i < 40; ++i) {
    last = ledger.stage(*wal, batch_record(i), make_batch(i, 100), WalFlush::now);
  }
  must(co_await wal->wait_durable(last, kMonoMax));
  EXPECT_EQ(wal->stats().groups, 1);
  EXPECT_EQ(wal->stats().flushes, 1);
  EXPECT_EQ(wal->stats().records, 40);
  must(co_await wal->stop());
}

TEST_CASE("what one turn stages is one group, one write and one flush") {
  World world(3);
  Ledger ledger;
  world.run([&] { return stage_in_one_turn(ledger); });
  expect_kept(ledger, scan(world));
}

Task<void> flush_lazily(Ledger& ledger) {
  auto wal = co_await open_wal(ledger, small_wal());
  const MonoTime start = reactor::this_shard().precise_now();
  const WalSequence at = ledger.stage(*wal, batch_record(0), make_batch(0, 100), WalFlush::lazily);
  while (wal->written() < at) co_await reactor::sleep_for(1ms);
  EXPECT(wal->durable() < at);
  must(co_await wal->wait_durable(at, kMonoMax));
  EXPECT(reactor::this_shard().precise_now() - start >= 100ms);
  EXPECT(reactor::this_shard().precise_now() - start < 200ms);
  must(co_await wal->stop());
}

TEST_CASE("a lazily flushed group is written at once and durable within its delay") {
  World world(4);
  Ledger ledger;
  world.run([&] { return flush_lazily(ledger); });
}

Task<void> flush_by_bytes(Ledger& ledger) {
  WalOptions options = small_wal();
  options.lazy_flush_bytes = 20'000;
  options.lazy_flush_delay = std::chrono::hours(1);
  auto wal = co_await open_wal(ledger, options);
  for (int i = 0; i < 6; ++i) {
    ledger.stage(*wal, batch_record(i), make_batch(i, 3500), WalFlush::lazily);
    co_await reactor::sleep_for(50ms);
  }
  EXPECT(wal->durable() >= WalSequence(5));
  const WalSequence last = ledger.stage(*wal, batch_record(6), make_batch(6, 10), WalFlush::lazily);
  must(co_await wal->flush());
  EXPECT(wal->durable() >= last);
  must(co_await wal->stop());
}

TEST_CASE("lazily flushed bytes are flushed when there are enough of them, and on demand") {
  World world(5);
  Ledger ledger;
  world.run([&] { return flush_by_bytes(ledger); });
}

Task<void> fill_the_ring(Ledger& ledger) {
  auto wal = co_await open_wal(ledger, small_wal());
  int64_t base = 0;
  while (wal->has_room(5000, WalRoom::append)) {
    const WalSequence at =
        ledger.stage(*wal, batch_record(base), make_batch(base, 5000 - 61), WalFlush::now);
    must(co_await wal->wait_durable(at, kMonoMax));
    ++base;
  }
  EXPECT(wal->pressure() > 0.8);
  EXPECT(wal->has_room(5000, WalRoom::internal));
  const MonoTime soon = reactor::this_shard().now() + 10ms;
  const Status refused = co_await wal->wait_for_room(5000, WalRoom::append, soon);
  REQUIRE_FALSE(refused.has_value());
  EXPECT(refused.error().code == Errc::timed_out);
  ledger.release(*wal, wal->written());
  must(co_await wal->wait_for_room(5000, WalRoom::append, kMonoMax));
  EXPECT_EQ(wal->stats().marks, 1);
  EXPECT(wal->pressure() < 0.8);
  must(co_await wal->stop());
}

TEST_CASE("a full ring refuses appends, keeps room for destage, and a mark frees it") {
  World world(6);
  Ledger ledger;
  world.run([&] { return fill_the_ring(ledger); });
  expect_kept(ledger, scan(world));
}

Task<void> block_and_release(Ledger& ledger) {
  auto wal = co_await open_wal(ledger, small_wal());
  int64_t base = 0;
  WalSequence last;
  // Beyond the reserve, until even the staging buffer is full behind a group that has no place.
  for (;;) {
    while (wal->has_room(5000, WalRoom::internal)) {
      last = ledger.stage(*wal, batch_record(base), make_batch(base, 5000 - 61), WalFlush::now);
      ++base;
    }
    const MonoTime soon = reactor::this_shard().now() + 1s;
    if (!co_await wal->wait_for_room(5000, WalRoom::internal, soon)) break;
  }
  EXPECT(wal->durable() < last);
  ledger.release(*wal, wal->written());
  must(co_await wal->wait_durable(last, kMonoMax));
  must(co_await wal->stop());
}

TEST_CASE("a group without a place waits for a release and is written then") {
  World world(7);
  Ledger ledger;
  world.run([&] { return block_and_release(ledger); });
  expect_kept(ledger, scan(world));
}

Task<void> fail_once(Ledger& ledger, World& world, reactor::OpCode code) {
  auto wal = co_await open_wal(ledger, small_wal());
  const WalSequence good = ledger.stage(*wal, batch_record(0), make_batch(0, 100), WalFlush::now);
  must(co_await wal->wait_durable(good, kMonoMax));
  co_await reactor::sleep_for(1s);  // the ring has grown
  world.disk("node").inject({.code = code, .path_part = ".wal", .error = EIO, .count = 1});
  const WalSequence bad =
      ledger.stage(*wal, batch_record(1), make_batch(1, 100),
                   code == reactor::OpCode::write ? WalFlush::now : WalFlush::lazily);
  const Status status = co_await wal->wait_durable(bad, kMonoMax);
  REQUIRE_FALSE(status.has_value());
  EXPECT(status.error().code == Errc::fenced);
  EXPECT(wal->failure().has_value());
  EXPECT(wal->durable() == good);
  EXPECT_FALSE(wal->has_room(100, WalRoom::append));
  // The disk works again, but what it lost is not known: nothing is written, nothing acknowledged.
  const WalSequence never = wal->stage(batch_record(2), Chain(make_batch(2, 100)), WalFlush::now);
  co_await reactor::sleep_for(1s);
  EXPECT(never > wal->written());
  EXPECT(wal->durable() == good);
  const Status stopped = co_await wal->stop();
  REQUIRE_FALSE(stopped.has_value());
  EXPECT(stopped.error().code == Errc::fenced);
}

TEST_CASE("a write error fences the WAL for good") {
  World world(8);
  Ledger ledger;
  world.run([&] { return fail_once(ledger, world, reactor::OpCode::write); });
  expect_kept(ledger, scan(world));
}

TEST_CASE("a flush error fences the WAL for good") {
  World world(9);
  Ledger ledger;
  world.run([&] { return fail_once(ledger, world, reactor::OpCode::fdatasync); });
  expect_kept(ledger, scan(world));
}

Task<void> grow_on_a_full_disk(Ledger& ledger, World& world) {
  WalOptions options = small_wal();
  options.capacity_bytes = 10u << 20;
  auto wal = co_await open_wal(ledger, options);
  co_await reactor::sleep_for(5s);
  EXPECT_FALSE(wal->failure().has_value());
  const uint64_t before = wal->capacity_bytes();
  EXPECT(before < (2u << 20));
  co_await append_many(*wal, ledger, 100, 1500, WalFlush::now);
  world.disk("node").options().capacity_bytes = 64u << 20;
  co_await reactor::sleep_for(60s);
  EXPECT(wal->capacity_bytes() >= options.capacity_bytes);
  must(co_await wal->stop());
}

TEST_CASE("on a full disk the ring stays smaller, works, and grows later") {
  World world(10);
  world.disk("node").options().capacity_bytes = 1u << 20;
  Ledger ledger;
  world.run([&] { return grow_on_a_full_disk(ledger, world); });
  expect_kept(ledger, scan(world));
}

TEST_CASE("retired files are taken over and hold nothing of their former owner") {
  World world(11);
  Ledger first;
  world.run([&] { return append_and_stop(first, small_wal(), 100, 1500, WalFlush::now); });
  std::vector<std::string> reusable;
  expect_kept(first, scan(world, true, &reusable));
  REQUIRE_EQ(reusable.size(), 3);
  EXPECT(scan(world).empty());
  Ledger second;
  WalOptions options = small_wal();
  options.reusable_files = reusable;
  world.run([&] { return append_and_stop(second, options, 5, 100, WalFlush::now); });
  const std::vector<Found> found = scan(world, true, &reusable);
  REQUIRE_EQ(found.size(), 1);
  expect_kept(second, found);
  EXPECT_EQ(reusable.size(), 3);
}

Task<void> idle_and_stop(Ledger& ledger, WalOptions options) {
  auto wal = co_await open_wal(ledger, std::move(options));
  co_await reactor::sleep_for(1s);
  must(co_await wal->stop());
}

TEST_CASE("reusable files beyond the capacity are removed") {
  World world(12);
  Ledger first;
  WalOptions options = small_wal();
  options.capacity_bytes = 500 * 1024;
  world.run([&] { return append_and_stop(first, options, 100, 1500, WalFlush::now); });
  std::vector<std::string> reusable;
  expect_kept(first, scan(world, true, &reusable));
  Ledger second;
  options = small_wal();
  options.reusable_files = reusable;
  world.run([&] { return idle_and_stop(second, options); });
  expect_kept(second, scan(world, true, &reusable));
  EXPECT_EQ(reusable.size(), 3);
}

TEST_CASE("two WALs in one directory are kept apart") {
  World world(13);
  Ledger one;
  Ledger two;
  world.run([&] { return append_and_stop(one, small_wal(), 30, 700, WalFlush::now); });
  world.run([&] { return append_and_stop(two, small_wal(), 60, 900, WalFlush::now); });
  const std::vector<Found> found = scan(world);
  EXPECT_EQ(found.size(), 2);
  expect_kept(one, found);
  expect_kept(two, found);
}

TEST_CASE("a disk without direct I/O works") {
  World world(14);
  world.disk("node").options().direct_supported = false;
  Ledger ledger;
  world.run([&] { return append_and_stop(ledger, small_wal(), 50, 700, WalFlush::now); });
  expect_kept(ledger, scan(world));
}

}  // namespace
}  // namespace odradek::log
