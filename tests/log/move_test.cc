// A partition moves from one log directory to another while it is used (KIP-113).
#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "log/log_disk.h"
#include "log/manifest.h"
#include "log/partition.h"
#include "log/partition_copy.h"
#include "log/segment_format.h"
#include "tests/log/compaction_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kLog = partition_id(3);
const std::vector kOthers{partition_id(4), partition_id(5)};

LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 20'000;
  config.file_delete_delay_ms = 1'000;
  return config;
}

class TwoDirectories : public LogWorld {
 public:
  explicit TwoDirectories(uint64_t seed = 1, WorldOptions world_options = {})
      : LogWorld(seed, world_options) {
    options.directories = {"/data", "/more"};
    options.disk_reserve_bytes = 0;
    options.wal_bytes = 1 << 20;
  }
  // How many folders there are whose names have this in them.
  size_t folders(std::string_view part) {
    std::set<std::string> out;
    for (const std::string& path : world.disk("node").files()) {
      const std::string folder = path.substr(0, path.rfind('/'));
      if (folder.contains(part)) out.insert(folder);
    }
    return out.size();
  }
};

std::string place(Live& live) { return live.log(kLog).log_directory(); }
std::string other(Live& live) { return place(live) == "/data" ? "/more" : "/data"; }

Task<void> append(Live& live, int count) {
  for (int i = 0; i < count; ++i) {
    const Appended appended = co_await live.append(kLog, {.value_bytes = 3'000});
    CHECK(appended.fault == AppendFault::none, appended.message);
  }
}

// While it moves: false when it was refused.
Task<bool> try_append(Live& live, size_t bytes) {
  if (!live.manager->find(kLog)) co_return false;
  const BatchSpec spec{.timestamp_ms = live.client->next_timestamp++, .value_bytes = bytes};
  const Appended appended = co_await live.stage(kLog, spec);
  CHECK(appended.fault == AppendFault::none || appended.fault == AppendFault::not_leader,
        appended.message);
  if (appended.fault != AppendFault::none) co_return false;
  while (!live.manager->find(kLog)) co_await reactor::sleep_for(100us);
  must(co_await live.log(kLog).wait_visible(appended.last, kMonoMax));
  live.client->acked[kLog][appended.base.value] = header_of(spec).crc;
  co_return true;
}

Task<void> wait_for_move(Live& live) {
  while (live.manager->future_of(kLog)) co_await reactor::sleep_for(1ms);
}

Task<std::string> move(Live& live) {
  std::string target = other(live);
  must(co_await live.manager->move_partition(kLog, target));
  co_await wait_for_move(live);
  CHECK(place(live) == target, target);
  co_return target;
}

Task<void> keep_busy(Live& live, TopicPartition id, const bool& over) {
  while (!over) co_await live.append(id, {.value_bytes = 9'000});
}

// A log of 120 kB that is on its way to the other directory, at so many bytes a second: where to.
Task<std::string> begin_move(Live& live, double bytes_per_second) {
  must(co_await live.open(kLog, small_segments()));
  co_await append(live, 40);
  live.manager->configure_moves(bytes_per_second);
  std::string target = other(live);
  must(co_await live.manager->move_partition(kLog, target));
  co_return target;
}

TEST_CASE("a moved log has every batch, goes on, and is there after a restart") {
  TwoDirectories world;
  std::string now;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments()));
    co_await append(live, 25);
    now = co_await move(live);
    co_await verify(live, kLog);
    co_await append(live, 25);
    co_await verify(live, kLog);
    co_await reactor::sleep_for(5s);
  });
  EXPECT_EQ(world.folders("topic3-0"), 1u);
  for (const bool clean : {true, false}) {
    const auto script = [&](Live& live) -> Task<void> {
      must(co_await live.open(kLog, small_segments(), 1));
      EXPECT_EQ(place(live), now);
      co_await verify(live, kLog);
      co_await append(live, 5);
    };
    if (clean) world.live(script);
    if (!clean) world.live_until_crash(script, DiskOutcome::torn);
  }
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments(), 2));
    EXPECT_EQ(place(live), now);
    co_await verify(live, kLog);
  });
}

