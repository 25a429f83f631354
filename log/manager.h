// All logs of one shard: LogManager's only implementation. Owns the shard's caches, a LogDisk for
// each directory, and the partitions.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "log/compactor.h"
#include "log/file_cache.h"
#include "log/log_disk.h"
#include "log/log_manager.h"
#include "log/partition.h"
#include "log/partition_copy.h"
#include "log/read_cache.h"
#include "log/store.h"
#include "reactor/wait.h"

namespace odradek::log {

class Manager final : public LogManager {
 public:
  Manager(LogOptions options, Store* store);
  ~Manager() override;
  reactor::Task<Status> begin();

  reactor::Task<Status> open_partition(PartitionSpec spec) override;
  PartitionLog* find(const TopicPartition& id) override;
  Errc absence(const TopicPartition& id) const override;
  void configure_partition(const TopicPartition& id, const LogConfig& config) override;
  reactor::Task<Status> delete_partition(TopicPartition id) override;
  bool serves(const std::string& directory) const override;
  bool writable() const override;
  reactor::Task<void> run_retention() override;
  reactor::Task<void> run_compaction() override { return compactor_.clean_all(); }
  void configure_compaction(const CompactionOptions& options) override {
    compactor_.configure(options);
  }
  reactor::Task<Status> move_partition(TopicPartition id, std::string directory) override;
  std::optional<FutureLog> future_of(const TopicPartition& id) const override;
  reactor::Task<void> wait_handed_over(TopicPartition id) override;
  void configure_moves(double bytes_per_second) override;
  reactor::Task<Status> stop() override;

 private:
  // To another directory; see manager_move.cc.
  struct Move {
    Move(Generation of, LogDisk& to, std::string folder)
        : generation(of), target(to.directory()), copy(to, std::move(folder)) {}
    Generation generation;
    size_t target;
    PartitionCopy copy;
    bool canceled = false;
    std::optional<LogConfig> config;  // told while nobody finds the log
  };
  struct Entry {
    std::unique_ptr<Partition> partition;
    LogDisk* disk = nullptr;
  };
  // A log that cannot be served, and what its deletion needs.
  struct Unserved {
    Error why;
    LogDisk* disk = nullptr;  // null: not known
    ManifestPartition found;
    int64_t file_delete_delay_ms = 0;
  };
  Entry* entry_of(const TopicPartition& id);
  void configure_as_told(Partition& partition);
  reactor::Task<Status> open_new(PartitionSpec spec);
  reactor::Task<Status> open_placed(PlacedPartition placed, PartitionSpec spec);
  reactor::Task<Status> forget(Entry entry);
  reactor::Task<Status> forget_unserved(TopicPartition id);
  reactor::Task<Status> remove_entry(LogDisk& disk, TopicPartition id, Generation generation);
  reactor::Task<Status> remove_folder(LogDisk& disk, TopicPartition id, std::string topic_name,
                                      int64_t delay_ms);
  // manager_move.cc
  Status begin_move(const TopicPartition& id, size_t target);
  reactor::Task<void> run_move(TopicPartition id);
  reactor::Task<Status> move_now(TopicPartition id, Move& move);
  reactor::Task<Status> copy_most(TopicPartition id, Move& move);
  reactor::Task<Status> cut_over(TopicPartition id, Move& move);
  reactor::Task<Status> complete_copy(Partition& partition, Move& move);
  reactor::Task<Status> open_moved(PlacedPartition placed, Entry entry);
  reactor::Task<Status> finish_all();
  reactor::Task<void> finish(Entry& entry, Status& result);
  reactor::Task<void> remove_later(std::string path, Duration delay);
  reactor::Task<void> retention_loop();
  reactor::Task<void> sweep_loop();
  bool make_room();
  std::vector<TopicPartition> ids() const;
  Compactor::Logs logs_to_compact();
  reactor::Task<void> tell_unclean(size_t directory);

  // Fixed at construction.
  LogOptions options_;
  Store* store_;  // on shard 0
  FileCache files_;
  ReadCache cache_;
  CacheMetrics cache_metrics_{cache_};
  Compactor compactor_;
  // Written by begin() and stop().
  std::vector<std::unique_ptr<LogDisk>> disks_;
  bool stopping_ = false;
  bool stopped_ = false;
  // Written by open_partition() and delete_partition().
  std::unordered_map<TopicPartition, Entry> partitions_;
  std::unordered_map<TopicPartition, Unserved> unserved_;
  std::unordered_set<TopicPartition> changing_;  // being opened, deleted or handed over
  // Written by move_partition() and run_move(); an entry stays as long as its task runs.
  std::unordered_map<TopicPartition, std::unique_ptr<Move>> moves_;
  bool copying_ = false;                 // one of them
  double move_rate_ = 0;                 // bytes a second; 0: any
  reactor::WaitList move_wake_;          // by a new rate, an end, or stop()
  std::deque<TopicPartition> to_sweep_;  // opened after an unclean stop
  bool sweeping_ = false;
  reactor::WaitList changed_;
  reactor::WaitList stop_;  // what sleeps is woken by stop()
  reactor::Gate gate_;
};

}  // namespace odradek::log
