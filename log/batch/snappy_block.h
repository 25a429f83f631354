// A raw snappy block (google/snappy, format_description.txt) decoded a piece at a time. The library
// can only decode a block as a whole, which for 64 MiB would hold a core for tens of milliseconds;
// this one stops at every 64 KiB. Copies may reach back to the block's start, so what was made
// stays held: memory is the output so far, and the caller caps that.
#pragma once

#include <memory>
#include <vector>

#include "log/batch/codec_streams.h"
#include "log/batch/limits.h"

namespace odradek::log {

class SnappyBlock {
 public:
  // A block whose elements, `compressed_bytes` of them, follow at the cursor and make
  // `output_bytes`.
  SnappyBlock(uint64_t compressed_bytes, uint64_t output_bytes)
      : compressed_left_(compressed_bytes), output_bytes_(output_bytes) {}

  bool done() const { return made_ == output_bytes_; }
  // The next bytes, at most kSliceBytes; they stay valid as long as the block. REQUIRES: !done().
  Result<BytesView> next(ChainCursor& in);
  // Whether every compressed byte was used, as it has to be once done().
  bool used_up() const { return compressed_left_ == 0; }

 private:
  using Piece = std::unique_ptr<uint8_t[]>;

  bool next_element(ChainCursor& in);
  bool take_number(ChainCursor& in, size_t bytes, uint32_t& value);
  void copy_literal(ChainCursor& in, size_t bytes);
  void copy_back(size_t bytes);
  uint8_t* at(uint64_t position) {
    return pieces_[position / kSliceBytes].get() + position % kSliceBytes;
  }

  uint64_t compressed_left_;
  const uint64_t output_bytes_;
  uint64_t made_ = 0;
  std::vector<Piece> pieces_;
  // Of the element under way.
  uint32_t element_left_ = 0;
  uint32_t back_ = 0;  // 0: a literal
};

}  // namespace odradek::log
