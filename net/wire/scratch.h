// Memory for what a decoded message cannot point to in its frame: strings and bytes that lay across
// two blocks, and values that came from JSON. Bump allocation; freed all at once.
//
// Owner: whoever owns the frame, for as long as the decoded message is used. One core.
// Bound: a frame copies each of its bytes at most once, so never more than the frame's size and a
// block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "reactor/base/bytes.h"

namespace odradek::wire {

class Scratch {
 public:
  Scratch() = default;
  Scratch(Scratch&&) = default;
  Scratch& operator=(Scratch&&) = default;

  // `size` writable bytes, valid until clear() or destruction; moving the Scratch keeps them.
  MutableBytes allocate(size_t size);
  // Copies `bytes` here. The view is valid as allocate()'s.
  BytesView store(BytesView bytes);
  std::string_view store(std::string_view text) { return as_text(store(as_bytes(text))); }
  // Frees everything. Views handed out before are dead.
  void clear();
  // Bytes handed out since construction or clear().
  size_t used() const { return used_; }

 private:
  static constexpr size_t block_size = 4096;

  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
  uint8_t* next_ = nullptr;
  size_t left_ = 0;
  size_t used_ = 0;
};

}  // namespace odradek::wire
