// The log of one partition on one shard: the append path, what of it is durable, and what of it has
// gone to the segment files. README.md has the picture and the invariants.
//
//   destaged <= durable <= staged           (places in the files)
//   durable_next <= written_next <= log_end (offsets)
//
// Owned by the shard's manager. Whoever awaits inside holds a Pin; close() waits for all of them.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/leader_epochs.h"
#include "log/manifest_format.h"
#include "log/partition_log.h"
#include "log/partition_parts.h"
#include "log/producer_state.h"
#include "log/progress.h"
#include "log/segment_list.h"
#include "log/tail.h"
#include "log/wal.h"
#include "log/wal_format.h"

namespace odradek::log {

class CleanedSegment;
class LogDisk;
class Partition final : public PartitionLog {
 public:
  // `found` is what the manifest says; nothing is read before open().
  Partition(LogDisk& disk, ManifestPartition found, const LogConfig& config);
  ~Partition() override;

  // Reads what the files say of producers. REQUIRES: recovery ran, so everything is in the files.
  reactor::Task<Status> open();
  // From now on appends are refused; returns when those that had begun have their place. What was
  // staged becomes durable as before.
  reactor::Task<void> quiesce();
  void dismiss_watchers() { progress_.dismiss(); }
  void prepare_stop();  // from now on nothing waits until a full disk has room
  // Whether segments are being replaced or removed: the manifest may be ahead of the files.
  bool swapping() const { return swap_turn_.available() == 0; }
  reactor::Task<void> wait_swapped();
  // Appends are refused until resume(); when this ends well what was appended is durable and told,
  // and the destager leaves the rest to the caller. REQUIRES: !swapping().
  reactor::Task<Status> settle();
  bool settled() const { return settled_; }
  void end_destage() { settled_ = true; }  // the destager leaves it alone
  void resume() { closing_ = settled_ = false; }
  reactor::Task<void> wait_unpinned();  // REQUIRES: nobody finds this log any more
  // Ends waits with Errc::closed and returns when nobody is inside any more; files are closed.
  reactor::Task<Status> close();
  const std::string& directory() const { return segments_.directory(); }
  Generation generation() const { return generation_; }
  const std::string& topic_name() const { return topic_name_; }
  // Keeps the partition from being closed while its holder waits for something.
  struct Pin : Pins::Pin {
    explicit Pin(Partition& partition) : Pins::Pin(partition.pins_) {}
  };

  // PartitionLog.
  const TopicPartition& id() const override { return id_; }
  const LogConfig& config() const override { return config_; }
  void configure(const LogConfig& config) override;
  Offset log_start() const override { return log_start_; }
  Offset log_end() const override { return log_end_; }
  Offset high_watermark() const override { return progress_.high_watermark(); }
  Offset last_stable() const override;
  LeaderEpoch leader_epoch() const override { return leader_epoch_; }
  uint64_t size_bytes() const override { return segments_.size_bytes(); }
  const std::string& log_directory() const override;
  std::vector<ActiveProducer> active_producers() const override;
  void begin_epoch(LeaderEpoch epoch) override;
  reactor::Task<Appended> append(Chain batch, BatchInfo info, int64_t log_append_time_ms) override;
  reactor::Task<Status> wait_visible(Offset last, MonoTime deadline) override;
  reactor::Task<Result<LogSlice>> read(ReadOptions options) override;
  uint64_t available_bytes(Offset from, Offset limit, uint64_t enough) const override;
  reactor::Task<Result<OffsetAndTime>> offset_for_time(int64_t timestamp_ms, Offset limit) override;
  reactor::Task<Result<OffsetAndTime>> offset_of_max_time() override;
  OffsetAndTime end_of_epoch(LeaderEpoch epoch) const override;
  LeaderEpoch epoch_of(Offset offset) const override { return epochs_.epoch_of(offset); }
  reactor::Task<Result<Offset>> delete_records(Offset before) override;
  void add_watcher(Watcher& watcher) override { progress_.add(watcher); }
  void remove_watcher(Watcher& watcher) override { progress_.remove(watcher); }

  // For LogDisk: what the WAL has of everything below `next` is written, or durable up to `end`.
  // publish() then moves the high watermark as the mode says.
  void on_written(Offset next);
  void on_durable(Offset next, FilePlace end);
  void publish();
  void on_fenced();

