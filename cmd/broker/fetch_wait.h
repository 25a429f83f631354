// Long polls: waiting until one of several partitions of a shard makes progress. A waiter registers
// with each partition's log, is woken once, and unregisters from those that are still there.
//
// One a shard, used by that shard only. Bounded by the fetches that run: each keeps at most one
// wait a shard.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "log/log_manager.h"
#include "reactor/limits.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::broker {

// Names one wait across shards: who waits, and that shard's running number.
struct WaitKey {
  uint32_t shard = 0;
  uint64_t number = 0;
  bool operator==(const WaitKey&) const = default;
};

// A partition, and where it stood when it had not enough: what has moved since is not waited for.
struct Awaited {
  log::TopicPartition id;
  log::Offset high_watermark;
  log::Offset last_stable;
};

class FetchWaits {
 public:
  // Waits on this shard until one of `partitions` makes progress or has made it since, goes away,
  // is cancelled, or `deadline`. False when the shard stops: there is no sense in waiting again.
  reactor::Task<bool> wait(log::LogManager& logs, std::vector<Awaited> partitions,
                           MonoTime deadline);
  // The same; REQUIRES: cancel(key) is called exactly once, before, during or after it.
  reactor::Task<bool> wait(log::LogManager& logs, WaitKey key, std::vector<Awaited> partitions,
                           MonoTime deadline);
  // Ends the wait of that key.
  void cancel(WaitKey key);
  // Ends all waits, those to come included.
  void stop();
  uint64_t next_number() { return ++numbers_; }
  size_t size() const { return cancellable_.size(); }

 private:
  struct KeyHash {
    size_t operator()(const WaitKey& key) const {
      return static_cast<size_t>(key.number * reactor::kShardsMax + key.shard);
    }
  };
  reactor::Task<void> wait_for(log::LogManager& logs, std::vector<Awaited> partitions,
                               MonoTime deadline, reactor::Event& woken);

  // From the first of wait() and cancel() to the second: null where one has been and the other
  // comes.
  std::unordered_map<WaitKey, reactor::Event*, KeyHash> cancellable_;
  std::list<reactor::Event*> running_;
  bool stopped_ = false;
  uint64_t numbers_ = 0;
};

}  // namespace odradek::broker
