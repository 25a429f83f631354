#include "log/segment_reader.h"

#include <algorithm>
#include <array>

#include "log/batch/batch_walker.h"
#include "log/batch/limits.h"
#include "log/batch/record_reader.h"
#include "reactor/base/check.h"

namespace odradek::log {

using reactor::Task;

// A loop that meets only cached units yields after so many batches.
static constexpr uint32_t kBatchesPerTurn = 256;
// Units that a large read asks for at once, and that follow a read which goes on.
static constexpr uint32_t kReadAheadUnits = 4;

namespace {

// Reads headers and pieces of one segment, holding the unit it used last.
class SegmentCursor {
 public:
  SegmentCursor(ReadCache& cache, Segment& segment, uint64_t disk_bytes)
      : cache_(cache), segment_(segment), disk_bytes_(disk_bytes) {}

  // The batch that begins at `position`.
  Task<Result<BatchAt>> at(uint64_t position);
  // Adds the bytes of `batch` to `slice`, checked.
  Task<Status> take(BatchAt batch, LogSlice& slice);
  uint64_t disk_bytes() const { return disk_bytes_; }
  Offset base() const { return segment_.base(); }
  std::unexpected<Error> corrupt(uint64_t position, std::string_view why) const {
    return fail(Errc::corrupt, segment_.path(kLogSuffix) + ": batch at position " +
                                   std::to_string(position) + ": " + std::string(why));
  }

 private:
  Task<Status> use(uint32_t unit);
  Task<Status> add_pieces(const BatchAt& batch, LogSlice& slice, uint32_t& crc, bool& checked);