  // For Destager.
  using Destaged = DestagedPart;
  // Writes what is durable in the WAL to the segments and makes it durable there: whole blocks, or
  // everything with `to_the_end`, unless more is staged than durable. Ends segments that were
  // rolled. set_destaged() follows when the edits are durable. One at a time.
  reactor::Task<Result<Destaged>> destage(bool to_the_end);
  void set_destaged(const Destaged& destaged);
  reactor::Task<Status> trim();  // after destage(true): the files are as Kafka's on a clean stop
  // Whole blocks that destage could write now; large when a rolled segment waits for its end.
  uint64_t destage_bytes() const;
  // Whether an extent could be destaged now: its bytes are in the file, so none of them is carried.
  bool extent_durable() const;
  bool all_destaged() const;
  uint64_t undestaged_bytes() const;  // in memory and not in the segment files
  // The oldest WAL group that recovery would need; absent when all is destaged.
  std::optional<WalSequence> needed_sequence() const;
  // Stages what is durable but not destaged once more. REQUIRES: room for carry_bytes() in the WAL.
  WalSequence carry();
  uint64_t carry_bytes() const;
  reactor::Task<void> wait_extents();  // until none is on its way to its segment any more
  // False when the same bytes stand in a group after `through` already.
  bool carry_helps(WalSequence through) const {
    return carried_.sequence <= through || carried_.from != destaged_ || carried_.end != durable_;
  }
  // Gives back up to `bytes` of memory that only serves reads.
  uint64_t shrink(uint64_t bytes) { return tail_.evict(destaged_, bytes); }

  // For the compactor: see partition_compaction.cc.
  LogFacts facts() const;
  bool closing() const { return closing_; }
  FilePlace destaged() const { return destaged_; }
  LogDisk& disk() { return disk_; }
  SegmentList& segments() { return segments_; }
  const ProducerState& producers() const { return producers_; }
  CompactionState& compaction() { return compaction_; }
  // Puts `cleaned` in the place of the closed segments with these tokens, durably. False when they
  // are not there any more.
  reactor::Task<Result<bool>> swap_in(std::vector<uint64_t> tokens, CleanedSegment& cleaned);
  reactor::Task<Status> note_clean(Offset to);  // every record below was cleaned; durable

  // For the manager: rolls by time, retention, producer expiry. See retention.cc.
  reactor::Task<Status> run_retention(int64_t now_ms);
  // For the manager, after an unclean stop: removes files that are named as a segment's of ours, of
  // no segment the manifest knows: a crash left them.
  reactor::Task<Status> sweep();

