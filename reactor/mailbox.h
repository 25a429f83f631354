// Core to core: bounded single-producer single-consumer rings of envelopes, one per ordered pair of
// shards. An envelope belongs to its sender, lives in the sender's memory (usually a coroutine
// frame) and comes back as its own reply, so a reply always has room: no cycle of waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/strong.h"
#include "reactor/limits.h"

namespace odradek::reactor {

using ShardId = Strong<struct ShardIdTag, uint32_t>;

struct Envelope {
  Envelope* next = nullptr;                       // while it waits in the sender's outgoing list
  void (*deliver)(Envelope& envelope) = nullptr;  // runs on the receiving shard, must not block
};

// One direction between two shards. push() by the sender only, pop() by the receiver only.
class MailRing {
 public:
  bool try_push(Envelope* envelope) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kMailboxSlots) return false;
    slots_[tail % kMailboxSlots] = envelope;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  Envelope* try_pop() {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return nullptr;
    Envelope* envelope = slots_[head % kMailboxSlots];
    head_.store(head + 1, std::memory_order_release);
    return envelope;
  }
  size_t size() const {  // exact for the receiver
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire);
  }
  bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_seq_cst);
  }

 private:
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) std::array<Envelope*, kMailboxSlots> slots_{};
};

// All rings of one process, and who sleeps. Shared by its shards; nothing else is.
class Mailboxes {
 public:
  explicit Mailboxes(uint32_t shard_count)
      : count_(shard_count), rings_(shard_count * shard_count), sleeping_(shard_count) {
    for (auto& ring : rings_) ring = std::make_unique<MailRing>();
    for (auto& flag : sleeping_) flag = std::make_unique<std::atomic<bool>>(false);
  }
  uint32_t shard_count() const { return count_; }
  MailRing& ring(ShardId from, ShardId to) { return *rings_[from.value * count_ + to.value]; }
  // The receiver says so before it sleeps, then looks at its rings once more.
  void set_sleeping(ShardId id, bool sleeping) {
    sleeping_[id.value]->store(sleeping, std::memory_order_seq_cst);
  }
  // True once per sleep: whoever gets it sends the wake.
  bool take_wake(ShardId id) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return sleeping_[id.value]->load(std::memory_order_relaxed) &&
           sleeping_[id.value]->exchange(false, std::memory_order_acq_rel);
  }
  size_t waiting(ShardId to) const {
    size_t count = 0;
    for (uint32_t from = 0; from < count_; ++from)
      count += rings_[from * count_ + to.value]->size();
    return count;
  }
  bool has_mail(ShardId to) const {
    for (uint32_t from = 0; from < count_; ++from) {
      if (!rings_[from * count_ + to.value]->empty()) return true;
    }
    return false;
  }

 private:
  uint32_t count_;
  std::vector<std::unique_ptr<MailRing>> rings_;
  std::vector<std::unique_ptr<std::atomic<bool>>> sleeping_;
};

}  // namespace odradek::reactor
