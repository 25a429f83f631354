// One request's bytes: in one heap buffer when small, else in arena blocks that were taken as the
// bytes arrived. Owned by the request that it carries; decoded messages view into it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "reactor/arena.h"
#include "reactor/base/chain.h"
#include "reactor/wait.h"

namespace odradek::broker {

class RequestFrame {
 public:
  RequestFrame() = default;
  // Takes over `bytes` units of `budget`, given back when the frame goes.
  RequestFrame(reactor::Semaphore& budget, uint64_t bytes) : budget_(&budget), charged_(bytes) {}
  RequestFrame(RequestFrame&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        charged_(other.charged_),
        small_(std::move(other.small_)),
        blocks_(std::move(other.blocks_)),
        bytes_(std::exchange(other.bytes_, Chain())) {}
  RequestFrame& operator=(RequestFrame&& other) noexcept {
    if (this == &other) return *this;
    release();
    budget_ = std::exchange(other.budget_, nullptr);
    charged_ = other.charged_;
    small_ = std::move(other.small_);
    blocks_ = std::move(other.blocks_);
    bytes_ = std::exchange(other.bytes_, Chain());
    return *this;
  }
  ~RequestFrame() { release(); }

  const Chain& bytes() const { return bytes_; }

  // The whole frame in one buffer. REQUIRES: nothing was added before.
  MutableBytes make_small(size_t size) {
    small_ = std::make_unique_for_overwrite<uint8_t[]>(size);
    const MutableBytes all(small_.get(), size);
    bytes_.append(all);
    return all;
  }
  // The next `size` bytes, in `block`.
  MutableBytes add_block(reactor::Lease block, size_t size) {
    const MutableBytes part = block.writable().first(size);
    blocks_.push_back(std::move(block));
    bytes_.append(part);
    return part;
  }

 private:
  void release() {
    if (budget_) std::exchange(budget_, nullptr)->release(charged_);
  }
  reactor::Semaphore* budget_ = nullptr;
  uint64_t charged_ = 0;
  std::unique_ptr<uint8_t[]> small_;
  std::vector<reactor::Lease> blocks_;
  Chain bytes_;
};

}  // namespace odradek::broker
