#include "net/wire/reader.h"

#include <numeric>
#include <vector>

#include "net/wire/structure.h"
#include "net/wire/writer.h"
#include "tests/test.h"

using namespace odradek;
using wire::Reader;
using wire::Scratch;
using wire::TaggedFields;
using Bytes = std::vector<uint8_t>;

namespace {

// `whole` as a chain that is cut after `at` bytes.
Chain cut(const Bytes& whole, size_t at) {
  Chain out;
  out.append(BytesView(whole).first(at));
  out.append(BytesView(whole).subspan(at));
  return out;
}

// `whole` as a chain of single bytes.
Chain crumbs(const Bytes& whole) {
  Chain out;
  for (const uint8_t& byte : whole) out.append({&byte, 1});
  return out;
}

// Whether `bytes` fail when read by `read`, and with which words.
template <class Read>
std::string failure(const Bytes& bytes, Read read) {
  Scratch scratch;
  Reader reader(BytesView(bytes), scratch);
  read(reader);
  const Status status = reader.status();
  return status ? "" : status.error().context;
}

}  // namespace

TEST_CASE("fixed-width integers are big-endian, wherever the blocks end") {
  const Bytes bytes = {0x7f, 0xff, 0xfe, 0x01, 0x02, 0x03, 0x04, 0xff, 0xff,
                       0xff, 0xff, 0xff, 0xff, 0xff, 0xfd, 0xff, 0xff, 0x01};
  for (size_t at = 0; at <= bytes.size(); ++at) {
    CAPTURE(at);
    const Chain chain = cut(bytes, at);
    Scratch scratch;
    Reader reader(chain, scratch);
    EXPECT_EQ(reader.integer<int8_t>("a"), 127);
    EXPECT_EQ(reader.integer<int16_t>("b"), -2);
    EXPECT_EQ(reader.integer<int32_t>("c"), 0x01020304);
    EXPECT_EQ(reader.integer<int64_t>("d"), -3);
    EXPECT_EQ(reader.integer<uint16_t>("e"), 0xffff);
    EXPECT(reader.boolean("f"));
    EXPECT(reader.ok());
    EXPECT_EQ(reader.remaining(), 0u);
  }
}

TEST_CASE("the first failure sticks and names its field and place") {
  const Bytes bytes = {0, 1, 2};
  Scratch scratch;
  Reader reader(BytesView(bytes), scratch);
  EXPECT_EQ(reader.integer<int16_t>("Good"), 1);
  EXPECT_EQ(reader.integer<int32_t>("Bad"), 0);
  EXPECT_EQ(reader.integer<int8_t>("Later"), 0);
  EXPECT_EQ(reader.remaining(), 0u);
  REQUIRE_FALSE(reader.status("Thing"));
  EXPECT_EQ(reader.status("Thing").error().code, Errc::malformed);
  EXPECT_EQ(reader.status("Thing").error().context,
            "Thing: Bad at byte 2: the input ends inside it");
}

TEST_CASE("varints round trip at the edges of every length") {
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{16383}, uint64_t{16384},
        uint64_t{0xffffffff}, uint64_t{1} << 35, uint64_t{0x7fffffffffffffff}, ~uint64_t{0}}) {
    CAPTURE(value);
    wire::Writer writer;
    writer.uvarlong(value);
    writer.varlong(static_cast<int64_t>(value));
    writer.uvarint(static_cast<uint32_t>(value));
    writer.varint(static_cast<int32_t>(value));
    EXPECT_EQ(wire::uvarint_size(value) <= 10, true);
    const Bytes bytes = writer.copy();
    const Chain chain = crumbs(bytes);
    Scratch scratch;
    Reader reader(chain, scratch);
    EXPECT_EQ(reader.uvarlong("a"), value);
    EXPECT_EQ(reader.varlong("b"), static_cast<int64_t>(value));
    EXPECT_EQ(reader.uvarint("c"), static_cast<uint32_t>(value));
    EXPECT_EQ(reader.varint("d"), static_cast<int32_t>(value));
    EXPECT(reader.status());
    EXPECT_EQ(reader.remaining(), 0u);
  }
}

