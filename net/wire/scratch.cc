#include "net/wire/scratch.h"

namespace odradek::wire {

MutableBytes Scratch::allocate(size_t size) {
  used_ += size;
  if (size > block_size / 4) {  // its own block; the current one goes on being filled
    blocks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(size));
    return {blocks_.back().get(), size};
  }
  if (size > left_) {
    blocks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(block_size));
    next_ = blocks_.back().get();
    left_ = block_size;
  }
  uint8_t* const at = next_;
  next_ += size;
  left_ -= size;
  return {at, size};
}

BytesView Scratch::store(BytesView bytes) {
  const MutableBytes to = allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(to.data(), bytes.data(), bytes.size());
  return to;
}

void Scratch::clear() {
  blocks_.clear();
  next_ = nullptr;
  left_ = 0;
  used_ = 0;
}

}  // namespace odradek::wire
