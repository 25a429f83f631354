#include "log/partition.h"

#include <algorithm>

#include "log/checkpoint_files.h"
#include "log/log_disk.h"
#include "log/segment_scan.h"
#include "reactor/file.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

SegmentOptions segment_options_of(const LogConfig& config) {
  return {.index_interval_bytes = config.index_interval_bytes,
          .index_bytes_max = config.segment_index_bytes};
}

static std::string directory_of(const LogDisk& disk, const ManifestPartition& found) {
  return disk.path() + "/" + partition_directory_name(found.topic_name, found.id.partition);
}

Partition::Partition(LogDisk& disk, ManifestPartition found, const LogConfig& config)
    : disk_(disk),
      id_(found.id),
      generation_(found.generation),
      topic_name_(found.topic_name),
      config_(config),
      tail_(reactor::this_shard().arena()),
      segments_(disk.files(), disk.cache(), directory_of(disk, found), found.id),
      log_start_(found.log_start),
      log_end_(found.log_start),
      roll_{.draw = reactor::this_shard().random()} {
  for (const auto& [base, segment] : found.segments) {
    segments_.add_found(segment, segment_options_of(config));
    log_end_ = std::max(log_end_, segment.next);
  }
  for (const auto& [epoch, start] : found.epochs) epochs_.assign(epoch, start);
  epochs_saved_ = epochs_.entries().size();
  leader_epoch_ = epochs_.latest();
  compaction_.clean_to = found.clean_to;
  written_next_ = durable_next_ = wal_written_ = wal_durable_ = log_end_;
  durable_ = wal_durable_end_ = destaged_ = staged_end();
  progress_.start_at(log_end_);
}

Partition::~Partition() { CHECK(closed_ && pins_.count() == 0, pins_.count()); }

FilePlace Partition::staged_end() const {
  if (segments_.empty()) return {log_start_, 0};
  return {segments_.active().base(), segments_.active().size_bytes()};
}

Task<Status> Partition::open() {
  CO_TRY(co_await load_producers());
  producers_.on_log_start(log_start_);
  producers_.on_high_watermark(log_end_);
  co_return Status{};
}

Task<void> Partition::quiesce() {
  closing_ = true;
  closing_wait_.notify_all();
  disk_.destager().hurry();
  // Nobody finds this log any more: who watches it must be told before anything waits, since he
  // could not take himself out.
  progress_.fail(Errc::closed);
  (void)co_await turn_.acquire(1);
  turn_.release(1);
}

Task<void> Partition::wait_swapped() {
  Pin pin(*this);
  (void)co_await swap_turn_.acquire(1);
  swap_turn_.release(1);
}

void Partition::prepare_stop() {
  stopping_ = true;
  closing_wait_.notify_all();
}

Task<Status> Partition::settle() {
  CHECK(!swapping(), id_.to_string());
  closing_ = true;
  closing_wait_.notify_all();
  disk_.destager().hurry();
  (void)co_await turn_.acquire(1);
  turn_.release(1);
  co_await wait_extents();
  CO_TRY(co_await disk_.wal().flush());
  if (disk_.fenced()) co_return fail(*disk_.fenced());
  settled_ = true;
  CHECK(durable_next_ == log_end_, durable_next_, log_end_);
  co_return Status{};
}

Task<void> Partition::wait_unpinned() { co_await pins_.wait_none(); }

Task<Status> Partition::close() {
  closing_ = true;
  closing_wait_.notify_all();
  progress_.fail(Errc::closed);
  co_await wait_unpinned();
  for (const Extent& extent : extents_) disk_.forget_extent(extent.batch.bytes);
  extents_.clear();
  extents_in_file_ = 0;
  tail_.clear();
  closed_ = true;
  co_return co_await segments_.close();
}

void Partition::configure(const LogConfig& config) {
  config_ = config;
  publish();
}

Offset Partition::last_stable() const {
  const auto unstable = producers_.first_unstable();
  return unstable ? std::min(*unstable, high_watermark()) : high_watermark();
}

void Partition::begin_epoch(LeaderEpoch epoch) {
  CHECK(epoch >= leader_epoch_, epoch, leader_epoch_);
  leader_epoch_ = epoch;
  if (epochs_.assign(epoch, log_end_))
    epochs_saved_ = std::min(epochs_saved_, epochs_.entries().size() - 1);
}

OffsetAndTime Partition::end_of_epoch(LeaderEpoch epoch) const {
  const EpochEnd end = epochs_.end_of(epoch, log_end_);
  // An epoch of which nothing is left ended where the log now begins.
  const Offset offset = end.end.value < 0 ? end.end : std::max(end.end, log_start_);
  return {.offset = offset, .timestamp_ms = -1, .epoch = end.epoch};
}