TEST_CASE("a varint longer than its type is malformed") {
  const auto read32 = [](Reader& r) { r.uvarint("n"); };
  EXPECT_EQ(failure({0xff, 0xff, 0xff, 0xff, 0x0f}, read32), "");
  EXPECT_NE(failure({0xff, 0xff, 0xff, 0xff, 0x10}, read32), "");
  EXPECT_NE(failure({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, read32), "");
  const auto read64 = [](Reader& r) { r.uvarlong("n"); };
  EXPECT_EQ(failure({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, read64), "");
  EXPECT_NE(failure({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, read64), "");
}

TEST_CASE("a string inside one block is not copied, one across two blocks is") {
  const Bytes bytes = {0, 5, 'h', 'e', 'l', 'l', 'o'};
  for (size_t at = 0; at <= bytes.size(); ++at) {
    CAPTURE(at);
    const Chain chain = cut(bytes, at);
    Scratch scratch;
    Reader reader(chain, scratch);
    const std::string_view text = reader.string(false, "s");
    EXPECT_EQ(text, "hello");
    const bool straddles = at > 2 && at < bytes.size();
    EXPECT_EQ(scratch.used(), straddles ? 5u : 0u);
    EXPECT_EQ(as_bytes(text).data() == bytes.data() + 2, !straddles);
  }
}

TEST_CASE("null is length -1, or 0 in the compact form, and only where allowed") {
  const auto null = [](bool compact, bool allowed) {
    return [=](Reader& r) { EXPECT_FALSE(r.nullable_string(compact, allowed, "s")); };
  };
  EXPECT_EQ(failure({0xff, 0xff}, null(false, true)), "");
  EXPECT_EQ(failure({0}, null(true, true)), "");
  EXPECT_NE(failure({0xff, 0xff}, null(false, false)), "");
  EXPECT_NE(failure({0}, null(true, false)), "");
  EXPECT_NE(failure({0xff, 0xfe}, null(false, true)), "");
  EXPECT_NE(failure({0xff, 0xff, 0xff, 0xff}, [](Reader& r) { r.bytes(false, "b"); }), "");
}

TEST_CASE("records are a chain into the frame, never a copy") {
  const Bytes bytes = {0, 0, 0, 4, 1, 2, 3, 4, 9};
  const Chain chain = cut(bytes, 6);
  Scratch scratch;
  Reader reader(chain, scratch);
  const std::optional<Chain> records = reader.records(false, true, "Records");
  REQUIRE(records.has_value());
  EXPECT_EQ(records->size(), 4u);
  EXPECT_EQ(records->part_count(), 2u);
  EXPECT_EQ(records->part(0).data(), bytes.data() + 4);
  EXPECT_EQ(scratch.used(), 0u);
  EXPECT_EQ(reader.remaining(), 1u);
}

TEST_CASE("an array is refused before memory is taken for it") {
  const auto read = [](Reader& r) {
    std::vector<int64_t> out;
    wire::read_array(r, false, "A", out, [&](int64_t& x) { x = r.integer<int64_t>("A"); });
    EXPECT(out.capacity() <= static_cast<size_t>(wire::array_reserve_max));
  };
  EXPECT(failure({0, 0x10, 0, 0, 1}, read).contains("1,000,000"));
  EXPECT(failure({0, 0, 1, 0, 1}, read).contains("more elements than bytes"));
  EXPECT_NE(failure({0, 0, 0, 2, 1, 2}, read), "");
  EXPECT_EQ(failure({0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5}, read), "");
}

TEST_CASE("nested arrays share one memory bound") {
  Bytes bytes = {0, 0x0f, 0x42, 0x40};  // 1,000,000
  bytes.resize(4 + 1'000'000);
  Scratch scratch;
  Reader reader(BytesView(bytes), scratch);
  EXPECT_EQ(reader.array_length(false, false, 600, "A"), -1);
  EXPECT(reader.status().error().context.contains("too much memory"));
}

TEST_CASE("tagged fields ascend, are read whole, and unknown ones are passed over") {
  const auto walk = [](Reader& r) {
    for (TaggedFields tags(r); tags.next();) {
      if (tags.tag() == 3) {
        const auto value = r.integer<int16_t>("known");
        EXPECT_EQ(value, r.ok() ? 0x0102 : 0);
      } else {
        tags.skip();
      }
    }
  };
  EXPECT_EQ(failure({0}, walk), "");
  EXPECT_EQ(failure({2, 0, 1, 9, 3, 2, 1, 2}, walk), "");
  EXPECT_EQ(failure({1, 0, 0}, walk), "");
  EXPECT(failure({2, 3, 2, 1, 2, 3, 2, 1, 2}, walk).contains("ascend"));
  EXPECT(failure({2, 4, 0, 3, 2, 1, 2}, walk).contains("ascend"));
  EXPECT(failure({1, 3, 3, 1, 2, 9}, walk).contains("longer"));
  EXPECT_NE(failure({1, 3, 1, 1}, walk), "");              // shorter than its value
  EXPECT_NE(failure({1, 0, 5, 1}, walk), "");              // longer than the frame
  EXPECT(failure({0x91, 0x4e}, walk).contains("10,000"));  // 10,001
}

TEST_CASE("a tagged field across blocks keeps the reader inside its own bytes") {
  const Bytes bytes = {1, 3, 4, 0, 0, 0, 7, 42};
  for (size_t at = 0; at <= bytes.size(); ++at) {
    CAPTURE(at);
    const Chain chain = cut(bytes, at);
    Scratch scratch;
    Reader reader(chain, scratch);
    for (TaggedFields tags(reader); tags.next();) {
      EXPECT_EQ(reader.remaining(), 4u);
      EXPECT_EQ(reader.integer<int32_t>("x"), 7);
    }
    EXPECT(reader.ok());
    EXPECT_EQ(reader.integer<int8_t>("after"), 42);
  }
}

TEST_CASE("scratch memory stays where it is while more is taken") {
  Scratch scratch;
  std::vector<std::string_view> views;
  for (size_t i = 0; i < 300; ++i) views.push_back(scratch.store(std::string(i * 7, 'a' + i % 26)));
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(views[i], std::string(i * 7, 'a' + i % 26));
  scratch.clear();
  EXPECT_EQ(scratch.used(), 0u);
}
