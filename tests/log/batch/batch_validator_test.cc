#include "log/batch/batch_validator.h"

#include "tests/log/batch/batch_fixture.h"

namespace odradek::log {

TEST_CASE("a good uncompressed batch is stored verbatim") {
  const auto records = some_records(500);
  const auto bytes = build(records);
  BatchValidator validator{Chain(bytes), options_now()};
  REQUIRE(validator.run() == BatchFault::none);
  EXPECT_FALSE(validator.info().rebuilt);
  EXPECT_EQ(validator.info().header.record_count, 500);
  EXPECT_EQ(validator.records().size(), bytes.size() - kBatchHeaderBytes);
  const auto at = stored(validator, Offset(1234));
  EXPECT(std::equal(at.begin() + kMagicAt, at.end(), bytes.begin() + kMagicAt));
  EXPECT_EQ(BatchHeader::parse(BytesView(at)).base_offset, Offset(1234));
  const auto max = std::ranges::max_element(records, {}, &OwnedRecord::timestamp);
  EXPECT_EQ(validator.info().header.max_timestamp, max->timestamp);
  EXPECT_EQ(validator.info().max_timestamp_delta, max->offset_delta);
}

TEST_CASE("a good batch of any codec, cut at any byte, is stored verbatim") {
  for (const Codec codec : kAllCodecs) {
    const auto bytes = build(some_records(40), {.compression = {codec, std::nullopt}});
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      Chain chain(BytesView(bytes).first(cut));
      chain.append(BytesView(bytes).subspan(cut));
      BatchValidator validator{std::move(chain), options_now()};
      REQUIRE(validator.run() == BatchFault::none);
      REQUIRE(stored(validator, Offset(0)).size() == bytes.size());
    }
  }
}

TEST_CASE("a batch cut at any byte is refused") {
  const auto bytes = build(some_records(5));
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    REQUIRE(fault_of(BytesView(bytes).first(cut)) == BatchFault::no_batch);
  }
}

TEST_CASE("a flipped bit under the checksum is caught with every codec") {
  for (const Codec codec : kAllCodecs) {
    auto bytes = build(some_records(5), {.compression = {codec, std::nullopt}});
    for (size_t at = kCrcAt; at < bytes.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        bytes[at] ^= static_cast<uint8_t>(1 << bit);
        REQUIRE(fault_of(bytes, options_now()) == BatchFault::bad_crc);
        bytes[at] ^= static_cast<uint8_t>(1 << bit);
      }
    }
  }
}

TEST_CASE("a batch that expands too far is refused as too large") {
  ValidationOptions options = options_now();
  const std::string zeros(1 << 20, '\0');
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    CAPTURE(codec_name(codec));
    BatchBuilder builder({.compression = {codec, std::nullopt}});
    for (int i = 0; i < 65; ++i) builder.append({.timestamp = kTestNow, .value = as_bytes(zeros)});
    const auto bytes = builder.finish();
    REQUIRE(bytes);
    options.message_bytes_max = 16 << 20;
    EXPECT(fault_of(*bytes, options) == BatchFault::expands_too_far);
    options.message_bytes_max = 20 << 20;
    EXPECT(fault_of(*bytes, options) == BatchFault::none);
  }
}

TEST_CASE("a batch larger than a segment is refused after all else is right") {
  ValidationOptions options = options_now();
  const auto bytes = build(some_records(10));
  options.segment_bytes = bytes.size();
  EXPECT(fault_of(bytes, options) == BatchFault::none);
  options.segment_bytes = bytes.size() - 1;
  EXPECT(fault_of(bytes, options) == BatchFault::larger_than_segment);
  EXPECT_EQ(kafka_error_code(BatchFault::larger_than_segment), 18);
}

