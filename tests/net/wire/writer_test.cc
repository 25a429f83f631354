#include "net/wire/writer.h"

#include <vector>

#include "tests/test.h"

using namespace odradek;
using wire::Sizer;
using wire::Writer;
using Bytes = std::vector<uint8_t>;

namespace {

// One value of every kind.
template <class Sink>
void write_all(Sink& sink, const Chain& records) {
  sink.integer(int8_t{-1});
  sink.integer(uint16_t{0x8001});
  sink.integer(int64_t{5});
  sink.boolean(true);
  sink.float64(1.5);
  sink.uuid(Uuid{});
  sink.varint(-3);
  sink.varlong(int64_t{1} << 40);
  sink.string(true, "abc");
  sink.string(false, "abc");
  sink.nullable_string(false, true, std::nullopt);
  sink.nullable_bytes(true, true, std::nullopt);
  sink.bytes(false, as_bytes("xyz"));
  sink.records(false, true, records);
  sink.records(true, true, std::nullopt);
  sink.integer(int32_t{7});
}

}  // namespace

TEST_CASE("the sizer counts exactly what the writer writes") {
  Chain records(as_bytes("batch one"));
  records.append(as_bytes("batch two"));
  Sizer sizer;
  write_all(sizer, records);
  Writer writer(sizer.buffered());
  const uint8_t* const memory = writer.buffer().data();
  write_all(writer, records);
  EXPECT_EQ(writer.size(), sizer.size());
  EXPECT_EQ(writer.buffer().size(), sizer.buffered());
  EXPECT_EQ(writer.buffer().data(), memory);  // one allocation
}

TEST_CASE("records are spliced by reference and in place") {
  const Bytes batch = {1, 2, 3};
  Writer writer;
  writer.integer(int8_t{9});
  writer.records(false, true, Chain(BytesView(batch)));
  writer.integer(int8_t{8});
  EXPECT_EQ(writer.copy(), Bytes{9, 0, 0, 0, 3, 1, 2, 3, 8});
  REQUIRE_EQ(writer.splices().size(), 1u);
  EXPECT_EQ(writer.splices()[0].position, 5u);
  EXPECT_EQ(writer.chain().part(1).data(), batch.data());
}

TEST_CASE("null is written as empty where null is not allowed") {
  Writer writer;
  writer.nullable_string(false, false, std::nullopt);
  writer.nullable_string(true, false, std::nullopt);
  writer.nullable_bytes(true, false, std::nullopt);
  writer.records(false, false, std::nullopt);
  EXPECT_EQ(writer.copy(), Bytes{0, 0, 1, 1, 0, 0, 0, 0});
}

TEST_CASE("a frame's length is patched when the frame is complete") {
  Writer writer;
  writer.integer(int32_t{0});
  writer.records(true, true, Chain(as_bytes("0123456789")));
  writer.patch_int32(0, static_cast<int32_t>(writer.size() - 4));
  EXPECT_EQ(load_be<int32_t>(writer.buffer().data()), 11);
  writer.clear();
  EXPECT_EQ(writer.size(), 0u);
}
