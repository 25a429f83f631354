#include "cmd/cli/lines.h"

#include "tests/test.h"

namespace odradek::cli {
namespace {

std::string text_of(const std::optional<BytesView>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "(null)";
}

std::vector<std::string> cut(const std::vector<std::string>& pieces) {
  LineCutter cutter;
  std::vector<std::string> out;
  for (const std::string& piece : pieces) {
    cutter.feed(as_bytes(piece));
    while (const auto line = cutter.next()) out.emplace_back(*line);
  }
  if (const auto line = cutter.last()) out.emplace_back(*line);
  return out;
}

TEST_CASE("lines are the same however the input is cut into pieces") {
  const std::string input = "one\n\nthree\nfour and more\nlast";
  const std::vector<std::string> lines{"one", "", "three", "four and more", "last"};
  EXPECT(cut({input}) == lines);
  for (size_t size = 1; size < input.size(); ++size) {
    std::vector<std::string> pieces;
    for (size_t at = 0; at < input.size(); at += size) pieces.push_back(input.substr(at, size));
    CAPTURE(size);
    EXPECT(cut(pieces) == lines);
  }
  EXPECT(cut({"a\n"}) == std::vector<std::string>{"a"});
  EXPECT(cut({}).empty());
}

TEST_CASE("a plain line is a value, also an empty one") {
  ParsedLine line;
  REQUIRE(parse_line({}, "a\tb", line).has_value());
  EXPECT_EQ(text_of(line.value), "a\tb");
  EXPECT_EQ(text_of(line.key), "(null)");
  REQUIRE(parse_line({}, "", line).has_value());
  EXPECT_EQ(text_of(line.value), "");
}

TEST_CASE("a key stands before its separator, which may stand in the value again") {
  LineFormat format;
  format.has_key = true;
  format.key_separator = "::";
  ParsedLine line;
  REQUIRE(parse_line(format, "k::v::w", line).has_value());
  EXPECT_EQ(text_of(line.key), "k");
  EXPECT_EQ(text_of(line.value), "v::w");
  EXPECT_FALSE(parse_line(format, "k:v", line).has_value());
  format.lenient = true;
  REQUIRE(parse_line(format, "k:v", line).has_value());
  EXPECT_EQ(text_of(line.key), "(null)");
  EXPECT_EQ(text_of(line.value), "k:v");
}

TEST_CASE("headers stand before the key, and a marker means null") {
  LineFormat format;
  format.has_key = format.has_headers = true;
  format.null_marker = "NULL";
  ParsedLine line;
  REQUIRE(parse_line(format, "a:1,b:NULL,c:x:y\tNULL\tv", line).has_value());
  REQUIRE_EQ(line.headers.size(), 3);
  EXPECT_EQ(line.headers[0].name(), "a");
  EXPECT_EQ(text_of(line.headers[1].value), "(null)");
  EXPECT_EQ(text_of(line.headers[2].value), "x:y");
  EXPECT_EQ(text_of(line.key), "(null)");
  EXPECT_EQ(text_of(line.value), "v");
  REQUIRE(parse_line(format, "\tk\tNULL", line).has_value());
  EXPECT(line.headers.empty());
  EXPECT_EQ(text_of(line.value), "(null)");
  EXPECT_FALSE(parse_line(format, "no colon\tk\tv", line).has_value());
}

TEST_CASE("escapes are those of a shell") {
  EXPECT_EQ(unescape("a\\tb\\n\\\\c\\x"), "a\tb\n\\c\\x");
  EXPECT_EQ(unescape("\\"), "\\");
}

// org.apache.kafka.common.utils.UtilsTest: murmur2 of the same keys.
TEST_CASE("keys have Kafka's hash") {
  EXPECT_EQ(key_hash(as_bytes("21")), static_cast<uint32_t>(-973932308) & 0x7fffffff);
  EXPECT_EQ(key_hash(as_bytes("foobar")), static_cast<uint32_t>(-790332482) & 0x7fffffff);
  EXPECT_EQ(key_hash(as_bytes("a-little-bit-long-string")),
            static_cast<uint32_t>(-985981536) & 0x7fffffff);
  EXPECT_EQ(key_hash(as_bytes("a-little-bit-longer-string")),
            static_cast<uint32_t>(-1486304829) & 0x7fffffff);
  EXPECT_EQ(key_hash(as_bytes("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")),
            static_cast<uint32_t>(-58897971) & 0x7fffffff);
  EXPECT_EQ(key_hash(as_bytes("abc")), uint32_t{479470107} & 0x7fffffff);
}

}  // namespace
}  // namespace odradek::cli
