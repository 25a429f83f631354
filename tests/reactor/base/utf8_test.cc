#include "reactor/base/utf8.h"

#include "tests/test.h"

namespace odradek {
namespace {

using namespace std::literals;

TEST_CASE("code points of every length are UTF-8, up to the last of each") {
  for (const auto text :
       {""sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv,
        "a\xc3\xa4\xf0\x9f\x98\x80z"sv}) {
    CAPTURE(text);
    EXPECT(is_utf8(text));
    EXPECT_EQ(to_utf8(text), text);
  }
}

TEST_CASE("what is cut short, overlong, a surrogate or beyond the last code point is none") {
  for (const auto text :
       {"\x80"sv, "\xff"sv, "\xc3"sv, "\xc3z"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x80\x80"sv,
        "\xe0\x9f\xbf"sv, "\xe2\x82"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf0\x9f\x98"sv,
        "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv}) {
    CAPTURE(text);
    EXPECT_FALSE(is_utf8(text));
    EXPECT(is_utf8(to_utf8(text)));
  }
}

TEST_CASE("a byte of no code point is replaced, and what stands around it is kept") {
  EXPECT_EQ(to_utf8("a\xff\xfez"), "a\xef\xbf\xbd\xef\xbf\xbdz");
  EXPECT_EQ(to_utf8("\xc3\xa4\xc3"), "\xc3\xa4\xef\xbf\xbd");
  EXPECT_EQ(to_utf8("\xe2\x82z"), "\xef\xbf\xbd\xef\xbf\xbdz");
}

}  // namespace
}  // namespace odradek
