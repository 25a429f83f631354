#include <lz4frame.h>

#include <algorithm>
#include <array>

#include "log/batch/codec_streams.h"
#include "log/batch/limits.h"

namespace odradek::log {
namespace {

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
  void operator()(LZ4F_cctx* context) const { LZ4F_freeCompressionContext(context); }
};

// One frame; what follows it is ignored, as Kafka's own reader does.
class Lz4Reader final : public SliceReader {
 public:
  Lz4Reader(Chain bytes, uint64_t output_bytes_max)
      : in_(std::move(bytes)),
        output_left_(output_bytes_max),
        slice_(std::make_unique_for_overwrite<uint8_t[]>(kSliceBytes)) {
    LZ4F_dctx* context = nullptr;
    if (!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
      context_.reset(context);
    }
  }

  Result<BytesView> read() override {
    if (!context_) return fail(Errc::overloaded, "lz4: no memory");
    size_t done = 0;
    while (done < kSliceBytes && !ended_) {
      const BytesView part = in_.peek();
      size_t taken = part.size();
      size_t made = kSliceBytes - done;
      const size_t hint =
          LZ4F_decompress(context_.get(), slice_.get() + done, &made, part.data(), &taken, nullptr);
      if (LZ4F_isError(hint)) return fail_malformed("lz4", LZ4F_getErrorName(hint));
      if (!check_flags(part.first(taken))) return fail_malformed("lz4", "dependent blocks");
      in_.skip(taken);
      done += made;
      ended_ = hint == 0;
      if (!ended_ && taken == 0 && made == 0) return fail_malformed("lz4", "ends too early");
    }
    if (done > output_left_) return fail_expansion("lz4");
    output_left_ -= done;
    return BytesView(slice_.get(), done);
  }

 private:
  // Kafka refuses a frame whose blocks depend on one another, since its own clients cannot read it.
  bool check_flags(BytesView taken) {
    constexpr size_t kFlagsAt = 4;  // behind the magic number
    constexpr uint8_t kIndependent = 0x20;
    const bool here = taken_ <= kFlagsAt && kFlagsAt < taken_ + taken.size();
    const bool good = !here || (taken[kFlagsAt - taken_] & kIndependent) != 0;
    taken_ += taken.size();
    return good;
  }

  ChainCursor in_;
  size_t taken_ = 0;  // of the frame
  uint64_t output_left_;
  const std::unique_ptr<uint8_t[]> slice_;
  std::unique_ptr<LZ4F_dctx, FreeContext> context_;
  bool ended_ = false;
};

// Java's reader takes independent blocks only.
class Lz4Compressor final : public Compressor {
 public:
  Lz4Compressor(int level, std::vector<uint8_t>& out) : out_(out) {
    constexpr int kKafkaFast = 9;  // Kafka's default level names its fast compressor
    preferences_.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences_.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences_.compressionLevel =
        level == kKafkaFast ? 0 : std::clamp(level, 1, LZ4F_compressionLevel_max());
    LZ4F_cctx* context = nullptr;
    if (!LZ4F_isError(LZ4F_createCompressionContext(&context, LZ4F_VERSION))) {
      context_.reset(context);
    }
  }

  Status write(BytesView bytes) override {
    TRY(begin());
    while (!bytes.empty()) {
      const BytesView piece = bytes.first(std::min(bytes.size(), kSliceBytes));
      bytes = bytes.subspan(piece.size());
      const size_t room = LZ4F_compressBound(piece.size(), &preferences_);
      const size_t before = out_.size();
      out_.resize(before + room);
      TRY(keep(before, LZ4F_compressUpdate(context_.get(), out_.data() + before, room, piece.data(),
                                           piece.size(), nullptr)));
    }
    return {};
  }
  Status finish() override {
    TRY(begin());
    const size_t room = LZ4F_compressBound(0, &preferences_);
    const size_t before = out_.size();
    out_.resize(before + room);
    return keep(before, LZ4F_compressEnd(context_.get(), out_.data() + before, room, nullptr));
  }

 private:
  Status begin() {
    if (!context_) return fail(Errc::overloaded, "lz4: no memory");
    if (begun_) return {};
    begun_ = true;
    const size_t before = out_.size();
    out_.resize(before + LZ4F_HEADER_SIZE_MAX);
    return keep(before, LZ4F_compressBegin(context_.get(), out_.data() + before,
                                           LZ4F_HEADER_SIZE_MAX, &preferences_));
  }
  Status keep(size_t before, size_t made) {
    if (LZ4F_isError(made)) {
      return fail(Errc::overloaded, std::string("lz4: ") + LZ4F_getErrorName(made));
    }
    out_.resize(before + made);
    return {};
  }

  std::vector<uint8_t>& out_;
  LZ4F_preferences_t preferences_{};
  std::unique_ptr<LZ4F_cctx, FreeContext> context_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<SliceReader> open_lz4(Chain bytes, uint64_t output_bytes_max) {
  return std::make_unique<Lz4Reader>(std::move(bytes), output_bytes_max);
}
std::unique_ptr<Compressor> open_lz4_compressor(int level, std::vector<uint8_t>& out) {
  return std::make_unique<Lz4Compressor>(level, out);
}

}  // namespace odradek::log