TEST_CASE("a batch that recompression makes too large is refused") {
  ValidationOptions options = options_now();
  const auto bytes =
      build({{.value = std::string(10'000, 'x')}}, {.compression = {Codec::gzip, {}}});
  options.message_bytes_max = 5000;
  EXPECT(fault_of(bytes, options) == BatchFault::none);
  options.compression = Compression{Codec::none, std::nullopt};
  EXPECT(fault_of(bytes, options) == BatchFault::too_large);
}

TEST_CASE("large batches take many steps, and recompression gives the same records") {
  const auto records = some_records(20'000);
  for (const Codec from : kAllCodecs) {
    const auto bytes = build(records, {.compression = {from, std::nullopt}});
    for (const Codec to : kAllCodecs) {
      CAPTURE(codec_name(from));
      CAPTURE(codec_name(to));
      ValidationOptions options = options_now();
      options.message_bytes_max = 16 << 20;
      options.compression = Compression{to, std::nullopt};
      BatchValidator validator(in_pieces(bytes, 50'000), options);
      int steps = 1;
      while (validator.step() == BatchValidator::Progress::more) ++steps;
      EXPECT(steps > 10);
      REQUIRE(validator.fault() == BatchFault::none);
      EXPECT_EQ(validator.info().rebuilt, from != to);
      const auto read = read_all(Chain(stored(validator)));
      REQUIRE(read);
      REQUIRE(*read == records);
      if (validator.info().rebuilt) {
        const auto taken = validator.take_rebuilt();
        EXPECT_EQ(BatchHeader::parse(BytesView(taken)).crc, batch_crc(BytesView(taken)));
      }
    }
  }
}

TEST_CASE("recompression leaves no bits in the attributes of a record") {
  BatchBuilder builder({.compression = {Codec::gzip, {}}});
  builder.append_at_delta({.timestamp = kTestNow, .attributes = 0x7f});
  const auto bytes = *builder.finish();
  const auto attributes_with = [&](const ValidationOptions& options) {
    BatchValidator validator(Chain(BytesView(bytes)), options);
    REQUIRE(validator.run() == BatchFault::none);
    const auto as_stored = stored(validator);
    RecordReader reader(Chain(BytesView(as_stored)), 1 << 20);
    return (*reader.next())->attributes;
  };
  ValidationOptions options = options_now();
  EXPECT_EQ(attributes_with(options), 0x7f);
  options.compression = Compression{Codec::none, std::nullopt};
  EXPECT_EQ(attributes_with(options), 0);
}

TEST_CASE("the broker itself may write control batches at any offset") {
  ValidationOptions options = options_now();
  auto marker = build({{.key = std::string(4, '\0'), .value = "v"}},
                      {.base_offset = Offset(9), .control = true});
  EXPECT(fault_of(marker, options) == BatchFault::base_offset_not_zero);
  assign(marker, Offset(0), LeaderEpoch(0));
  EXPECT(fault_of(marker, options) == BatchFault::control_from_client);
  assign(marker, Offset(9), LeaderEpoch(0));
  options.internal = true;
  options.compression = Compression{Codec::zstd, std::nullopt};
  BatchValidator validator{Chain(marker), options};
  REQUIRE(validator.run() == BatchFault::none);
  EXPECT_FALSE(validator.info().rebuilt);
}

TEST_CASE("many bad records are counted but not all described") {
  ValidationOptions options = options_now();
  options.compacted = true;
  std::vector<OwnedRecord> records(500);
  for (int32_t i = 0; i < 500; ++i) records[static_cast<size_t>(i)].offset_delta = i;
  const auto bytes = build(records);
  BatchValidator validator{Chain(bytes), options};
  REQUIRE(validator.run() == BatchFault::key_missing);
  EXPECT_EQ(validator.record_error_count(), 500);
  EXPECT_EQ(validator.record_errors().size(), 100);
  EXPECT(validator.error_message().find("500 of 500") != std::string::npos);
}

// Trap 78.
TEST_CASE("log append time replaces the producer's and keeps the bytes of the records") {
  ValidationOptions options = options_now();
  options.timestamp_type = TimestampType::log_append_time;
  const auto bytes = build(some_records(30));
  BatchValidator validator{Chain(bytes), options};
  REQUIRE(validator.run() == BatchFault::none);
  EXPECT_EQ(validator.info().header.max_timestamp, kTestNow);
  EXPECT_EQ(validator.info().max_timestamp_delta, 29);
  const auto at = stored(validator, Offset(3));
  EXPECT_EQ(BatchHeader::parse(BytesView(at)).crc, batch_crc(BytesView(at)));
  EXPECT(std::equal(at.begin() + kBatchHeaderBytes, at.end(), bytes.begin() + kBatchHeaderBytes));
}

TEST_CASE("the fault table is complete") {
  for (int i = 0; i <= static_cast<int>(BatchFault::codec_failed); ++i) {
    const auto fault = static_cast<BatchFault>(i);
    EXPECT_EQ(kafka_error_code(fault) == 0, fault == BatchFault::none);
    EXPECT_FALSE(fault_text(fault).empty());
  }
}

}  // namespace odradek::log
