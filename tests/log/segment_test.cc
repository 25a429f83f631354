#include "log/segment.h"

#include <cerrno>

#include "tests/log/segment_bench.h"

using namespace odradek;
using namespace odradek::log;
using namespace odradek::log::test;

static std::string path_of(std::string_view suffix, int64_t base = 0) {
  return segment_path(kDirectory, Offset(base), suffix);
}

// The checksum of a unit, by the plain way.
static uint32_t checksum_of_unit(const Bench& b, uint32_t unit) {
  const size_t start = size_t{unit} * kReadUnitBytes;
  const size_t n = std::min<size_t>(kReadUnitBytes, b.image.size() - start);
  return b.segment->checksums().checksum_of(BytesView(b.image).subspan(start, n));
}

static void expect_checksums(const Bench& b) {
  EXPECT_EQ(b.segment->checksums().known_bytes(), b.image.size());
  for (uint32_t unit = 0; unit < b.segment->checksums().unit_count(); ++unit) {
    EXPECT_EQ(b.segment->checksums().unit(unit), checksum_of_unit(b, unit));
  }
}

static Task<void> seal_and_reopen(uint64_t& log_bytes) {
  Bench b;
  co_await b.create();
  b.append(300, {.records = 3, .value_bytes = 500});
  b.append(20, {.value_bytes = 40'000, .codec = Codec::lz4});
  expect_checksums(b);
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  log_bytes = b.image.size();
  const auto index = b.segment->index().encode();
  co_await b.reopen();
  EXPECT_FALSE(b.segment->loaded());
  EXPECT_OK(co_await b.segment->load());
  expect_checksums(b);
  EXPECT(b.segment->index().size() > 10);
  EXPECT_EQ(b.segment->next(), Offset(920));
  EXPECT_EQ(b.segment->time_index().last(), TimeEntry{300'000, Offset(899)});
  co_await b.end();
}

TEST_CASE("a sealed segment has exactly its batches and comes back from its files") {
  World world(1);
  uint64_t bytes = 0;
  world.run([&] { return seal_and_reopen(bytes); });
  const auto& disk = world.disk("node");
  EXPECT_EQ(disk.contents(path_of(".log"))->size(), bytes);
  EXPECT(disk.contents(path_of(".index"))->size() % kIndexEntryBytes == 0);
  EXPECT(disk.contents(path_of(".odx")).has_value());
}

static Task<void> rebuild_without_files(World& world, std::vector<std::string_view> lost) {
  Bench b;
  co_await b.create();
  b.append(400, {.records = 2, .value_bytes = 900});
  const auto index = b.segment->index().encode();
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  for (const auto suffix : lost) {
    EXPECT_OK(co_await reactor::remove_file(path_of(suffix)));
  }
  co_await b.reopen();
  EXPECT_OK(co_await b.segment->load());
  expect_checksums(b);
  EXPECT_EQ(b.segment->max_timestamp_ms(), 400'000);
  EXPECT_EQ(b.segment->index().lookup(Offset(500)).offset <= Offset(500), true);
  EXPECT(b.segment->index().size() > 5);
  co_await b.end();
}

TEST_CASE("derived files that are missing are rebuilt from the batches") {
  for (const auto& lost : std::vector<std::vector<std::string_view>>{
           {".index"}, {".timeindex"}, {".odx"}, {".index", ".timeindex", ".odx"}}) {
    World world(2);
    world.run([&] { return rebuild_without_files(world, lost); });
  }
}

static Task<void> damaged_index(World& world, std::string suffix, uint64_t at) {
  Bench b;
  co_await b.create();
  b.append(400, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->save_index(b.segment->size_bytes()));
  world.disk("node").flip_bit(path_of(suffix), at, 2);
  co_await b.reopen();
  EXPECT_OK(co_await b.segment->load());
  expect_checksums(b);
  b.append(1, {.timestamp_ms = 1'000'000, .value_bytes = 900});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  expect_checksums(b);
  EXPECT_EQ(b.segment->max_timestamp_ms(), 1'000'000);
  co_await b.end();
}

TEST_CASE("a flipped bit in a derived file never keeps the segment from opening") {
  const std::pair<const char*, uint64_t> places[] = {
      {".index", 7},      {".index", 300}, {".index", 3}, {".timeindex", 5},
      {".timeindex", 90}, {".odx", 0},     {".odx", 70},  {".odx", 50}};
  for (const auto& [suffix, at] : places) {
    CAPTURE(suffix);
    CAPTURE(at);
    World world(3);
    world.run([&] { return damaged_index(world, suffix, at); });
  }
}

static Task<void> go_on_after_reopen() {
  Bench b;
  co_await b.create();
  b.append(150, {.value_bytes = 1500});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->save_index(200'000));
  b.append(30, {.timestamp_ms = 500'000, .value_bytes = 1500});
  EXPECT_OK(co_await b.store());
  co_await b.reopen();
  b.append(200, {.timestamp_ms = 900'000, .value_bytes = 700});  // before anything was loaded
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  expect_checksums(b);
  EXPECT_EQ(b.segment->next(), Offset(380));
  for (size_t i = 1; i < b.segment->index().size(); ++i) {
    EXPECT(b.segment->index().entry(i).position > b.segment->index().entry(i - 1).position);
  }
  co_await b.end();
}

TEST_CASE("a segment that was reopened goes on, and loads what lies below only when it must") {
  World world(4);
  world.run([] { return go_on_after_reopen(); });
}

static Task<void> flipped_payload(World& world) {
  Bench b;
  co_await b.create();
  b.append(300, {.value_bytes = 900});
  EXPECT_OK(co_await b.store());
  world.disk("node").flip_bit(path_of(".log"), 100'000, 1);
  co_await b.reopen();
  const Status loaded = co_await b.segment->load();
  EXPECT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, Errc::corrupt);
  EXPECT(loaded.error().context.find("batch at position 9") != std::string::npos);
  EXPECT_FALSE(b.segment->loaded());
  co_await b.end();
}

TEST_CASE("a batch whose checksum is wrong is corruption, named by its position") {
  World world(5);
  world.run([&] { return flipped_payload(world); });
}

static Task<void> truncate_and_go_on() {
  Bench b;
  co_await b.create();
  b.append(100, {.value_bytes = 3000});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->save_index(b.segment->size_bytes()));
  const size_t one = b.image.size() / 100;
  EXPECT_OK(co_await b.segment->truncate(Offset(60), one * 60));
  b.image.resize(one * 60);
  EXPECT_EQ(b.segment->next(), Offset(60));
  const auto odx = co_await reactor::stat_file(path_of(".odx"));
  EXPECT_FALSE(odx.has_value());  // it would speak of bytes that are about to be others
  b.append(70, {.timestamp_ms = 5, .value_bytes = 2500});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  expect_checksums(b);
  co_await b.reopen();
  EXPECT_OK(co_await b.segment->load());
  expect_checksums(b);
  EXPECT_EQ(b.segment->next(), Offset(130));
  co_await b.end();
}

TEST_CASE("a truncated segment takes other batches and knows their checksums when it is sealed") {
  World world(6);
  world.run([] { return truncate_and_go_on(); });
}

static Task<void> disk_full(World& world) {
  Bench b;
  co_await b.create();
  const Status refused = co_await b.segment->allocate(uint64_t{1} << 30);
  EXPECT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::disk_full);
  EXPECT_EQ(b.segment->allocated_bytes(), 0);
  EXPECT_OK(co_await b.segment->allocate(5000));
  EXPECT_EQ(b.segment->allocated_bytes(), 8192);
  EXPECT_OK(co_await b.segment->remove());
  co_await b.end();
  (void)world;
}

TEST_CASE("a full disk refuses an allocation and changes nothing") {
  World world(7, {.disk = {.capacity_bytes = 1 << 20}});
  world.run([&] { return disk_full(world); });
}

static Task<void> lose_largest_time() {
  Bench b(4, {.index_interval_bytes = 100});
  co_await b.create();
  b.append(3, {.value_bytes = 200});
  EXPECT_OK(co_await b.store());
  // As the manifest says it when the batch with the largest time was not whole in the file.
  SegmentFound found = b.found();
  found.max_timestamp_ms = 1'000'000;
  found.max_timestamp_offset = found.next + 3;
  co_await b.open(found);
  EXPECT_EQ(b.segment->max_timestamp_ms(), 1'000'000);
  EXPECT_EQ(b.segment->max_timestamp_offset().value, -1);
  // Others take those offsets, and the log is opened again.
  b.append(6, {.value_bytes = 200});
  EXPECT_OK(co_await b.store());
  co_await b.reopen();
  EXPECT_OK(co_await b.segment->load());
  b.append(6, {.value_bytes = 200});
  EXPECT_EQ(b.segment->max_timestamp_ms(), 1'000'000);
  co_await b.end();
}

TEST_CASE("the largest time of a batch that a crash took is a bound, and names no offset") {
  World world(9);
  world.run([] { return lose_largest_time(); });
}

static Task<void> delete_in_steps() {
  Bench b;
  co_await b.create();
  b.append(10, {.value_bytes = 100});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  EXPECT_OK(co_await b.segment->rename_to(kDeletedSuffix, true));
  const auto files = co_await reactor::list_directory(kDirectory);
  EXPECT_EQ(files->size(), 4);
  for (const auto& f : *files) EXPECT(f.name.ends_with(".deleted"));
  reactor::Lease block = reactor::this_shard().arena().try_allocate(4096);
  EXPECT_OK(
      co_await b.segment->read(block.writable(), 0));  // readers go on until the delay is over
  EXPECT_OK(co_await b.segment->remove());
  EXPECT_OK(co_await b.segment->remove());
  EXPECT_EQ((co_await reactor::list_directory(kDirectory))->size(), 0);
  co_await b.end();
}

TEST_CASE("a segment is renamed first and unlinked later, and is readable in between") {
  World world(8);
  world.run([] { return delete_in_steps(); });
}

static Task<int> write_and_seal_forever() {
  Bench b;
  co_await b.create();
  b.append(200, {.value_bytes = 1000});
  EXPECT_OK(co_await b.store());
  EXPECT_OK(co_await b.segment->seal());
  co_await b.end();
  co_return 0;
}

// What the manifest would say: all 200 batches were durable before the seal.
static Task<int> open_after_crash() {
  Bench b;
  co_await b.create();
  b.append(200, {.value_bytes = 1000});
  const SegmentFound there{b.image.size(), Offset(200), 200'000, Offset(-1), false};
  co_await b.open(there);
  EXPECT_OK(co_await b.segment->load());
  expect_checksums(b);
  EXPECT_OK(co_await b.segment->seal());
  EXPECT_EQ(b.segment->max_timestamp_offset(), Offset(199));
  co_await b.end();
  co_return 0;
}

TEST_CASE(
    "whenever the power goes during a seal, the segment opens with everything that was durable") {
  using namespace odradek::reactor::sim;
  uint64_t total = 0;
  uint64_t stored = 0;
  {
    World world(9);
    const NodeId node = world.start({}, [] { return write_and_seal_forever(); });
    world.run_until([&] { return world.disk("node").syncs() >= 4; });
    stored = world.steps(node);
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    total = world.steps(node);
  }
  REQUIRE(total > stored + 20);
  for (uint64_t step = stored + 1; step < total; step += 3) {
    World world(9);
    const NodeId node = world.start({}, [] { return write_and_seal_forever(); });
    world.crash_at(node, step, kDiskOutcomes[step % 4]);
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    CAPTURE(step);
    const NodeId again = world.start({}, [] { return open_after_crash(); });
    REQUIRE_EQ(world.run_until_exit(again), Run::done);
    EXPECT_EQ(world.exit_code(again), 0);
  }
}

// A life that made the folder and the file, and ended before anything had to be durable.
static Task<void> store_in_a_folder_of_before(size_t& bytes) {
  Bench b;
  EXPECT_OK(co_await reactor::make_directories("/data"));
  EXPECT_OK(co_await reactor::sync_directory("/"));
  EXPECT_OK(co_await reactor::make_directory(kDirectory));
  co_await b.open(SegmentFound{});
  b.append(5, {.value_bytes = 1000});
  EXPECT_OK(co_await b.store());
  bytes = b.image.size();
  co_await b.end();
}

TEST_CASE("what is synced in a folder whose name was never durable is durable with its name") {
  World world(3);
  size_t bytes = 0;
  world.run([&] { return store_in_a_folder_of_before(bytes); });
  world.disk("node").crash(reactor::sim::DiskOutcome::all_lost);
  const auto left = world.disk("node").contents(path_of(".log"));
  REQUIRE(left.has_value());
  EXPECT(left->size() >= bytes);
}

static Task<void> sync_into(Segment& segment, int& ended) {
  EXPECT_OK(co_await segment.sync());
  ++ended;
}

static Task<void> sync_often(World& world, int calls, uint64_t& syncs) {
  Bench b;
  co_await b.create();
  b.append(5, {.value_bytes = 1000});
  EXPECT_OK(co_await b.store());
  const uint64_t before = world.disk("node").syncs();
  int ended = 0;
  reactor::Gate gate;
  for (int i = 0; i < calls; ++i) gate.spawn("sync", sync_into(*b.segment, ended));
  co_await gate.close();
  EXPECT_EQ(ended, calls);
  syncs = world.disk("node").syncs() - before;
  co_await b.end();
}

TEST_CASE("syncs of a segment that come while one runs share the next") {
  for (const int calls : {1, 2, 20}) {
    World world(5);
    uint64_t syncs = 0;
    world.run([&] { return sync_often(world, calls, syncs); });
    EXPECT_EQ(syncs, calls == 1 ? 1U : 2U);
  }
}

static Task<void> fail_a_sync(World& world) {
  Bench b;
  co_await b.create();
  b.append(5, {.value_bytes = 1000});
  EXPECT_OK(co_await b.store());
  world.disk("node").inject(
      {.code = reactor::OpCode::fdatasync, .path_part = ".log", .error = EIO, .count = 1});
  EXPECT_FALSE((co_await b.segment->sync()).has_value());
  EXPECT_OK(co_await b.segment->sync());
  co_await b.end();
}

TEST_CASE("a failed sync is told to those it was for, and the next is a new one") {
  World world(6);
  world.run([&] { return fail_a_sync(world); });
}
