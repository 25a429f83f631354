#include "log/segment_walk.h"

#include <algorithm>

namespace odradek::log {

size_t SegmentWalk::take_header(BytesView bytes) {
  const size_t n = std::min(bytes.size(), kBatchHeaderBytes - have_);
  std::copy_n(bytes.begin(), n, raw_.begin() + static_cast<ptrdiff_t>(have_));
  have_ += n;
  return n;
}

size_t SegmentWalk::take_body(BytesView bytes) {
  const size_t n = std::min<uint64_t>(bytes.size(), end_ - position_);
  crc_ = crc32c(crc_, bytes.first(n));
  return n;
}

std::unexpected<Error> SegmentWalk::corrupt(std::string_view why) const {
  return fail(Errc::corrupt,
              "batch at position " + std::to_string(batch_) + ": " + std::string(why));
}

Status SegmentWalk::parse() {
  const WalkStep step = look_at_batch(Chain(BytesView(raw_)), 0, CrcCheck::no);
  if (step.kind == WalkStep::Kind::corrupt) return corrupt(step.reason);
  if (step.kind == WalkStep::Kind::end_of_data) return corrupt("zeros");
  header_ = step.header;
  if (header_.base_offset < next_) return corrupt("its offsets go back");
  if (header_.base_offset - base_ > INT32_MAX - int64_t{header_.last_offset_delta}) {
    return corrupt("its offsets do not fit the segment");
  }
  end_ = batch_ + step.size_bytes;
  crc_ = crc32c(0, BytesView(raw_).subspan(kAttributesAt));
  parsed_ = true;
  return {};
}

}  // namespace odradek::log
