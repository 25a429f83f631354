// Large batches, which go past the WAL: whole blocks straight to the segment, what they have of the
// blocks at both ends through the WAL, and an extent record that says what must be in the segment.
//
//   | earlier batches | head | whole blocks .................. | end |
//                     +------+---------------------------------+-----+
//                       WAL            segment, WAL: extent       WAL
//
// The three records lie in one group. No block of the extent holds anything else, and it is written
// once: destage leaves it out. So nothing is lost when its write is torn: the batch ends there.
#include <algorithm>

#include "log/log_disk.h"
#include "log/partition.h"
#include "reactor/base/crc32c.h"

namespace odradek::log {

using reactor::Task;

// What the batch has of a block that is not its own.
void Partition::stage_edge(WalRecord record, uint64_t from, uint64_t to) {
  if (from == to) return;
  record.payload_hashed = true;
  record.last = Offset(-1);
  record.position = from;
  (void)disk_.wal().stage(record, tail_.view({record.segment_base, from}, to - from), flush_mode());
}

// The checksum of what the extent has, [from, to) of the batch's segment: the batch's own, less
// what both edges add to it. Nothing but the edges is hashed.
uint32_t Partition::extent_checksum(const TailBatch& batch, uint64_t from, uint64_t to) const {
  const FilePlace at = batch.at;
  const uint64_t hashed_from = at.position + kAttributesAt;
  if (from < hashed_from) return crc32c(0, tail_.view({at.segment, from}, to - from));
  const BatchHeader header = BatchHeader::parse(tail_.view(at, kBatchHeaderBytes));
  const uint64_t end = batch.end().position;
  const uint32_t front = crc32c(0, tail_.view({at.segment, hashed_from}, from - hashed_from));
  const uint32_t back = crc32c(0, tail_.view({at.segment, to}, end - to));
  const uint32_t rest = crc32c_without_front(header.crc, front, end - from);
  return crc32c_without_back(rest, back, end - to);
}

// REQUIRES: room for it in the group being collected.
WalSequence Partition::stage_extent(const TailBatch& batch, LeaderEpoch epoch) {
  WalRecord record = record_of(batch, epoch);
  const uint64_t begin = batch.at.position;
  const uint64_t end = begin + batch.bytes;
  const uint64_t from = align_up(begin, kDiskBlockBytes);
  const uint64_t to = align_down(end, kDiskBlockBytes);
  CHECK(from < to, begin, end);
  stage_edge(record, begin, from);
  stage_edge(record, to, end);
  record.kind = WalKind::extent;
  record.position = from;
  const auto payload =
      encode_wal_extent({.length = to - from, .checksum = extent_checksum(batch, from, to)});
  const WalSequence sequence = disk_.wal().stage(record, Chain(BytesView(payload)), flush_mode());
  extents_.push_back({.batch = batch, .from = from, .to = to});
  extents_in_file_ += to - from;
  disk_.note_extent(batch.bytes);
  ++extents_running_;
  disk_.spawn("write extent", write_extent(Pin(*this), extents_.back()));
  return sequence;
}

Task<Status> Partition::write_blocks_durable(Segment& segment, const Extent& extent) {
  const uint64_t bytes = extent.to - extent.from;
  CO_TRY(co_await segment.write_durable(extent.from,
                                        tail_.parts({segment.base(), extent.from}, bytes)));
  disk_.metrics().destaged_bytes.add(bytes);
  co_return Status{};
}

// `extent` stays where it is until it is destaged, which it is not before it is durable.
Task<void> Partition::write_extent(Pin pin, Extent& extent) {
  const auto done = [this] {
    if (disk_.fenced()) return;
    advance();
    publish();
    if (destage_bytes() >= kDestageRunBytes || disk_.extents_pressed()) disk_.destager().wake();
  };
  Segment* segment = segments_.find(extent.batch.at.segment);
  CHECK(segment != nullptr, extent.batch.at);
  Status status;
  // Alone, it is one operation; several share their syncs.
  const bool alone = extents_running_ == 1 && extent.to - extent.from <= kDestageWriteBytes;
  if (alone) {
    status = co_await write_blocks_durable(*segment, extent);
  } else {
    status = co_await write_blocks(*segment, extent.from, extent.to, WritePace::at_once);
    if (status) {
      extent.written = true;
      done();
      status = co_await segment->sync();
    }
  }
  if (status) {
    extent.written = extent.durable = true;
    done();
  } else {
    // Its place is taken: not even a full disk lets the log go on behind it.
    disk_.fence(status.error());
  }
  if (--extents_running_ == 0) extents_done_.notify_all();
}

Task<void> Partition::wait_extents() {
  Pin pin(*this);
  while (extents_running_ > 0) (void)co_await extents_done_.wait();
}

// The end of what is written, and of what is durable, over the WAL and the extents.
void Partition::advance() {
  Offset written = wal_written_;
  Offset durable = wal_durable_;
  FilePlace end = wal_durable_end_;
  for (const Extent& extent : extents_) {
    if (!extent.durable) {
      durable = std::min(durable, extent.batch.base);
      end = std::min(end, extent.batch.at);
    }
    if (!extent.written) {
      written = std::min(written, extent.batch.base);
      break;
    }
  }
  CHECK(written >= written_next_ && durable >= durable_next_, written, durable);
  CHECK(durable <= written && end >= durable_, durable, written, end);
  written_next_ = written;
  durable_next_ = durable;
  durable_ = end;
}

// Destage: what is in the file already stays as it is. REQUIRES: everything below `to` is durable.
Task<Status> Partition::write_around_extents(Segment& segment, uint64_t from, uint64_t to,
                                             WritePace pace) {
  // Appends go on meanwhile: they add extents, only set_destaged() takes any away.
  for (size_t i = 0; i < extents_.size(); ++i) {
    const Extent extent = extents_[i];
    if (extent.batch.at.segment != segment.base() || extent.to <= from) continue;
    if (extent.from >= to) break;
    CHECK(extent.durable && from <= extent.from && extent.to <= to, from, to, extent.batch.at);
    CO_TRY(co_await write_blocks(segment, from, extent.from, pace));
    from = extent.to;
  }
  co_return co_await write_blocks(segment, from, to, pace);
}

void Partition::forget_extents() {
  while (!extents_.empty() && extents_.front().end() <= destaged_) {
    const Extent& extent = extents_.front();
    disk_.forget_extent(extent.batch.bytes);
    extents_in_file_ -= extent.to - extent.from;
    extents_.pop_front();
  }
}

}  // namespace odradek::log
