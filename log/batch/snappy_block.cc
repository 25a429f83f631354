#include "log/batch/snappy_block.h"

#include <algorithm>
#include <array>

namespace odradek::log {

// A little-endian number of 1 to 4 bytes.
bool SnappyBlock::take_number(ChainCursor& in, size_t bytes, uint32_t& value) {
  if (compressed_left_ < bytes) return false;
  compressed_left_ -= bytes;
  std::array<uint8_t, 4> raw{};
  const BytesView part = in.peek();
  if (part.size() >= bytes) [[likely]] {
    std::copy_n(part.begin(), bytes, raw.begin());
    in.skip(bytes);
  } else {
    in.take(MutableBytes(raw).first(bytes));
  }
  value = load_le<uint32_t>(raw.data());
  return true;
}

// Reads one tag: literal (00), copies with 1, 2 and 4 bytes of offset (01, 10, 11).
bool SnappyBlock::next_element(ChainCursor& in) {
  uint32_t tag = 0;
  if (!take_number(in, 1, tag)) return false;
  const uint32_t upper = tag >> 2;
  back_ = 0;
  switch (tag & 3) {
    case 0: {
      constexpr uint32_t kInline = 60;  // larger: upper - 59 bytes of length follow
      uint32_t length = upper;
      if (upper >= kInline && !take_number(in, upper - kInline + 1, length)) return false;
      if (length >= compressed_left_) return false;
      element_left_ = length + 1;
      return true;
    }
    case 1: {
      uint32_t low = 0;
      if (!take_number(in, 1, low)) return false;
      element_left_ = (upper & 7) + 4;
      back_ = ((tag >> 5) << 8) | low;
      break;
    }
    case 2:
      if (!take_number(in, 2, back_)) return false;
      element_left_ = upper + 1;
      break;
    default:
      if (!take_number(in, 4, back_)) return false;
      element_left_ = upper + 1;
      break;
  }
  return back_ > 0 && back_ <= made_;
}

void SnappyBlock::copy_literal(ChainCursor& in, size_t bytes) {
  while (bytes > 0) {
    const BytesView part = in.peek();
    const size_t n = std::min(bytes, part.size());
    std::copy_n(part.begin(), n, at(made_));
    in.skip(n);
    compressed_left_ -= n;
    made_ += n;
    element_left_ -= static_cast<uint32_t>(n);
    bytes -= n;
  }
}

void SnappyBlock::copy_back(size_t bytes) {
  element_left_ -= static_cast<uint32_t>(bytes);
  while (bytes > 0) {
    const uint64_t from = made_ - back_;
    const size_t source_room = kSliceBytes - from % kSliceBytes;
    // No more than `back_` at a time, so that the two never overlap: a copy may repeat what it
    // makes.
    const size_t n = std::min({bytes, source_room, size_t{back_}});
    std::copy_n(at(from), n, at(made_));
    made_ += n;
    bytes -= n;
  }
}

Result<BytesView> SnappyBlock::next(ChainCursor& in) {
  CHECK(!done(), made_, output_bytes_);
  const uint64_t start = made_;
  const uint64_t stop = std::min(start + kSliceBytes, output_bytes_);
  CHECK(start % kSliceBytes == 0, start);
  pieces_.push_back(Piece(new uint8_t[kSliceBytes]));
  while (made_ < stop) {
    if (element_left_ == 0 && !next_element(in)) return fail_malformed("snappy", "bad element");
    if (element_left_ > output_bytes_ - made_) return fail_malformed("snappy", "too long");
    const size_t n = std::min<uint64_t>(element_left_, stop - made_);
    if (back_ == 0) {
      copy_literal(in, n);
    } else {
      copy_back(n);
    }
  }
  return BytesView(at(start), stop - start);
}

}  // namespace odradek::log
