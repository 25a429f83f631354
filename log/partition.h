// The log of one partition on one shard: the append path, what of it is durable, and what of it has
// gone to the segment files. See README.md for the picture and the invariants.
//
// Owned by the shard's Manager. Whoever awaits inside holds a Pin; close() waits for all of them.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "log/leader_epochs.h"
#include "log/partition_log.h"
#include "log/producer_state.h"
#include "log/progress.h"
#include "log/segment_list.h"
#include "log/tail.h"

namespace odradek::log {

class LogDisk;

// What the manifest says of a partition when it is opened.
struct PartitionState {
  TopicPartition id;
  std::string topic_name;
  Generation generation{0};
  Offset log_start{0};
  std::vector<SegmentState> segments;  // the last is the active one
};

class Partition final : public PartitionLog {
 public:
  Partition(LogDisk& disk, const PartitionState& state, const LogConfig& config);
  ~Partition() override;

  // Reads what the files say: end, epochs, producers. REQUIRES: everything is destaged (recovery
  // ran).
  reactor::Task<Status> open(std::vector<SegmentState> segments);
  // Refuses appends, ends waits with Errc::closed, and returns when nobody is inside any more.
  reactor::Task<void> close();

  // PartitionLog.
  const TopicPartition& id() const override { return id_; }
  const LogConfig& config() const override { return config_; }
  void configure(const LogConfig& config) override { config_ = config; }
  Offset log_start() const override { return log_start_; }
  Offset log_end() const override { return log_end_; }
  Offset high_watermark() const override { return progress_.high_watermark(); }
  Offset last_stable() const override;
  LeaderEpoch leader_epoch() const override { return leader_epoch_; }
  uint64_t size_bytes() const override;
  void begin_epoch(LeaderEpoch epoch) override;
  reactor::Task<Appended> append(Chain batch, BatchInfo info, int64_t log_append_time_ms) override;
  reactor::Task<Status> wait_visible(Offset last, MonoTime deadline) override;
  reactor::Task<Result<LogSlice>> read(ReadOptions options) override;
  uint64_t available_bytes(Offset from, Offset limit, uint64_t enough) const override;
  reactor::Task<Result<OffsetAndTime>> offset_for_time(int64_t timestamp_ms, Offset limit) override;
  reactor::Task<Result<OffsetAndTime>> offset_of_max_time() override;
  OffsetAndTime end_of_epoch(LeaderEpoch epoch) const override;
  LeaderEpoch epoch_of(Offset offset) const override;
  reactor::Task<Result<Offset>> delete_records(Offset before) override;
  void add_watcher(Watcher& watcher) override { progress_.add(watcher); }
  void remove_watcher(Watcher& watcher) override { progress_.remove(watcher); }
};

}  // namespace odradek::log