TEST_CASE("the WAL keeps what a log has not destaged until it is handed over") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    bool over = false;
    reactor::Gate gate;
    for (const TopicPartition& id : kOthers) {
      must(co_await live.open(id));
      for (int i = 0; i < 4; ++i) gate.spawn("keep busy", keep_busy(live, id, over));
    }
    must(co_await live.open(kLog, small_segments()));
    size_t looks = 0;
    for (int i = 0; i < 60; ++i) {
      co_await append(live, 1);
      co_await reactor::sleep_for(20ms);
      auto& before = static_cast<Partition&>(live.log(kLog));
      must(co_await live.manager->move_partition(kLog, other(live)));
      while (live.manager->find(kLog) == &before) co_await reactor::yield();
      for (; !live.manager->find(kLog); ++looks) {
        // The old one is there for as long as nobody finds one.
        const auto needed = before.needed_sequence();
        if (needed) CHECK(*needed > before.disk().wal().released(), *needed);
        co_await reactor::yield();
      }
      co_await wait_for_move(live);
    }
    EXPECT(looks > 60);
    over = true;
    co_await gate.close();
    for (const TopicPartition& id : {kLog, kOthers[0], kOthers[1]}) co_await verify(live, id);
  });
}

TEST_CASE("a log moves there and back, an empty one too") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments()));
    for (int i = 0; i < 4; ++i) {
      (void)co_await move(live);
      co_await verify(live, kLog);
      co_await append(live, i);
    }
  });
}

TEST_CASE("a producer's retry is recognised behind a move") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments()));
    const BatchSpec spec{.timestamp_ms = 5'000, .producer = 7, .epoch = 0, .sequence = 0};
    const Appended first = co_await live.append(kLog, spec);
    EXPECT(first.fault == AppendFault::none);
    (void)co_await move(live);
    const Appended again = co_await live.append(kLog, spec);
    EXPECT(again.duplicate);
    EXPECT_EQ(again.base, first.base);
  });
}

TEST_CASE("appends go on while a log is copied, and who waits for one is told") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    const std::string target = co_await begin_move(live, 200'000);
    size_t appended = 0, refused = 0;
    while (live.manager->future_of(kLog)) {
      (co_await try_append(live, 100) ? appended : refused) += 1;
      co_await reactor::sleep_for(2ms);
    }
    EXPECT(appended > 20);
    EXPECT(refused < appended);
    EXPECT_EQ(place(live), target);
    co_await verify(live, kLog);
  });
}

TEST_CASE("a move is throttled, and tells how far it is") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    const std::string target = co_await begin_move(live, 20'000);
    const MonoTime began = reactor::this_shard().now();
    co_await reactor::sleep_for(2s);
    const auto future = live.manager->future_of(kLog);
    REQUIRE(future.has_value());
    EXPECT_EQ(future->directory, target);
    EXPECT(future->bytes > 0);
    EXPECT(future->bytes < live.log(kLog).size_bytes());
    EXPECT(future->next > Offset(0));
    EXPECT(future->next < live.log(kLog).log_end());
    co_await wait_for_move(live);
    EXPECT(reactor::this_shard().now() - began > 4s);
    EXPECT_EQ(place(live), target);
  });
}

TEST_CASE("a move to where a log is ends the one under way; to the same place it goes on") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    const std::string to = co_await begin_move(live, 10'000);
    const std::string from = place(live);
    co_await reactor::sleep_for(3s);
    const auto before = live.manager->future_of(kLog);
    must(co_await live.manager->move_partition(kLog, to));
    const auto after = live.manager->future_of(kLog);
    REQUIRE(before.has_value());
    REQUIRE(after.has_value());
    EXPECT(after->bytes >= before->bytes);
    must(co_await live.manager->move_partition(kLog, from));
    EXPECT(!live.manager->future_of(kLog));
    EXPECT_EQ(place(live), from);
    co_await append(live, 1);
    co_await verify(live, kLog);
  });
  EXPECT_EQ(world.folders("-future"), 0u);
}

