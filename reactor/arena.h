// The memory of one shard for bulk bytes: blocks of 4 KiB to 1 MiB in powers of two, 4 KiB aligned,
// cut from 2 MiB slabs that are reused and never given back (first touch costs 8 us a page on a
// VM). Bounded: try_allocate() says no instead of growing past the limit.
//
// A Lease is one reference to a block. Only the owner shard copies leases, writes the bytes and
// frees the block; another shard may hold a lease, read the bytes and drop it, which mails it back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/limits.h"
#include "reactor/mailbox.h"
#include "reactor/wait.h"

namespace odradek::reactor {

class Arena;
struct Slab;

struct Block {
  uint8_t* data = nullptr;
  uint32_t bytes = 0;
  uint32_t references = 0;  // Changed by the owner shard only.
  uint32_t generation = 0;  // Counts reuses: a lease of an earlier life is a bug, and CHECKed.
  ShardId owner;
  Slab* slab = nullptr;
  Block* next_free = nullptr;
};

class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), generation_(other.generation_) {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      reset();
      block_ = std::exchange(other.block_, nullptr);
      generation_ = other.generation_;
    }
    return *this;
  }
  ~Lease() { reset(); }

  explicit operator bool() const { return block_ != nullptr; }
  // REQUIRES: holds a block.
  BytesView bytes() const { return {block_->data, block_->bytes}; }
  // REQUIRES: the caller is on the owner shard.
  MutableBytes writable() const;
  size_t size() const { return block_ ? block_->bytes : 0; }
  ShardId owner() const { return block_->owner; }
  // Another reference to the same block. REQUIRES: the caller is on the owner shard.
  Lease share() const;
  // True when nobody else holds this block. REQUIRES: the caller is on the owner shard.
  bool unique() const;
  // Drops the reference; from another shard it travels home by mailbox.
  void reset();

 private:
  friend class Arena;
  friend class Shard;
  Lease(Block* block, uint32_t generation) : block_(block), generation_(generation) {}
  Block* block_ = nullptr;
  uint32_t generation_ = 0;
};

class Arena {
 public:
  Arena(ShardId owner, size_t limit_bytes);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // A block of at least `bytes` (rounded up to a power of two); empty when the limit is reached.
  // REQUIRES: bytes <= kBlockBytesMax. The contents are what the last user left.
  Lease try_allocate(size_t bytes);
  // Waits until a block is free; empty when `deadline` passed first.
  Task<Lease> allocate(size_t bytes, MonoTime deadline = kMonoMax);
  // Waits until some block comes free, of whatever size; false when `deadline` passed first.
  [[nodiscard]] WaitList::Awaiter wait_for_release(MonoTime deadline) {
    return waiting_.wait(deadline);
  }

  size_t limit_bytes() const { return limit_bytes_; }
  size_t used_bytes() const { return used_bytes_; }  // in blocks handed out
  size_t slab_bytes() const { return slabs_.size() * kSlabBytes; }
  void set_limit(size_t bytes) { limit_bytes_ = bytes; }
  // The simulator, when this shard has crashed: gives the slabs back although leases of them exist.
  // Nothing may touch the arena or any lease of it again.
  void abandon();

 private:
  friend class Lease;
  friend class Shard;
  static constexpr size_t kClasses = 9;  // 4 KiB << 0..8
  static_assert(kBlockBytesMin << (kClasses - 1) == kBlockBytesMax);
  static size_t class_of(size_t bytes);
  Slab* slab_with_room(size_t size_class);
  void release(Block* block, uint32_t generation);

  // Fixed at construction.
  ShardId owner_;
  size_t limit_bytes_;
  std::vector<std::unique_ptr<Slab>> slabs_;
  std::array<Slab*, kClasses> with_room_{};  // slabs of a class that have a free block
  Slab* empty_ = nullptr;                    // slabs without a class
  size_t used_bytes_ = 0;
  WaitList waiting_;
};

}  // namespace odradek::reactor
