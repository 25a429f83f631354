// What will happen, ordered by virtual time; equal times by a seeded draw. And the hash over all
// that did happen: equal seeds give equal hashes, or something in the program is not determined by
// its seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/prng.h"
#include "reactor/base/time.h"

namespace odradek::reactor::sim {

class Engine;

// Ids, never pointers: what an event is about may be gone when it fires.
struct Event {
  MonoTime when{};
  uint64_t tie = 0;
  void (*fire)(Engine& engine, const Event& event) = nullptr;
  uint64_t a = 0;
  uint64_t b = 0;
  uint64_t c = 0;
};

class EventQueue {
 public:
  explicit EventQueue(Prng prng) : prng_(prng) {}
  void post(Event event) {
    event.tie = prng_.next();
    heap_.push_back(event);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  // kMonoMax when nothing is to come.
  MonoTime next() const { return heap_.empty() ? kMonoMax : heap_.front().when; }
  // REQUIRES: next() != kMonoMax.
  Event take() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Event event = heap_.back();
    heap_.pop_back();
    return event;
  }
  size_t size() const { return heap_.size(); }

 private:
  static bool later(const Event& a, const Event& b) {
    return a.when != b.when ? a.when > b.when : a.tie > b.tie;
  }
  Prng prng_;
  std::vector<Event> heap_;
};

// What went into the hash; the values are part of it.
enum class Trace : uint64_t {
  turn = 1,
  submit,
  complete,
  wake,
  write,
  send,
  arrive,
  connect,
  reset,
  sync,
  crash,
  start,
  exit,
  log,
  signal
};

class EventHash {
 public:
  void add(uint64_t value) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(value ^ hash_) * 0x9e3779b97f4a7c15ULL;
    hash_ = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^
            0xd6e8feb86659fd93ULL;
    ++count_;
  }
  void add(Trace kind, MonoTime when, uint64_t node_and_shard, uint64_t payload) {
    add(static_cast<uint64_t>(kind) << 56 ^ node_and_shard);
    add(static_cast<uint64_t>(when.time_since_epoch().count()));
    add(payload);
  }
  // The digest of some bytes, for a payload.
  static uint64_t digest(BytesView bytes, uint64_t seed = 0) {
    uint64_t h = seed ^ bytes.size() * 0xff51afd7ed558ccdULL;
    size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
      h = (h ^ load_le<uint64_t>(bytes.data() + i)) * 0x9e3779b97f4a7c15ULL;
      h ^= h >> 29;
    }
    for (; i < bytes.size(); ++i) h = (h ^ bytes[i]) * 0x100000001b3ULL;
    return h ^ h >> 32;
  }
  uint64_t value() const { return hash_; }
  uint64_t count() const { return count_; }

 private:
  uint64_t hash_ = 0;
  uint64_t count_ = 0;
};

}  // namespace odradek::reactor::sim
