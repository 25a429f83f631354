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

}  // namespace

WalkStep look_at_batch(const Chain& bytes, uint64_t position, CrcCheck crc) {
  CHECK(position <= bytes.size(), position, bytes.size());
  WalkStep step{.position = position};
  std::array<uint8_t, kBatchHeaderBytes> raw{};
  const uint64_t left = bytes.size() - position;
  const size_t seen = std::min<uint64_t>(left, raw.size());
  bytes.copy_out(position, MutableBytes(raw).first(seen));
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
  if (crc == CrcCheck::yes && batch_crc(bytes.slice(position, step.size_bytes)) != header.crc) {
    return corrupt(step, "checksum mismatch");
  }
  step.kind = WalkStep::Kind::batch;
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
