#include "reactor/base/crc32c.h"

#include <vector>

#include "reactor/base/prng.h"
#include "tests/test.h"

using odradek::as_bytes;
using odradek::BytesView;
using odradek::Chain;
using odradek::crc32c;

namespace {
std::vector<uint8_t> noise(size_t size) {
  odradek::Prng prng(7);
  std::vector<uint8_t> bytes(size);
  for (auto& byte : bytes) byte = static_cast<uint8_t>(prng.next());
  return bytes;
}
}  // namespace

TEST_CASE("crc32c gives the check values of RFC 3720") {
  EXPECT_EQ(crc32c(0, as_bytes("123456789")), 0xe3069283);
  const std::vector<uint8_t> zeros(32, 0);
  EXPECT_EQ(crc32c(0, zeros), 0x8a9136aa);
  const std::vector<uint8_t> ones(32, 0xff);
  EXPECT_EQ(crc32c(0, ones), 0x62a8ab43);
  EXPECT_EQ(crc32c(0, BytesView{}), 0);
}

TEST_CASE("the fast checksum equals the table's at every length and alignment") {
  const auto bytes = noise(20'000);
  for (size_t length = 0; length < 1000; ++length) {
    const auto view = BytesView(bytes).subspan(length % 9, length);
    REQUIRE_EQ(crc32c(5, view), odradek::detail::crc32c_by_table(5, view));
    REQUIRE_EQ(odradek::detail::crc32c_narrow(5, view), odradek::detail::crc32c_by_table(5, view));
  }
  for (const size_t length : {1023, 1024, 1025, 6143, 6144, 6145, 12'287, 19'999}) {
    const auto view = BytesView(bytes).first(length);
    EXPECT_EQ(crc32c(0, view), odradek::detail::crc32c_by_table(0, view));
    EXPECT_EQ(odradek::detail::crc32c_narrow(0, view), odradek::detail::crc32c_by_table(0, view));
  }
}

TEST_CASE("a checksum taken in pieces equals the whole") {
  const auto bytes = noise(3000);
  const uint32_t whole = crc32c(0, bytes);
  for (size_t cut = 0; cut <= bytes.size(); cut += 7) {
    const auto a = BytesView(bytes).first(cut);
    const auto b = BytesView(bytes).subspan(cut);
    REQUIRE_EQ(crc32c(crc32c(0, a), b), whole);
    REQUIRE_EQ(odradek::crc32c_combine(crc32c(0, a), crc32c(0, b), b.size()), whole);
    Chain chain(a);
    chain.append(b);
    REQUIRE_EQ(crc32c(0, chain), whole);
  }
}

TEST_CASE("the checksum of the middle comes from the whole and both ends") {
  const auto bytes = noise(9000);
  const uint32_t whole = crc32c(0, bytes);
  for (const size_t front : {0, 1, 21, 4000}) {
    for (const size_t back : {0, 1, 4095, 4999}) {
      const auto middle = BytesView(bytes).subspan(front, bytes.size() - front - back);
      const auto end = BytesView(bytes).last(back);
      const uint32_t rest = odradek::crc32c_without_front(
          whole, crc32c(0, BytesView(bytes).first(front)), bytes.size() - front);
      REQUIRE_EQ(odradek::crc32c_without_back(rest, crc32c(0, end), back), crc32c(0, middle));
    }
  }
}

TEST_CASE("a changed front shifts into the checksum of the whole") {
  auto bytes = noise(5000);
  const uint32_t before = crc32c(0, bytes);
  const uint32_t front_before = crc32c(0, BytesView(bytes).first(40));
  bytes[13] ^= 0x40;
  bytes[39] = 0;
  const uint32_t front_after = crc32c(0, BytesView(bytes).first(40));
  const uint32_t shifted = odradek::crc32c_shift(front_before ^ front_after, bytes.size() - 40);
  EXPECT_EQ(before ^ shifted, crc32c(0, bytes));
}
