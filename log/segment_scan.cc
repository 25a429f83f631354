#include "log/segment_scan.h"

#include <algorithm>

#include "log/limits.h"

namespace odradek::log {

using reactor::Task;

Result<std::unique_ptr<SegmentScan>> SegmentScan::start(Segment& segment, uint64_t from,
                                                        uint64_t to) {
  CHECK(from <= to, from, to);
  return std::unique_ptr<SegmentScan>(new SegmentScan(segment, from, to));
}

Task<Status> SegmentScan::read(uint64_t bytes_needed) {
  start_ = align_down(position_, kDiskBlockBytes);
  const uint64_t wanted = align_up(
      std::min(to_, position_ + std::max(bytes_needed, kScanBytes)) - start_, kDiskBlockBytes);
  if (buffer_.size() < wanted) buffer_ = AlignedBuffer(wanted);
  CO_TRY_ASSIGN(const size_t n, co_await segment_.read(buffer_.span().first(wanted), start_));
  length_ = std::min<uint64_t>(n, to_ - start_);
  co_return Status{};
}

Task<Result<WalkStep>> SegmentScan::next() {
  WalkStep step;
  step.position = position_;
  if (position_ == to_) co_return step;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const uint64_t held_to = start_ + length_;
    if (position_ >= start_ && position_ < held_to) {
      step = look_at_batch(Chain(BytesView(buffer_.data(), length_)), position_ - start_,
                           CrcCheck::no);
      step.position = position_;
      if (step.kind == WalkStep::Kind::batch) position_ += step.size_bytes;
      const bool more_helps =
          step.kind == WalkStep::Kind::truncated || step.kind == WalkStep::Kind::end_of_data;
      if (!more_helps) co_return step;
      if (step.kind == WalkStep::Kind::end_of_data && held_to - position_ >= kBatchHeaderBytes)
        break;
      if (held_to == to_) co_return step;
    }
    CO_TRY(co_await read(step.size_bytes));
  }
  step.kind = WalkStep::Kind::corrupt;
  step.reason = "no batch where one should be";
  co_return step;
}

Chain SegmentScan::batch(const WalkStep& step) const {
  return Chain(BytesView(buffer_.data() + (step.position - start_), step.size_bytes));
}

}  // namespace odradek::log
