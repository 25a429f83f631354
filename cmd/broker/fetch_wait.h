// Long polls: waiting until one of several partitions of a shard makes progress. A waiter registers with
// each partition's log, is woken once, and unregisters from those that are still there.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "log/log_manager.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::broker {

// Names one wait across shards: who waits, and that shard's running number.
struct WaitKey {
  uint32_t shard = 0;
  uint64_t number = 0;
  bool operator==(const WaitKey&) const = default;
};

class FetchWaits {
 public:
  // Waits on this shard until one of `ids` makes progress, goes away, is cancelled, or `deadline`.
  reactor::Task<void> wait(log::LogManager& logs, WaitKey key, std::vector<log::TopicPartition> ids,
                           MonoTime deadline);
  // Ends the wait of that key; remembers the key when the wait has not begun yet.
  void cancel(WaitKey key);
  void cancel_all();
  uint64_t next_number() { return ++numbers_; }

 private:
  struct Waiting {
    WaitKey key;
    reactor::Event woken;
  };
  std::vector<Waiting*> waiting_;
  std::vector<WaitKey> cancelled_early_;
  bool stopped_ = false;
  uint64_t numbers_ = 0;
};

}  // namespace odradek::broker
