#include "log/compaction.h"

#include <algorithm>
#include <array>
#include <utility>

#include "log/batch/limits.h"
#include "log/batch/record_reader.h"
#include "log/limits.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

SegmentOptions segment_options_of(const LogConfig& config);

// What looking at a record takes beyond its bytes, in bytes.
static constexpr uint64_t kRecordCostBytes = kCleanStepBytes / 1024;

// ---- pace ----

Task<void> CompactionPace::rest(MonoTime when) {
  while (!stopped_ && reactor::this_shard().now() < when) {
    if (co_await wake_.wait(when)) co_return;
  }
}

void CompactionPace::set_rate(double bytes_per_second) {
  if (std::exchange(bytes_per_second_, bytes_per_second) != bytes_per_second) free_at_ = {};
}

Task<bool> CompactionPace::spend(uint64_t bytes) {
  if (bytes_per_second_ > 0) {
    const MonoTime now = reactor::this_shard().now();
    const std::chrono::duration<double> takes(static_cast<double>(bytes) / bytes_per_second_);
    // No more than an hour for one piece: a rate of next to nothing is a rate.
    free_at_ = std::max(free_at_, now) + std::chrono::duration_cast<Duration>(
                                             std::min<std::chrono::duration<double>>(takes, 1h));
    while (!stopped_ && reactor::this_shard().now() < free_at_) {
      (void)co_await wake_.wait(std::min(free_at_, reactor::this_shard().now() + kPaceSlice));
    }
  }
  co_return !stopped_;
}

Task<void> CompactionPace::worked(uint64_t bytes) {
  worked_ += bytes;
  if (worked_ < kCleanStepBytes) co_return;
  worked_ = 0;
  const MonoTime now = reactor::this_shard().precise_now();
  if (appends_) {
    const uint64_t appends = appends_();
    if (std::exchange(appends_seen_, appends) != appends) busy_until_ = now + kCleanBusyWindow;
  }
  const Duration rest =
      now < busy_until_ ? std::min((now - resumed_) * kCleanRests, kCleanRestMax) : Duration(0);
  co_await reactor::sleep_until(now + rest);
  resumed_ = reactor::this_shard().precise_now();
}

void CompactionPace::stop() {
  stopped_ = true;
  wake_.notify_all();
}

// ---- one cleaning ----

Compaction::Compaction(Partition& partition, CompactionPace& pace, KeyMap& keys,
                       const Cleanable& range, int64_t now_ms)
    : partition_(partition),
      pin_(partition),
      pace_(pace),
      keys_(keys),
      range_(range),
      rules_{.now_ms = now_ms, .delete_retention_ms = partition.config().delete_retention_ms} {}

Status Compaction::still_wanted(const Segment& segment) const {
  if (pace_.stopped() || partition_.closing()) return fail(Errc::canceled, "stopping");
  if (!partition_.segments().has_run({segment.token()})) {
    return fail(Errc::canceled, "retention took it");
  }
  return {};
}

// What was read since the last call, against the pace.
Task<Status> Compaction::spend(const CheckedScan& scan, uint64_t& spent) {
  const uint64_t bytes = scan.bytes_read() - std::exchange(spent, scan.bytes_read());
  report_.read_bytes += bytes;
  const bool go_on = co_await pace_.spend(bytes);
  co_return go_on ? Status{} : fail(Errc::canceled, "stopping");
}

Task<Result<bool>> Compaction::map_batch(const CheckedScan::Batch& batch) {
  const BatchHeader& header = batch.header;
  if (header.attributes.control() || header.last_offset() < range_.first_dirty) co_return true;
  RecordReader reader(Chain(batch.bytes), kBatchBytesMax);
  struct Ahead {
    KeyHash hash;
    Offset offset;
  };
  std::array<Ahead, KeyMap::kLookAhead> ahead;
  for (bool ended = false; !ended;) {
    size_t count = 0;
    uint64_t cost = 0;
    while (!ended && count < ahead.size() && cost < kCleanStepBytes) {
      CO_TRY_ASSIGN(const auto record, reader.next());
      ended = !record;
      if (ended) break;
      cost += kRecordCostBytes + record->payload_bytes();
      if (!record->key || reader.offset_of(*record) < range_.first_dirty) continue;
      ahead[count++] = {keys_.hash_ahead(*record->key), reader.offset_of(*record)};
    }
    for (size_t i = 0; i < count; ++i) {
      if (!keys_.try_put(ahead[i].hash, ahead[i].offset)) co_return false;
    }
    co_await pace_.worked(cost);
  }
  co_return true;
}

