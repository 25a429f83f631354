// Walks the batches of a segment's file from front to back, reading it in large pieces. For replay:
// nothing is cached, headers only are looked at. The segment outlives it.
#pragma once

#include <cstdint>
#include <memory>

#include "log/aligned_buffer.h"
#include "log/batch/batch_walker.h"
#include "log/segment.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

class SegmentScan {
 public:
  // From the batch at `from` up to `to`, the end of a batch. REQUIRES: all of it is on disk.
  static Result<std::unique_ptr<SegmentScan>> start(Segment& segment, uint64_t from, uint64_t to);

  // The next batch; end_of_data at `to`; truncated where a batch goes on behind `to`. corrupt is
  // where it stopped for good.
  reactor::Task<Result<WalkStep>> next();
  // The bytes of the batch that next() returned; valid until the next call.
  Chain batch(const WalkStep& step) const;

 private:
  SegmentScan(Segment& segment, uint64_t from, uint64_t to)
      : segment_(segment), to_(to), position_(from) {}
  reactor::Task<Status> read(uint64_t bytes_needed);

  Segment& segment_;
  const uint64_t to_;
  uint64_t position_;    // of the next batch
  uint64_t start_ = 0;   // of what is in the buffer
  uint64_t length_ = 0;  // bytes in the buffer
  AlignedBuffer buffer_;
};

}  // namespace odradek::log
