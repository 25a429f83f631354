#include "reactor/arena.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>

#include "reactor/base/check.h"
#include "reactor/shard.h"

namespace odradek::reactor {

struct Slab {
  uint8_t* base = nullptr;
  size_t size_class = 0;
  uint32_t blocks_used = 0;
  Block* free_list = nullptr;
  std::vector<std::unique_ptr<Block>> blocks;
  Slab* next = nullptr;  // in a list of slabs with room, or of empty slabs
  Slab* previous = nullptr;

  ~Slab() { std::free(base); }
};

static void push(Slab*& head, Slab* slab) {
  slab->previous = nullptr;
  slab->next = head;
  if (head) head->previous = slab;
  head = slab;
}

static void unlink(Slab*& head, Slab* slab) {
  (slab->previous ? slab->previous->next : head) = slab->next;
  if (slab->next) slab->next->previous = slab->previous;
  slab->next = slab->previous = nullptr;
}

Arena::Arena(ShardId owner, size_t limit_bytes) : owner_(owner), limit_bytes_(limit_bytes) {}

Arena::~Arena() { CHECK(used_bytes_ == 0, owner_, used_bytes_); }

void Arena::abandon() {
  for (auto& slab : slabs_) std::free(std::exchange(slab->base, nullptr));
}

size_t Arena::class_of(size_t bytes) {
  CHECK(bytes <= kBlockBytesMax, bytes);
  const size_t rounded = std::bit_ceil(bytes < kBlockBytesMin ? kBlockBytesMin : bytes);
  return static_cast<size_t>(std::countr_zero(rounded) - std::countr_zero(kBlockBytesMin));
}

static void cut(Slab& slab, size_t size_class, ShardId owner) {
  const size_t bytes = kBlockBytesMin << size_class;
  slab.size_class = size_class;
  slab.free_list = nullptr;
  const size_t count = kSlabBytes / bytes;
  for (size_t i = slab.blocks.size(); i < count; ++i) {
    slab.blocks.push_back(std::make_unique<Block>());
  }
  for (size_t i = count; i-- > 0;) {
    Block& block = *slab.blocks[i];
    block.data = slab.base + i * bytes;
    block.bytes = static_cast<uint32_t>(bytes);
    block.owner = owner;
    block.slab = &slab;
    block.next_free = slab.free_list;
    slab.free_list = &block;
  }
}

Slab* Arena::slab_with_room(size_t size_class) {
  if (with_room_[size_class]) return with_room_[size_class];
  Slab* slab = empty_;
  if (slab) {
    unlink(empty_, slab);
  } else {
    if (slab_bytes() + kSlabBytes > limit_bytes_) return nullptr;
    auto made = std::make_unique<Slab>();
    made->base = static_cast<uint8_t*>(std::aligned_alloc(kSlabBytes, kSlabBytes));
    CHECK(made->base != nullptr, slab_bytes());
    // One fault a slab instead of 512, and fewer pages to pin for each direct write. Advice only: a
    // kernel without huge pages serves small ones.
    ::madvise(made->base, kSlabBytes, MADV_HUGEPAGE);
    slab = made.get();
    slabs_.push_back(std::move(made));
  }
  cut(*slab, size_class, owner_);
  push(with_room_[size_class], slab);
  return slab;
}

Lease Arena::try_allocate(size_t bytes) {
  const size_t size_class = class_of(bytes);
  Slab* slab = slab_with_room(size_class);
  if (!slab) return {};
  Block* block = slab->free_list;
  slab->free_list = block->next_free;
  ++slab->blocks_used;
  if (!slab->free_list) unlink(with_room_[size_class], slab);
  CHECK(block->references == 0, block->generation);
  block->references = 1;
  ++block->generation;
  used_bytes_ += block->bytes;
  return Lease(block, block->generation);
}

Task<Lease> Arena::allocate(size_t bytes, MonoTime deadline) {
  for (;;) {
    Lease lease = try_allocate(bytes);
    if (lease) co_return lease;
    if (!co_await waiting_.wait(deadline)) co_return Lease{};
  }
}

void Arena::release(Block* block, uint32_t generation) {
  CHECK(block->generation == generation && block->references > 0, block->generation, generation,
        block->references);
  if (--block->references > 0) return;
  Slab* slab = block->slab;
  used_bytes_ -= block->bytes;
  if (!slab->free_list) push(with_room_[slab->size_class], slab);
  block->next_free = slab->free_list;
  slab->free_list = block;
  if (--slab->blocks_used == 0) {
    unlink(with_room_[slab->size_class], slab);
    push(empty_, slab);
  }
  if (!waiting_.empty()) waiting_.notify_all();
}

MutableBytes Lease::writable() const {
  CHECK(block_->owner == this_shard().id(), block_->owner);
  return {block_->data, block_->bytes};
}

Lease Lease::share() const {
  CHECK(block_ && block_->owner == this_shard().id());
  ++block_->references;
  return Lease(block_, generation_);
}

bool Lease::unique() const {
  CHECK(block_ && block_->owner == this_shard().id());
  return block_->references == 1;
}

void Lease::reset() {
  if (!block_) return;
  Shard& here = this_shard();
  Block* block = std::exchange(block_, nullptr);
  if (block->owner == here.id()) {
    here.arena().release(block, generation_);
  } else {
    here.mail_home(block, generation_);
  }
}

}  // namespace odradek::reactor
