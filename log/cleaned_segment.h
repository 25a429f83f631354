// The segment that compaction makes of one or several: written beside them as <base>.log.cleaned,
// complete and durable with its indexes before anybody hears of it. Owned by one cleaning.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "log/aligned_buffer.h"
#include "log/file_cache.h"
#include "log/segment.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

class LogDisk;

class CleanedSegment {
 public:
  CleanedSegment(LogDisk& disk, std::string directory, SegmentId id, SegmentOptions options);
  CleanedSegment(const CleanedSegment&) = delete;
  CleanedSegment& operator=(const CleanedSegment&) = delete;
  // REQUIRES: take() or abandon() ran.
  ~CleanedSegment();

  // Removes what an earlier attempt left under its names.
  reactor::Task<Status> begin();
  // The next batch, whole, with its offsets. Errc::disk_full when the space for it would eat into
  // the reserve: nothing is retried, abandon() follows. Errc::too_large when a segment cannot hold
  // it.
  reactor::Task<Status> append(const BatchHeader& header, BytesView batch);
  // Ends the file and makes all of it durable; the segment goes up to `next`.
  reactor::Task<Status> finish(Offset next);
  uint64_t bytes() const { return segment_->size_bytes(); }
  // After finish(): the segment, its files still marked.
  std::unique_ptr<Segment> take() { return std::move(segment_); }
  // Removes the files.
  reactor::Task<void> abandon();

 private:
  reactor::Task<Status> write_out(uint64_t bytes);
  reactor::Task<Status> reserve(uint64_t bytes);

  // Fixed at construction.
  LogDisk& disk_;
  std::unique_ptr<Segment> segment_;
  // Written by append().
  AlignedBuffer buffer_;
  uint64_t held_ = 0;      // bytes in the buffer,
  uint64_t written_ = 0;   // and before it in the file; a multiple of 4 KiB
  uint64_t unsynced_ = 0;  // of them, since the last sync
};

}  // namespace odradek::log
