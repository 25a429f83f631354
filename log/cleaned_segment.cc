#include "log/cleaned_segment.h"

#include <algorithm>
#include <cstring>

#include "log/limits.h"
#include "log/log_disk.h"
#include "reactor/file.h"
#include "reactor/logger.h"

namespace odradek::log {

using reactor::Task;

CleanedSegment::CleanedSegment(LogDisk& disk, std::string directory, SegmentId id,
                               SegmentOptions options)
    : disk_(disk),
      segment_(std::make_unique<Segment>(disk.files(), std::move(directory), id, options,
                                         kCleanedSuffix)),
      buffer_(kCleanWriteBytes) {}

CleanedSegment::~CleanedSegment() { CHECK(!segment_); }

Task<Status> CleanedSegment::begin() { co_return co_await segment_->remove(); }

Task<Status> CleanedSegment::reserve(uint64_t bytes) {
  if (bytes <= segment_->allocated_bytes()) co_return Status{};
  // Doubling: small logs take little.
  const uint64_t target = bytes + std::min(bytes, kSegmentReserveBytes);
  CO_TRY_ASSIGN(const bool room, co_await disk_.has_space(target - segment_->allocated_bytes()));
  if (!room) co_return fail(Errc::disk_full, disk_.path() + " has no room for compaction");
  co_return co_await segment_->allocate(target);
}

// Writes the first `bytes` of the buffer, a multiple of 4 KiB.
Task<Status> CleanedSegment::write_out(uint64_t bytes) {
  CO_TRY(co_await reserve(written_ + bytes));
  CO_TRY(co_await segment_->write(written_, {{buffer_.data(), bytes}}));
  written_ += bytes;
  unsynced_ += bytes;
  held_ -= std::min(held_, bytes);
  if (held_ > 0) std::memmove(buffer_.data(), buffer_.data() + bytes, held_);
  // In steps: one large flush at the end would hold up those of the write-ahead log.
  if (unsynced_ < kCleanSyncBytes) co_return Status{};
  unsynced_ = 0;
  co_return co_await segment_->sync();
}

Task<Status> CleanedSegment::append(const BatchHeader& header, BytesView batch) {
  if (segment_->size_bytes() + batch.size() > kSegmentBytesMax) {
    co_return fail(Errc::too_large, segment_->path(kLogSuffix) + ": larger than a segment can be");
  }
  segment_->append(header, Chain(batch));
  while (!batch.empty()) {
    const size_t n = std::min<size_t>(batch.size(), buffer_.size() - held_);
    std::memcpy(buffer_.data() + held_, batch.data(), n);
    held_ += n;
    batch = batch.subspan(n);
    if (held_ == buffer_.size()) CO_TRY(co_await write_out(held_));
  }
  co_return Status{};
}

Task<Status> CleanedSegment::finish(Offset next) {
  if (held_ > 0) {
    const uint64_t padded = align_up(held_, kDiskBlockBytes);
    std::memset(buffer_.data() + held_, 0, padded - held_);
    CO_TRY(co_await write_out(padded));
  }
  CO_TRY(co_await segment_->seal());
  segment_->end_at(next);
  // Read back when somebody needs it: finer in memory than a closed segment wants.
  segment_->unload();
  co_return Status{};
}

Task<void> CleanedSegment::abandon() {
  if (!segment_) co_return;
  const std::unique_ptr<Segment> segment = std::move(segment_);
  const Status removed = co_await segment->remove();
  if (!removed) {
    reactor::log_warning("{}: what compaction began stays until the next start: {}",
                         segment->path(kLogSuffix), removed.error().to_string());
    (void)co_await segment->close();
  }
}

}  // namespace odradek::log
