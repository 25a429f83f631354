// Reading a partition: the newest from the tail's memory, the rest from its segments.
#include <algorithm>

#include "log/batch/limits.h"
#include "log/batch/record_reader.h"
#include "log/log_disk.h"
#include "log/partition.h"
#include "log/segment_reader.h"
#include "reactor/logger.h"

namespace odradek::log {

using reactor::Task;

// How much of the segment may be read from its file: what the tail holds is not there, or not
// whole.
uint64_t Partition::disk_bytes(const Segment& segment) const {
  if (tail_.empty()) return segment.size_bytes();
  const FilePlace first = tail_.batches().front().at;
  if (first.segment > segment.base()) return segment.size_bytes();
  return first.segment == segment.base() ? first.position : 0;
}

// Clients ask again and again: said once.
std::unexpected<Error> Partition::refuse_read(const Error& error) {
  if (error.code == Errc::corrupt && !std::exchange(told_of_damage_, true)) {
    reactor::log_error(
        "{}: damaged: {}. Reads of it get KAFKA_STORAGE_ERROR, all else is served. Put back a "
        "copy, "
        "or delete the records below it or the topic",
        segments_.directory(), error.context);
  }
  return fail(error);
}

Task<Result<LogSlice>> Partition::read(ReadOptions options) {
  Pin pin(*this);
  if (options.from < log_start_ || options.from > log_end_) {
    co_return fail(Errc::out_of_range, "offset " + options.from.to_string() + " is not between " +
                                           log_start_.to_string() + " and " + log_end_.to_string());
  }
  options.limit = std::min(options.limit, log_end_);
  while (options.from < options.limit) {
    if (closing_ && closed_) break;
    const auto first = tail_.first_offset();
    if (first && options.from >= *first) co_return tail_.read(options);
    Segment* segment = segments_.holding(options.from);
    if (!segment) break;
    const Offset base = segment->base();
    const uint64_t swaps = compaction_.swaps;
    const SegmentList::Reader reader(segments_.slot_of(*segment));
    const Status loaded = segment->loaded() ? Status{} : co_await segment->load();
    if (!loaded) co_return refuse_read(loaded.error());
    Result<SegmentSlice> read =
        co_await read_segment(disk_.cache(), *segment, options, disk_bytes(*segment));
    if (!read) co_return refuse_read(read.error());
    SegmentSlice& found = *read;
    // What does not fit is not skipped: the caller comes back with more room for it.
    if (found.slice.bytes > 0 || found.refused) co_return std::move(found.slice);
    // Compaction put another one in its place, which may hold what follows.
    if (swaps != compaction_.swaps) continue;
    // Nothing there: the rest of the segment was deleted by compaction, or is in the tail by now.
    const auto tail_first = tail_.first_offset();
    const Segment* next = segments_.after(base);
    if (tail_first && options.from < *tail_first && (!next || *tail_first <= next->base())) {
      options.from = *tail_first;
    } else if (next && next->base() > options.from) {
      options.from = next->base();
    } else {
      break;
    }
  }
  co_return LogSlice{};
}

uint64_t Partition::available_bytes(Offset from, Offset limit, uint64_t enough) const {
  if (from >= limit || from < log_start_) return 0;
  const auto first = tail_.first_offset();
  if (first && from >= *first) return tail_.available_bytes(from, limit, enough);
  // On disk: what lies between, as if batches were even. More is found than is said, never nothing.
  return enough;
}

// One batch of the tail; the slice keeps its bytes while they are looked at.
static LogSlice whole_batch(const Tail& tail, const TailBatch& batch) {
  return tail.read(
      {.from = batch.base, .bytes_max = 0, .limit = batch.last + 1, .at_least_one = true});
}

static Chain chain_of(const LogSlice& slice) {
  Chain out;
  for (const LogSlice::Piece& piece : slice.pieces) out.append(piece.bytes());
  return out;
}

static Result<std::optional<OffsetAndTime>> time_in_batch(const Chain& batch, Offset from,
                                                          int64_t timestamp_ms) {
  RecordReader reader(batch, kBatchBytesMax);
  for (;;) {
    TRY_ASSIGN(const auto record, reader.next());
    if (!record) return std::optional<OffsetAndTime>();
    const Offset offset = reader.offset_of(*record);
    if (offset < from || record->timestamp < timestamp_ms) continue;
    return OffsetAndTime{.offset = offset, .timestamp_ms = record->timestamp};
  }
}

Task<Partition::MaybeTime> Partition::tail_time(int64_t timestamp_ms, Offset limit) {
  // What retention or DeleteRecords took may still be in memory.
  const Offset start = log_start_;
  Offset from = std::max(tail_.first_offset().value_or(log_end_), start);
  while (const TailBatch* batch = tail_.find(from)) {
    if (batch->base >= limit) break;
    from = batch->last + 1;
    if (batch->max_timestamp < timestamp_ms) continue;
    const LogSlice held = whole_batch(tail_, *batch);
    CO_TRY_ASSIGN(auto found, co_await first_at_or_after(chain_of(held), timestamp_ms));
    if (found && found->offset < start) {
      CO_TRY_ASSIGN(found, time_in_batch(chain_of(held), start, timestamp_ms));
    }
    if (found && found->offset < limit) co_return found;
  }
  co_return std::optional<OffsetAndTime>();
}

Task<Partition::MaybeTime> Partition::segment_time(Offset base, int64_t timestamp_ms,
                                                   Offset limit) {
  Segment* segment = segments_.find(base);
  if (!segment || segment->max_timestamp_ms() < timestamp_ms) {
    co_return std::optional<OffsetAndTime>();
  }
  const uint64_t bytes = disk_bytes(*segment);
  if (bytes == 0) co_return std::optional<OffsetAndTime>();
  const SegmentList::Reader reader(segments_.slot_of(*segment));
  if (!segment->loaded()) CO_TRY(co_await segment->load());
  co_return co_await find_time(disk_.cache(), *segment, timestamp_ms, limit, bytes);
}

// Batch by batch: for the segment in which the log starts.
Task<Partition::MaybeTime> Partition::time_from(Offset from, int64_t timestamp_ms, Offset limit) {
  const Offset start = from;
  while (from < limit) {
    CO_TRY_ASSIGN(
        const LogSlice held,
        co_await read({.from = from, .bytes_max = 0, .limit = limit, .at_least_one = true}));
    if (held.bytes == 0) break;
    from = held.next;
    CO_TRY_ASSIGN(auto found, co_await first_at_or_after(chain_of(held), timestamp_ms));
    if (found && found->offset >= start && found->offset < limit) co_return found;
    // The first batch may begin below the log start: its later records are searched one by one.
    if (found && found->offset < start) {
      CO_TRY_ASSIGN(found, time_in_batch(chain_of(held), start, timestamp_ms));
      if (found && found->offset < limit) co_return found;
    }
  }
  co_return std::optional<OffsetAndTime>();
}

Task<Result<OffsetAndTime>> Partition::search_time(int64_t timestamp_ms, Offset limit) {
  std::vector<Offset> bases;
  for (size_t i = 0; i < segments_.size(); ++i) bases.push_back(segments_.at(i).base());
  for (const Offset base : bases) {
    if (const Segment* next = segments_.after(base); next && next->base() <= log_start_) continue;
    CO_TRY_ASSIGN(auto found, co_await segment_time(base, timestamp_ms, limit));
    // An earlier record would do but is deleted: look on from the log start.
    if (found && found->offset < log_start_) {
      CO_TRY_ASSIGN(found, co_await time_from(log_start_, timestamp_ms, limit));
    }
    if (!found) continue;
    found->epoch = epoch_of(found->offset);
    co_return *found;
  }
  CO_TRY_ASSIGN(auto found, co_await tail_time(timestamp_ms, limit));
  if (!found) co_return OffsetAndTime{};
  found->epoch = epoch_of(found->offset);
  co_return *found;
}

// Segments that compaction puts together while they are searched could be passed by: then again.
Task<Result<OffsetAndTime>> Partition::offset_for_time(int64_t timestamp_ms, Offset limit) {
  Pin pin(*this);
  limit = std::min(limit, log_end_);
  for (;;) {
    const uint64_t swaps = compaction_.swaps;
    Result<OffsetAndTime> found = co_await search_time(timestamp_ms, limit);
    if (!found || swaps == compaction_.swaps) co_return found;
  }
}

Task<Result<OffsetAndTime>> Partition::offset_of_max_time() {
  Pin pin(*this);
  for (;;) {
    const uint64_t swaps = compaction_.swaps;
    Result<OffsetAndTime> found = co_await search_max_time(high_watermark());
    if (!found || swaps == compaction_.swaps) co_return found;
  }
}

Task<Result<OffsetAndTime>> Partition::search_max_time(Offset limit) {
  int64_t most = -1;
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (segments_.at(i).base() < limit) most = std::max(most, segments_.at(i).max_timestamp_ms());
  }
  if (most < 0) co_return OffsetAndTime{};
  // The largest of all may belong to a batch that is not visible yet: then look below it.
  CO_TRY_ASSIGN(const OffsetAndTime found, co_await search_time(most, limit));
  if (found.offset.value >= 0) co_return found;
  co_return co_await visible_max_time(limit);
}

