#include "log/manifest.h"

#include <algorithm>

#include "log/dump.h"
#include "reactor/base/prng.h"
#include "reactor/shard.h"
#include "tests/log/wal_testing.h"
#include "tests/test.h"

namespace odradek::log {
namespace {

using reactor::Task;
using reactor::sim::DiskOutcome;
using reactor::sim::kDiskOutcomes;
using reactor::sim::NodeId;
using reactor::sim::Run;
using reactor::sim::World;
using reactor::sim::WorldOptions;
using testing::must;

constexpr char kSnapshotPath[] = "/data/odradek.manifest";

TopicPartition partition_id(uint8_t topic, int32_t partition) {
  TopicPartition id;
  id.topic.bytes[15] = topic;
  id.partition = PartitionId(partition);
  return id;
}

ManifestSegment segment_at(int64_t base, uint64_t bytes) {
  return {Offset(base), Offset(base + 10), bytes, 1'767'225'600'000 + base, Offset(base + 3),
          false};
}

ManifestSegment replacement_at(int64_t base, uint64_t bytes) {
  ManifestSegment segment = segment_at(base, bytes);
  segment.sealed = segment.swapping = true;
  return segment;
}

// One of each kind.
std::vector<ManifestEdit> sample_edits() {
  const TopicPartition a = partition_id(1, 0);
  const TopicPartition b = partition_id(2, 5);
  return {NextGenerationSet{Generation(3)},
          PartitionAdded{a, "orders", Generation(3)},
          PartitionAdded{b, "payments", Generation(4)},
          LogStartSet{a, Offset(5), Offset(6)},
          SegmentSet{a, segment_at(0, 4096)},
          SegmentSet{a, segment_at(10, 8192)},
          SegmentSet{b, segment_at(7, 1)},
          EpochSet{a, LeaderEpoch(0), Offset(0)},
          EpochSet{a, LeaderEpoch(4), Offset(12)},
          EpochsReplaced{b, {{LeaderEpoch(1), Offset(7)}, {LeaderEpoch(2), Offset(9)}}},
          RecoveryPointSet{a, {Offset(20), Offset(10), 4096}},
          SegmentRemoved{a, Offset(0)},
          QuarantineSet{b, "a bad checksum"},
          SegmentsReplaced{a, replacement_at(10, 512), Offset(20)},
          CleanedTo{a, Offset(20)},
          MovesSet{b, 2}};
}

ManifestState state_of(const std::vector<ManifestEdit>& edits) {
  ManifestState state;
  for (const ManifestEdit& edit : edits) apply(state, edit);
  return state;
}

// A random edit of one of four partitions, as a broker might make it.
ManifestEdit random_edit(Prng& prng, const ManifestState& state) {
  const TopicPartition id = partition_id(1, static_cast<int32_t>(prng.below(4)));
  const ManifestPartition* there = state.find(id);
  if (there == nullptr) return PartitionAdded{id, "orders", state.next_generation};
  const auto offset = static_cast<int64_t>(prng.below(1000));
  switch (prng.below(11)) {
    case 0: return PartitionRemoved{id, there->generation};
    case 1: return SegmentRemoved{id, Offset(offset / 100 * 100)};
    case 2: return LogStartSet{id, Offset(offset), Offset(offset)};
    case 3: return EpochSet{id, LeaderEpoch(static_cast<int32_t>(prng.below(9))), Offset(offset)};
    case 4: return EpochsReplaced{id, {{LeaderEpoch(1), Offset(offset)}}};
    case 5: return RecoveryPointSet{id, {Offset(offset), Offset(offset), 4096}};
    case 6: return CleanedTo{id, Offset(offset)};
    case 8: return MovesSet{id, static_cast<uint32_t>(offset)};
    case 7: {
      const int64_t base = offset / 100 * 100;
      return SegmentsReplaced{id, replacement_at(base, prng.below(1 << 20)), Offset(base + 200)};
    }
    default: return SegmentSet{id, segment_at(offset / 100 * 100, prng.below(1 << 20))};
  }
}

TEST_CASE("a replacement takes the place of the segments up to its end, until it has its name") {
  ManifestState state = state_of(sample_edits());
  const TopicPartition a = partition_id(1, 0);
  for (const int64_t base : {20, 30, 40}) apply(state, SegmentSet{a, segment_at(base, 4096)});
  const SegmentsReplaced edit{a, replacement_at(10, 700), Offset(40)};
  REQUIRE(apply(state, edit));
  REQUIRE(apply(state, edit));
  const auto& segments = state.find(a)->segments;
  REQUIRE_EQ(segments.size(), 2);
  EXPECT_EQ(segments.at(Offset(10)).bytes, 700);
  EXPECT(segments.at(Offset(10)).swapping);
  EXPECT(segments.contains(Offset(40)));
  ManifestSegment named = replacement_at(10, 700);
  named.swapping = false;
  apply(state, SegmentSet{a, named});
  EXPECT_FALSE(segments.at(Offset(10)).swapping);
}

TEST_CASE("edits read back as they were written") {
  const std::vector<ManifestEdit> edits = sample_edits();
  std::vector<uint8_t> bytes;
  for (const ManifestEdit& edit : edits) encode_edit(edit, bytes);
  std::vector<ManifestEdit> decoded;
  REQUIRE(decode_edits(bytes, decoded).has_value());
  EXPECT(decoded == edits);
}

TEST_CASE("edits cut anywhere are refused or are fewer whole edits") {
  const std::vector<ManifestEdit> edits = sample_edits();
  std::vector<uint8_t> bytes;
  for (const ManifestEdit& edit : edits) encode_edit(edit, bytes);
  size_t whole = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    std::vector<ManifestEdit> decoded;
    if (decode_edits(BytesView(bytes).first(length), decoded)) {
      ++whole;
      EXPECT(std::equal(decoded.begin(), decoded.end(), edits.begin()));
    }
  }
  EXPECT_EQ(whole, edits.size());
}

TEST_CASE("the bytes of a journal entry are those of FORMAT.md") {
  TopicPartition id;
  id.topic.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  id.partition = PartitionId(7);
  std::vector<uint8_t> edits;
  encode_edit(LogStartSet{id, Offset(10), Offset(20)}, edits);
  std::vector<uint8_t> entry;
  encode_entry(5, edits, entry);
  const std::vector<uint8_t> golden = {
      0xe4, 0xab, 0xbb, 0xbd, 'M', 'F', 'E', '1',  // checksum, magic
      1,    0,    0,    0,    0,   0,   0,   0,    // version
      5,    0,    0,    0,    0,   0,   0,   0,    // sequence
      37,   0,    0,    0,    0,   0,   0,   0,    // bytes of edits
      0,    0,    0,    0,    0,   0,   0,   0,    //
      5,    1,    2,    3,    4,   5,   6,   7,    // kind, topic id
      8,    9,    10,   11,   12,  13,  14,  15,   //
      16,   7,    0,    0,    0,   10,  0,   0,    // partition, log start
      0,    0,    0,    0,    0,   20,  0,   0,    // local log start
      0,    0,    0,    0,    0,   0,   0,   0};
  EXPECT(entry == golden);
}

TEST_CASE("a snapshot reads back, and no cut or flipped bit of it goes unnoticed") {
  const ManifestState state = state_of(sample_edits());
  const std::vector<uint8_t> bytes = encode_snapshot(state, 17);
  const auto decoded = decode_snapshot(bytes);
  REQUIRE(decoded.has_value());
  EXPECT(decoded->state == state);
  EXPECT_EQ(decoded->sequence, 17);
  for (size_t at = 0; at < bytes.size(); ++at) {
    REQUIRE_FALSE(decode_snapshot(BytesView(bytes).first(at)).has_value());
    std::vector<uint8_t> flipped = bytes;
    flipped[at] ^= 4;
    REQUIRE_FALSE(decode_snapshot(flipped).has_value());
  }
}

// Three entries of two edits each.
struct SampleJournal {
  std::vector<uint8_t> bytes;
  std::vector<ManifestState> states{ManifestState{}};  // after so many entries
  std::vector<size_t> ends{0};

