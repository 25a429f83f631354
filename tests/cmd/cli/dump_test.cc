#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>

#include "cmd/cli/dump_metadata.h"
#include "cmd/cli/dump_path.h"
#include "log/batch/batch_walker.h"
#include "log/batch/record_reader.h"
#include "log/directory.h"
#include "log/manifest.h"
#include "reactor/base/check.h"
#include "reactor/sim/world.h"
#include "tests/test.h"

namespace odradek::cli {
namespace {

using reactor::Task;
using reactor::sim::World;

constexpr const char* kMetadata = "/data/__cluster_metadata-0/";
constexpr const char* kOrders = "/data/orders-3/00000000000000001000.log";
// Of the batches in 00000000000000001000.log: one of them, and the end of the last.
constexpr uint64_t kMiddle = 16'224;

std::vector<uint8_t> golden(const std::string& name) {
  std::ifstream in(std::string(ODRADEK_TESTDATA) + "/" + name, std::ios::binary);
  CHECK(in.good(), name);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A machine's disk, and what a dump of it says.
struct Dumped {
  World world{7};
  std::vector<std::string> lines;
  std::vector<std::string> wrong;
  int exit_code = -1;

  void put(const std::string& path, BytesView bytes) { world.disk("node").put(path, bytes); }
  void put_segment() { put(kOrders, golden("log/00000000000000001000.log")); }
  void put_metadata(std::string_view name) {
    put(kMetadata + std::string(name), golden("metadata/kafka-4.3.1.log"));
  }
  void flip(const std::string& path, uint64_t at) { world.disk("node").flip_bit(path, at, 0); }

  Task<void> run(DumpRequest request) {
    exit_code = co_await dump_paths(
        std::move(request), [this](std::string_view l) { lines.emplace_back(l); },
        [this](std::string_view l) { wrong.emplace_back(l); });
  }
  int dump(DumpRequest request) {
    lines.clear();
    wrong.clear();
    world.run([&] { return run(request); }, {.name = "looker", .disk = "node"});
    return exit_code;
  }
  int dump(std::string path) { return dump(DumpRequest{.paths = {std::move(path)}}); }

  bool says(std::string_view text) const {
    return std::ranges::any_of(lines, [text](const auto& l) { return l.contains(text); });
  }
  int64_t count(std::string_view start) const {
    return std::ranges::count_if(lines, [start](const auto& l) { return l.starts_with(start); });
  }
};

// A manifest that vouches for the segment's first `position` bytes.
Task<void> vouch(uint64_t position) {
  auto manifest = co_await log::Manifest::open("/data");
  CHECK(manifest.has_value(), manifest.error());
  log::TopicPartition id;
  id.topic.bytes[0] = 9;
  id.partition = log::PartitionId(3);
  (*manifest)->edit(log::PartitionAdded{id, "orders", log::Generation(1)});
  (*manifest)->edit(log::SegmentSet{id, {.base = log::Offset(1000)}});
  const log::RecoveryPoint point{log::Offset(1000), log::Offset(1000), position};
  (*manifest)->edit(log::RecoveryPointSet{id, point});
  const Status closed = co_await (*manifest)->close();
  CHECK(closed.has_value(), closed.error());
}

TEST_CASE("cluster metadata is printed as JSON, and the quorum's control records by name") {
  Dumped d;
  d.put_metadata("00000000000000000000.log");
  REQUIRE_EQ(d.dump(std::string(kMetadata) + "00000000000000000000.log"), 0);
  EXPECT_EQ(d.lines[1], "Log starting offset: 0");
  EXPECT(d.lines[3].ends_with(R"( LeaderChange: {"grantingVoters":[{"voterId":1}],"leaderId":1,)"
                              R"("version":0,"voters":[{"voterId":1}]})"));
  EXPECT(d.says(R"(payload: {"type":"FEATURE_LEVEL_RECORD","version":0,"data":)"
                R"({"featureLevel":30,"name":"metadata.version"}})"));
  EXPECT(d.says(R"({"type":"PARTITION_RECORD")"));
  EXPECT(d.wrong.empty());
}

// Every record of the golden metadata log with what it says; returns how many there were.
size_t for_each_record(const std::function<void(const log::BatchHeader&, const log::Record&)>& f) {
  const auto bytes = golden("metadata/kafka-4.3.1.log");
  log::BatchWalker walker{Chain(BytesView(bytes))};
  size_t count = 0;
  for (auto step = walker.next(); step.kind == log::WalkStep::Kind::batch; step = walker.next()) {
    log::RecordReader reader(step.bytes, size_t{1} << 20);
    for (auto record = reader.next(); record && *record; record = reader.next(), ++count) {
      f(step.header, **record);
    }
  }
  return count;
}

TEST_CASE("a metadata record that is cut anywhere is an error, never a guess") {
  const size_t records = for_each_record([](const auto& header, const log::Record& record) {
    EXPECT(metadata_text(header, record).has_value());
    for (size_t size = 0; size < record.value->size(); ++size) {
      log::Record cut = record;
      cut.value = record.value->first(size);
      EXPECT_FALSE(metadata_text(header, cut).has_value());
    }
  });
  EXPECT(records > 200);
}

TEST_CASE("a metadata snapshot says where it ends and what it holds") {
  Dumped d;
  const std::string path = std::string(kMetadata) + "00000000000000000284-0000000002.checkpoint";
  d.put(path, golden("metadata/00000000000000000284-0000000002.checkpoint"));
  REQUIRE_EQ(d.dump(path), 0);
  EXPECT_EQ(d.lines[1], "Snapshot end offset: 284, epoch: 2");
  EXPECT(d.says("SnapshotHeader {"));
  EXPECT(d.says(R"({"type":"REGISTER_BROKER_RECORD")"));
  EXPECT(d.says("SnapshotFooter {"));
}

TEST_CASE("a cut batch ends a metadata log that is being written, and no other") {
  Dumped d;
  const auto whole = golden("metadata/kafka-4.3.1.log");
  const std::string path = std::string(kMetadata) + "00000000000000000000.log";
  d.put(path, BytesView(whole).first(whole.size() - 1));
  EXPECT_EQ(d.dump(path), 0);
  EXPECT(d.lines.back().ends_with("are not settled yet: a cut batch"));
  d.put(std::string(kMetadata) + "00000000000000000900.log", {});
  EXPECT_EQ(d.dump(path), 1);
  REQUIRE_EQ(d.wrong.size(), 1u);
  EXPECT(d.wrong[0].starts_with(path + ": position "));
}

TEST_CASE("damage in what the manifest vouches for fails the dump, an end being written does not") {
  Dumped d;
  d.put_segment();
  d.flip(kOrders, kMiddle + 100);
  d.world.run([] { return vouch(kMiddle); }, {.name = "node"});
  EXPECT_EQ(d.dump(kOrders), 0);
  EXPECT(d.lines.back().ends_with("are not settled yet: checksum mismatch"));

  d.world.run([] { return vouch(kMiddle + 100'000); }, {.name = "node"});
  EXPECT_EQ(d.dump(kOrders), 1);
  REQUIRE_EQ(d.wrong.size(), 1u);
  EXPECT_EQ(d.wrong[0], std::string(kOrders) + ": batch at position 16224: checksum mismatch");
}

TEST_CASE("after a clean stop nothing is unfinished") {
  Dumped d;
  d.put_segment();
  d.flip(kOrders, kMiddle + 100);
  d.world.run([] { return vouch(kMiddle); }, {.name = "node"});
  d.put(std::string("/data/") + log::kCleanFile, as_bytes("odradek clean stop 1\n"));
  EXPECT_EQ(d.dump(kOrders), 1);
}

TEST_CASE("a log directory is summed up, file by file, and nothing in it changes") {
  Dumped d;
  d.put_segment();
  d.put("/data/orders-3/00000000000000001000.timeindex",
        golden("log/00000000000000001000.timeindex"));
  d.put("/data/meta.properties", as_bytes("version=1\n"));
  d.put_metadata("00000000000000000000.log");
  d.world.run([] { return vouch(0); }, {.name = "node"});
  const auto files = d.world.disk("node").files();
  std::vector<std::vector<uint8_t>> before;
  for (const auto& file : files) before.push_back(*d.world.disk("node").contents(file));

  REQUIRE_EQ(d.dump("/data"), 0);
  EXPECT(d.says("partition orders-3 topic id "));
  EXPECT_EQ(d.count("00000000000000001000.log: baseOffset: 1000 lastOffset: "), 1);
  EXPECT_EQ(d.count("00000000000000000000.log: baseOffset: 0 lastOffset: "), 1);
  EXPECT_EQ(d.count("00000000000000001000.timeindex: "), 1);
  EXPECT_EQ(d.count("version=1"), 1);
  EXPECT_EQ(d.count("| offset:"), 0);

  REQUIRE_EQ(d.dump({.paths = {"/data"}, .deep = true}), 0);
  EXPECT(d.count("| offset:") > 100);
  EXPECT(d.world.disk("node").files() == files);
  for (size_t i = 0; i < files.size(); ++i) {
    EXPECT(*d.world.disk("node").contents(files[i]) == before[i]);
  }
}

TEST_CASE("what cannot be dumped is named, and the other paths are dumped all the same") {
  Dumped d;
  d.put("/etc/dbus-1/notes", as_bytes("x"));
  d.put("/etc/notes.txt", as_bytes("x"));
  d.put_segment();
  EXPECT_EQ(d.dump({.paths = {"/etc", "/etc/dbus-1", "/etc/notes.txt", "/no", kOrders}}), 1);
  REQUIRE_EQ(d.wrong.size(), 4u);
  EXPECT(d.wrong[0].starts_with("/etc holds no log"));
  EXPECT(d.wrong[1].starts_with("/etc/dbus-1 holds no file of a log"));
  EXPECT(d.wrong[2].starts_with("/etc/notes.txt: "));
  EXPECT(d.wrong[3].contains("/no: "));
  EXPECT_EQ(d.count("Log starting offset: 1000"), 1);
}

}  // namespace
}  // namespace odradek::cli