TEST_CASE("what is deleted while it moves is gone") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    (void)co_await begin_move(live, 10'000);
    co_await reactor::sleep_for(1s);
    must(co_await live.manager->delete_partition(kLog));
    co_await wait_for_move(live);
    EXPECT(!live.manager->find(kLog));
    co_await reactor::sleep_for(5s);
  });
  EXPECT_EQ(world.folders("topic3-0"), 0u);
}

TEST_CASE("a move goes on after a clean stop and after a crash") {
  TwoDirectories world;
  std::string target;
  const auto begin = [&](Live& live) -> Task<void> {
    target = co_await begin_move(live, 10'000);
    co_await reactor::sleep_for(1s);
  };
  const auto go_on = [&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments()));
    EXPECT_EQ(place(live), target == "/data" ? "/more" : "/data");
    EXPECT(live.manager->future_of(kLog).has_value());
    co_await wait_for_move(live);
    EXPECT_EQ(place(live), target);
    co_await verify(live, kLog);
    co_await reactor::sleep_for(3s);
  };
  world.live(begin);
  EXPECT_EQ(world.folders("-future"), 1u);
  world.live(go_on);
  EXPECT_EQ(world.folders("topic3-0"), 1u);
  world.live_until_crash(begin, DiskOutcome::all_kept);
  world.live(go_on);
  EXPECT_EQ(world.folders("topic3-0"), 1u);
}

TEST_CASE(
    "a move that was given up does not go on after a restart, nor one of a log that is gone") {
  TwoDirectories world;
  world.live([&](Live& live) -> Task<void> {
    (void)co_await begin_move(live, 10'000);
    co_await reactor::sleep_for(1s);
    must(co_await live.manager->move_partition(kLog, place(live)));
    co_await wait_for_move(live);
  });
  EXPECT_EQ(world.folders("-future"), 0u);
  world.live([&](Live& live) -> Task<void> {
    (void)co_await begin_move(live, 10'000);
    co_await reactor::sleep_for(1s);
    must(co_await live.manager->delete_partition(kLog));
  });
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments(), 5));
    EXPECT(!live.manager->future_of(kLog));
  });
}

TEST_CASE("retention and DeleteRecords during a copy are in it") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    (void)co_await begin_move(live, 20'000);
    co_await reactor::sleep_for(3s);
    must(co_await live.log(kLog).delete_records(Offset(30)));
    // Their times are old enough for retention to take all that is closed.
    co_await live.manager->run_retention();
    const Offset start = live.log(kLog).log_start();
    REQUIRE(start >= Offset(30));
    live.client->start[kLog] = start.value;
    co_await wait_for_move(live);
    EXPECT_EQ(live.log(kLog).log_start().value, start.value);
    EXPECT(live.log(kLog).size_bytes() < 60'000);
    co_await verify(live, kLog);
  });
}