 private:
  // append.cc
  reactor::Task<Appended> append_in_turn(Chain batch, BatchHeader header,
                                         int64_t log_append_time_ms);
  std::optional<Appended> check_producer(const BatchHeader& header) const;
  reactor::Task<Status> prepare(const BatchHeader& header, uint64_t bytes);
  bool needs_roll(const BatchHeader& header, uint64_t bytes) const;
  reactor::Task<Status> roll();
  reactor::Task<Result<bool>> make_own_directory();
  reactor::Task<Status> save_for_kafka();
  reactor::Task<Status> clear_own_directory();
  reactor::Task<Status> reserve_space(uint64_t bytes);
  bool wants_residue() const;
  reactor::Task<Status> load_residue();
  reactor::Task<Status> load_first_time();
  reactor::Task<Status> reserve_memory(uint64_t bytes);
  reactor::Task<Status> reserve_wal(uint64_t bytes);
  Status usable() const;
  void put_residue();
  void put(const Chain& batch);
  WalRecord record_of(const TailBatch& batch, LeaderEpoch epoch) const;
  WalSequence stage(const TailBatch& batch, LeaderEpoch epoch);
  void note_producer(const BatchHeader& header, const Chain& batch);
  // partition_extent.cc
  WalSequence stage_extent(const TailBatch& batch, LeaderEpoch epoch);
  void stage_edge(WalRecord record, uint64_t from, uint64_t to);
  uint32_t extent_checksum(const TailBatch& batch, uint64_t from, uint64_t to) const;
  reactor::Task<void> write_extent(Pin pin, Extent& extent);
  reactor::Task<Status> write_blocks_durable(Segment& segment, const Extent& extent);
  reactor::Task<Status> write_around_extents(Segment& segment, uint64_t from, uint64_t to,
                                             WritePace pace);
  void forget_extents();
  void advance();
  WalFlush flush_mode() const;
  reactor::Task<Status> write_blocks(Segment& segment, uint64_t from, uint64_t to, WritePace pace);
  reactor::Task<Result<uint64_t>> write_to_file(Segment& segment, uint64_t from, uint64_t end,
                                                bool complete, bool to_the_end);
  reactor::Task<Status> seal(Segment& segment);
  void tell_epochs(Destaged& out) const;
  ManifestSegment describe(const Segment& segment, FilePlace destaged) const;
  // partition_reader.cc
  uint64_t disk_bytes(const Segment& segment) const;
  std::unexpected<Error> refuse_read(const Error& error);
  using MaybeTime = Result<std::optional<OffsetAndTime>>;
  reactor::Task<MaybeTime> time_from(Offset from, int64_t timestamp_ms, Offset limit);
  reactor::Task<Result<OffsetAndTime>> search_time(int64_t timestamp_ms, Offset limit);
  reactor::Task<Result<OffsetAndTime>> search_max_time(Offset limit);
  reactor::Task<Result<OffsetAndTime>> visible_max_time(Offset limit);
  reactor::Task<MaybeTime> tail_time(int64_t timestamp_ms, Offset limit);
  reactor::Task<MaybeTime> segment_time(Offset base, int64_t timestamp_ms, Offset limit);
  // partition_compaction.cc
  reactor::Task<Result<bool>> swap_in_turn(std::vector<uint64_t> tokens, CleanedSegment& cleaned);
  reactor::Task<Status> commit_swap(ManifestSegment entry);
  using Slots = std::vector<std::unique_ptr<SegmentList::Slot>>;
  reactor::Task<Status> name_swapped(const Slots& old, ManifestSegment entry);
  reactor::Task<void> retire(Pin pin, Slots old, bool remove);
  // retention.cc
  int64_t segment_ms() const;
  reactor::Task<Status> remove_segments(size_t count);
  bool is_orphan(std::string_view name) const;
  bool active_expired(int64_t now_ms) const;
  size_t expired_segments(int64_t now_ms) const;
  FilePlace staged_end() const;
  reactor::Task<Status> load_producers();
  reactor::Task<Status> replay_producers(Offset from);

  // Fixed at construction.
  LogDisk& disk_;
  TopicPartition id_;
  Generation generation_;
  std::string topic_name_;
  LogConfig config_;  // written by configure()
  // Written by append(), in turn.
  reactor::Semaphore turn_{1};
  Tail tail_;
  SegmentList segments_;
  ProducerState producers_;
  LeaderEpochs epochs_;
  LeaderEpoch leader_epoch_{-1};
  Offset log_start_{0}, log_end_{0};
  std::vector<uint8_t> residue_;  // of a block that was partly filled when the log was opened
  RollState roll_;
  bool changed_ = false;                // something was staged since the log was opened
  std::optional<Offset> end_snapshot_;  // of producers, made where the log ended when it opened
  bool removed_segments_ = false, told_of_damage_ = false;  // since the log was opened
  // Extents that are not destaged, in the order of the log. Written by put() and set_destaged().
  std::deque<Extent> extents_;
  uint64_t extents_in_file_ = 0, extents_running_ = 0;  // bytes of them, left out by destage; tasks
  CompactionState compaction_;
  reactor::Semaphore swap_turn_{1};  // held by whoever takes segments out
  // How far the WAL is; written by on_written() and on_durable().
  Offset wal_written_{0}, wal_durable_{0};
  FilePlace wal_durable_end_;
  // How far the WAL and the extents are: a prefix of the log over both. Written by advance().
  Offset written_next_{0}, durable_next_{0};
  FilePlace durable_;
  Progress progress_;
  FilePlace destaged_;  // written by the destager, as what follows
  Carried carried_;
  size_t epochs_saved_ = 0;
  LeaderEpochs epochs_in_file_;  // leader-epoch-checkpoint, as the last roll wrote it
  Pins pins_;                    // who is inside
  // Settled: what is not destaged is left to a move. Stopping: nothing waits for a full disk.
  bool closing_ = false, settled_ = false, stopping_ = false, closed_ = false;
  reactor::WaitList closing_wait_, extents_done_;
};

}  // namespace odradek::log