Task<Result<OffsetAndTime>> Partition::visible_max_time(Offset limit) {
  OffsetAndTime best;
  std::vector<Offset> bases;
  for (size_t i = 0; i < segments_.size(); ++i) bases.push_back(segments_.at(i).base());
  for (const Offset base : bases) {
    Segment* segment = segments_.find(base);
    const uint64_t bytes = segment ? disk_bytes(*segment) : 0;
    if (bytes == 0) continue;
    const SegmentList::Reader reader(segments_.slot_of(*segment));
    if (!segment->loaded()) CO_TRY(co_await segment->load());
    CO_TRY_ASSIGN(auto found, co_await find_max_time(disk_.cache(), *segment, bytes));
    if (found && found->offset < limit && found->timestamp_ms > best.timestamp_ms) best = *found;
  }
  Offset from = std::max(tail_.first_offset().value_or(log_end_), log_start_);
  while (const TailBatch* batch = tail_.find(from)) {
    if (batch->last >= limit) break;
    from = batch->last + 1;
    if (batch->max_timestamp <= best.timestamp_ms) continue;
    const LogSlice held = whole_batch(tail_, *batch);
    CO_TRY_ASSIGN(auto found, co_await first_of_max_time(chain_of(held)));
    if (found) best = *found;
  }
  best.epoch = epoch_of(best.offset);
  co_return best;
}

}  // namespace odradek::log