// A copy that has all of a log, then DeleteRecords takes its first segment and compaction replaces
// others, at some moment between the copy's next look at the segments and what it does then.
struct CompactedCopy : TwoDirectories {
  explicit CompactedCopy(Duration wait) : TwoDirectories(1, slow_names()), wait_(wait) {
    options.compaction.enabled = false;  // but by the test
  }
  static WorldOptions slow_names() {
    WorldOptions options;
    options.stall = 0;
    options.disk.slow = 0;
    options.disk.metadata = {1ms, 1ms};
    return options;
  }
  Task<void> life(Live& live) {
    LogConfig config = compacted_config();
    config.file_delete_delay_ms = 60'000;
    must(co_await live.open(kLog, config));
    for (int i = 0; i < 100; ++i) {
      const std::string key = "k" + std::to_string(i % 10);
      co_await append_keyed(live, kLog, model_, {.records = {{key, std::string(800, 'v'), 5'000}}});
    }
    co_await reactor::sleep_for(1s);
    auto& log = static_cast<Partition&>(live.log(kLog));
    PartitionCopy copy(log.disk(), "/more/copy");
    must(co_await copy.begin());
    while (must(co_await copy.step(log)) > 0) continue;
    must(co_await log.delete_records(log.segments().at(1).base()));
    co_await live.manager->run_retention();
    const size_t segments = log.segments().size();
    reactor::Gate gate;
    gate.spawn("compact", live.manager->run_compaction());
    // What replaces them is complete: the swap comes next.
    while (!cleaned()) co_await reactor::sleep_for(100us);
    co_await reactor::sleep_for(wait_);
    while (gate.running() > 0) {
      // At once: a later round of the compaction replaces what the first one made.
      if (must(co_await copy.step(log)) == 0) expect_whole(log);
      co_await reactor::sleep_for(100us);
    }
    co_await gate.close();
    EXPECT(log.segments().size() < segments);
    while (must(co_await copy.step(log)) > 0) continue;
    expect_same(log);
    must(co_await copy.discard());
  }
  bool cleaned() {
    return std::ranges::any_of(world.disk("node").files(),
                               [](const std::string& p) { return p.ends_with(".odx.cleaned"); });
  }
  // The batches of all closed segments, and no other segment's index.
  void expect_whole(Partition& log) {
    const auto& disk = world.disk("node");
    for (size_t i = 0; i + 1 < log.segments().size(); ++i) {
      const Segment& segment = log.segments().at(i);
      const auto in_copy = [&](std::string_view suffix) {
        return disk.contents(segment_path("/more/copy", segment.base(), suffix));
      };
      const auto batches = in_copy(kLogSuffix);
      EXPECT((batches && batches->size() == segment.size_bytes()));
      const auto index = in_copy(kIndexSuffix);
      const auto original =
          disk.contents(segment.path(kIndexSuffix));  // absent while it is renamed
      if (index && original) EXPECT(index == original);
    }
  }
  // All closed segments, with their indexes.
  void expect_same(Partition& log) {
    const auto& disk = world.disk("node");
    for (size_t i = 0; i + 1 < log.segments().size(); ++i) {
      const Segment& segment = log.segments().at(i);
      for (const std::string_view suffix : {kLogSuffix, kIndexSuffix, kChecksumsSuffix}) {
        const auto there = disk.contents(segment_path("/more/copy", segment.base(), suffix));
        REQUIRE((there.has_value() || suffix != kLogSuffix));
        // What is derived is made again when it is missing.
        if (there) REQUIRE(there == disk.contents(segment.path(suffix)));
      }
    }
  }

 private:
  Duration wait_;
  KeyedModel model_;
};

TEST_CASE("a copy has each segment as it is, whenever compaction and retention come between") {
  for (int wait = 0; wait < 30; ++wait) {
    CAPTURE(wait);
    CompactedCopy world{std::chrono::milliseconds(wait)};
    world.live([&](Live& live) { return world.life(live); });
  }
}

TEST_CASE(
    "a copy that does not fit beside the reserve ends, and the directory is not full for it") {
  TwoDirectories world;
  world.options.disk_reserve_bytes = 100'000;
  world.live([&](Live& live) -> Task<void> {
    (void)co_await begin_move(live, 20'000);
    const std::string from = place(live);
    co_await reactor::sleep_for(2s);
    reactor::sim::Disk& disk = world.world.disk("node");
    disk.options().capacity_bytes = disk.used_bytes() + 100'000 + 40'000;
    while (live.manager->future_of(kLog)) {
      EXPECT(disk.options().capacity_bytes - disk.used_bytes() >= 100'000);
      co_await reactor::sleep_for(1ms);
    }
    EXPECT_EQ(place(live), from);
    EXPECT(live.manager->writable());
    disk.options().capacity_bytes += 1 << 20;
    co_await append(live, 1);
    co_await verify(live, kLog);
    (void)co_await move(live);
    co_await verify(live, kLog);
  });
  EXPECT_EQ(world.folders("-future"), 0u);
}

// The counts of moves in both manifests; -1: it is not in it.
Task<void> read_moves(std::map<std::string, int64_t>& out) {
  for (const std::string path : {"/data", "/more"}) {
    const ManifestState state = must(co_await Manifest::read(path));
    const ManifestPartition* partition = state.find(kLog);
    out[path] = partition ? int64_t{partition->moves} : -1;
  }
}

TEST_CASE("a hand-over that a full disk refused leaves no odd count, nor do those after it") {
  TwoDirectories world;
  std::string source;
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments()));
    co_await append(live, 10);
    source = place(live);
  });
  std::map<std::string, int64_t> moves;
  const auto look = [&] {
    world.world.run([&] { return read_moves(moves); }, {.name = "look", .disk = "node"});
  };
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments()));
    // Its first commit since the start reserves space, and tries twice.
    world.world.disk("node").inject({.code = reactor::OpCode::allocate,
                                     .path_part = source + "/" + kManifestJournalFile,
                                     .error = ENOSPC,
                                     .count = 2});
    must(co_await live.manager->move_partition(kLog, other(live)));
    co_await wait_for_move(live);
    EXPECT_EQ(place(live), source);
    co_await append(live, 10);
    co_await verify(live, kLog);
  });
  look();
  EXPECT_EQ(moves[source], 2);
  world.live([&](Live& live) -> Task<void> {
    must(co_await live.open(kLog, small_segments()));
    co_await verify(live, kLog);
    (void)co_await move(live);
    co_await verify(live, kLog);
  });
  look();
  EXPECT_EQ(moves[source], -1);
  EXPECT_EQ(moves[source == "/data" ? "/more" : "/data"], 4);
}

