#include "reactor/base/varint.h"

#include <array>
#include <limits>

#include "reactor/base/prng.h"
#include "tests/test.h"

using namespace odradek;

TEST_CASE("zigzag orders numbers by distance from zero") {
  EXPECT_EQ(zigzag(int32_t{0}), 0);
  EXPECT_EQ(zigzag(int32_t{-1}), 1);
  EXPECT_EQ(zigzag(int32_t{1}), 2);
  EXPECT_EQ(zigzag(std::numeric_limits<int32_t>::min()), 0xffffffffU);
  EXPECT_EQ(unzigzag(0xffffffffU), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(unzigzag(uint64_t{0xffffffffffffffff}), std::numeric_limits<int64_t>::min());
}

TEST_CASE("varints round trip at every size and never read past the end") {
  std::array<uint8_t, kVarint64BytesMax> bytes{};
  Prng prng(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<int64_t>(prng.next()) >> prng.below(64);
    const uint8_t* const end = put_varint(bytes.data(), value);
    REQUIRE_EQ(static_cast<size_t>(end - bytes.data()), varint_size(value));
    int64_t read = 0;
    REQUIRE(get_varint64(bytes.data(), end, read) == end);
    REQUIRE_EQ(read, value);
    for (const uint8_t* cut = bytes.data(); cut < end; ++cut) {
      REQUIRE(get_varint64(bytes.data(), cut, read) == nullptr);
    }
    const auto small = static_cast<int32_t>(value);
    int32_t small_read = 0;
    const uint8_t* const small_end = put_varint(bytes.data(), small);
    REQUIRE(get_varint32(bytes.data(), small_end, small_read) == small_end);
    REQUIRE_EQ(small_read, small);
  }
}

TEST_CASE("a varint longer than its type can need is refused") {
  std::array<uint8_t, 12> bytes;
  bytes.fill(0x80);
  bytes.back() = 0;
  uint32_t v32 = 0;
  uint64_t v64 = 0;
  const uint8_t* const end = bytes.data() + bytes.size();
  EXPECT(get_uvarint32(bytes.data(), end, v32) == nullptr);
  EXPECT(get_uvarint64(bytes.data(), end, v64) == nullptr);
  EXPECT(get_uvarint64(end - kVarint64BytesMax, end, v64) == end);
  EXPECT(get_uvarint32(end - kVarint32BytesMax, end, v32) == end);
}
