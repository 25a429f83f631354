#include <snappy.h>

#include <algorithm>
#include <array>
#include <optional>

#include "log/batch/codec_streams.h"
#include "log/batch/limits.h"
#include "log/batch/snappy_block.h"
#include "reactor/base/varint.h"

namespace odradek::log {
namespace {

// snappy-java's stream: this id, two int32 versions, then blocks of {int32 length, raw snappy}; all
// big-endian (xerial/snappy-java, SnappyOutputStream).
constexpr std::array<uint8_t, 8> kXerialId = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr size_t kXerialHeaderBytes = 16;
constexpr uint32_t kXerialVersion = 1;
// Blocks up to this size are left to the library: it takes about 100 us.
constexpr size_t kWholeBlockBytesMax = 256 * 1024;
// At most what a byte can become: three of them copy 64.
constexpr uint64_t kExpansionMax = 22;

class SnappyReader final : public SliceReader {
 public:
  SnappyReader(Chain bytes, uint64_t output_bytes_max)
      : in_(std::move(bytes)), output_left_(output_bytes_max) {}

  Result<BytesView> read() override {
    if (!begun_) TRY(begin());
    while (whole_left_.empty() && !block_) {
      while (framed_ && take_xerial_header()) {
      }
      if (in_.left() == 0) return BytesView{};
      TRY(next_block());
    }
    if (block_) return read_block();
    const BytesView slice = whole_left_.first(std::min(whole_left_.size(), kSliceBytes));
    whole_left_ = whole_left_.subspan(slice.size());
    return slice;
  }

 private:
  Status begin() {
    begun_ = true;
    if (in_.left() == 0) return fail_malformed("snappy", "empty");
    framed_ = take_xerial_header();
    return {};
  }

  // Streams may follow one another, each with its header.
  bool take_xerial_header() {
    if (in_.left() < kXerialHeaderBytes) return false;
    std::array<uint8_t, kXerialHeaderBytes> header;
    in_.look(header);
    if (!std::equal(kXerialId.begin(), kXerialId.end(), header.begin())) return false;
    in_.take(header);
    return true;
  }

  Result<BytesView> read_block() {
    if (read_out_) {
      block_.reset();
      read_out_ = false;
      return read();
    }
    TRY_ASSIGN(const BytesView slice, block_->next(in_));
    read_out_ = block_->done();
    if (read_out_ && !block_->used_up()) return fail_malformed("snappy", "bytes after the block");
    return slice;
  }

  // The compressed size of the next block: in a raw stream the one block is all there is.
  Result<uint64_t> take_block_size() {
    if (!framed_) return in_.left();
    std::array<uint8_t, 4> raw;
    if (in_.left() < raw.size()) return fail_malformed("snappy", "ends too early");
    in_.take(raw);
    const auto size = load_be<int32_t>(raw.data());
    if (size <= 0 || static_cast<size_t>(size) > in_.left()) {
      return fail_malformed("snappy", "bad block size");
    }
    return static_cast<uint64_t>(size);
  }

  Status next_block() {
    TRY_ASSIGN(const uint64_t compressed, take_block_size());
    std::array<uint8_t, kVarint32BytesMax> start{};
    const size_t looked = std::min<size_t>(compressed, start.size());
    in_.look(MutableBytes(start).first(looked));
    uint32_t output = 0;
    const uint8_t* after = get_uvarint32(start.data(), start.data() + looked, output);
    if (!after) return fail_malformed("snappy", "bad length");
    // That is no large block but a broken one.
    if (output > compressed * kExpansionMax) return fail_malformed("snappy", "bad length");
    if (output > output_left_) return fail_expansion("snappy");
    output_left_ -= output;
    if (output <= kWholeBlockBytesMax) return decode_whole(compressed, output);
    const auto used = static_cast<size_t>(after - start.data());
    in_.take(MutableBytes(start).first(used));
    block_.emplace(compressed - used, output);
    return {};
  }

  Status decode_whole(size_t compressed, size_t output) {
    BytesView block = in_.peek();
    const bool contiguous = block.size() >= compressed;
    if (contiguous) {
      block = block.first(compressed);
    } else {
      gathered_.resize(compressed);
      in_.take(gathered_);
      block = gathered_;
    }
    whole_.resize(output);
    const bool good = snappy::RawUncompress(as_text(block).data(), block.size(),
                                            reinterpret_cast<char*>(whole_.data()));
    if (!good) return fail_malformed("snappy", "bad block");
    if (contiguous) in_.skip(compressed);
    whole_left_ = whole_;
    return {};
  }

  ChainCursor in_;
  uint64_t output_left_;
  bool begun_ = false;
  bool framed_ = false;
  std::vector<uint8_t> gathered_;
  std::vector<uint8_t> whole_;
  BytesView whole_left_;
  std::optional<SnappyBlock> block_;
  bool read_out_ = false;
};

class SnappyCompressor final : public Compressor {
 public:
  explicit SnappyCompressor(std::vector<uint8_t>& out) : out_(out) {
    std::array<uint8_t, kXerialHeaderBytes> header;
    std::copy(kXerialId.begin(), kXerialId.end(), header.begin());
    store_be(header.data() + 8, kXerialVersion);
    store_be(header.data() + 12, kXerialVersion);
    out_.insert(out_.end(), header.begin(), header.end());
    pending_.reserve(kSnappyBlockBytes);
  }
  Status write(BytesView bytes) override {
    while (!bytes.empty()) {
      const size_t n = std::min(bytes.size(), kSnappyBlockBytes - pending_.size());
      pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
      bytes = bytes.subspan(n);
      if (pending_.size() == kSnappyBlockBytes) flush();
    }
    return {};
  }
  Status finish() override {
    if (!pending_.empty()) flush();
    return {};
  }

 private:
  void flush() {
    const size_t at = out_.size();
    out_.resize(at + 4 + snappy::MaxCompressedLength(pending_.size()));
    size_t made = 0;
    snappy::RawCompress(as_text(pending_).data(), pending_.size(),
                        reinterpret_cast<char*>(out_.data() + at + 4), &made);
    store_be(out_.data() + at, static_cast<uint32_t>(made));
    out_.resize(at + 4 + made);
    pending_.clear();
  }

  std::vector<uint8_t>& out_;
  std::vector<uint8_t> pending_;
};

}  // namespace

std::unique_ptr<SliceReader> open_snappy(Chain bytes, uint64_t output_bytes_max) {
  return std::make_unique<SnappyReader>(std::move(bytes), output_bytes_max);
}
std::unique_ptr<Compressor> open_snappy_compressor(std::vector<uint8_t>& out) {
  return std::make_unique<SnappyCompressor>(out);
}

}  // namespace odradek::log
