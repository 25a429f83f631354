#include "log/batch/codec.h"

#include <lz4frame.h>
#include <snappy.h>

#include "log/batch/limits.h"
#include "tests/log/batch/batch_fixture.h"

namespace odradek::log {
namespace {

constexpr Codec kRealCodecs[] = {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};
constexpr uint64_t kRoomy = 1ULL << 30;

std::vector<uint8_t> compress(Codec codec, BytesView bytes) {
  std::vector<uint8_t> out;
  const auto compressor = open_compressor({codec, std::nullopt}, out);
  REQUIRE(compressor->write(bytes));
  REQUIRE(compressor->finish());
  return out;
}

Result<std::vector<uint8_t>> expand(Codec codec, Chain bytes, uint64_t output_bytes_max = kRoomy) {
  const auto reader = open_slices(codec, std::move(bytes), output_bytes_max);
  std::vector<uint8_t> out;
  for (;;) {
    TRY_ASSIGN(const BytesView slice, reader->read());
    if (slice.empty()) return out;
    CHECK(slice.size() <= kSliceBytes, slice.size());
    out.insert(out.end(), slice.begin(), slice.end());
  }
}

// Text that repeats near and far, with noise between.
std::vector<uint8_t> sample(size_t size, uint64_t seed = 1) {
  Prng prng(seed);
  std::vector<uint8_t> out;
  while (out.size() < size) {
    const size_t run = 1 + prng.below(300);
    if (out.size() > 100 && prng.chance(2, 3)) {
      const size_t from = prng.below(out.size());
      for (size_t i = 0; i < run; ++i) out.push_back(out[from + i]);
    } else {
      for (size_t i = 0; i < run; ++i) out.push_back(static_cast<uint8_t>(prng.next()));
    }
  }
  out.resize(size);
  return out;
}

}  // namespace

TEST_CASE("every codec round trips every size, in slices, from any cut") {
  for (const Codec codec : kRealCodecs) {
    CAPTURE(codec_name(codec));
    for (const size_t size : {1, 2, 100, 32'768, 65'535, 65'536, 65'537, 700'000}) {
      const auto bytes = sample(size);
      const auto packed = compress(codec, bytes);
      for (const size_t piece : {size_t{1}, size_t{1001}, packed.size()}) {
        const auto back = expand(codec, in_pieces(packed, piece));
        REQUIRE(back);
        REQUIRE(*back == bytes);
      }
    }
  }
}

TEST_CASE("a compressed stream cut at any byte is refused, and no cut crashes") {
  const auto bytes = sample(3000);
  for (const Codec codec : kRealCodecs) {
    CAPTURE(codec_name(codec));
    const auto packed = compress(codec, bytes);
    for (size_t cut = 0; cut < packed.size(); ++cut) {
      const auto back = expand(codec, Chain(BytesView(packed).first(cut)));
      if (back)
        REQUIRE(back->size() < bytes.size());  // xerial: whole blocks only, checked by count
    }
  }
}

TEST_CASE("a flipped bit is refused or changes bytes, and never crashes or exceeds the cap") {
  const auto bytes = sample(2000);
  for (const Codec codec : kRealCodecs) {
    auto packed = compress(codec, bytes);
    for (size_t at = 0; at < packed.size(); ++at) {
      packed[at] ^= static_cast<uint8_t>(1 << (at % 8));
      const auto back = expand(codec, Chain(packed), 100'000);
      if (back) REQUIRE(back->size() <= 100'000);
      packed[at] ^= static_cast<uint8_t>(1 << (at % 8));
    }
  }
}

TEST_CASE("a decompression bomb stops at the cap") {
  const std::vector<uint8_t> zeros(32 << 20, 0);
  for (const Codec codec : kRealCodecs) {
    CAPTURE(codec_name(codec));
    const auto packed = compress(codec, zeros);
    const auto back = expand(codec, Chain(packed), 1 << 20);
    REQUIRE_FALSE(back);
    EXPECT(back.error().code == Errc::too_large);
  }
}

TEST_CASE("a declared size is no reason to allocate") {
  // A raw snappy block that says 4 GiB - 1, and holds one byte.
  const std::vector<uint8_t> liar = {0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 'x'};
  const auto back = expand(Codec::snappy, Chain(liar), UINT64_MAX);
  REQUIRE_FALSE(back);
  EXPECT(back.error().code == Errc::malformed);
  // It is broken rather than too large: no two bytes become that many.
  const auto capped = expand(Codec::snappy, Chain(liar), 1000);
  REQUIRE_FALSE(capped);
  EXPECT(capped.error().code == Errc::malformed);
}

TEST_CASE("raw snappy of any size is what the library says") {
  for (const size_t size : {10, 256 * 1024, 256 * 1024 + 1, 1'000'000, 3'000'000}) {
    const auto bytes = sample(size, 5);
    std::string packed;
    snappy::Compress(as_text(bytes).data(), bytes.size(), &packed);
    for (const size_t piece : {size_t{7}, size_t{4096}, packed.size()}) {
      const auto back = expand(Codec::snappy, in_pieces(as_bytes(packed), piece));
      REQUIRE(back);
      REQUIRE(*back == bytes);
    }
    if (size < 300'000) continue;
    for (size_t cut = 1; cut < packed.size(); cut += 9973) {
      REQUIRE_FALSE(expand(Codec::snappy, Chain(as_bytes(packed).first(cut))));
    }
  }
}

TEST_CASE("snappy copies with four bytes of offset reach across slices") {
  // A literal of 60 bytes 300,000 bytes long in sum, then copies from the very start.
  std::vector<uint8_t> bytes = sample(300'000, 9);
  std::vector<uint8_t> packed(kVarint32BytesMax);
  const size_t total = bytes.size() + 5 * 64;
  packed.resize(static_cast<size_t>(put_uvarint(packed.data(), total) - packed.data()));
  packed.push_back(62 << 2);  // a literal whose length - 1 takes three bytes
  const auto length = static_cast<uint32_t>(bytes.size() - 1);
  for (int i = 0; i < 3; ++i) packed.push_back(static_cast<uint8_t>(length >> (8 * i)));
  packed.insert(packed.end(), bytes.begin(), bytes.end());
  for (int copy = 0; copy < 5; ++copy) {
    packed.push_back(63 << 2 | 3);  // 64 bytes from
    const auto back = static_cast<uint32_t>(bytes.size());
    for (int i = 0; i < 4; ++i) packed.push_back(static_cast<uint8_t>(back >> (8 * i)));
    for (size_t i = 0; i < 64; ++i) bytes.push_back(bytes[i]);
  }
  const auto back = expand(Codec::snappy, in_pieces(packed, 5000));
  REQUIRE(back);
  EXPECT(*back == bytes);
}

// Kafka 4.3.1 answers UNKNOWN_SERVER_ERROR to it: "Dependent block stream is unsupported".
TEST_CASE("an lz4 frame of dependent blocks is refused, however it is cut") {
  const auto bytes = sample(200'000);
  for (const LZ4F_blockMode_t mode : {LZ4F_blockLinked, LZ4F_blockIndependent}) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockMode = mode;
    std::vector<uint8_t> packed(LZ4F_compressFrameBound(bytes.size(), &preferences));
    packed.resize(
        LZ4F_compressFrame(packed.data(), packed.size(), bytes.data(), bytes.size(), &preferences));
    for (const size_t piece : {size_t{1}, size_t{3}, packed.size()}) {
      REQUIRE(expand(Codec::lz4, in_pieces(packed, piece)).has_value() ==
              (mode == LZ4F_blockIndependent));
    }
  }
}

TEST_CASE("gzip members and zstd frames in a row are one stream") {
  const auto a = sample(100'000, 2);
  const auto b = sample(50, 3);
  auto both = a;
  both.insert(both.end(), b.begin(), b.end());
  for (const Codec codec : {Codec::gzip, Codec::zstd, Codec::snappy}) {
    auto packed = compress(codec, a);
    const auto more = compress(codec, b);
    packed.insert(packed.end(), more.begin(), more.end());
    const auto back = expand(codec, in_pieces(packed, 999));
    REQUIRE(back);
    EXPECT(*back == both);
  }
}

TEST_CASE("kept contexts serve the next batch as new ones do, and large ones are let go") {
  CodecContexts contexts;
  const auto bytes = sample(5000);
  for (int round = 0; round < 3; ++round) {
    std::vector<uint8_t> packed;
    {
      const auto compressor = open_compressor({Codec::zstd, 3 - round}, packed, &contexts);
      REQUIRE(compressor->write(bytes));
      REQUIRE(compressor->finish());
    }
    // A reader that is dropped half-way leaves nothing behind.
    REQUIRE(open_slices(Codec::zstd, Chain(BytesView(packed).first(9)), kRoomy, &contexts));
    const auto reader = open_slices(Codec::zstd, Chain(packed), kRoomy, &contexts);
    const auto slice = reader->read();
    REQUIRE(slice);
    EXPECT(std::ranges::equal(*slice, bytes));
  }
  EXPECT_EQ(contexts.idle_count(), 2);
  {
    std::vector<uint8_t> packed;
    const auto compressor = open_compressor({Codec::zstd, 22}, packed, &contexts);
    REQUIRE(compressor->write(bytes));
  }
  EXPECT_EQ(contexts.idle_count(), 1);
}

TEST_CASE("codec names are Kafka's") {
  for (const Codec codec : kAllCodecs) EXPECT(codec_by_name(codec_name(codec)) == codec);
  EXPECT(codec_by_name("uncompressed") == Codec::none);
  EXPECT_FALSE(codec_by_name("brotli"));
}

}  // namespace odradek::log
