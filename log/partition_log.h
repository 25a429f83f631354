// The log of one partition: what producers append to and consumers read from. Owned by one shard's
// LogManager; only that shard calls it. Broker code never keeps a PartitionLog* across an await: it
// looks it up again by (topic id, partition) in LogManager.
//
// Offsets, in the order they may move:
//   log_start <= last_stable <= high_watermark <= log_end
//   high_watermark: in `flushed` mode nothing above what is on stable storage, in `written` mode
//   nothing above what was written; never decreases; nobody but replication reads beyond it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/batch/batch_validator.h"
#include "log/types.h"
#include "reactor/arena.h"
#include "reactor/base/chain.h"
#include "reactor/base/result.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

enum class Durability : uint8_t {
  flushed,  // acknowledged and visible when on stable storage
  written,  // acknowledged and visible when the write completed; flushed within 256 KiB / 100 ms
};

// What of a topic's configuration the log obeys. Changed live with configure().
struct LogConfig {
  Durability durability = Durability::flushed;
  uint32_t segment_bytes = 1u << 30;         // segment.bytes
  int64_t segment_ms = 604'800'000;          // segment.ms
  int64_t segment_jitter_ms = 0;             // segment.jitter.ms
  uint32_t segment_index_bytes = 10u << 20;  // segment.index.bytes
  uint32_t index_interval_bytes = 4096;      // index.interval.bytes
  int64_t retention_ms = 604'800'000;        // retention.ms, -1: forever
  int64_t retention_bytes = -1;              // retention.bytes, -1: unbounded
  int64_t file_delete_delay_ms = 60'000;     // file.delete.delay.ms
  int64_t producer_id_expiration_ms = 86'400'000;
  bool delete_policy = true;                  // cleanup.policy contains delete
  bool compact_policy = false;                // cleanup.policy contains compact
  double min_cleanable_ratio = 0.5;           // min.cleanable.dirty.ratio
  int64_t min_compaction_lag_ms = 0;          // min.compaction.lag.ms
  int64_t max_compaction_lag_ms = INT64_MAX;  // max.compaction.lag.ms
  int64_t delete_retention_ms = 86'400'000;   // delete.retention.ms
};

// Why an append was refused; the numbers are Kafka's error codes.
enum class AppendFault : int16_t {
  none = 0,
  out_of_order_sequence = 45,
  invalid_producer_epoch = 47,
  record_list_too_large = 18,  // larger than segment.bytes
  storage_error = 56,          // the directory is fenced or full
  not_leader = 6,              // the log is closing or moving
};

struct Appended {
  AppendFault fault = AppendFault::none;
  std::string message;     // for people, when there is a fault
  bool duplicate = false;  // an idempotent retry: these are the first attempt's offsets
  Offset base{-1};
  Offset last{-1};
  int64_t log_append_time_ms = -1;  // -1 for CreateTime
  Offset log_start{0};
};

// Bytes of whole batches at consecutive offsets (gaps are legal), by reference. The pieces may be
// sent from another shard; dropping them gives the blocks back.
struct LogSlice {
  struct Piece {
    reactor::Lease lease;
    uint32_t offset = 0;  // bytes into the block
    uint32_t length = 0;
    BytesView bytes() const { return lease.bytes().subspan(offset, length); }
  };
  std::vector<Piece> pieces;
  uint64_t bytes = 0;
  Offset first{-1};  // base offset of the first batch; -1 when empty
  Offset next{-1};   // one past the last record of the last batch; -1 when empty
};

struct OffsetAndTime {
  Offset offset{-1};
  int64_t timestamp_ms = -1;
  LeaderEpoch epoch{-1};
};

// What DescribeProducers tells of a producer.
struct ActiveProducer {
  ProducerId id{-1};
  ProducerEpoch epoch{-1};
  int32_t last_sequence = -1;
  int64_t last_timestamp_ms = -1;
  int32_t coordinator_epoch = -1;
  std::optional<Offset> transaction_first;  // of the open transaction
};

