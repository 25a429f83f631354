#include "log/checked_scan.h"

#include <algorithm>
#include <cstring>

#include "log/batch/batch_walker.h"
#include "log/batch/limits.h"
#include "log/limits.h"

namespace odradek::log {

using reactor::Task;

static_assert(kCleanReadBytes % kReadUnitBytes == 0);

CheckedScan::CheckedScan(Segment& segment)
    : segment_(segment), size_(segment.size_bytes()), least_(segment.base()) {
  CHECK(segment.sealed(), segment.base());
}

std::unexpected<Error> CheckedScan::corrupt(uint64_t position, std::string_view why) const {
  return fail(Errc::corrupt, segment_.path(kLogSuffix) + ": position " + std::to_string(position) +
                                 ": " + std::string(why));
}

Task<Status> CheckedScan::check_units(uint64_t from, BytesView bytes) {
  for (; !bytes.empty(); from += kReadUnitBytes) {
    const BytesView unit = bytes.first(std::min<size_t>(bytes.size(), kReadUnitBytes));
    const auto expected = segment_.checksums().unit(static_cast<uint32_t>(from / kReadUnitBytes));
    // Unknown when the indexes were dropped meanwhile; the batches have checksums of their own.
    if (expected && segment_.checksums().checksum_of(unit) != *expected) {
      co_return corrupt(from, "checksum of what is on disk");
    }
    bytes = bytes.subspan(unit.size());
    co_await reactor::yield();
  }
  co_return Status{};
}

// Makes at least `bytes_wanted` bytes from at_ on available, as far as the segment goes.
Task<Status> CheckedScan::fill(uint64_t bytes_wanted) {
  const uint64_t left = end_ - at_;
  const uint64_t missing = bytes_wanted > left ? bytes_wanted - left : 0;
  const uint64_t piece = std::min(
      size_ - read_to_, std::max(kCleanReadBytes, align_up<uint64_t>(missing, kReadUnitBytes)));
  const uint64_t room = align_up(left, kDiskBlockBytes);
  const uint64_t aligned = align_up(piece, kDiskBlockBytes);
  AlignedBuffer grown;
  if (buffer_.size() < room + aligned) grown = AlignedBuffer(room + aligned);
  AlignedBuffer& to = grown.size() > 0 ? grown : buffer_;
  if (left > 0) std::memmove(to.data() + room - left, buffer_.data() + at_, left);
  if (grown.size() > 0) buffer_ = std::move(grown);
  at_ = room - left;
  CO_TRY(co_await segment_.load());
  CO_TRY_ASSIGN(const size_t n,
                co_await segment_.read(buffer_.span().subspan(room, aligned), read_to_));
  if (n < piece) co_return corrupt(read_to_ + n, "the file ends");
  CO_TRY(co_await check_units(read_to_, BytesView(buffer_.data() + room, piece)));
  end_ = room + piece;
  read_to_ += piece;
  co_return Status{};
}

Task<bool> CheckedScan::checksum_fits(BytesView batch, uint32_t expected) const {
  BytesView rest = batch.subspan(kAttributesAt);
  uint32_t crc = 0;
  while (!rest.empty()) {
    const BytesView slice = rest.first(std::min<size_t>(rest.size(), kCrcSliceBytes));
    crc = crc32c(crc, slice);
    rest = rest.subspan(slice.size());
    if (!rest.empty()) co_await reactor::yield();
  }
  co_return crc == expected;
}

Task<Result<std::optional<CheckedScan::Batch>>> CheckedScan::next() {
  if (position() == size_) co_return std::optional<Batch>();
  if (end_ - at_ < kBatchHeaderBytes && read_to_ < size_) CO_TRY(co_await fill(kBatchHeaderBytes));
  const uint64_t start = position();
  const auto look = [this] {
    return look_at_batch(Chain(BytesView(buffer_.data() + at_, end_ - at_)), 0, CrcCheck::no);
  };
  WalkStep step = look();
  if (step.kind == WalkStep::Kind::truncated && step.size_bytes <= size_ - start) {
    CO_TRY(co_await fill(step.size_bytes));
    step = look();
  }
  if (step.kind == WalkStep::Kind::corrupt) co_return corrupt(start, step.reason);
  if (step.kind != WalkStep::Kind::batch) co_return corrupt(start, "no whole batch");
  if (step.header.base_offset < least_ || step.header.next_offset() > segment_.next()) {
    co_return corrupt(start, "offsets that do not belong here");
  }
  const BytesView bytes(buffer_.data() + at_, step.size_bytes);
  if (!co_await checksum_fits(bytes, step.header.crc)) co_return corrupt(start, "bad checksum");
  least_ = step.header.next_offset();
  at_ += step.size_bytes;
  co_return std::optional(Batch{step.header, bytes});
}

}  // namespace odradek::log
