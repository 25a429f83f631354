#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "log/batch/codec_streams.h"
#include "log/batch/limits.h"

namespace odradek::log {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, with a gzip wrapper (zlib.h)
constexpr uint8_t kGzipId[2] = {0x1f, 0x8b};

class GzipReader final : public SliceReader {
 public:
  GzipReader(Chain bytes, uint64_t output_bytes_max)
      : in_(std::move(bytes)),
        output_left_(output_bytes_max),
        slice_(std::make_unique_for_overwrite<uint8_t[]>(kSliceBytes)) {
    ready_ = inflateInit2(&stream_, kGzipWindowBits) == Z_OK;
  }
  ~GzipReader() override { inflateEnd(&stream_); }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  Result<BytesView> read() override {
    if (!ready_) return fail(Errc::overloaded, "gzip: no memory");
    if (ended_) return BytesView{};
    stream_.next_out = slice_.get();
    stream_.avail_out = kSliceBytes;
    while (stream_.avail_out > 0 && !ended_) TRY(inflate_part());
    const size_t n = kSliceBytes - stream_.avail_out;
    if (n > output_left_) return fail_expansion("gzip");
    output_left_ -= n;
    return BytesView(slice_.get(), n);
  }

 private:
  Status inflate_part() {
    const BytesView part = in_.peek();
    const size_t given = std::min<size_t>(part.size(), std::numeric_limits<uInt>::max());
    stream_.next_in = part.data();
    stream_.avail_in = static_cast<uInt>(given);
    const uInt room = stream_.avail_out;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    in_.skip(given - stream_.avail_in);
    if (code == Z_STREAM_END) {
      ended_ = !another_member();
      return {};
    }
    if (code != Z_OK && code != Z_BUF_ERROR) return fail_malformed("gzip", "bad data");
    if (stream_.avail_in == given && stream_.avail_out == room) {
      return fail_malformed("gzip", "ends too early");
    }
    return {};
  }
  // Java's GZIPInputStream goes on when another member follows and ignores anything else.
  bool another_member() {
    uint8_t id[2];
    if (in_.left() < sizeof(id)) return false;
    in_.look(id);
    return std::equal(id, id + 2, kGzipId) && inflateReset(&stream_) == Z_OK;
  }

  ChainCursor in_;
  uint64_t output_left_;
  const std::unique_ptr<uint8_t[]> slice_;
  z_stream stream_{};
  bool ready_ = false;
  bool ended_ = false;
};

class GzipCompressor final : public Compressor {
 public:
  GzipCompressor(int level, std::vector<uint8_t>& out) : out_(out) {
    constexpr int kMemoryLevel = 8;  // zlib's default
    level = std::clamp(level, Z_DEFAULT_COMPRESSION, Z_BEST_COMPRESSION);
    ready_ = deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                          Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipCompressor() override { deflateEnd(&stream_); }
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;

  Status write(BytesView bytes) override { return run(bytes, Z_NO_FLUSH); }
  Status finish() override { return run({}, Z_FINISH); }

 private:
  Status run(BytesView bytes, int flush) {
    if (!ready_) return fail(Errc::overloaded, "gzip: no memory");
    stream_.next_in = bytes.data();
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      const size_t before = out_.size();
      out_.resize(before + kCompressSliceBytes);
      stream_.next_out = out_.data() + before;
      stream_.avail_out = kCompressSliceBytes;
      const int code = deflate(&stream_, flush);
      out_.resize(out_.size() - stream_.avail_out);
      CHECK(code != Z_STREAM_ERROR, code);
    } while (stream_.avail_out == 0);
    return {};
  }

  std::vector<uint8_t>& out_;
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<SliceReader> open_gzip(Chain bytes, uint64_t output_bytes_max) {
  return std::make_unique<GzipReader>(std::move(bytes), output_bytes_max);
}
std::unique_ptr<Compressor> open_gzip_compressor(int level, std::vector<uint8_t>& out) {
  return std::make_unique<GzipCompressor>(level, out);
}

}  // namespace odradek::log
