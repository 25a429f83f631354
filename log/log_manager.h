// All logs of one shard over all log directories: opens and recovers them, creates and deletes
// partitions, runs destage, retention and rolls in the background. One LogManager a shard; shard
// 0's also owns each directory's lock, manifest and recovery. Start order: LogStore::open on shard
// 0 (lock, manifest, clean marker, WAL scan, idempotent destage), then start() on every shard with
// the partitions placed there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/partition_log.h"
#include "reactor/base/result.h"
#include "reactor/base/time.h"
#include "reactor/mailbox.h"
#include "reactor/task.h"

namespace odradek::log {

// Of one shard. Changed live with configure_compaction().
struct CompactionOptions {
  bool enabled = true;                   // log.cleaner.enable
  uint32_t threads = 1;                  // log.cleaner.threads: shards that clean at the same time
  uint64_t memory_bytes = 128ull << 20;  // its share of log.cleaner.dedupe.buffer.size
  double load_factor = 0.9;              // log.cleaner.io.buffer.load.factor
  double bytes_per_second = 0;           // and of log.cleaner.io.max.bytes.per.second; 0: any
  Duration backoff = 15s;                // log.cleaner.backoff.ms
};

struct LogOptions {
  std::vector<std::string> directories;         // log.dirs
  uint64_t wal_bytes = 256ull << 20;            // in all shards together
  uint64_t cache_bytes = 64ull << 20;           // read cache a shard
  Durability durability = Durability::flushed;  // default of partitions
  uint64_t disk_reserve_bytes = 64ull << 20;    // an append that would leave less free is refused
  Duration retention_interval = 300s;           // log.retention.check.interval.ms
  CompactionOptions compaction;
  // For a tool that opens logs to close them whole: no retention, no compaction, and no move goes
  // on.
  bool only_settles = false;
};

// One partition found on disk, or to be made.
struct PartitionSpec {
  TopicPartition id;
  std::string topic_name;  // names the directory <topic>-<partition>, as Kafka's
  LeaderEpoch leader_epoch{0};
  LogConfig config;
  // The cluster knew it before this start: while a log directory is offline it may be there, and a
  // new, empty log must not take its place.
  bool known_before = false;
};

// A copy of a partition's log that will take its place.
struct FutureLog {
  std::string directory;  // of log.dirs
  uint64_t bytes = 0;     // copied
  Offset next{0};         // every record below is copied
};

// What stood in the directories when they were opened.
struct FoundPartition {
  TopicPartition id;
  std::string topic_name;
  std::string directory;
  std::string quarantine;  // why nothing of it is served; empty: it is
};

// Opened once, on shard 0, before any LogManager; owns locks and manifests. Destroy after stop().
class LogStore {
 public:
  virtual ~LogStore() = default;
  // Locks, reads manifests and markers, scans every WAL and destages what it holds (whatever the
  // shard count was), truncates torn tails, rebuilds derived state. A directory with Kafka files
  // that we did not write is refused untouched. Errc::permission when another process holds the
  // lock. Of several directories those that fail or are damaged are offline: the others serve, and
  // only when none is left is that an error.
  static reactor::Task<Result<std::unique_ptr<LogStore>>> open(LogOptions options);

  virtual const std::vector<FoundPartition>& found() const = 0;
  // True for a directory that failed at the start.
  virtual bool offline(const std::string& directory) const = 0;
  // True when the last stop left a clean marker in every directory. When false the caller must
  // begin a new leader epoch for every partition before its first append.
  virtual bool clean() const = 0;
  // Leaves the clean markers and gives the locks back. REQUIRES: every LogManager was stopped.
  virtual reactor::Task<Status> close() = 0;
};

class LogManager {
 public:
  virtual ~LogManager() = default;
  // Makes this shard's manager over an opened store: its WAL and background tasks. `store` lives on
  // shard 0; calls to it travel by mailbox.
  static reactor::Task<Result<std::unique_ptr<LogManager>>> start(LogOptions options,
                                                                  LogStore* store);

  // Opens or creates the log of a partition on this shard. Durable (it will be found again) when
  // this ends. Idempotent.
  virtual reactor::Task<Status> open_partition(PartitionSpec spec) = 0;
  // Null when this shard has no such open partition. Valid until the next await.
  virtual PartitionLog* find(const TopicPartition& id) = 0;
  // Why find() is null. Errc::corrupt: the log is here and cannot be served, as it is quarantined
  // or its files cannot be read. Errc::moved: this shard knows of no such log.
  virtual Errc absence(const TopicPartition& id) const = 0;
  // Changes the configuration of a partition's log, also while find() is null as it is being handed
  // from one directory to another.
  virtual void configure_partition(const TopicPartition& id, const LogConfig& config) = 0;
  // Removes the partition's log: waiters end with Errc::closed, files go after
  // file.delete.delay.ms. Durable when this ends: it will not come back.
  virtual reactor::Task<Status> delete_partition(TopicPartition id) = 0;

  // Begins to move the partition to another of the log directories; when this ends well it is under
  // way, or there already. Replaces a move that is under way. Errc::fenced: the directory, or the
  // partition's, is offline or failed; Errc::disk_full; else as absence(). A restart
  // begins it again.
  virtual reactor::Task<Status> move_partition(TopicPartition id, std::string directory) = 0;
  // Where it is being moved to; absent when it is not.
  virtual std::optional<FutureLog> future_of(const TopicPartition& id) const = 0;
  // Returns when the partition is not being handed from one directory to another: as long as it is,
  // find() is null or its log refuses appends.
  virtual reactor::Task<void> wait_handed_over(TopicPartition id) = 0;
  // What all moves of this shard together may copy a second; 0: any.
  virtual void configure_moves(double bytes_per_second) = 0;

  // False for a directory that is offline, or in which a write or an fsync failed.
  virtual bool serves(const std::string& directory) const = 0;
  // False once a directory took a write error, or while it is full.
  virtual bool writable() const = 0;
  // Runs retention and time-based rolls now (they also run every
  // `log.retention.check.interval.ms`).
  virtual reactor::Task<void> run_retention() = 0;
  // Compacts what is dirty enough now (the background does so too, each log.cleaner.backoff.ms).
  virtual reactor::Task<void> run_compaction() = 0;
  virtual void configure_compaction(const CompactionOptions& options) = 0;
  // Destages everything, trims and closes: after it LogStore::close() may leave the clean marker.
  virtual reactor::Task<Status> stop() = 0;
};

}  // namespace odradek::log
