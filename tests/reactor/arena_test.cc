#include "reactor/arena.h"

#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

Task<void> sizes() {
  Arena& arena = this_shard().arena();
  Lease small = arena.try_allocate(1);
  Lease odd = arena.try_allocate(5000);
  Lease large = arena.try_allocate(kBlockBytesMax);
  EXPECT_EQ(small.size(), kBlockBytesMin);
  EXPECT_EQ(odd.size(), 8192);
  EXPECT_EQ(large.size(), kBlockBytesMax);
  for (const Lease* lease : {&small, &odd, &large}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(lease->bytes().data()) % kIoAlignment, 0);
  }
  EXPECT_EQ(arena.used_bytes(), kBlockBytesMin + 8192 + kBlockBytesMax);
  co_return;
}
TEST_CASE("blocks are powers of two, aligned for direct I/O") {
  in_world([] { return sizes(); });
}

Task<void> limits() {
  Arena& arena = this_shard().arena();
  std::vector<Lease> leases;
  while (Lease lease = arena.try_allocate(kBlockBytesMax)) leases.push_back(std::move(lease));
  EXPECT_EQ(leases.size(), 4);
  EXPECT_FALSE(co_await arena.allocate(kBlockBytesMax, this_shard().now() + 1ms));
  leases.clear();
  EXPECT_EQ(arena.used_bytes(), 0);
  // Slabs without a block in use take any size.
  for (int i = 0; i < 1024; ++i) leases.push_back(arena.try_allocate(kBlockBytesMin));
  EXPECT(leases.back());
  EXPECT_FALSE(arena.try_allocate(kBlockBytesMin));
  EXPECT_EQ(arena.slab_bytes(), 2 * kSlabBytes);
}
TEST_CASE("an arena says no at its limit and reuses its slabs for other sizes") {
  in_world([] { return limits(); }, {.arena_bytes = 2 * kSlabBytes});
}

Task<void> drop_later(Lease lease) {
  co_await sleep_for(1ms);
  lease.reset();
}
Task<void> waits() {
  Arena& arena = this_shard().arena();
  Gate gate;
  Lease one = arena.try_allocate(kBlockBytesMax);
  Lease two = arena.try_allocate(kBlockBytesMax);
  EXPECT_FALSE(arena.try_allocate(kBlockBytesMin));
  gate.spawn("drop", drop_later(std::move(one)));
  const Lease three = co_await arena.allocate(kBlockBytesMax);
  EXPECT(three);
  EXPECT_FALSE(one);
  co_await gate.close();
}
TEST_CASE("whoever waits for a block gets the one that is freed") {
  in_world([] { return waits(); }, {.arena_bytes = kSlabBytes});
}

Task<void> sharing() {
  Arena& arena = this_shard().arena();
  Lease lease = arena.try_allocate(100);
  EXPECT(lease.unique());
  Lease again = lease.share();
  EXPECT_FALSE(lease.unique());
  lease.writable()[0] = 42;
  lease.reset();
  EXPECT(again.unique());
  EXPECT_EQ(again.bytes()[0], 42);
  EXPECT_EQ(arena.used_bytes(), kBlockBytesMin);
  co_return;
}
TEST_CASE("a block lives as long as its last lease") {
  in_world([] { return sharing(); });
}

Task<uint8_t> read_there(Lease lease) {
  CHECK(lease.owner() != this_shard().id());
  co_return lease.bytes()[7];
}
struct Carry {
  Lease lease;
  Task<uint8_t> operator()() { return read_there(std::move(lease)); }
};
Task<void> abroad() {
  Arena& arena = this_shard().arena();
  for (uint32_t i = 0; i < 300; ++i) {
    Lease lease = co_await arena.allocate(100'000);
    lease.writable()[7] = static_cast<uint8_t>(i);
    const ShardId to(1 + i % (this_shard().shard_count() - 1));
    EXPECT_EQ(co_await submit_to(to, Carry{std::move(lease)}), static_cast<uint8_t>(i));
  }
  while (arena.used_bytes() > 0) co_await sleep_for(1ms);
}
TEST_CASE("a lease dropped on another shard comes home by mail") {
  for (uint32_t shards = 2; shards <= 4; ++shards) {
    in_world([] { return abroad(); }, {.shards = shards, .arena_bytes = kSlabBytes}, shards);
  }
}

}  // namespace
}  // namespace odradek::reactor
