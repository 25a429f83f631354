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

}  // namespace odradek::log
