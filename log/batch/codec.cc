#include "log/batch/codec.h"

#include <algorithm>

#include "log/batch/codec_streams.h"
#include "log/batch/limits.h"

namespace odradek::log {
namespace {

// Kafka's defaults (compression.<codec>.level).
constexpr int kGzipLevelDefault = -1;
constexpr int kLz4LevelDefault = 9;
constexpr int kZstdLevelDefault = 3;

class PlainSlices final : public SliceReader {
 public:
  explicit PlainSlices(Chain bytes) : cursor_(std::move(bytes)) {}
  Result<BytesView> read() override {
    const BytesView part = cursor_.peek();
    const size_t n = std::min(part.size(), kSliceBytes);
    cursor_.skip(n);
    return part.first(n);
  }

 private:
  ChainCursor cursor_;
};

class PlainCompressor final : public Compressor {
 public:
  explicit PlainCompressor(std::vector<uint8_t>& out) : out_(out) {}
  Status write(BytesView bytes) override {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Status finish() override { return {}; }

 private:
  std::vector<uint8_t>& out_;
};

}  // namespace

std::string_view codec_name(Codec codec) {
  switch (codec) {
    case Codec::none: return "none";
    case Codec::gzip: return "gzip";
    case Codec::snappy: return "snappy";
    case Codec::lz4: return "lz4";
    case Codec::zstd: return "zstd";
  }
  return "unknown";
}

std::optional<Codec> codec_by_name(std::string_view name) {
  if (name == "uncompressed") return Codec::none;
  for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    if (codec_name(codec) == name) return codec;
  }
  return std::nullopt;
}

std::unique_ptr<SliceReader> open_slices(Codec codec, Chain bytes, uint64_t output_bytes_max,
                                         CodecContexts* contexts) {
  switch (codec) {
    case Codec::none: break;
    case Codec::gzip: return open_gzip(std::move(bytes), output_bytes_max);
    case Codec::snappy: return open_snappy(std::move(bytes), output_bytes_max);
    case Codec::lz4: return open_lz4(std::move(bytes), output_bytes_max);
    case Codec::zstd: return open_zstd(std::move(bytes), output_bytes_max, contexts);
  }
  return std::make_unique<PlainSlices>(std::move(bytes));
}

std::unique_ptr<Compressor> open_compressor(Compression compression, std::vector<uint8_t>& out,
                                            CodecContexts* contexts) {
  const auto& level = compression.level;
  switch (compression.codec) {
    case Codec::none: break;
    case Codec::gzip: return open_gzip_compressor(level.value_or(kGzipLevelDefault), out);
    case Codec::snappy: return open_snappy_compressor(out);
    case Codec::lz4: return open_lz4_compressor(level.value_or(kLz4LevelDefault), out);
    case Codec::zstd: return open_zstd_compressor(level.value_or(kZstdLevelDefault), out, contexts);
  }
  return std::make_unique<PlainCompressor>(out);
}

}  // namespace odradek::log
