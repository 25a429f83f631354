#include "log/batch/batch_builder.h"

#include <algorithm>

#include "log/batch/limits.h"

namespace odradek::log {
namespace {

size_t field_bytes(const std::optional<BytesView>& field) {
  if (!field) return varint_size(-1);
  return varint_size(static_cast<int64_t>(field->size())) + field->size();
}

size_t body_bytes(const Record& record, int32_t offset_delta, int64_t timestamp_delta) {
  size_t bytes = 1 + varint_size(timestamp_delta) + varint_size(offset_delta) +
                 field_bytes(record.key) + field_bytes(record.value) +
                 varint_size(static_cast<int64_t>(record.headers.size()));
  for (const RecordHeader& header : record.headers) {
    bytes += field_bytes(header.key) + field_bytes(header.value);
  }
  return bytes;
}

uint8_t* put_field(uint8_t* p, const std::optional<BytesView>& field) {
  if (!field) return put_varint(p, -1);
  p = put_varint(p, static_cast<int64_t>(field->size()));
  return std::copy(field->begin(), field->end(), p);
}

}  // namespace

size_t record_bytes(const Record& record, int32_t offset_delta, int64_t timestamp_delta) {
  const size_t body = body_bytes(record, offset_delta, timestamp_delta);
  return varint_size(static_cast<int64_t>(body)) + body;
}

BatchBuilder::BatchBuilder(const BatchOptions& options)
    : log_append_time_(options.log_append_time), out_(kBatchHeaderBytes) {
  header_.base_offset = options.base_offset;
  header_.leader_epoch = options.leader_epoch;
  header_.producer_id = options.producer_id;
  header_.producer_epoch = options.producer_epoch;
  header_.base_sequence = options.base_sequence;
  header_.attributes.bits = static_cast<int16_t>(options.compression.codec);
  header_.attributes.set(Attributes::kTransactional, options.transactional);
  header_.attributes.set(Attributes::kControl, options.control);
  header_.attributes.set(Attributes::kLogAppendTime, options.log_append_time.has_value());
  header_.attributes.set(Attributes::kDeleteHorizon, options.delete_horizon_ms.has_value());
  if (options.delete_horizon_ms) header_.base_timestamp = *options.delete_horizon_ms;
  if (options.compression.codec != Codec::none) {
    compressor_ = open_compressor(options.compression, out_, options.contexts);
  }
}

void BatchBuilder::append(const Record& record) {
  Record next = record;
  next.offset_delta = next_delta_;
  append_at_delta(next);
}

void BatchBuilder::append_at_delta(const Record& record) {
  CHECK(record.offset_delta >= next_delta_, record.offset_delta, next_delta_);
  if (header_.record_count == 0) {
    if (!header_.attributes.delete_horizon()) header_.base_timestamp = record.timestamp;
    header_.max_timestamp = record.timestamp;
  }
  header_.max_timestamp = std::max(header_.max_timestamp, record.timestamp);
  header_.last_offset_delta = record.offset_delta;
  next_delta_ = record.offset_delta + 1;
  ++header_.record_count;
  // Wraps as Kafka's does: either may be any number.
  const uint64_t delta =
      static_cast<uint64_t>(record.timestamp) - static_cast<uint64_t>(header_.base_timestamp);
  encode(record, record.offset_delta, static_cast<int64_t>(delta));
}

void BatchBuilder::end_at_delta(int32_t last_offset_delta) {
  CHECK(last_offset_delta >= header_.last_offset_delta, last_offset_delta);
  header_.last_offset_delta = last_offset_delta;
}

void BatchBuilder::encode(const Record& record, int32_t offset_delta, int64_t timestamp_delta) {
  const size_t body = body_bytes(record, offset_delta, timestamp_delta);
  const size_t bytes = varint_size(static_cast<int64_t>(body)) + body;
  std::vector<uint8_t>& to = compressor_ ? pending_ : out_;
  const size_t at = to.size();
  to.resize(at + bytes);
  uint8_t* p = put_varint(to.data() + at, static_cast<int64_t>(body));
  *p++ = static_cast<uint8_t>(record.attributes);
  p = put_varint(p, timestamp_delta);
  p = put_varint(p, offset_delta);
  p = put_field(p, record.key);
  p = put_field(p, record.value);
  p = put_varint(p, static_cast<int64_t>(record.headers.size()));
  for (const RecordHeader& header : record.headers) {
    p = put_field(put_field(p, header.key), header.value);
  }
  CHECK(p == to.data() + to.size(), bytes);
  records_bytes_ += bytes;
  flush_if_full();
}

void BatchBuilder::flush_if_full() {
  if (pending_.size() < kCompressSliceBytes) return;
  if (compressed_) compressed_ = compressor_->write(pending_);
  pending_.clear();
}

void BatchBuilder::complete_header() {
  if (log_append_time_) header_.max_timestamp = log_append_time_->ms;
  header_.length = static_cast<int32_t>(out_.size() - kBatchPrefixBytes);
  header_.write(out_);
  store_be(out_.data() + kCrcAt, batch_crc(out_));
}

Result<std::vector<uint8_t>> BatchBuilder::finish() {
  if (compressor_) {
    TRY(compressed_);
    TRY(compressor_->write(pending_));
    TRY(compressor_->finish());
  }
  if (out_.size() > kBatchBytesMax) return fail(Errc::too_large, "batch: larger than any can be");
  complete_header();
  return std::move(out_);
}

}  // namespace odradek::log
