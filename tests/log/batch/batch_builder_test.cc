#include "log/batch/batch_builder.h"

#include "log/batch/control_record.h"
#include "tests/log/batch/batch_fixture.h"

namespace odradek::log {

TEST_CASE("a batch gives back the records that were put in, with every codec and any cut") {
  const auto records = some_records(300);
  for (const Codec codec : kAllCodecs) {
    CAPTURE(codec_name(codec));
    const auto bytes = build(records, {.compression = {codec, std::nullopt}});
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{61}, size_t{1000}, bytes.size()}) {
      const auto read = read_all(in_pieces(bytes, piece));
      REQUIRE(read);
      REQUIRE(*read == records);
    }
  }
}

TEST_CASE("records larger than a slice are read back with every codec") {
  const auto records = some_records(5, 300'000);
  for (const Codec codec : kAllCodecs) {
    const auto bytes = build(records, {.compression = {codec, std::nullopt}});
    const auto read = read_all(in_pieces(bytes, 4096));
    REQUIRE(read);
    REQUIRE(*read == records);
  }
}

TEST_CASE("every level of every codec round trips") {
  const auto records = some_records(200);
  const std::pair<Codec, std::vector<int>> levels[] = {{Codec::gzip, {-1, 1, 6, 9}},
                                                       {Codec::lz4, {1, 5, 9, 12, 17}},
                                                       {Codec::zstd, {-7, 1, 3, 12, 22}}};
  for (const auto& [codec, values] : levels) {
    for (const int level : values) {
      const auto read = read_all(Chain(build(records, {.compression = {codec, level}})));
      REQUIRE(read);
      REQUIRE(*read == records);
    }
  }
}

TEST_CASE("the header says what was built") {
  BatchOptions options{.base_offset = Offset(40),
                       .leader_epoch = LeaderEpoch(3),
                       .producer_id = ProducerId(9),
                       .producer_epoch = ProducerEpoch(2),
                       .base_sequence = 2147483646,
                       .transactional = true};
  const auto bytes = build({{.timestamp = 50, .value = "a"},
                            {.timestamp = 70, .offset_delta = 1},
                            {.timestamp = 60, .offset_delta = 4}},
                           options);
  const auto header = BatchHeader::parse(BytesView(bytes));
  EXPECT_EQ(header.size_bytes(), bytes.size());
  EXPECT_EQ(header.last_offset(), Offset(44));
  EXPECT_EQ(header.next_offset(), Offset(45));
  EXPECT_EQ(header.base_timestamp, 50);
  EXPECT_EQ(header.max_timestamp, 70);
  EXPECT_EQ(header.record_count, 3);
  EXPECT_EQ(header.last_sequence(), 2);  // 2^31-2, 2^31-1, 0, 1, 2
  EXPECT(header.attributes.transactional());
  EXPECT_FALSE(header.attributes.control());
  EXPECT_EQ(header.crc, batch_crc(BytesView(bytes)));
  std::vector<uint8_t> again(kBatchHeaderBytes);
  header.write(again);
  EXPECT(std::equal(again.begin(), again.end(), bytes.begin()));
}

TEST_CASE("a delete horizon stands where the first time would, and records keep their times") {
  const auto records = some_records(3);
  BatchBuilder builder({.delete_horizon_ms = INT64_MAX});
  for (const auto& record : records) append(builder, record);
  builder.end_at_delta(9);
  const auto bytes = *builder.finish();
  const BatchHeader header = BatchHeader::parse(BytesView(bytes));
  EXPECT(header.attributes.delete_horizon());
  EXPECT_EQ(header.base_timestamp, INT64_MAX);
  EXPECT_EQ(header.last_offset_delta, 9);
  EXPECT_EQ(header.record_count, 3);
  EXPECT_EQ(header.crc, batch_crc(BytesView(bytes)));
  const auto read = read_all(Chain(BytesView(bytes)));
  REQUIRE(read);
  EXPECT(*read == records);
}

TEST_CASE("offset and epoch are assigned without touching the checksum") {
  auto bytes = build(some_records(3));
  const auto before = BatchHeader::parse(BytesView(bytes));
  assign(bytes, Offset(1'000'000), LeaderEpoch(7));
  const auto after = BatchHeader::parse(BytesView(bytes));
  EXPECT_EQ(after.base_offset, Offset(1'000'000));
  EXPECT_EQ(after.leader_epoch, LeaderEpoch(7));
  EXPECT_EQ(after.crc, before.crc);
  EXPECT_EQ(after.crc, batch_crc(BytesView(bytes)));
}

TEST_CASE("log append time is set with the right checksum and no pass over the records") {
  for (const int32_t count : {0, 1, 2000}) {
    auto bytes = build(some_records(count));
    set_log_append_time(bytes, WallTime{99}, bytes.size() - kBatchHeaderBytes);
    const auto header = BatchHeader::parse(BytesView(bytes));
    EXPECT_EQ(header.max_timestamp, 99);
    EXPECT(header.attributes.timestamp_type() == TimestampType::log_append_time);
    EXPECT_EQ(header.crc, batch_crc(BytesView(bytes)));
    const auto read = read_all(Chain(bytes));
    REQUIRE(read);
    for (const auto& record : *read) EXPECT_EQ(record.timestamp, 99);
  }
}

TEST_CASE("a transaction marker is read as it was written") {
  const TxnMarker marker{.committed = true, .coordinator_epoch = 12};
  const auto bytes = build_txn_marker({.producer_id = ProducerId(5)}, marker, kTestNow);
  REQUIRE(bytes);
  const Chain chain(*bytes);
  RecordReader reader(chain, 1000);
  EXPECT(reader.header().attributes.control());
  EXPECT(reader.header().attributes.transactional());
  const auto record = reader.next();
  REQUIRE(record);
  REQUIRE(*record);
  const auto parsed = parse_txn_marker(**record);
  REQUIRE(parsed);
  EXPECT(*parsed == marker);
  EXPECT_FALSE(parse_txn_marker(Record{}));
}

}  // namespace odradek::log