// False when the map is full.
Task<Result<bool>> Compaction::map_segment(Segment& segment) {
  const SegmentList::Reader reading(partition_.segments().slot_of(segment));
  CheckedScan scan(segment);
  uint64_t spent = 0;
  for (;;) {
    CO_TRY_ASSIGN(const auto batch, co_await scan.next());
    CO_TRY(co_await spend(scan, spent));
    CO_TRY(still_wanted(segment));
    if (!batch) co_return true;
    const bool aborted =
        !batch->header.attributes.control() && transactions_.on_batch(batch->header);
    if (batch->header.attributes.control()) CO_TRY(fate_of(*batch));
    if (!aborted) {
      CO_TRY_ASSIGN(const bool fits, co_await map_batch(*batch));
      if (!fits) co_return false;
    }
    keys_.note_latest(batch->header.last_offset());
    co_await pace_.worked(batch->bytes.size());
  }
}

Task<Status> Compaction::build_map(const LogFacts& facts) {
  for (const ClosedSegment& closed : facts.closed) {
    if (closed.next <= range_.first_dirty) continue;
    if (closed.base >= range_.end) break;
    Segment* segment = partition_.segments().find(closed.base);
    if (!segment) co_return fail(Errc::canceled, "retention took it");
    CO_TRY_ASSIGN(const bool all, co_await map_segment(*segment));
    if (!all) co_return Status{};
    // Up to where the next segment begins: the rest was removed before.
    keys_.note_latest(closed.next - 1);
  }
  co_return Status{};
}

bool Compaction::last_of_producer(const BatchHeader& header) const {
  if (!header.has_producer()) return false;
  const ProducerEntry* producer = partition_.producers().find(header.producer_id);
  if (!producer) return false;
  if (const ProducerBatch* last = producer->last_batch()) return last->last == header.last_offset();
  return header.attributes.control() && header.producer_epoch == producer->epoch;
}

Result<BatchFate> Compaction::fate_of(const CheckedScan::Batch& batch) {
  const BatchHeader& header = batch.header;
  BatchFate fate;
  // The end of the round stays told, and so do the sequences of producers that are active.
  fate.keep_empty = header.next_offset() == range_.end || last_of_producer(header);
  if (!header.attributes.control()) {
    fate.discard = transactions_.on_batch(header);
    return fate;
  }
  std::optional<ControlType> type;
  RecordReader reader(Chain(batch.bytes), kBatchBytesMax);
  TRY_ASSIGN(const auto record, reader.next());
  if (record && record->key) {
    TRY_ASSIGN(type, parse_control_key(*record->key));
  }
  fate.marks_nothing = transactions_.on_control_batch(header, type);
  fate.discard = fate.marks_nothing && header.attributes.delete_horizon() &&
                 header.base_timestamp <= rules_.now_ms;
  return fate;
}

// True when the batch stays as it is.
Task<Result<bool>> Compaction::rewrite_batch(const CheckedScan::Batch& batch, CleanedSegment* out) {
  CO_TRY_ASSIGN(const BatchFate fate, fate_of(batch));
  BatchFilter filter(Chain(batch.bytes), keys_, rules_, fate);
  for (;;) {
    CO_TRY_ASSIGN(const bool done, filter.step());
    if (done) break;
    co_await pace_.worked(kCleanStepBytes);
  }
  const bool kept = filter.outcome() == BatchFilter::Outcome::kept;
  if (!out) co_return kept;
  report_.records_removed += static_cast<uint64_t>(filter.records_removed());
  if (kept) {
    CO_TRY(co_await out->append(batch.header, batch.bytes));
  } else if (filter.outcome() != BatchFilter::Outcome::dropped) {
    const BytesView bytes(filter.bytes());
    CO_TRY(co_await out->append(BatchHeader::parse(bytes), bytes));
  }
  co_return kept;
}

