#include "log/batch/batch_walker.h"

#include <algorithm>
#include <array>

#include "log/batch/limits.h"

namespace odradek::log {
namespace {

bool all_zero(BytesView bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

WalkStep corrupt(WalkStep step, std::string_view reason) {
  step.kind = WalkStep::Kind::corrupt;
  step.reason = reason;
  return step;
}

// The `length` bytes that start `at` bytes into `part`. REQUIRES: they are there.
Chain cut_out(const Chain& bytes, size_t part, size_t at, uint64_t length) {
  Chain out;
  for (; length > 0; ++part, at = 0) {
    const BytesView whole = bytes.part(part).subspan(at);
    const size_t n = std::min<uint64_t>(whole.size(), length);
    out.append(whole.first(n));
    length -= n;
  }
  return out;
}

// Looks `at` bytes into `part`, which is `step.position`, with `left` bytes from there on.
WalkStep look(const Chain& bytes, size_t part, size_t at, uint64_t left, WalkStep step,
              CrcCheck crc) {
  std::array<uint8_t, kBatchHeaderBytes> raw{};
  const size_t seen = std::min<uint64_t>(left, raw.size());
  cut_out(bytes, part, at, seen).copy_out(0, MutableBytes(raw).first(seen));
  if (all_zero(BytesView(raw).first(seen))) return step;

  const BatchHeader header = BatchHeader::parse(raw);
  step.kind = WalkStep::Kind::truncated;
  if (seen >= kBatchPrefixBytes) {
    if (header.length < static_cast<int32_t>(kBatchHeaderBytes - kBatchPrefixBytes) ||
        header.size_bytes() > int64_t{kBatchBytesMax}) {
      return corrupt(step, "a length that no batch has");
    }
    step.size_bytes = static_cast<uint64_t>(header.size_bytes());
  }
  if (seen > kMagicAt && header.magic != kMagic) return corrupt(step, "not magic 2");
  if (seen < kBatchHeaderBytes) return step;
  step.header = header;
  if (header.last_offset_delta < 0 || header.record_count < 0 || header.base_offset.value < 0) {
    return corrupt(step, "negative offsets or record count");
  }
  if (left < step.size_bytes) return step;
  step.bytes = cut_out(bytes, part, at, step.size_bytes);
  if (crc == CrcCheck::yes && batch_crc(step.bytes) != header.crc) {
    return corrupt(step, "checksum mismatch");
  }
  step.kind = WalkStep::Kind::batch;
  return step;
}

}  // namespace

WalkStep look_at_batch(const Chain& bytes, uint64_t position, CrcCheck crc) {
  CHECK(position <= bytes.size(), position, bytes.size());
  const Chain rest = bytes.slice(position, bytes.size() - position);
  return look(rest, 0, 0, rest.size(), WalkStep{.position = position}, crc);
}

WalkStep BatchWalker::next() {
  WalkStep step =
      look(bytes_, part_, at_, bytes_.size() - position_, WalkStep{.position = position_}, crc_);
  if (step.kind != WalkStep::Kind::batch) return step;
  position_ += step.size_bytes;
  at_ += step.size_bytes;
  while (part_ < bytes_.part_count() && at_ >= bytes_.part(part_).size()) {
    at_ -= bytes_.part(part_).size();
    ++part_;
  }
  return step;
}

bool zeros_from(const Chain& bytes, uint64_t position) {
  const Chain rest = bytes.slice(position, bytes.size() - position);
  for (size_t i = 0; i < rest.part_count(); ++i) {
    if (!all_zero(rest.part(i))) return false;
  }
  return true;
}

}  // namespace odradek::log
