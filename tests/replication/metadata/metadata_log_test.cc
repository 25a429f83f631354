#include "replication/metadata/metadata_log.h"

#include "log/batch/batch_walker.h"
#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

using reactor::Task;
using reactor::sim::World;

constexpr const char* kFolder = "/data/__cluster_metadata-0/";
std::string log_path() { return std::string(kFolder) + "00000000000000000000.log"; }

MetadataLogOptions options() {
  MetadataLogOptions out;
  out.directory = "/data";
  out.node_id = NodeId(1);
  out.now_ms = 1;
  return out;
}

// A log with `batches` of two records each, in epoch 1, closed.
Task<void> write_log(int batches) {
  auto log = must(co_await MetadataLog::open(options()));
  for (int i = 0; i < batches; ++i) {
    RecordList records;
    records.add(records::NoOpRecord{}, 0);
    records.add(records::NoOpRecord{}, 0);
    must(co_await log->append(
        must(data_batch(records.values(), log->end(), log::LeaderEpoch(1), 1000 + i))));
  }
  must(co_await log->close());
}

struct Opened {
  Status status;
  int64_t end = -1;
  int records = 0;
};
Task<void> open_log(Opened& out) {
  auto log = co_await MetadataLog::open(options());
  if (!log) {
    out.status = fail(log.error());
    co_return;
  }
  out.end = (*log)->end().value;
  int* count = &out.records;
  out.status = co_await (*log)->replay([count](const LoggedRecord& record) -> Status {
    if (!record.control) ++*count;
    return {};
  });
  must(co_await (*log)->close());
}

struct Disk {
  explicit Disk(int batches) : world(1) {
    on_disk(world, [batches] { return write_log(batches); });
  }
  std::vector<uint8_t> bytes() { return *world.disk("node").contents(log_path()); }
  void put(const std::vector<uint8_t>& bytes) { world.disk("node").put(log_path(), bytes); }
  Opened open() {
    Opened out;
    on_disk(world, [&out] { return open_log(out); });
    return out;
  }
  World world;
};

TEST_CASE("a log that was closed opens with all its records") {
  Disk disk(3);
  const Opened opened = disk.open();
  must(opened.status);
  EXPECT_EQ(opened.end, 6);
  EXPECT_EQ(opened.records, 6);
}

TEST_CASE("a tail torn at any byte is cut at the last whole batch, and stays cut") {
  Disk disk(3);
  const auto whole = disk.bytes();
  const size_t batch = whole.size() / 3;
  for (size_t size = 0; size < whole.size(); ++size) {
    disk.put({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    const Opened opened = disk.open();
    must(opened.status);
    EXPECT_EQ(opened.end, static_cast<int64_t>(size / batch * 2));
    EXPECT_EQ(disk.bytes().size(), size / batch * batch);
  }
}

TEST_CASE("a tail of zeros, or of a batch that never came whole, is cut") {
  Disk disk(3);
  auto bytes = disk.bytes();
  const size_t batch = bytes.size() / 3;
  auto zeros = bytes;
  zeros.resize(bytes.size() + 5000);
  disk.put(zeros);
  EXPECT_EQ(disk.open().end, 6);
  for (size_t at = 2 * batch; at < bytes.size(); ++at) {
    // The last offset delta and the bytes the checksum does not cover are not told from a good
    // batch.
    auto torn = bytes;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(at), torn.end(), uint8_t{0});
    disk.put(torn);
    const Opened opened = disk.open();
    must(opened.status);
    EXPECT(opened.end >= 4);
  }
}

TEST_CASE("a damaged batch with a whole one behind it is corruption, and the file stays as it is") {
  Disk disk(3);
  const auto whole = disk.bytes();
  const size_t batch = whole.size() / 3;
  for (size_t at = 0; at < 2 * batch; ++at) {
    // The leader epoch lies outside the checksum; a base offset or epoch that moved is told by the
    // next one.
    auto damaged = whole;
    damaged[at] ^= 0x40;
    disk.put(damaged);
    const Opened opened = disk.open();
    REQUIRE_FALSE(opened.status.has_value());
    EXPECT_EQ(opened.status.error().code, Errc::corrupt);
    EXPECT(disk.bytes() == damaged);
  }
}

TEST_CASE("a log whose beginning is missing, or a snapshot cut anywhere, is refused") {
  Disk disk(1);
  const auto bytes = disk.bytes();
  disk.world.disk("node").remove(log_path());
  disk.world.disk("node").put(std::string(kFolder) + "00000000000000000007.log", {});
  EXPECT_EQ(disk.open().status.error().code, Errc::corrupt);

  Disk second(1);
  const std::string snapshot = std::string(kFolder) + "00000000000000000000-0000000000.checkpoint";
  const auto whole = *second.world.disk("node").contents(snapshot);
  for (size_t size = 0; size < whole.size(); size += 7) {
    second.world.disk("node").put(
        snapshot, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_EQ(second.open().status.error().code, Errc::corrupt);
  }
}

TEST_CASE("a quorum of other voters is not led") {
  Disk disk(1);
  VoterSet voters;
  voters.kraft_version = 1;
  voters.voters = {{NodeId(1), {}}, {NodeId(2), {}}, {NodeId(3), {}}};
  disk.world.disk("node").put(std::string(kFolder) + "00000000000000000000-0000000000.checkpoint",
                              must(snapshot_bytes({}, voters, {}, 0, 0)));
  EXPECT_EQ(disk.open().status.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace odradek::metadata
