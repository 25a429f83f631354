// A byte string that lies in several places: what a frame is after it arrived in blocks. Views
// only: whoever made the chain keeps the blocks alive. Codec, CRC, validation and copies walk the
// parts, so that nothing is copied just to be contiguous.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace odradek {

class Chain {
 public:
  Chain() = default;
  explicit Chain(BytesView whole) { append(whole); }

  // Adds `part` at the end. Empty parts are dropped.
  void append(BytesView part) {
    if (part.empty()) return;
    if (count_ == 0) {
      first_ = part;
    } else {
      rest_.push_back(part);
    }
    ++count_;
    size_ += part.size();
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t part_count() const { return count_; }
  // REQUIRES: index < part_count().
  BytesView part(size_t index) const { return index == 0 ? first_ : rest_[index - 1]; }
  bool contiguous() const { return count_ <= 1; }
  // The bytes as one view. REQUIRES: contiguous().
  BytesView view() const {
    CHECK(contiguous(), count_);
    return first_;
  }
  // The `length` bytes from `offset`. REQUIRES: offset + length <= size().
  Chain slice(size_t offset, size_t length) const {
    CHECK(offset + length <= size_, offset, length, size_);
    Chain out;
    for (size_t i = 0; i < count_ && length > 0; ++i) {
      const BytesView p = part(i);
      if (offset >= p.size()) {
        offset -= p.size();
        continue;
      }
      const size_t n = std::min(length, p.size() - offset);
      out.append(p.subspan(offset, n));
      offset = 0;
      length -= n;
    }
    return out;
  }
  // Copies the `to.size()` bytes from `offset`. REQUIRES: offset + to.size() <= size().
  void copy_out(size_t offset, MutableBytes to) const {
    CHECK(offset + to.size() <= size_, offset, to.size(), size_);
    size_t done = 0;
    for (size_t i = 0; i < count_ && done < to.size(); ++i) {
      const BytesView p = part(i);
      if (offset >= p.size()) {
        offset -= p.size();
        continue;
      }
      const size_t n = std::min(to.size() - done, p.size() - offset);
      std::memcpy(to.data() + done, p.data() + offset, n);
      done += n;
      offset = 0;
    }
  }

 private:
  BytesView first_;
  std::vector<BytesView> rest_;
  size_t count_ = 0;
  size_t size_ = 0;
};

}  // namespace odradek
