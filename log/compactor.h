// Compaction of the logs of one shard, in the background: every log.cleaner.backoff.ms it cleans
// the dirtiest log that is dirty enough, until there is none, one at a time. The map of keys takes
// memory of the shard's arena while a log is cleaned, never more than its share. A log with damage
// in it is left alone until the next start, and named. Owned by the shard's manager.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "log/compaction.h"
#include "log/log_manager.h"
#include "reactor/arena.h"
#include "reactor/metrics.h"
#include "reactor/task.h"

namespace odradek::log {

class Compactor {
 public:
  // How it gets at the logs of the shard.
  struct Logs {
    std::function<std::vector<TopicPartition>()> all;       // in the order of their ids
    std::function<Partition*(const TopicPartition&)> find;  // null: not here (any more)
    std::function<uint64_t()> appends;                      // how many there were
    // Around a cleaning: not on too many shards at the same time. False: not yet.
    std::function<reactor::Task<bool>(uint32_t most)> begin;
    std::function<reactor::Task<void>()> end;
  };
  Compactor(CompactionOptions options, Logs logs);

  // Cleans until stop().
  reactor::Task<void> run();
  // Cleans what is dirty enough now, and returns when nothing is. Not while run() cleans.
  reactor::Task<void> clean_all();
  void configure(const CompactionOptions& options);
  // Ends run() soon; what was not swapped in is given up.
  void stop() { pace_.stop(); }

 private:
  struct Candidate {
    TopicPartition id;
    Cleanable range;
  };
  reactor::Task<std::optional<Candidate>> dirtiest();
  reactor::Task<bool> clean_one();
  reactor::Task<void> clean(Partition& partition, Cleanable range);
  reactor::Task<std::vector<reactor::Lease>> borrow(const Cleanable& range);
  void take_result(Partition& partition, const Status& result, const CleaningReport& report);
  int64_t idle_nanoseconds() const;

  // Fixed at construction.
  Logs logs_;
  // Written by configure().
  CompactionOptions options_;
  CompactionPace pace_;
  // Written by the cleanings.
  reactor::Semaphore turn_{1};
  int64_t dirty_percent_ = 0;  // of the dirtiest, when it was last looked
  int64_t uncleanable_ = 0;
  MonoTime began_;
  std::optional<MonoTime> cleaned_at_;
  Duration last_run_{};  // that ended well
  reactor::Counter& runs_;
  reactor::Counter& read_bytes_;
  reactor::Counter& cleaned_bytes_;
  reactor::Counter& written_bytes_;
  reactor::Counter& records_removed_;
  std::vector<reactor::MetricWatch> watches_;
};

}  // namespace odradek::log