TEST_CASE("a configuration that comes while a log is handed over holds, also when that fails") {
  for (const bool fails : {false, true}) {
    CAPTURE(fails);
    TwoDirectories world;
    world.live([&](Live& live) -> Task<void> {
      const std::string target = co_await begin_move(live, 0);
      if (fails) {
        world.world.disk("node").inject({.code = reactor::OpCode::rename,
                                         .path_part = target + "/topic3-0",
                                         .error = EIO,
                                         .count = 1});
      }
      while (live.manager->find(kLog)) co_await reactor::sleep_for(100us);
      LogConfig config = small_segments();
      config.retention_ms = 123'456;
      live.manager->configure_partition(kLog, config);
      while (!live.manager->find(kLog)) co_await reactor::sleep_for(100us);
      EXPECT_EQ(live.log(kLog).config().retention_ms, 123'456);
      config.retention_ms = 654'321;
      live.manager->configure_partition(kLog, config);
      co_await wait_for_move(live);
      EXPECT_EQ(place(live) == target, !fails);
      EXPECT_EQ(live.log(kLog).config().retention_ms, 654'321);
    });
  }
}

TEST_CASE("a log that cannot be opened where it was moved can be deleted, and leaves nothing") {
  TwoDirectories world;
  world.live([&](Live& live) -> Task<void> {
    const std::string target = co_await begin_move(live, 0);
    world.world.disk("node").inject(
        {.code = reactor::OpCode::read, .path_part = target + "/topic3-0/", .error = EIO});
    co_await wait_for_move(live);
    EXPECT(!live.manager->find(kLog));
    EXPECT_EQ(live.manager->absence(kLog), Errc::corrupt);
    world.world.disk("node").clear_faults();
    must(co_await live.manager->delete_partition(kLog));
    EXPECT_EQ(live.manager->absence(kLog), Errc::moved);
    co_await reactor::sleep_for(5s);
  });
  EXPECT_EQ(world.folders("topic3-0"), 0u);
  world.live([](Live& live) -> Task<void> {
    EXPECT(live.store->found().empty());
    co_return;
  });
}

TEST_CASE("a log that is not there, and a directory that is not, are refused") {
  TwoDirectories world;
  world.live([](Live& live) -> Task<void> {
    const Status absent = co_await live.manager->move_partition(kLog, "/more");
    REQUIRE(!absent);
    EXPECT_EQ(absent.error().code, Errc::moved);
    must(co_await live.open(kLog));
    const Status nowhere = co_await live.manager->move_partition(kLog, "/nowhere");
    REQUIRE(!nowhere);
    EXPECT_EQ(nowhere.error().code, Errc::fenced);
    must(co_await live.manager->move_partition(kLog, place(live)));
    EXPECT(!live.manager->future_of(kLog));
  });
}

// The whole life, crashed at a step, then whatever is there, and the rest of the life.
class CrashedMove {
 public:
  // With `beside_others` a log in either directory is appended to all the time, so that both WALs
  // go round.
  explicit CrashedMove(uint64_t seed, bool beside_others = false)
      : world_(seed, quiet()), beside_others_(beside_others) {}

  struct Steps {
    uint64_t begin = 0, end = 0;
  };
  // Of the second life: all of it, or when the move is under way.
  Steps all_steps() {
    live_through();
    return {1, life_ended_ - life_began_};
  }
  Steps steps_of_move() {
    live_through();
    return {move_.begin - life_began_, move_.end - life_began_};
  }
  // False when it ended before the step came.
  bool crash(uint64_t step, DiskOutcome outcome) {
    world_.live([this](Live& live) { return life(live, 0); });
    life_began_ = now();
    world_.begin([this](Live& live) { return life(live, 1); }, true);
    world_.world.crash_at(world_.node, life_began_ + step, outcome);
    REQUIRE_EQ(world_.world.run_until_exit(world_.node), Run::done);
    return world_.world.crashed(world_.node);
  }
  void check() {
    world_.live([this](Live& live) -> Task<void> {
      co_await life(live, 2);
      co_await reactor::sleep_for(5s);
    });
    REQUIRE_EQ(world_.folders("topic3-0"), 1u);
  }

 private:
  static WorldOptions quiet() {
    WorldOptions options;
    options.stall = 0;
    return options;
  }
  uint64_t now() { return world_.world.steps(world_.node); }
  void live_through() {
    world_.live([this](Live& live) { return life(live, 0); });
    life_began_ = now();
    world_.live([this](Live& live) { return life(live, 1); });
    life_ended_ = now();
  }
  Task<void> life(Live& live, int32_t epoch) {
    if (!beside_others_) {
      co_await move_and_append(live, epoch);
      co_return;
    }
    for (const TopicPartition& id : kOthers) must(co_await live.open(id, {}, epoch));
    bool over = false;
    reactor::Gate gate;
    for (const TopicPartition& id : kOthers) {
      co_await verify(live, id);
      for (int i = 0; i < 60; ++i) co_await live.append(id, {.value_bytes = 9'000});
      gate.spawn("keep busy", keep_busy(live, id, over));
    }
    co_await move_and_append(live, epoch);
    over = true;
    co_await gate.close();
    for (const TopicPartition& id : kOthers) co_await verify(live, id);
  }
  Task<void> move_and_append(Live& live, int32_t epoch) {
    must(co_await live.open(kLog, small_segments(), epoch));
    co_await wait_for_move(live);  // one that was cut off goes on
    co_await verify(live, kLog);
    co_await append(live, 9);
    move_.begin = now();
    must(co_await live.manager->move_partition(kLog, other(live)));
    while (live.manager->future_of(kLog)) {
      (void)co_await try_append(live, 1'000);
      co_await reactor::sleep_for(500us);
    }
    move_.end = now();
    co_await append(live, 3);
    co_await verify(live, kLog);
  }

  TwoDirectories world_;
  bool beside_others_;
  uint64_t life_began_ = 0, life_ended_ = 0;
  Steps move_;
};

uint64_t stride_or(uint64_t usual) {
  const char* given = std::getenv("ODRADEK_CRASH_STRIDE");
  return given ? std::max<uint64_t>(1, std::strtoull(given, nullptr, 10)) : usual;
}

size_t crash_in(CrashedMove::Steps steps, bool beside_others, uint64_t stride) {
  size_t runs = 0;
  for (uint64_t step = steps.begin; step <= steps.end; step += stride_or(stride)) {
    for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
      CAPTURE(step);
      CAPTURE(reactor::sim::outcome_name(outcome));
      CrashedMove run(1 + step % 5, beside_others);
      if (!run.crash(step, outcome)) continue;
      run.check();
      ++runs;
    }
  }
  MESSAGE("steps " << steps.begin << " to " << steps.end << ", crashes " << runs);
  return runs;
}

TEST_CASE("whatever step of a move the power is cut at, the log is whole in one directory") {
  EXPECT(crash_in(CrashedMove(1).all_steps(), false, 23) > 40);
}

TEST_CASE("whatever step of a move the power is cut at, beside logs whose WAL is given back") {
  EXPECT(crash_in(CrashedMove(1, true).steps_of_move(), true, 11) > 20);
}

}  // namespace
}  // namespace odradek::log::test
