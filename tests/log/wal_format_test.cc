#include "log/wal_format.h"

#include "log/dump.h"
#include "tests/log/wal_testing.h"
#include "tests/test.h"

namespace odradek::log {
namespace {

using testing::batch_record;
using testing::make_batch;

WalGroupHeader sample_header() {
  WalGroupHeader header;
  header.wal.bytes = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
                      0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
  header.sequence = WalSequence(9);
  header.flushed_through = WalSequence(8);
  header.released_through = WalSequence(4);
  header.previous_checksum = 0x01020304;
  header.sealed_ms = 1'767'225'600'000;
  return header;
}

// A group of three records: a batch, an extent, and a hashed run.
struct SampleGroup {
  WalGroupHeader header = sample_header();
  std::vector<uint8_t> bytes;
  std::vector<testing::StagedRecord> records;

  SampleGroup() {
    add(batch_record(100), make_batch(100, 30));
    WalRecord extent = batch_record(101);
    extent.kind = WalKind::extent;
    const auto payload = encode_wal_extent({262144, 0xdeadbeef});
    add(extent, {payload.begin(), payload.end()});
    WalRecord run = batch_record(300);
    run.carried = run.payload_hashed = true;
    add(run, {1, 2, 3, 4, 5});
    header.record_bytes = static_cast<uint32_t>(bytes.size());
    header.record_count = 3;
    bytes.insert(bytes.begin(), kWalGroupHeaderBytes, 0);
    bytes.resize(kWalBlockBytes, 0);
    header.group_bytes = kWalBlockBytes;
    encode_wal_group_header(header, MutableBytes(bytes).first(kWalGroupHeaderBytes));
  }
  void add(const WalRecord& record, std::vector<uint8_t> payload) {
    const size_t at = bytes.size();
    bytes.resize(at + wal_record_size(payload.size()));
    encode_wal_record(record, Chain(payload), wal_group_seed(header.wal, header.sequence),
                      bytes.data() + at);
    records.push_back({header.sequence, record, std::move(payload)});
  }
};

// Decodes a group as the scan does; how many whole records it gives, -1 for a bad group.
int count_records(BytesView group) {
  if (group.size() < kWalGroupHeaderBytes) return -1;
  const auto header = decode_wal_group_header(group.first(kWalGroupHeaderBytes));
  if (!header || header->header.group_bytes > group.size()) return -1;
  WalRecordCursor cursor(header->header,
                         group.subspan(kWalGroupHeaderBytes, header->header.record_bytes));
  for (int count = 0;; ++count) {
    const auto item = cursor.next();
    if (!item) return -1;
    if (!*item) return count;
  }
}

TEST_CASE("a group reads back as it was written") {
  const SampleGroup group;
  const auto header = decode_wal_group_header(BytesView(group.bytes).first(kWalGroupHeaderBytes));
  REQUIRE(header.has_value());
  EXPECT(header->header == group.header);
  WalRecordCursor cursor(
      header->header,
      BytesView(group.bytes).subspan(kWalGroupHeaderBytes, header->header.record_bytes));
  for (const auto& expected : group.records) {
    const auto item = cursor.next();
    REQUIRE(item.has_value());
    REQUIRE(item->has_value());
    EXPECT((*item)->record == expected.record);
    EXPECT(std::vector<uint8_t>((*item)->payload.begin(), (*item)->payload.end()) ==
           expected.payload);
  }
  const auto end = cursor.next();
  REQUIRE(end.has_value());
  EXPECT_FALSE(end->has_value());
}

TEST_CASE("the bytes of a group header are those of FORMAT.md") {
  const SampleGroup group;
  const std::vector<uint8_t> head(group.bytes.begin(), group.bytes.begin() + 80);
  const std::vector<uint8_t> golden = {
      0x24, 0x6f, 0xc1, 0xf8, 'O',  'G',  'W',  '1',   // checksum, magic
      1,    0,    0,    0,    3,    0,    0,    0,     // version, records
      0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,  // WAL
      0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,  //
      9,    0,    0,    0,    0,    0,    0,    0,     // sequence
      8,    0,    0,    0,    0,    0,    0,    0,     // flushed
      4,    0,    0,    0,    0,    0,    0,    0,     // released
      4,    3,    2,    1,    0x00, 0x10, 0,    0,     // previous, bytes
      0x50, 0x01, 0,    0,    0,    0,    0,    0,     // record bytes
      0x00, 0xa8, 0xda, 0x76, 0x9b, 0x01, 0,    0};    // sealed
  EXPECT(head == golden);
}

TEST_CASE("the bytes of a record header are those of FORMAT.md") {
  const SampleGroup group;
  const auto at = group.bytes.begin() + kWalGroupHeaderBytes;
  const std::vector<uint8_t> head(at, at + kWalRecordHeaderBytes);
  const std::vector<uint8_t> golden = {
      0xb0, 0x73, 0x3c, 0xe8, 1,  0,  0,  0,   // checksum, kind, flags
      91,   0,    0,    0,    7,  0,  0,  0,   // payload bytes, partition
      1,    2,    3,    4,    5,  6,  7,  8,   // topic id
      9,    10,   11,   12,   13, 14, 15, 16,  //
      2,    0,    0,    0,    3,  0,  0,  0,   // generation, leader epoch
      100,  0,    0,    0,    0,  0,  0,  0,   // base offset
      100,  0,    0,    0,    0,  0,  0,  0,   // last offset
      0,    0,    0,    0,    0,  0,  0,  0,   // segment
      0xa0, 0x86, 0x01, 0,    0,  0,  0,  0};  // position
  EXPECT(head == golden);
}

TEST_CASE("a group that is cut anywhere is no group") {
  const SampleGroup group;
  for (size_t length = 0; length < group.bytes.size(); ++length) {
    REQUIRE_EQ(count_records(BytesView(group.bytes).first(length)), -1);
  }
  EXPECT_EQ(count_records(group.bytes), 3);
}

TEST_CASE("a flipped bit anywhere before the padding is noticed") {
  const SampleGroup group;
  const size_t end = kWalGroupHeaderBytes + group.header.record_bytes;
  size_t missed = 0;
  for (size_t at = 0; at < end; ++at) {
    std::vector<uint8_t> bytes = group.bytes;
    bytes[at] ^= 0x10;
    if (count_records(bytes) != -1) ++missed;
  }
  // Only the zeros behind payloads of 91 and 5 bytes mean nothing.
  EXPECT_EQ(missed, 5 + 3);
}

TEST_CASE("a record of another group is not taken for one of this group") {
  SampleGroup group;
  WalGroupHeader next = group.header;
  next.sequence = group.header.sequence + 1;
  encode_wal_group_header(next, MutableBytes(group.bytes).first(kWalGroupHeaderBytes));
  EXPECT_EQ(count_records(group.bytes), -1);
}

TEST_CASE("a newer version is refused by name") {
  SampleGroup group;
  group.bytes[8] = 2;
  const BytesView hashed = BytesView(group.bytes).subspan(4, kWalGroupHeaderBytes - 4);
  store_le<uint32_t>(group.bytes.data(), crc32c(0, hashed));
  const auto header = decode_wal_group_header(BytesView(group.bytes).first(kWalGroupHeaderBytes));
  REQUIRE_FALSE(header.has_value());
  EXPECT(header.error().code == Errc::unsupported);
}

TEST_CASE("a file header reads back, and no flipped bit of it goes unnoticed") {
  const WalFileHeader header{sample_header().wal, 4u << 20, 1'767'225'600'000};
  std::vector<uint8_t> block(kWalBlockBytes);
  encode_wal_file_header(header, block);
  const auto decoded = decode_wal_file_header(block);
  REQUIRE(decoded.has_value());
  EXPECT(*decoded == header);
  for (size_t at = 0; at < block.size(); ++at) {
    block[at] ^= 1;
    REQUIRE_FALSE(decode_wal_file_header(block).has_value());
    block[at] ^= 1;
  }
}

TEST_CASE("an extent reads back") {
  const WalExtent extent{1u << 20, 0x12345678};
  EXPECT(decode_wal_extent(encode_wal_extent(extent)) == extent);
  EXPECT_FALSE(decode_wal_extent(BytesView{}).has_value());
}

TEST_CASE("a record is one line for people") {
  EXPECT_EQ(describe(batch_record(5), 91),
            "batch AQIDBAUGBwgJCgsMDQ4PEA-7 generation 2 epoch 3 offsets 5 to 5 segment 0 at 5000 "
            "payload 91");
}

TEST_CASE(
    "a filter of partitions names each that was added, few others, and all when it is empty") {
  WalPartitionFilter filter;
  TopicPartition id;
  EXPECT(filter.may_hold(id));
  for (uint8_t topic = 0; topic < 16; ++topic) {
    id.topic.bytes.fill(topic);
    id.partition = PartitionId(topic * 7);
    filter.add(id);
  }
  std::array<uint8_t, WalPartitionFilter::kBytes> bytes;
  filter.store(bytes.data());
  const WalPartitionFilter loaded = WalPartitionFilter::load(bytes.data());
  EXPECT(loaded == filter);
  int others = 0;
  for (int topic = 0; topic < 256; ++topic) {
    id.topic.bytes.fill(static_cast<uint8_t>(topic));
    for (int32_t partition = 0; partition < 120; ++partition) {
      id.partition = PartitionId(partition);
      const bool added = topic < 16 && partition == topic * 7;
      if (added) REQUIRE(loaded.may_hold(id));
      others += !added && loaded.may_hold(id) ? 1 : 0;
    }
  }
  EXPECT(others < 256 * 120 / 50);
}

}  // namespace
}  // namespace odradek::log
