// The judge is kafka-dump-log.sh of Apache Kafka 4.3.1, whose output on the same files is in
// tests/testdata/log/kafka-dump-*.txt.
#include "log/segment_dump.h"

#include <fstream>
#include <iterator>

#include "log/checkpoint_files.h"
#include "log/segment_format.h"
#include "tests/log/segment_bench.h"

using namespace odradek;
using namespace odradek::log;
using namespace odradek::log::test;

static std::string testdata(const std::string& name) {
  std::ifstream in(std::string(ODRADEK_TESTDATA) + "/log/" + name, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

static Task<void> dump_into(std::string& out, Status& status, std::string path,
                            DumpOptions options) {
  status = co_await dump_file(path, options, [&](std::string_view line) {
    // Kafka's dumps were taken in the directory of the files.
    const size_t at = line.find("/d/");
    if (line.starts_with("Dumping ") && at != line.npos) {
      out.append("Dumping ").append(line.substr(at + 3)).append("\n");
    } else {
      out.append(line).append("\n");
    }
  });
}

static std::string dump(const std::vector<std::string>& names, DumpOptions options) {
  World world(31);
  std::string out;
  for (const std::string& name : names) {
    world.disk("node").put("/d/" + name, as_bytes(testdata(name)));
  }
  for (const std::string& name : names) {
    Status status;
    world.run([&] { return dump_into(out, status, "/d/" + name, options); });
    EXPECT_OK(status);
  }
  return out;
}

TEST_CASE("a segment's batches and records are printed as kafka-dump-log prints them") {
  EXPECT_EQ(dump({"00000000000000001000.log"}, {.deep = true}), testdata("kafka-dump-deep.txt"));
}

TEST_CASE(
    "keys, values, headers and transaction markers are printed as kafka-dump-log prints them") {
  EXPECT_EQ(dump({"00000000000000002000.log"}, {.payloads = true}),
            testdata("kafka-dump-control.txt"));
}

TEST_CASE("indexes and snapshots are printed as kafka-dump-log prints them") {
  EXPECT_EQ(dump({"00000000000000001000.index", "00000000000000001000.timeindex",
                  "00000000000000001200.snapshot", "00000000000000001000.txnindex"},
                 {}),
            testdata("kafka-dump-files.txt"));
}

static std::pair<std::string, Status> dump_bytes(const std::string& name, BytesView bytes,
                                                 BytesView log_beside = {}) {
  World world(32);
  world.disk("node").put("/d/" + name, bytes);
  if (!log_beside.empty()) world.disk("node").put("/d/00000000000000001000.log", log_beside);
  std::pair<std::string, Status> result;
  world.run([&] { return dump_into(result.first, result.second, "/d/" + name, {.deep = true}); });
  return result;
}

TEST_CASE("damage in a segment is printed and fails the dump") {
  std::string log = testdata("00000000000000001000.log");
  log[300] = static_cast<char>(log[300] ^ 1);
  auto [text, status] = dump_bytes("00000000000000001000.log", as_bytes(log));
  EXPECT_EQ(status.error().code, Errc::corrupt);
  EXPECT(text.find("isvalid: false") != std::string::npos);
  EXPECT(text.find("baseOffset: 1169") !=
         std::string::npos);  // what follows is printed all the same
  std::tie(text, status) = dump_bytes("00000000000000001000.log", as_bytes(log).first(16'500));
  EXPECT(text.find("invalid bytes at position 16224") != std::string::npos);
  EXPECT_EQ(status.error().code, Errc::corrupt);
}

TEST_CASE("zeros at the end of an active segment are no damage") {
  std::string log = testdata("00000000000000001000.log");
  const size_t end = log.size();
  log.resize(end + 3'000'000);
  const auto [text, status] = dump_bytes("00000000000000001000.log", as_bytes(log));
  EXPECT_OK(status);
  EXPECT(text.ends_with("zeros from position " + std::to_string(end) + " to " +
                        std::to_string(log.size()) + "\n"));
}

TEST_CASE("index entries that do not fit the segment beside them are named") {
  std::string index = testdata("00000000000000001000.index");
  index[11] = static_cast<char>(index[11] + 1);
  const auto [text, status] = dump_bytes("00000000000000001000.index", as_bytes(index),
                                         as_bytes(testdata("00000000000000001000.log")));
  EXPECT_EQ(status.error().code, Errc::corrupt);
  EXPECT(text.find("Mismatch: index offset: 1017, log offset: 1016") != std::string::npos);
}

TEST_CASE("checkpoints come as they are, other files are refused") {
  const auto [text, status] = dump_bytes("leader-epoch-checkpoint", as_bytes("0\n1\n0 0\n"));
  EXPECT_OK(status);
  EXPECT_EQ(text, "Dumping leader-epoch-checkpoint\n0\n1\n0 0\n");
  for (const std::string name : {"notes.txt", "00000000000000001000.timeindex.tmp"}) {
    EXPECT_EQ(dump_bytes(name, as_bytes("x")).second.error().code, Errc::unsupported);
    EXPECT_FALSE(is_dumpable(name));
  }
  EXPECT(is_dumpable("00000000000000001000.timeindex.deleted"));
}