// True when it went to its end; without `out`, false at the first batch that does not stay.
Task<Result<bool>> Compaction::rewrite_segment(Segment& segment, CleanedSegment* out) {
  const SegmentList::Reader reading(partition_.segments().slot_of(segment));
  CheckedScan scan(segment);
  uint64_t spent = 0, written = out ? out->bytes() : 0;
  for (;;) {
    CO_TRY_ASSIGN(const auto batch, co_await scan.next());
    CO_TRY(co_await spend(scan, spent));
    CO_TRY(still_wanted(segment));
    if (!batch) co_return true;
    CO_TRY_ASSIGN(const bool kept, co_await rewrite_batch(*batch, out));
    if (!out && !kept) co_return false;
    if (out) (void)co_await pace_.spend(out->bytes() - std::exchange(written, out->bytes()));
    co_await pace_.worked(batch->bytes.size());
  }
}

Task<Result<bool>> Compaction::rewrite(const LogFacts& facts, SegmentGroup group,
                                       CleanedSegment* out) {
  for (size_t i = group.first; i < group.first + group.count; ++i) {
    Segment* segment = partition_.segments().find(facts.closed[i].base);
    if (!segment) co_return fail(Errc::canceled, "retention took it");
    CO_TRY_ASSIGN(const bool whole, co_await rewrite_segment(*segment, out));
    if (!whole) co_return false;
  }
  co_return true;
}

Task<Status> Compaction::replace(const LogFacts& facts, SegmentGroup group, CleanedSegment& out) {
  std::vector<uint64_t> tokens;
  uint64_t bytes = 0;
  for (size_t i = group.first; i < group.first + group.count; ++i) {
    const Segment* segment = partition_.segments().find(facts.closed[i].base);
    if (!segment) co_return fail(Errc::canceled, "retention took it");
    tokens.push_back(segment->token());
    bytes += segment->size_bytes();
  }
  CO_TRY(co_await out.begin());
  CO_TRY(co_await rewrite(facts, group, &out));
  CO_TRY(co_await out.finish(facts.closed[group.first + group.count - 1].next));
  const uint64_t written = out.bytes();
  CO_TRY_ASSIGN(const bool swapped, co_await partition_.swap_in(std::move(tokens), out));
  if (!swapped) co_return fail(Errc::canceled, "retention took it");
  report_.cleaned_bytes += bytes;
  report_.written_bytes += written;
  co_return Status{};
}

Task<Status> Compaction::clean_group(const LogFacts& facts, SegmentGroup group) {
  const TransactionFilter before = transactions_;
  if (group.count == 1) {
    // Most of a large log that is mostly clean stays as it is: then nothing is written.
    CO_TRY_ASSIGN(const bool same, co_await rewrite(facts, group, nullptr));
    if (same) co_return Status{};
    transactions_ = before;
  }
  CleanedSegment out(partition_.disk(), partition_.directory(),
                     {partition_.id(), facts.closed[group.first].base},
                     segment_options_of(partition_.config()));
  const Status replaced = co_await replace(facts, group, out);
  co_await out.abandon();
  co_return replaced;
}

Task<Status> Compaction::run() {
  const LogFacts facts = partition_.facts();
  CO_TRY(co_await build_map(facts));
  const Offset clean_to = keys_.latest() + 1;
  if (clean_to <= range_.first_dirty) co_return Status{};
  transactions_ = TransactionFilter({});
  for (const SegmentGroup group : group_segments(facts, partition_.config(), clean_to)) {
    CO_TRY(co_await clean_group(facts, group));
  }
  CO_TRY(co_await partition_.note_clean(clean_to));
  report_.clean_to = clean_to;
  co_return Status{};
}

}  // namespace odradek::log
