#include "log/read_cache.h"

#include "log/segment_reader.h"
#include "tests/log/segment_bench.h"

using namespace odradek;
using namespace odradek::log;
using namespace odradek::log::test;

namespace {

struct Reading : Bench {
  explicit Reading(uint64_t cache_bytes = 0, SegmentOptions o = {})
      : Bench(4, o), cache(reactor::this_shard().arena(), cache_bytes) {}
  Task<void> stop() {
    co_await cache.drop(*segment);
    co_await cache.stop();
    EXPECT_EQ(cache.used_bytes(), 0);
    co_await end();
  }
  Task<Result<LogSlice>> read(int64_t from, uint64_t bytes_max, bool at_least_one = false) {
    return read_below(from, bytes_max, segment->next().value, at_least_one);
  }
  Task<Result<LogSlice>> read_below(int64_t from, uint64_t bytes_max, int64_t limit,
                                    bool at_least_one) {
    auto got = co_await read_segment(cache, *segment,
                                     {Offset(from), bytes_max, Offset(limit), at_least_one},
                                     segment->size_bytes());
    if (!got) co_return fail(got.error());
    co_return std::move(got->slice);
  }
  ReadCache cache;
};

std::vector<uint8_t> bytes_of(const LogSlice& slice) {
  std::vector<uint8_t> out;
  for (const auto& piece : slice.pieces) {
    const BytesView b = piece.bytes();
    out.insert(out.end(), b.begin(), b.end());
  }
  EXPECT_EQ(out.size(), slice.bytes);
  return out;
}

}  // namespace