void Partition::on_written(Offset next) {
  CHECK(next >= wal_written_ && next <= log_end_, next, wal_written_, log_end_);
  wal_written_ = next;
  advance();
}

void Partition::on_durable(Offset next, FilePlace end) {
  CHECK(next >= wal_durable_ && next <= wal_written_, next, wal_durable_, wal_written_);
  CHECK(end >= wal_durable_end_, end, wal_durable_end_);
  wal_durable_ = next;
  wal_durable_end_ = end;
  advance();
}

void Partition::publish() {
  const Offset visible = config_.durability == Durability::flushed ? durable_next_ : written_next_;
  // Going back to `flushed` does not take back what was visible.
  if (visible <= progress_.high_watermark()) return;
  producers_.on_high_watermark(visible);
  progress_.advance(visible);
}

void Partition::on_fenced() { progress_.fail(Errc::fenced); }

Task<Status> Partition::wait_visible(Offset last, MonoTime deadline) {
  Pin pin(*this);
  co_return co_await progress_.wait(last, deadline);
}

Task<Result<Offset>> Partition::delete_records(Offset before) {
  Pin pin(*this);
  if (before.value == -1) before = high_watermark();
  if (before > high_watermark() || before.value < 0) {
    co_return fail(Errc::out_of_range, "delete records before " + before.to_string() +
                                           ": the high watermark is " +
                                           high_watermark().to_string());
  }
  if (closing_) co_return fail(Errc::closed, "the log is closing");
  if (before <= log_start_) co_return log_start_;
  // The claim grows first: what a crash leaves below it is gone either way.
  std::vector<ManifestEdit> edits;
  edits.push_back(LogStartSet{id_, before, before});
  CO_TRY(co_await disk_.edit(std::move(edits)));
  log_start_ = std::max(log_start_, before);
  producers_.on_log_start(log_start_);
  progress_.changed();
  co_return log_start_;
}

const std::string& Partition::log_directory() const { return disk_.path(); }

std::vector<ActiveProducer> Partition::active_producers() const {
  std::vector<ActiveProducer> out;
  for (const auto& [id, entry] : producers_.producers()) {
    out.push_back({id, entry.epoch, entry.last_sequence(), entry.last_timestamp_ms,
                   entry.coordinator_epoch, entry.transaction_first});
  }
  std::ranges::sort(out, {}, &ActiveProducer::id);
  return out;
}

// Producers are in the newest snapshot (one is written at every roll, and when the log is closed),
// and in the batches behind it. The first segment has one too unless the log begins with it: what
// was below it is gone, and its producers still retry.
Task<Status> Partition::load_producers() {
  if (segments_.empty()) co_return Status{};
  const int64_t now_ms = reactor::this_shard().wall_now().ms;
  // One at the log's end speaks of this log only if nothing was cut since: after a clean stop.
  std::vector<Offset> snapshots;
  if (disk_.was_clean()) snapshots.push_back(log_end_);
  for (size_t i = segments_.size(); i-- > 0;) {
    if (segments_.at(i).base().value > 0) snapshots.push_back(segments_.at(i).base());
  }
  for (const Offset at : snapshots) {
    const std::string path = segment_path(segments_.directory(), at, kSnapshotSuffix);
    const auto file = co_await reactor::read_file(path, kSnapshotBytesMax);
    if (!file && file.error().code != Errc::not_found) co_return fail(file.error());
    if (!file) continue;
    auto decoded = ProducerState::decode_snapshot(*file, now_ms);
    if (!decoded) continue;  // torn or old: an earlier one and more batches give the same
    producers_ = std::move(*decoded);
    if (at == log_end_ && disk_.was_clean()) end_snapshot_ = at;
    co_return co_await replay_producers(at);
  }
  co_return co_await replay_producers(segments_.at(0).base());
}

Task<Status> Partition::replay_producers(Offset from) {
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_.at(i);
    if (segment.next() <= from) continue;
    CO_TRY_ASSIGN(std::unique_ptr<SegmentScan> scan,
                  SegmentScan::start(segment, 0, segment.size_bytes()));
    for (;;) {
      CO_TRY_ASSIGN(const WalkStep step, co_await scan->next());
      if (step.kind == WalkStep::Kind::end_of_data) break;
      if (step.kind != WalkStep::Kind::batch) {
        co_return fail(Errc::corrupt, segment.path(kLogSuffix) + ": position " +
                                          std::to_string(step.position) + ": " +
                                          std::string(step.reason));
      }
      if (step.header.base_offset >= from) note_producer(step.header, scan->batch(step));
    }
  }
  co_return Status{};
}

}  // namespace odradek::log
