#include "log/batch/batch.h"

#include <array>
#include <limits>

namespace odradek::log {

BatchHeader BatchHeader::parse(BytesView bytes) {
  CHECK(bytes.size() >= kBatchHeaderBytes, bytes.size());
  const uint8_t* p = bytes.data();
  BatchHeader h;
  h.base_offset = Offset(load_be<int64_t>(p + kBaseOffsetAt));
  h.length = load_be<int32_t>(p + kLengthAt);
  h.leader_epoch = LeaderEpoch(load_be<int32_t>(p + kLeaderEpochAt));
  h.magic = static_cast<int8_t>(p[kMagicAt]);
  h.crc = load_be<uint32_t>(p + kCrcAt);
  h.attributes.bits = load_be<int16_t>(p + kAttributesAt);
  h.last_offset_delta = load_be<int32_t>(p + kLastOffsetDeltaAt);
  h.base_timestamp = load_be<int64_t>(p + kBaseTimestampAt);
  h.max_timestamp = load_be<int64_t>(p + kMaxTimestampAt);
  h.producer_id = ProducerId(load_be<int64_t>(p + kProducerIdAt));
  h.producer_epoch = ProducerEpoch(load_be<int16_t>(p + kProducerEpochAt));
  h.base_sequence = load_be<int32_t>(p + kBaseSequenceAt);
  h.record_count = load_be<int32_t>(p + kRecordCountAt);
  return h;
}

BatchHeader BatchHeader::parse(const Chain& bytes) {
  if (bytes.part_count() > 0 && bytes.part(0).size() >= kBatchHeaderBytes) {
    return parse(bytes.part(0));
  }
  std::array<uint8_t, kBatchHeaderBytes> header;
  bytes.copy_out(0, header);
  return parse(header);
}

void BatchHeader::write(MutableBytes to) const {
  CHECK(to.size() >= kBatchHeaderBytes, to.size());
  uint8_t* p = to.data();
  store_be(p + kBaseOffsetAt, base_offset.value);
  store_be(p + kLengthAt, length);
  store_be(p + kLeaderEpochAt, leader_epoch.value);
  p[kMagicAt] = static_cast<uint8_t>(magic);
  store_be(p + kCrcAt, crc);
  store_be(p + kAttributesAt, attributes.bits);
  store_be(p + kLastOffsetDeltaAt, last_offset_delta);
  store_be(p + kBaseTimestampAt, base_timestamp);
  store_be(p + kMaxTimestampAt, max_timestamp);
  store_be(p + kProducerIdAt, producer_id.value);
  store_be(p + kProducerEpochAt, producer_epoch.value);
  store_be(p + kBaseSequenceAt, base_sequence);
  store_be(p + kRecordCountAt, record_count);
}

int32_t BatchHeader::last_sequence() const {
  if (base_sequence < 0 || last_offset_delta < 0) return kNoSequence;
  return sequence_after(base_sequence, last_offset_delta);
}

int32_t sequence_after(int32_t sequence, int32_t count) {
  CHECK(sequence >= 0 && count >= 0, sequence, count);
  constexpr int32_t kLast = std::numeric_limits<int32_t>::max();
  if (sequence <= kLast - count) return sequence + count;
  return count - (kLast - sequence) - 1;
}

uint32_t batch_crc(BytesView batch) {
  CHECK(batch.size() >= kBatchHeaderBytes, batch.size());
  return crc32c(0, batch.subspan(kAttributesAt));
}

uint32_t batch_crc(const Chain& batch) {
  CHECK(batch.size() >= kBatchHeaderBytes, batch.size());
  uint32_t crc = 0;
  size_t skip = kAttributesAt;
  for (size_t i = 0; i < batch.part_count(); ++i) {
    const BytesView part = batch.part(i);
    const size_t skipped = std::min(skip, part.size());
    skip -= skipped;
    crc = crc32c(crc, part.subspan(skipped));
  }
  return crc;
}

void assign(MutableBytes header, Offset base, LeaderEpoch epoch) {
  CHECK(header.size() >= kBatchHeaderBytes, header.size());
  store_be(header.data() + kBaseOffsetAt, base.value);
  store_be(header.data() + kLeaderEpochAt, epoch.value);
}

void set_max_timestamp(MutableBytes header, TimestampType type, int64_t max_timestamp,
                       uint64_t records_bytes) {
  CHECK(header.size() >= kBatchHeaderBytes, header.size());
  uint8_t* p = header.data();
  const BytesView covered = header.subspan(kAttributesAt, kBatchHeaderBytes - kAttributesAt);
  Attributes attributes{load_be<int16_t>(p + kAttributesAt)};
  const bool unchanged =
      attributes.timestamp_type() == type && load_be<int64_t>(p + kMaxTimestampAt) == max_timestamp;
  if (unchanged) return;
  const uint32_t before = crc32c(0, covered);
  attributes.bits &= Attributes::kDefinedMask;
  attributes.set(Attributes::kLogAppendTime, type == TimestampType::log_append_time);
  store_be(p + kAttributesAt, attributes.bits);
  store_be(p + kMaxTimestampAt, max_timestamp);
  const uint32_t after = crc32c(0, covered);
  store_be(p + kCrcAt, load_be<uint32_t>(p + kCrcAt) ^ crc32c_shift(before ^ after, records_bytes));
}

}  // namespace odradek::log