  SampleJournal() {
    const std::vector<ManifestEdit> edits = sample_edits();
    for (size_t i = 0; i < 3; ++i) {
      ManifestState next = states.back();
      std::vector<uint8_t> encoded;
      for (size_t j = 4 * i; j < 4 * i + 4; ++j) {
        apply(next, edits[j]);
        encode_edit(edits[j], encoded);
      }
      encode_entry(i + 1, encoded, bytes);
      states.push_back(next);
      ends.push_back(bytes.size());
    }
  }
};

TEST_CASE("a journal cut anywhere gives its whole entries") {
  const SampleJournal journal;
  for (size_t length = 0; length <= journal.bytes.size(); ++length) {
    ManifestState state;
    const auto replayed = replay_journal(state, 0, BytesView(journal.bytes).first(length));
    REQUIRE(replayed.has_value());
    const auto whole = static_cast<size_t>(std::ranges::upper_bound(journal.ends, length) -
                                           journal.ends.begin() - 1);
    REQUIRE_EQ(replayed->entries, whole);
    REQUIRE_EQ(replayed->bytes, journal.ends[whole]);
    REQUIRE(state == journal.states[whole]);
  }
}

TEST_CASE("a flipped bit in the last entry is a torn end, in an earlier one it is corruption") {
  const SampleJournal journal;
  for (size_t at = 0; at < journal.bytes.size(); ++at) {
    std::vector<uint8_t> bytes = journal.bytes;
    bytes[at] ^= 0x20;
    ManifestState state;
    const auto replayed = replay_journal(state, 0, bytes);
    if (at < journal.ends[2]) {
      REQUIRE_FALSE(replayed.has_value());
      REQUIRE(replayed.error().code == Errc::corrupt);
    } else {
      REQUIRE(replayed.has_value());
      REQUIRE(state == journal.states[2]);
    }
  }
}

TEST_CASE("entries that the snapshot holds are skipped") {
  const SampleJournal journal;
  ManifestState state = journal.states[2];
  const auto replayed = replay_journal(state, 2, journal.bytes);
  REQUIRE(replayed.has_value());
  EXPECT(state == journal.states[3]);
  EXPECT_EQ(replayed->sequence, 3);
}

TEST_CASE("a journal that begins behind the snapshot's next entry is corruption") {
  const SampleJournal journal;
  ManifestState state;
  const auto replayed = replay_journal(state, 0, BytesView(journal.bytes).subspan(journal.ends[1]));
  REQUIRE_FALSE(replayed.has_value());
  EXPECT(replayed.error().code == Errc::corrupt);
}

TEST_CASE("an edit of a newer version is refused by name") {
  ManifestState state;
  const std::vector<uint8_t> unknown = {200, 1, 2, 3};
  std::vector<uint8_t> entry;
  encode_entry(1, unknown, entry);
  const auto replayed = replay_journal(state, 0, entry);
  REQUIRE_FALSE(replayed.has_value());
  EXPECT(replayed.error().code == Errc::unsupported);
}

TEST_CASE("edits of an older generation do not touch its successor") {
  ManifestState state;
  const TopicPartition id = partition_id(1, 0);
  apply(state, PartitionAdded{id, "a", Generation(1)});
  apply(state, PartitionRemoved{id, Generation(1)});
  EXPECT_FALSE(apply(state, SegmentSet{id, segment_at(0, 1)}));
  apply(state, PartitionAdded{id, "a", Generation(2)});
  EXPECT_FALSE(apply(state, PartitionRemoved{id, Generation(1)}));
  EXPECT_EQ(state.find(id)->generation.value, 2);
  EXPECT_EQ(state.next_generation.value, 3);
}

Task<std::unique_ptr<Manifest>> open_manifest(ManifestOptions options = {}) {
  (void)co_await reactor::make_directory("/data");
  must(co_await reactor::sync_directory("/"));
  co_return must(co_await Manifest::open("/data", options));
}

Task<void> edit_and_close(std::vector<ManifestEdit> edits) {
  auto manifest = co_await open_manifest();
  for (const ManifestEdit& edit : edits) manifest->edit(edit);
  must(co_await manifest->commit());
  must(co_await manifest->close());
}

Task<void> read_into(Result<ManifestState>& out) { out = co_await Manifest::read("/data"); }

Result<ManifestState> read_state(World& world) {
  Result<ManifestState> out;
  world.run([&] { return read_into(out); }, {.name = "reader", .disk = "node"});
  return out;
}

TEST_CASE("what was committed is there after a close and an open") {
  World world(1);
  world.run([] { return edit_and_close(sample_edits()); });
  world.run(
      [] { return edit_and_close({EpochSet{partition_id(2, 5), LeaderEpoch(9), Offset(90)}}); });
  std::vector<ManifestEdit> all = sample_edits();
  all.push_back(EpochSet{partition_id(2, 5), LeaderEpoch(9), Offset(90)});
  const auto state = read_state(world);
  REQUIRE(state.has_value());
  EXPECT(*state == state_of(all));
}

Task<void> commit_once(Manifest& manifest, int partition, int& committed) {
  manifest.edit(PartitionAdded{partition_id(1, partition), "t", Generation(1)});
  must(co_await manifest.commit());
  ++committed;
}

Task<void> commit_together(World& world) {
  auto manifest = co_await open_manifest();
  const uint64_t before = world.disk("node").syncs();
  reactor::Gate gate;
  int committed = 0;
  for (int i = 0; i < 100; ++i) gate.spawn("commit", commit_once(*manifest, i, committed));
  co_await gate.close();
  EXPECT_EQ(committed, 100);
  EXPECT(world.disk("node").syncs() - before <= 4);
  must(co_await manifest->close());
}

TEST_CASE("commits of many share their writes") {
  World world(2);
  world.run([&] { return commit_together(world); });
  EXPECT_EQ(read_state(world)->partitions.size(), 100);
}

Task<void> fail_a_commit(World& world) {
  auto manifest = co_await open_manifest();
  manifest->edit(PartitionAdded{partition_id(1, 0), "t", Generation(1)});
  must(co_await manifest->commit());
  world.disk("node").inject({.code = reactor::OpCode::write, .error = EIO, .count = 1});
  manifest->edit(PartitionAdded{partition_id(1, 1), "t", Generation(1)});
  EXPECT_FALSE((co_await manifest->commit()).has_value());
  const Status again = co_await manifest->commit();
  REQUIRE_FALSE(again.has_value());
  EXPECT(again.error().code == Errc::fenced);
  EXPECT_FALSE((co_await manifest->close()).has_value());
}

TEST_CASE("a write error fences the manifest for good") {
  World world(3);
  world.run([&] { return fail_a_commit(world); });
  // What failed may have landed all the same; what was committed has.
  EXPECT(read_state(world)->find(partition_id(1, 0)) != nullptr);
}

// Fills the disk; what was reserved ahead goes on being used, and then commits fail.
Task<void> commit_until_full(World& world, int& committed) {
  auto manifest = co_await open_manifest({.journal_reserve_bytes = 8192});
  const auto add = [&](int i) {
    manifest->edit(PartitionAdded{partition_id(1, i), std::string(200, 't'), Generation(1)});
  };
  add(0);
  must(co_await manifest->commit());
  reactor::sim::Disk& disk = world.disk("node");
  disk.options().capacity_bytes = disk.used_bytes();
  Status status;
  for (committed = 1; status; ++committed) {
    add(committed);
    status = co_await manifest->commit();
  }
  EXPECT_EQ(status.error().code, Errc::disk_full);
  disk.options().capacity_bytes += 1 << 20;
  // What was staged then is durable with the next one.
  add(committed);
  must(co_await manifest->commit());
  must(co_await manifest->close());
}

TEST_CASE("a full disk does not fence the manifest: a later commit makes all of it durable") {
  World world(3);
  int committed = 0;
  world.run([&] { return commit_until_full(world, committed); });
  EXPECT(committed > 8192 / 300);
  EXPECT_EQ(read_state(world)->partitions.size(), static_cast<size_t>(committed) + 1);
}

TEST_CASE("a broken manifest is refused and not touched") {
  World world(4);
  world.run([] { return edit_and_close(sample_edits()); });
  world.disk("node").flip_bit(kSnapshotPath, 50, 2);
  const auto before = world.disk("node").contents(kSnapshotPath);
  const auto state = read_state(world);
  REQUIRE_FALSE(state.has_value());
  EXPECT(state.error().code == Errc::corrupt);
  EXPECT(state.error().context.find(kSnapshotPath) != std::string::npos);
  EXPECT(world.disk("node").contents(kSnapshotPath) == before);
}

// What the program knows of a manifest that random edits are made to.
struct History {
  std::vector<ManifestState> states{ManifestState{}};  // after so many edits
  size_t committed = 0;
  bool finished = false;
};

Task<int> edit_for_ever(History& history, uint64_t seed, int edits) {
  Prng prng(seed);
  // So small that the journal is folded every few commits.
  auto manifest = co_await open_manifest({.journal_bytes_max = 600});
  if (history.states.size() == 1) history.states[0] = manifest->state();
  for (int i = 0; i < edits; ++i) {
    manifest->edit(random_edit(prng, manifest->state()));
    history.states.push_back(manifest->state());
    if (prng.below(3) != 0) continue;
    const size_t covered = history.states.size() - 1;
    must(co_await manifest->commit());
    history.committed = covered;
  }
  must(co_await manifest->close());
  history.finished = true;
  co_return 0;
}

// The state after a crash is one that was there, no older than the last commit.
void expect_kept(const History& history, const Result<ManifestState>& state) {
  if (!state && history.committed == 0) return;
  if (!state) MESSAGE(state.error().to_string());
  REQUIRE(state.has_value());
  const auto from = history.states.begin() + static_cast<ptrdiff_t>(history.committed);
  REQUIRE(std::find(from, history.states.end(), *state) != history.states.end());
}

TEST_CASE("whatever a crash leaves, the manifest is at its last commit or after it") {
  WorldOptions options;
  options.disk.tear_bytes = 512;
  uint64_t steps = 0;
  {
    World world(1, options);
    History history;
    const NodeId node = world.start({}, [&] { return edit_for_ever(history, 1, 120); });
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    expect_kept(history, read_state(world));
    steps = world.steps(node);
  }
  for (uint64_t step = 1; step <= steps; ++step) {
    const DiskOutcome outcome = kDiskOutcomes[step % 4];
    INFO("step ", step, " outcome ", std::string(reactor::sim::outcome_name(outcome)));
    World world(1, options);
    History history;
    const NodeId node = world.start({}, [&] { return edit_for_ever(history, 1, 120); });
    world.crash_at(node, step, outcome);
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    expect_kept(history, read_state(world));
    // And once more, from what that crash left.
    History second;
    world.start({}, [&] { return edit_for_ever(second, step, 40); });
    world.crash_at(node, step + 150, outcome);
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    if (second.states.size() > 1) expect_kept(second, read_state(world));
  }
}

Task<void> dump_into(std::vector<std::string>& lines) {
  must(co_await dump_manifest("/data",
                              [&lines](std::string_view line) { lines.emplace_back(line); }));
}

TEST_CASE("a dump of the manifest names partitions, segments and epochs in order") {
  World world(5);
  world.run([] { return edit_and_close(sample_edits()); });
  std::vector<std::string> lines;
  world.run([&] { return dump_into(lines); }, {.name = "reader", .disk = "node"});
  REQUIRE_EQ(lines.size(), 12);
  EXPECT_EQ(lines[0], "2 partitions, next generation 5");
  EXPECT_EQ(lines[1],
            "partition orders-0 topic id AAAAAAAAAAAAAAAAAAAAAQ generation 3 log start 5 local log "
            "start 6");
  EXPECT_EQ(lines[2], "  recovery point: offset 20 in segment 10 at 4096");
  EXPECT_EQ(lines[3],
            "  segment 10: next 20 bytes 512 max timestamp 1767225600010 at 13 being swapped in");
  EXPECT_EQ(lines[5], "  epoch 4 from 12");
  EXPECT(std::ranges::find(lines, "  quarantined: a bad checksum") != lines.end());
}

}  // namespace
}  // namespace odradek::log