struct ReadOptions {
  Offset from;
  uint64_t bytes_max = 1 << 20;
  Offset limit;               // read strictly below: high watermark, last stable offset, or log end
  bool at_least_one = false;  // the first batch comes whole even if larger than bytes_max
};

class PartitionLog {
 public:
  virtual ~PartitionLog() = default;

  virtual const TopicPartition& id() const = 0;
  virtual const LogConfig& config() const = 0;
  virtual void configure(const LogConfig& config) = 0;

  virtual Offset log_start() const = 0;
  virtual Offset log_end() const = 0;
  virtual Offset high_watermark() const = 0;
  virtual Offset last_stable() const = 0;
  virtual LeaderEpoch leader_epoch() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // The log directory, of log.dirs, that holds the partition.
  virtual const std::string& log_directory() const = 0;
  // The producers that the log remembers, by id.
  virtual std::vector<ActiveProducer> active_producers() const = 0;

  // Begins a leader epoch at the log's end. REQUIRES: epoch >= leader_epoch().
  virtual void begin_epoch(LeaderEpoch epoch) = 0;

  // Appends one validated batch: assigns offsets and leader epoch, copies it into the log's memory
  // and stages it for the WAL. Batches are ordered by the order of these calls. The task ends when
  // the batch has its place, not when it is durable: await wait_visible(result.last) for that.
  // `batch` (and what it views) must stay valid until the task ends. `info` is what the validator
  // said about the same bytes.
  virtual reactor::Task<Appended> append(Chain batch, BatchInfo info,
                                         int64_t log_append_time_ms) = 0;

  // Waits until `last` is below the high watermark. Errc::timed_out at the deadline (the data
  // stays), Errc::fenced when the directory failed first, Errc::closed when the log is closed or
  // deleted.
  virtual reactor::Task<Status> wait_visible(Offset last, MonoTime deadline) = 0;

  // Whole batches from `options.from` up. Errc::out_of_range below log_start or above log_end,
  // Errc::corrupt for a range whose bytes fail their checksum. Empty at or above the limit.
  virtual reactor::Task<Result<LogSlice>> read(ReadOptions options) = 0;
  // How many bytes a read from `from` below `limit` would find, capped at `enough`; no I/O.
  virtual uint64_t available_bytes(Offset from, Offset limit, uint64_t enough) const = 0;

  // ListOffsets by time: the first record with timestamp >= `timestamp_ms` below `limit`; offset -1
  // when there is none. Per record, not per batch.
  virtual reactor::Task<Result<OffsetAndTime>> offset_for_time(int64_t timestamp_ms,
                                                               Offset limit) = 0;
  // ListOffsets -3: the record with the largest timestamp.
  virtual reactor::Task<Result<OffsetAndTime>> offset_of_max_time() = 0;
  // OffsetForLeaderEpoch (trap 42): {epoch, end offset}.
  virtual OffsetAndTime end_of_epoch(LeaderEpoch epoch) const = 0;
  virtual LeaderEpoch epoch_of(Offset offset) const = 0;  // -1 when unknown

  // DeleteRecords: moves log_start to `before` (-1: the high watermark), durable when this ends.
  // Errc::out_of_range above the high watermark.
  virtual reactor::Task<Result<Offset>> delete_records(Offset before) = 0;

  // Woken whenever high watermark or last stable offset advance, log_start moves, or the log
  // closes: long polls look again. The pointer is registered by add_watcher until remove_watcher,
  // or until the log closes: then it is taken out, told one last time, and remove_watcher does
  // nothing.
  struct Watcher {
    void (*on_progress)(Watcher& watcher) = nullptr;  // must only note and make ready
    Watcher* next = nullptr;
    Watcher* previous = nullptr;
    bool registered = false;
  };
  virtual void add_watcher(Watcher& watcher) = 0;
  virtual void remove_watcher(Watcher& watcher) = 0;
};

}  // namespace odradek::log
