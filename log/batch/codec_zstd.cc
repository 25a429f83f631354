#include <zstd.h>

#include <algorithm>

#include "log/batch/codec_streams.h"
#include "log/batch/limits.h"

namespace odradek::log {
namespace {

class ZstdReader final : public SliceReader {
 public:
  ZstdReader(Chain bytes, uint64_t output_bytes_max, CodecContexts* contexts)
      : in_(std::move(bytes)),
        output_left_(output_bytes_max),
        slice_(std::make_unique_for_overwrite<uint8_t[]>(kSliceBytes)),
        context_(CodecContexts::zstd_decompressor(contexts)) {
    if (context_) ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }

  Result<BytesView> read() override {
    if (!context_) return fail(Errc::overloaded, "zstd: no memory");
    ZSTD_outBuffer out{slice_.get(), kSliceBytes, 0};
    while (out.pos < out.size) {
      const BytesView part = in_.peek();
      ZSTD_inBuffer in{part.data(), part.size(), 0};
      const size_t before = out.pos;
      const size_t hint = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(hint)) return fail_malformed("zstd", ZSTD_getErrorName(hint));
      in_.skip(in.pos);
      const bool moved = in.pos > 0 || out.pos > before;
      if (moved) between_frames_ = hint == 0;
      if (moved && !(between_frames_ && in_.left() == 0)) continue;
      if (!between_frames_) return fail_malformed("zstd", "ends too early");
      break;
    }
    if (out.pos > output_left_) return fail_expansion("zstd");
    output_left_ -= out.pos;
    return BytesView(slice_.get(), out.pos);
  }

 private:
  ChainCursor in_;
  uint64_t output_left_;
  const std::unique_ptr<uint8_t[]> slice_;
  CodecContexts::Decompressor context_;
  bool between_frames_ = false;
};

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor(int level, std::vector<uint8_t>& out, CodecContexts* contexts)
      : out_(out), context_(CodecContexts::zstd_compressor(contexts)) {
    level = std::clamp(level, ZSTD_minCLevel(), ZSTD_maxCLevel());
    if (context_) ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
  }
  Status write(BytesView bytes) override { return run(bytes, ZSTD_e_continue); }
  Status finish() override { return run({}, ZSTD_e_end); }

 private:
  Status run(BytesView bytes, ZSTD_EndDirective directive) {
    if (!context_) return fail(Errc::overloaded, "zstd: no memory");
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      const size_t before = out_.size();
      out_.resize(before + kCompressSliceBytes);
      ZSTD_outBuffer out{out_.data() + before, kCompressSliceBytes, 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
      out_.resize(before + out.pos);
      if (ZSTD_isError(left)) {
        return fail(Errc::overloaded, std::string("zstd: ") + ZSTD_getErrorName(left));
      }
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }

  std::vector<uint8_t>& out_;
  CodecContexts::Compressor context_;
};

}  // namespace

std::unique_ptr<SliceReader> open_zstd(Chain bytes, uint64_t output_bytes_max,
                                       CodecContexts* contexts) {
  return std::make_unique<ZstdReader>(std::move(bytes), output_bytes_max, contexts);
}
std::unique_ptr<Compressor> open_zstd_compressor(int level, std::vector<uint8_t>& out,
                                                 CodecContexts* contexts) {
  return std::make_unique<ZstdCompressor>(level, out, contexts);
}

}  // namespace odradek::log
