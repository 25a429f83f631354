// One file a codec behind codec.h; private to this folder.
#pragma once

#include <memory>
#include <vector>

#include "log/batch/codec.h"

namespace odradek::log {

// A chain taken from the front, part by part.
class ChainCursor {
 public:
  explicit ChainCursor(Chain chain) : chain_(std::move(chain)) {}

  // What is left of the current part; empty only at the end.
  BytesView peek() {
    while (part_ < chain_.part_count() && at_ == chain_.part(part_).size()) {
      ++part_;
      at_ = 0;
    }
    return part_ < chain_.part_count() ? chain_.part(part_).subspan(at_) : BytesView{};
  }
  // REQUIRES: bytes <= peek().size()
  void skip(size_t bytes) {
    at_ += bytes;
    taken_ += bytes;
  }
  size_t left() const { return chain_.size() - taken_; }
  // Copies to.size() bytes and steps over them. REQUIRES: to.size() <= left()
  void take(MutableBytes to) {
    chain_.copy_out(taken_, to);
    for (size_t n = to.size(); n > 0;) {
      const size_t step = std::min(n, peek().size());
      skip(step);
      n -= step;
    }
  }
  // The same without stepping.
  void look(MutableBytes to) const { chain_.copy_out(taken_, to); }

 private:
  Chain chain_;
  size_t part_ = 0;
  size_t at_ = 0;
  size_t taken_ = 0;
};

std::unique_ptr<SliceReader> open_gzip(Chain bytes, uint64_t output_bytes_max);
std::unique_ptr<SliceReader> open_snappy(Chain bytes, uint64_t output_bytes_max);
std::unique_ptr<SliceReader> open_lz4(Chain bytes, uint64_t output_bytes_max);
std::unique_ptr<SliceReader> open_zstd(Chain bytes, uint64_t output_bytes_max,
                                       CodecContexts* contexts);

std::unique_ptr<Compressor> open_gzip_compressor(int level, std::vector<uint8_t>& out);
std::unique_ptr<Compressor> open_snappy_compressor(std::vector<uint8_t>& out);
std::unique_ptr<Compressor> open_lz4_compressor(int level, std::vector<uint8_t>& out);
std::unique_ptr<Compressor> open_zstd_compressor(int level, std::vector<uint8_t>& out,
                                                 CodecContexts* contexts);

// Shared answers, so that every codec says the same.
inline std::unexpected<Error> fail_malformed(std::string_view codec, std::string_view what) {
  return fail(Errc::malformed, std::string(codec).append(": ").append(what));
}
inline std::unexpected<Error> fail_expansion(std::string_view codec) {
  return fail(Errc::too_large, std::string(codec).append(": expands beyond the limit"));
}

}  // namespace odradek::log