  ReadCache& cache_;
  Segment& segment_;
  uint64_t disk_bytes_;
  std::optional<uint32_t> unit_;
  CachedUnit held_;
  uint32_t steps_ = 0;
};

Task<Status> SegmentCursor::use(uint32_t unit) {
  if (unit_ == unit) co_return Status{};
  unit_.reset();
  held_ = CachedUnit{};
  const uint64_t left = disk_bytes_ - uint64_t{unit} * kReadUnitBytes;
  const auto length = static_cast<uint32_t>(std::min<uint64_t>(left, kReadUnitBytes));
  CO_TRY_ASSIGN(held_, co_await cache_.get(segment_, unit, length));
  unit_ = unit;
  co_return Status{};
}

Task<Result<BatchAt>> SegmentCursor::at(uint64_t position) {
  if (++steps_ % kBatchesPerTurn == 0) co_await reactor::yield();
  if (position + kBatchHeaderBytes > disk_bytes_) co_return corrupt(position, "cut");
  std::array<uint8_t, kBatchHeaderBytes> raw;
  for (size_t have = 0; have < raw.size();) {
    CO_TRY(co_await use(static_cast<uint32_t>((position + have) / kReadUnitBytes)));
    const size_t from = (position + have) % kReadUnitBytes;
    const size_t n = std::min(raw.size() - have, held_.length - from);
    std::copy_n(held_.lease.bytes().data() + from, n, raw.data() + have);
    have += n;
  }
  const WalkStep step = look_at_batch(Chain(BytesView(raw)), 0, CrcCheck::no);
  if (step.kind == WalkStep::Kind::corrupt) co_return corrupt(position, step.reason);
  if (step.kind == WalkStep::Kind::end_of_data) co_return corrupt(position, "zeros");
  if (position + step.size_bytes > disk_bytes_) co_return corrupt(position, "cut");
  co_return BatchAt{step.header, position};
}

Task<Status> SegmentCursor::add_pieces(const BatchAt& batch, LogSlice& slice, uint32_t& crc,
                                       bool& checked) {
  for (uint64_t position = batch.position; position < batch.end();) {
    CO_TRY(co_await use(static_cast<uint32_t>(position / kReadUnitBytes)));
    const auto from = static_cast<uint32_t>(position % kReadUnitBytes);
    const auto n =
        static_cast<uint32_t>(std::min<uint64_t>(batch.end() - position, held_.length - from));
    const uint64_t skip = std::max(position, batch.position + kAttributesAt) - position;
    checked = checked && held_.checked;
    if (skip < n) crc = crc32c(crc, held_.lease.bytes().subspan(from + skip, n - skip));
    LogSlice::Piece* last = slice.pieces.empty() ? nullptr : &slice.pieces.back();
    if (last && from > 0 && last->lease.bytes().data() == held_.lease.bytes().data()) {
      last->length += n;
    } else {
      slice.pieces.push_back({held_.lease.share(), from, n});
    }
    slice.bytes += n;
    position += n;
  }
  co_return Status{};
}

Task<Status> SegmentCursor::take(BatchAt batch, LogSlice& slice) {
  const size_t pieces = slice.pieces.size();
  const uint32_t last_length = pieces > 0 ? slice.pieces.back().length : 0;
  const uint64_t bytes = slice.bytes;
  uint32_t crc = 0;
  bool checked = true;
  Status added = co_await add_pieces(batch, slice, crc, checked);
  if (added && !checked && crc != batch.header.crc)
    added = corrupt(batch.position, "checksum mismatch");
  if (!added) {
    slice.pieces.resize(pieces);
    if (pieces > 0) slice.pieces.back().length = last_length;
    slice.bytes = bytes;
    co_return added;
  }
  if (slice.first.value < 0) slice.first = batch.header.base_offset;
  slice.next = batch.header.next_offset();
  co_return Status{};
}

// The first batch from `position` on whose last offset is not below `offset`.
Task<Result<std::optional<BatchAt>>> walk_to(SegmentCursor& cursor, uint64_t position,
                                             Offset offset) {
  for (Offset least = cursor.base(); position < cursor.disk_bytes();) {
    CO_TRY_ASSIGN(const BatchAt batch, co_await cursor.at(position));
    if (batch.header.base_offset < least) co_return cursor.corrupt(position, "its offsets go back");
    if (batch.header.last_offset() >= offset) co_return std::optional(batch);
    least = batch.header.next_offset();
    position = batch.end();
  }
  co_return std::optional<BatchAt>();
}

// Where to start looking for `offset`: the last index entry whose batch holds the entry's offset.
Task<Result<uint64_t>> believed_position(SegmentCursor& cursor, Segment& segment, Offset offset) {
  CO_TRY(co_await segment.load());
  IndexEntry entry = segment.index().lookup(offset);
  while (entry.position > 0) {
    if (entry.position < cursor.disk_bytes()) {
      const Result<BatchAt> batch = co_await cursor.at(entry.position);
      if (!batch && batch.error().code != Errc::corrupt) co_return fail(batch.error());
      const bool holds = batch && batch->header.base_offset <= entry.offset &&
                         entry.offset <= batch->header.last_offset();
      if (holds) co_return uint64_t{entry.position};
      CO_TRY(co_await segment.load());
    }
    entry = segment.index().before(entry.position);
  }
  co_return uint64_t{0};
}

Task<Result<std::optional<BatchAt>>> find_with(SegmentCursor& cursor, Segment& segment,
                                               Offset offset) {
  CO_TRY_ASSIGN(const uint64_t position, co_await believed_position(cursor, segment, offset));
  co_return co_await walk_to(cursor, position, offset);
}

Chain chain_of(const LogSlice& slice) {
  Chain chain;
  for (const LogSlice::Piece& piece : slice.pieces) chain.append(piece.bytes());
  return chain;
}

bool fits(const ReadOptions& options, const LogSlice& slice, const BatchHeader& header) {
  if (header.next_offset() > options.limit) return false;
  if (slice.pieces.empty() && options.at_least_one) return true;
  return slice.bytes + static_cast<uint64_t>(header.size_bytes()) <= options.bytes_max;
}

}  // namespace

Task<Result<std::optional<BatchAt>>> find_batch(ReadCache& cache, Segment& segment, Offset offset,
                                                uint64_t disk_bytes) {
  SegmentCursor cursor(cache, segment, disk_bytes);
  co_return co_await find_with(cursor, segment, offset);
}

Task<Result<SegmentSlice>> read_segment(ReadCache& cache, Segment& segment, ReadOptions options,
                                        uint64_t disk_bytes) {
  SegmentCursor cursor(cache, segment, disk_bytes);
  SegmentSlice out;
  CO_TRY_ASSIGN(std::optional<BatchAt> batch, co_await find_with(cursor, segment, options.from));
  out.next_position = batch ? batch->position : disk_bytes;
  const auto unit = static_cast<uint32_t>(out.next_position / kReadUnitBytes);
  if (batch && fits(options, out.slice, batch->header)) {
    const uint64_t units = std::min<uint64_t>(options.bytes_max / kReadUnitBytes, kReadAheadUnits);
    cache.read_ahead(segment, unit + 1, static_cast<uint32_t>(units), disk_bytes);
  }
  while (batch && fits(options, out.slice, batch->header)) {
    const Status taken = co_await cursor.take(*batch, out.slice);
    // What is good is served; the next read begins at the damage and says so.
    if (!taken && taken.error().code == Errc::corrupt && !out.slice.pieces.empty()) co_return out;
    CO_TRY(taken);
    out.next_position = batch->end();
    if (out.next_position >= disk_bytes) co_return out;
    const Result<BatchAt> next = co_await cursor.at(out.next_position);
    if (!next && next.error().code == Errc::corrupt) co_return out;
    CO_TRY_ASSIGN(batch, next);
    // Offsets lie outside a batch's checksum: the next read names the damage.
    if (batch->header.base_offset < out.slice.next) co_return out;
  }
  out.refused = batch.has_value();
  // Full before the end: this reader will come back for what follows.
  if (batch && !out.slice.pieces.empty() && batch->header.next_offset() <= options.limit) {
    const auto next_unit = static_cast<uint32_t>(out.next_position / kReadUnitBytes);
    cache.read_ahead(segment, next_unit + 1, kReadAheadUnits, disk_bytes);
  }
  co_return out;
}

// The first record of `batch` for which `wanted` holds.
template <class Wanted>
static Task<Result<std::optional<OffsetAndTime>>> first_record(Chain batch, Wanted wanted) {
  RecordReader reader(batch, batch_expansion_bytes_max(batch.size()));
  for (uint32_t seen = 1;; ++seen) {
    const Result<std::optional<Record>> record = reader.next();
    if (!record) {
      co_return fail(Errc::corrupt, "batch at offset " + reader.header().base_offset.to_string() +
                                        ": " + record.error().context);
    }
    if (!*record) co_return std::optional<OffsetAndTime>();
    if (wanted((*record)->timestamp)) {
      co_return std::optional(OffsetAndTime{reader.offset_of(**record), (*record)->timestamp,
                                            reader.header().leader_epoch});
    }
    if (seen % kBatchesPerTurn == 0) co_await reactor::yield();
  }
}

Task<Result<std::optional<OffsetAndTime>>> first_at_or_after(Chain batch, int64_t timestamp_ms) {
  return first_record(std::move(batch), [timestamp_ms](int64_t t) { return t >= timestamp_ms; });
}

Task<Result<std::optional<OffsetAndTime>>> first_of_max_time(Chain batch) {
  const int64_t max = BatchHeader::parse(batch).max_timestamp;
  return first_record(std::move(batch), [max](int64_t t) { return t == max; });
}

Task<Result<std::optional<OffsetAndTime>>> find_time(ReadCache& cache, Segment& segment,
                                                     int64_t timestamp_ms, Offset limit,
                                                     uint64_t disk_bytes) {
  if (segment.max_timestamp_ms() < timestamp_ms) co_return std::optional<OffsetAndTime>();
  CO_TRY(co_await segment.load());
  const TimeEntry older = segment.time_index().before(timestamp_ms);
  const Offset from = older.timestamp_ms < 0 ? segment.base() : older.offset + 1;
  SegmentCursor cursor(cache, segment, disk_bytes);
  CO_TRY_ASSIGN(std::optional<BatchAt> batch, co_await find_with(cursor, segment, from));
  while (batch && batch->header.base_offset < limit) {
    if (batch->header.max_timestamp >= timestamp_ms) {
      LogSlice slice;
      CO_TRY(co_await cursor.take(*batch, slice));
      CO_TRY_ASSIGN(const auto found, co_await first_at_or_after(chain_of(slice), timestamp_ms));
      if (found) co_return found->offset < limit ? found : std::nullopt;
    }
    const uint64_t position = batch->end();
    CO_TRY_ASSIGN(batch, co_await walk_to(cursor, position, Offset(0)));
  }
  co_return std::optional<OffsetAndTime>();
}

// The batch on disk from which on the largest timestamp on disk may be: the newest that the time
// index names, since what it names first had the largest timestamp so far.
static Task<Result<std::optional<BatchAt>>> newest_by_time(SegmentCursor& cursor,
                                                           Segment& segment) {
  std::vector<Offset> named;
  for (size_t i = 0; i < segment.time_index().size(); ++i) {
    named.push_back(segment.time_index().entry(i).offset);
  }
  for (; !named.empty(); named.pop_back()) {
    CO_TRY_ASSIGN(const auto batch, co_await find_with(cursor, segment, named.back()));
    if (batch) co_return batch;
  }
  co_return co_await walk_to(cursor, 0, segment.base());
}

Task<Result<std::optional<OffsetAndTime>>> find_max_time(ReadCache& cache, Segment& segment,
                                                         uint64_t disk_bytes) {
  CO_TRY(co_await segment.load());
  SegmentCursor cursor(cache, segment, disk_bytes);
  std::optional<BatchAt> best;
  if (segment.max_timestamp_offset().value >= 0) {
    CO_TRY_ASSIGN(best, co_await find_with(cursor, segment, segment.max_timestamp_offset()));
  }
  // A batch that compaction emptied tells a time that no record has.
  const bool emptied = best && best->header.record_count == 0;
  if (emptied) best.reset();
  if (!best) {
    CO_TRY_ASSIGN(std::optional<BatchAt> batch, emptied
                                                    ? co_await walk_to(cursor, 0, segment.base())
                                                    : co_await newest_by_time(cursor, segment));
    for (; batch;) {
      const bool any = batch->header.record_count > 0;
      if (any && (!best || batch->header.max_timestamp > best->header.max_timestamp)) best = batch;
      const uint64_t position = batch->end();
      CO_TRY_ASSIGN(batch, co_await walk_to(cursor, position, Offset(0)));
    }
  }
  if (!best) co_return std::optional<OffsetAndTime>();
  LogSlice slice;
  CO_TRY(co_await cursor.take(*best, slice));
  co_return co_await first_of_max_time(chain_of(slice));
}

}  // namespace odradek::log
