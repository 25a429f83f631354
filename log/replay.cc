#include "log/replay.h"

#include <algorithm>
#include <tuple>

#include "log/aligned_buffer.h"
#include "log/limits.h"
#include "log/segment_scan.h"
#include "reactor/base/crc32c.h"

namespace odradek::log {

using reactor::Task;

Replay::Replay(FileCache& files, std::string directory, const ManifestPartition& found)
    : files_(files), directory_(std::move(directory)), found_(found) {
  for (const auto& [epoch, start] : found.epochs) epochs_.assign(epoch, start);
}

std::string Replay::where(Offset segment, uint64_t position) const {
  return segment_path(directory_, segment, kLogSuffix) + " at " + std::to_string(position);
}

static SegmentFound found_of(const ManifestSegment& segment) {
  return {.size_bytes = segment.bytes,
          .next = segment.next,
          .max_timestamp_ms = segment.max_timestamp_ms,
          .max_timestamp_offset = segment.max_timestamp_offset,
          .sealed = segment.sealed};
}

// Starts at the recovery point. A block that was partly filled then is read: records may begin
// behind it.
Task<Status> Replay::begin() {
  const auto at = found_.segments.find(found_.recovery.segment_base);
  if (at == found_.segments.end()) {
    co_return fail(Errc::corrupt, directory_ + ": the manifest has no segment " +
                                      found_.recovery.segment_base.to_string());
  }
  segment_ = at->second;
  known_bytes_ = segment_.bytes;
  end_ = found_.recovery.position;
  written_ = align_down(end_, kDiskBlockBytes);
  if (end_ == written_) co_return Status{};
  Segment segment(files_, directory_, {found_.id, segment_.base}, {}, found_of(segment_));
  AlignedBuffer block(kDiskBlockBytes);
  const Result<size_t> n = co_await segment.read(block.span(), written_);
  CO_TRY(co_await segment.close());
  if (!n) co_return fail(n.error());
  if (*n < end_ - written_)
    co_return fail(Errc::corrupt, where(segment_.base, end_) + ": the file is shorter");
  image_.assign(block.data(), block.data() + (end_ - written_));
  co_return Status{};
}

// Absent when nothing of [record.position, end) is wanted.
std::optional<Replay::Piece> Replay::piece_of(const WalRecord& record, uint64_t end) const {
  const RecoveryPoint& from = found_.recovery;
  if (record.generation != found_.generation || !found_.segments.contains(record.segment_base)) {
    return std::nullopt;
  }
  if (record.segment_base < from.segment_base) return std::nullopt;
  const bool below = end <= align_down(from.position, kDiskBlockBytes);
  if (record.segment_base == from.segment_base && below) return std::nullopt;
  return Piece{record.segment_base, record.position, {}};
}

Status Replay::add(const WalRecord& record, BytesView payload) {
  std::optional<WalExtent> extent;
  if (record.kind == WalKind::extent) {
    extent = decode_wal_extent(payload);
    if (!extent || record.position % kDiskBlockBytes != 0 ||
        extent->length % kDiskBlockBytes != 0) {
      return fail(Errc::corrupt, where(record.segment_base, record.position) +
                                     ": an extent record that cannot be");
    }
  }
  auto piece = piece_of(record, record.position + (extent ? extent->length : payload.size()));
  if (!piece) return {};
  piece->extent = extent;
  if (!extent) piece->bytes.assign(payload.begin(), payload.end());
  pieces_.push_back(std::move(*piece));
  return {};
}

void Replay::add_broken(const WalRecord& record, BytesView payload) {
  auto piece = piece_of(record, record.position + payload.size());
  if (!piece) return;
  piece->broken = true;
  piece->bytes.resize(payload.size());
  pieces_.push_back(std::move(*piece));
}

// The first one is the one to tell.
void Replay::note_damage(std::string what) {
  if (damage_.empty()) damage_ = std::move(what);
}

Task<Result<bool>> Replay::apply(const Piece& piece) {
  if (piece.broken) co_return true;
  if (piece.segment > segment_.base) {
    CO_TRY_ASSIGN(const bool there, co_await advance_to(piece.segment));
    if (!there) co_return false;
  }
  const uint64_t end = piece.end();
  if (end <= written_) co_return true;
  if (piece.position > end_) {
    note_damage(where(segment_.base, end_) + ": bytes are gone up to " +
                std::to_string(piece.position) + ", where the write-ahead log goes on");
    co_return false;
  }
  if (piece.extent) co_return co_await apply_extent(piece);
  // Bytes below written_ are in the file; a carried record repeats them.
  const uint64_t skip = piece.position < written_ ? written_ - piece.position : 0;
  const uint64_t at = piece.position + skip - written_;
  if (image_.size() < end - written_) image_.resize(end - written_);
  std::memcpy(image_.data() + at, piece.bytes.data() + skip, piece.bytes.size() - skip);
  end_ = std::max(end_, end);
  changed_ = true;
  CO_TRY(co_await flush(false));
  co_return true;
}

Task<Result<bool>> Replay::apply_extent(const Piece& piece) {
  const uint64_t end = piece.end();
  if (end <= end_) co_return true;  // carried since
  if (piece.position != end_) {
    co_return fail(Errc::corrupt, where(segment_.base, piece.position) +
                                      ": an extent of other bytes up to " + std::to_string(end_));
  }
  // It begins with a block: the image ends with one, and is written as a whole.
  CO_TRY(co_await flush(true));
  CHECK(written_ == end_ && image_.empty(), written_, end_);
  Segment segment(files_, directory_, {found_.id, segment_.base}, {}, found_of(segment_));
  AlignedBuffer blocks(std::min<uint64_t>(end - piece.position, kDestageWriteBytes));
  uint32_t checksum = 0;
  uint64_t at = piece.position;
  Status status;
  while (status && at < end) {
    const uint64_t wanted = std::min<uint64_t>(end - at, kDestageWriteBytes);
    const Result<size_t> n = co_await segment.read(blocks.span().first(wanted), at);
    if (!n) {
      status = fail(n.error());
    } else if (*n < wanted) {
      break;
    } else {
      checksum = crc32c(checksum, blocks.span().first(wanted));
      at += wanted;
    }
  }
  const Status closed = co_await segment.close();
  CO_TRY(status);
  CO_TRY(closed);
  if (at < end || checksum != piece.extent->checksum) co_return false;
  // Read is not durable yet, when it was a process that ended and not the machine.
  changed_ = true;
  written_ = end_ = end;
  co_return true;
}

// Whole blocks once there are many, or everything, padded with zeros. Durable with settle().
Task<Status> Replay::flush(bool all) {
  if (!changed_ || (!all && image_.size() < kDestageWriteBytes)) co_return Status{};
  Segment segment(files_, directory_, {found_.id, segment_.base}, {}, found_of(segment_));
  AlignedBuffer blocks(
      align_up<uint64_t>(std::min<uint64_t>(image_.size(), kDestageWriteBytes), kDiskBlockBytes));
  Status status;
  while (status && (all ? !image_.empty() : image_.size() >= kDestageWriteBytes)) {
    const uint64_t n = std::min<uint64_t>(image_.size(), kDestageWriteBytes);
    const uint64_t padded = align_up(n, kDiskBlockBytes);
    std::memcpy(blocks.data(), image_.data(), n);
    std::memset(blocks.data() + n, 0, padded - n);
    status = co_await segment.write(written_, {{blocks.data(), padded}});
    image_.erase(image_.begin(), image_.begin() + static_cast<ptrdiff_t>(n));
    written_ += n;
  }
  const Status closed = co_await segment.close();
  co_return status ? closed : status;
}

const ManifestSegment* Replay::segment_after(Offset base) const {
  const auto next = found_.segments.upper_bound(base);
  return next == found_.segments.end() ? nullptr : &next->second;
}

// Looks at the batches from `from` on, as they are in the file now, and notes what they say.
Task<Status> Replay::walk(Segment& segment, uint64_t from) {
  CO_TRY_ASSIGN(std::unique_ptr<SegmentScan> scan, SegmentScan::start(segment, from, end_));
  for (;;) {
    CO_TRY_ASSIGN(const WalkStep step, co_await scan->next());
    if (step.kind != WalkStep::Kind::batch) {
      // A cut batch lacks its extent and was never acknowledged. Anything else was.
      if (step.kind == WalkStep::Kind::corrupt) {
        co_return fail(Errc::corrupt,
                       where(segment_.base, step.position) + ": " + std::string(step.reason));
      }
      co_return Status{};
    }
    if (batch_crc(scan->batch(step)) != step.header.crc) {
      co_return fail(Errc::corrupt, where(segment_.base, step.position) + ": checksum mismatch");
    }
    segment_.bytes = step.position + step.size_bytes;
    segment_.next = step.header.next_offset();
    if (step.header.max_timestamp > segment_.max_timestamp_ms) {
      segment_.max_timestamp_ms = step.header.max_timestamp;
      segment_.max_timestamp_offset = step.header.last_offset();
    }
    if (step.header.leader_epoch.value >= 0) {
      epochs_.assign(step.header.leader_epoch, step.header.base_offset);
    }
  }
}

// Writes what is left of the segment and finds out what its last whole batch is.
Task<Status> Replay::measure() {
  CO_TRY(co_await flush(true));
  Segment written(files_, directory_, {found_.id, segment_.base}, {},
                  SegmentFound{.size_bytes = end_, .next = segment_.next});
  const Status walked = co_await walk(written, known_bytes_);
  const Status closed = co_await written.close();
  CO_TRY(walked);
  CO_TRY(closed);
  const bool at_recovery_point = segment_.base == found_.recovery.segment_base;
  if (at_recovery_point && segment_.bytes < found_.recovery.position) {
    co_return fail(Errc::corrupt, where(segment_.base, segment_.bytes) +
                                      ": a batch is not whole that was on stable storage");
  }
  co_return Status{};
}

// Ends the segment, or cuts what is behind its last batch when the log goes on in it.
Task<Status> Replay::settle(bool goes_on) {
  Segment segment(files_, directory_, {found_.id, segment_.base}, {}, found_of(segment_));
  Status status;
  if (goes_on) {
    status = co_await segment.truncate(segment_.next, segment_.bytes);
  } else if (!segment.sealed()) {
    status = co_await segment.seal();
    segment_.sealed = true;
  }
  const Status closed = co_await segment.close();
  CO_TRY(status);
  CO_TRY(closed);
  edits_.push_back(SegmentSet{found_.id, segment_});
  co_return Status{};
}

void Replay::go_to(const ManifestSegment& next) {
  segment_ = next;
  known_bytes_ = end_ = written_ = 0;
  image_.clear();
  changed_ = false;
}

Task<Result<bool>> Replay::advance_to(Offset base) {
  while (segment_.base < base) {
    CO_TRY(co_await measure());
    const ManifestSegment next = *segment_after(segment_.base);
    if (next.base != segment_.next) {
      note_damage(where(segment_.base, end_) + ": the records from " + segment_.next.to_string() +
                  " to " + (next.base - 1).to_string() + " are gone, and later ones are not");
      co_return false;
    }
    CO_TRY(co_await settle(false));
    go_to(next);
  }
  co_return true;
}

// A broken record did no harm when another one repeats its bytes, or when the log ends before it
// for another reason.
void Replay::check_broken() {
  for (const Piece& piece : pieces_) {
    if (!piece.broken) continue;
    const bool passed = piece.segment < segment_.base;
    if (passed || (piece.segment == segment_.base && piece.end() <= end_)) continue;
    damage_ = where(piece.segment, piece.position) +
              ": the batch that belongs there has a bad checksum in the write-ahead log";
    return;
  }
}

Task<Status> Replay::apply_all() {
  std::ranges::sort(pieces_, {}, [](const Piece& piece) {
    return std::tuple(piece.segment, piece.position, piece.extent.has_value(), piece.end());
  });
  CO_TRY(co_await begin());
  bool extent_failed = false;
  for (const Piece& piece : pieces_) {
    CO_TRY_ASSIGN(const bool there, co_await apply(piece));
    if (there) continue;
    extent_failed = damage_.empty();
    break;
  }
  // Behind an extent that was never acknowledged nothing was.
  if (!extent_failed) check_broken();
  co_return Status{};
}

Task<Status> Replay::finish(std::vector<ManifestEdit>& edits) {
  if (found_.segments.empty()) co_return Status{};
  CO_TRY(co_await apply_all());
  // The manifest keeps what it knows of segments behind the damage.
  if (!damage_.empty() && segment_after(segment_.base)) co_return Status{};
  for (;;) {
    CO_TRY(co_await measure());
    const ManifestSegment* next = segment_after(segment_.base);
    const bool goes_on = !next || next->base != segment_.next;
    CO_TRY(co_await settle(goes_on));
    if (goes_on) break;
    go_to(*next);
  }
  // Segments that were begun behind a torn end never held anything that counts.
  for (const auto* next = segment_after(segment_.base); next; next = segment_after(next->base)) {
    edits_.push_back(SegmentRemoved{found_.id, next->base});
  }
  EpochsReplaced epochs{.id = found_.id, .epochs = {}};
  for (const EpochStart& entry : epochs_.entries()) epochs.epochs[entry.epoch] = entry.start;
  edits_.push_back(std::move(epochs));
  edits_.push_back(RecoveryPointSet{
      found_.id,
      {.offset = segment_.next, .segment_base = segment_.base, .position = segment_.bytes}});
  edits.insert(edits.end(), edits_.begin(), edits_.end());
  co_return Status{};
}

}  // namespace odradek::log