static Task<void> read_everything(bool sealed) {
  Reading b;
  co_await b.create(50);
  b.append(500, {.records = 3, .value_bytes = 700});
  b.append(4, {.value_bytes = 300'000});  // larger than a unit
  b.append(10, {.records = 2, .value_bytes = 20});
  EXPECT_OK(co_await b.store());
  if (sealed) EXPECT_OK(co_await b.segment->seal());
  if (sealed) co_await b.reopen();
  std::vector<uint8_t> all;
  int64_t from = 50;
  while (from < b.segment->next().value) {
    auto slice = co_await b.read(from, 200'000, true);
    EXPECT_OK(slice);
    if (!slice || slice->next.value <= from) break;
    EXPECT_EQ(slice->first, Offset(from));
    const auto bytes = bytes_of(*slice);
    all.insert(all.end(), bytes.begin(), bytes.end());
    from = slice->next.value;
  }
  EXPECT(all == b.image);
  EXPECT_EQ(b.cache.stats().corrupt, 0);
  if (sealed) EXPECT_EQ(b.cache.stats().unchecked, 0);
  EXPECT(b.cache.stats().read_ahead > 0);
  co_await b.stop();
}

TEST_CASE("reading on from slice to slice gives every batch once, whole and unchanged") {
  for (const bool sealed : {false, true}) {
    World world(11);
    world.run([=] { return read_everything(sealed); });
  }
}

static Task<void> find_every_offset() {
  Reading b(0, {.index_interval_bytes = 1000});
  co_await b.create();
  b.append(300, {.records = 5, .value_bytes = 90});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  for (int64_t offset = 0; offset < 1500; offset += 7) {
    const auto batch =
        co_await find_batch(b.cache, *b.segment, Offset(offset), b.segment->size_bytes());
    EXPECT_OK(batch);
    if (!batch || !*batch) continue;
    EXPECT_EQ((*batch)->header.base_offset, Offset(offset / 5 * 5));
  }
  const auto beyond =
      co_await find_batch(b.cache, *b.segment, Offset(1500), b.segment->size_bytes());
  EXPECT(beyond.has_value());
  if (beyond) EXPECT_FALSE(beyond->has_value());
  co_await b.stop();
}

TEST_CASE("every offset is found in its batch") {
  World world(12);
  world.run([] { return find_every_offset(); });
}

static Task<void> limits() {
  Reading b;
  co_await b.create();
  b.append(10, {.records = 2, .value_bytes = 1000});
  EXPECT_OK(co_await b.store());
  const uint64_t one = b.image.size() / 10;
  // Asked for offset 5: its batch begins at 4.
  auto slice = co_await b.read(5, 2 * one);
  EXPECT_OK(slice);
  EXPECT_EQ(slice->first, Offset(4));
  EXPECT_EQ(slice->next, Offset(8));
  slice = co_await b.read(5, 2 * one - 1);
  EXPECT_EQ(slice->next, Offset(6));
  // Too small for any batch: nothing, or one whole.
  slice = co_await b.read(5, 10);
  EXPECT_EQ(slice->bytes, 0);
  EXPECT_EQ(slice->first, Offset(-1));
  slice = co_await b.read(5, 10, true);
  EXPECT_EQ(slice->bytes, one);
  // A batch that reaches over the limit is not shown, not even as the first.
  slice = co_await b.read_below(6, 1 << 20, 7, true);
  EXPECT_EQ(slice->bytes, 0);
  slice = co_await b.read_below(4, 1 << 20, 8, true);
  EXPECT_EQ(slice->next, Offset(8));
  co_await b.stop();
}

TEST_CASE("a read keeps to its bytes and its limit, and never splits a batch") {
  World world(13);
  world.run([] { return limits(); });
}

// Entries of another life: right places, wrong offsets, and places where no batch begins.
static Task<void> lying_index(World& world) {
  Reading b(0, {.index_interval_bytes = 2000});
  co_await b.create();
  b.append(200, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  SegmentIndex lies(Offset(0));
  for (uint32_t i = 1; i < 15; ++i) {
    EXPECT(lies.try_append({Offset(i * 3), i * 10'000 + (i % 3)}));
  }
  world.disk("node").put(segment_path(kDirectory, Offset(0), ".index"), lies.encode());
  co_await b.reopen();
  for (int64_t offset : {0, 10, 33, 100, 199}) {
    const auto batch =
        co_await find_batch(b.cache, *b.segment, Offset(offset), b.segment->size_bytes());
    EXPECT_OK(batch);
    EXPECT_EQ((*batch)->header.base_offset, Offset(offset));
  }
  co_await b.stop();
}

TEST_CASE("an index entry is believed only if the batch at its position holds its offset") {
  World world(14);
  world.run([&] { return lying_index(world); });
}

static Task<void> damage(World& world, bool sealed, uint64_t at) {
  Reading b;
  co_await b.create();
  b.append(600, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  if (sealed) EXPECT_OK(co_await b.segment->seal());
  world.disk("node").flip_bit(segment_path(kDirectory, Offset(0), ".log"), at, 3);
  std::vector<uint8_t> good;
  int64_t from = 0;
  bool corrupt = false;
  while (from < b.segment->next().value && !corrupt) {
    const auto slice = co_await b.read(from, 300'000, true);
    if (!slice) {
      EXPECT_EQ(slice.error().code, Errc::corrupt);
      corrupt = true;
      break;
    }
    const auto bytes = bytes_of(*slice);
    good.insert(good.end(), bytes.begin(), bytes.end());
    from = slice->next.value;
  }
  EXPECT(corrupt);
  EXPECT(good.size() <= at);
  EXPECT(std::equal(good.begin(), good.end(), b.image.begin()));
  // What lies behind the damaged unit is still served.
  const auto behind = co_await b.read(590, 10'000, true);
  EXPECT_OK(behind);
  co_await b.stop();
}

TEST_CASE("damaged bytes are never served: what is before and behind them is") {
  for (const bool sealed : {true, false}) {
    World world(15);
    world.run([&] { return damage(world, sealed, 200'000); });
  }
}

static Task<void> stale_read(World& world) {
  Reading b;
  co_await b.create();
  b.append(600, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  // Another partition's segment with the same offsets and sound batches, where this one's should
  // be.
  auto other = b.image;
  for (size_t at = 0; at < other.size();) {
    BatchHeader h = BatchHeader::parse(BytesView(other).subspan(at));
    assign(MutableBytes(other).subspan(at), h.base_offset, LeaderEpoch(77));
    at += static_cast<size_t>(h.size_bytes());
  }
  world.disk("node").put(segment_path(kDirectory, Offset(0), ".log"), other);
  const auto slice = co_await b.read(0, 300'000, true);
  EXPECT_FALSE(slice.has_value());
  EXPECT_EQ(b.cache.stats().corrupt, 2);  // tried once more
  co_await b.stop();
}

TEST_CASE("sound batches of another segment are not taken for this one's") {
  World world(16);
  world.run([&] { return stale_read(world); });
}

static Task<void> scan_does_not_flush() {
  Reading b(0);  // 16 units
  co_await b.create();
  b.append(5000, {.value_bytes = 900});  // about 37 units
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  const uint64_t size = b.segment->size_bytes();
  const auto get = [&](uint32_t unit) { return b.cache.get(*b.segment, unit, kReadUnitBytes); };
  // Asked for again after it left probation: from now on it is one of the good ones.
  EXPECT_OK(co_await get(0));
  for (uint32_t unit = 1; unit < 20; ++unit) EXPECT_OK(co_await get(unit));
  EXPECT_OK(co_await get(0));
  const uint64_t misses = b.cache.stats().misses;
  for (uint32_t unit = 20; unit < size / kReadUnitBytes; ++unit) EXPECT_OK(co_await get(unit));
  EXPECT_EQ(b.cache.stats().misses, misses + size / kReadUnitBytes - 20);
  EXPECT_OK(co_await get(0));
  EXPECT_EQ(b.cache.stats().misses, misses + size / kReadUnitBytes - 20);
  EXPECT(b.cache.used_bytes() <= 16 * kReadUnitBytes);
  co_await b.stop();
}

TEST_CASE("a reader that passes through cannot flush what is asked for again") {
  World world(17);
  world.run([] { return scan_does_not_flush(); });
}

static Task<void> get_into(Reading& b, uint32_t unit, int& good) {
  const auto got = co_await b.cache.get(*b.segment, unit, kReadUnitBytes);
  good += got.has_value();
}

static Task<void> many_at_once() {
  Reading b;
  co_await b.create();
  b.append(1000, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  reactor::Gate gate;
  int good = 0;
  for (int i = 0; i < 40; ++i) gate.spawn("get", get_into(b, static_cast<uint32_t>(i % 4), good));
  b.cache.read_ahead(*b.segment, 0, 6, b.segment->size_bytes());
  co_await gate.close();
  EXPECT_EQ(good, 40);
  EXPECT_EQ(b.cache.stats().misses + b.cache.stats().read_ahead, 6);
  co_await b.stop();
}

TEST_CASE("a unit that many ask for at once is read once") {
  World world(18);
  world.run([] { return many_at_once(); });
}

static std::vector<reactor::Lease> take_all_memory() {
  std::vector<reactor::Lease> held;
  while (reactor::Lease lease = reactor::this_shard().arena().try_allocate(4'096)) {
    held.push_back(std::move(lease));
  }
  return held;
}

// The arena is full of small blocks: a unit is free only when many of them are.
static Task<void> no_memory_left() {
  Reading b;
  co_await b.create();
  b.append(10, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  std::vector<reactor::Lease> held = take_all_memory();
  b.cache.on_shortage([&] {
    EXPECT(b.cache.short_of_memory());
    if (held.size() <= 1) return false;
    held.pop_back();
    return true;
  });
  const MonoTime start = reactor::this_shard().now();
  EXPECT_OK(co_await b.read(0, 1 << 20));
  EXPECT(reactor::this_shard().now() - start < 1s);
  EXPECT(held.size() > 1);
  EXPECT_FALSE(b.cache.short_of_memory());
  co_await b.stop();
}

TEST_CASE("a read without memory asks for what others keep only to serve reads") {
  World world(18);
  world.run([] { return no_memory_left(); });
}

static Task<void> found_without_memory() {
  Reading b;
  co_await b.create();
  b.append(10, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  co_await b.reopen();
  {
    const std::vector<reactor::Lease> held = take_all_memory();
    EXPECT_OK(co_await b.segment->load());
  }
  EXPECT_OK(co_await b.read(5, 1 << 20));
  co_await b.stop();
}

TEST_CASE("a segment is loaded also while others hold all memory") {
  World world(18);
  world.run([] { return found_without_memory(); });
}

static Task<void> tail_grows() {
  Reading b;
  co_await b.create();
  b.append(10, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.read(0, 1 << 20));
  b.append(10, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  const auto slice = co_await b.read(0, 1 << 20);
  EXPECT_OK(slice);
  EXPECT_EQ(slice->next, Offset(20));
  EXPECT(bytes_of(*slice) == b.image);
  co_await b.stop();
}

TEST_CASE("a unit that was cached before it was full is read again when more of it is on disk") {
  World world(19);
  world.run([] { return tail_grows(); });
}

static Task<void> by_time(Codec codec, bool sealed) {
  Reading b(0, {.index_interval_bytes = 500});
  co_await b.create();
  b.append(
      50,
      {.records = 4, .timestamp_ms = 10'000, .step_ms = 10, .value_bytes = 200, .codec = codec});
  // One batch from the future in the middle, then older ones again.
  b.append(
      1,
      {.records = 3, .timestamp_ms = 900'000, .step_ms = -5, .value_bytes = 200, .codec = codec});
  b.append(
      50,
      {.records = 4, .timestamp_ms = 60'000, .step_ms = 10, .value_bytes = 200, .codec = codec});
  EXPECT_OK(co_await b.store());
  if (sealed) {
    EXPECT_OK(co_await b.segment->seal());
    co_await b.reopen();
  }
  const auto find = [&](int64_t timestamp, int64_t limit) {
    return find_time(b.cache, *b.segment, timestamp, Offset(limit), b.segment->size_bytes());
  };
  const int64_t end = b.segment->next().value;
  // Batch k holds offsets 4k..4k+3 with times 10000+1000k, +10, +20, +30.
  auto found = co_await find(0, end);
  EXPECT_EQ((*found)->offset, Offset(0));
  found = co_await find(12'015, end);
  EXPECT_EQ((*found)->offset, Offset(10));
  EXPECT_EQ((*found)->timestamp_ms, 12'020);
  found = co_await find(12'031, end);
  EXPECT_EQ((*found)->offset, Offset(12));
  found = co_await find(899'993, end);
  EXPECT_EQ((*found)->offset, Offset(200));
  found = co_await find(900'001, end);
  EXPECT_OK(found);
  EXPECT_FALSE(found->has_value());
  found = co_await find(899'993, 200);
  EXPECT_FALSE(found->has_value());
  const auto largest = co_await find_max_time(b.cache, *b.segment, b.segment->size_bytes());
  EXPECT_EQ((*largest)->offset, Offset(200));
  EXPECT_EQ((*largest)->timestamp_ms, 900'000);
  co_await b.stop();
}

TEST_CASE("a search by time answers per record, also compressed, also with times out of order") {
  for (const Codec codec : {Codec::none, Codec::zstd}) {
    for (const bool sealed : {false, true}) {
      World world(20);
      world.run([=] { return by_time(codec, sealed); });
    }
  }
}

static Task<void> log_append_time() {
  Reading b;
  co_await b.create();
  b.append(3, {.records = 4, .timestamp_ms = 1, .log_append_time = 5000});
  EXPECT_OK(co_await b.store());
  const auto found =
      co_await find_time(b.cache, *b.segment, 4000, b.segment->next(), b.segment->size_bytes());
  EXPECT_EQ((*found)->offset, Offset(0));
  EXPECT_EQ((*found)->timestamp_ms, 5000);
  co_await b.stop();
}

TEST_CASE("with LogAppendTime the first record of the batch is the first of its time") {
  World world(21);
  world.run([] { return log_append_time(); });
}

static Task<void> read_errors(World& world) {
  Reading b;
  co_await b.create();
  b.append(300, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  world.disk("node").inject({reactor::OpCode::read, ".log", 5, 0, 1});
  const auto slice = co_await b.read(0, 10'000);
  EXPECT_FALSE(slice.has_value());
  EXPECT_EQ(slice.error().code, Errc::io);
  EXPECT_OK(co_await b.read(0, 10'000));
  co_await b.stop();
}

TEST_CASE("a read error is answered, leaves nothing in the cache, and the next read may succeed") {
  World world(22);
  world.run([&] { return read_errors(world); });
}

static Task<void> few_descriptors(World& world) {
  Reading b;  // at most 4 open files
  const Status made = co_await reactor::make_directories(kDirectory);
  EXPECT_OK(made);
  std::vector<std::unique_ptr<Segment>> segments;
  for (int64_t base = 0; base < 20; ++base) {
    segments.push_back(
        std::make_unique<Segment>(b.files, kDirectory, segment_id(base), SegmentOptions{}));
    EXPECT_OK(co_await segments.back()->allocate(4096));
    EXPECT(b.files.open_count() <= 4);
  }
  reactor::Lease block = reactor::this_shard().arena().try_allocate(4096);
  for (int round = 0; round < 3; ++round) {
    for (auto& s : segments) EXPECT_OK(co_await s->read(block.writable(), 0));
  }
  EXPECT(b.files.open_count() <= 4);
  for (auto& s : segments) EXPECT_OK(co_await s->close());
  EXPECT_EQ(b.files.open_count(), 0);
  co_await b.cache.stop();
  (void)world;
}

TEST_CASE("many segments need few descriptors") {
  World world(23);
  world.run([&] { return few_descriptors(world); });
}
