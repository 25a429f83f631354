#include "log/batch/record_reader.h"

#include <algorithm>

#include "log/batch/limits.h"

namespace odradek::log {
namespace {

std::unexpected<Error> malformed(std::string_view what) {
  return fail(Errc::malformed, std::string("record: ").append(what));
}

std::optional<BytesView> field(const uint8_t* start, int32_t bytes) {
  if (bytes < 0) return std::nullopt;
  return BytesView(start, static_cast<size_t>(bytes));
}

}  // namespace

RecordReader::RecordReader(const Chain& batch, uint64_t output_bytes_max, CodecContexts* contexts)
    : RecordReader(BatchHeader::parse(batch),
                   batch.slice(kBatchHeaderBytes, batch.size() - kBatchHeaderBytes),
                   output_bytes_max, contexts) {}

RecordReader::RecordReader(const BatchHeader& header, Chain records, uint64_t output_bytes_max,
                           CodecContexts* contexts)
    : header_(header), records_left_(header.record_count) {
  if (const auto codec = header.attributes.codec()) {
    slices_ = open_slices(*codec, std::move(records), output_bytes_max, contexts);
  }
}

Status RecordReader::refill() {
  TRY_ASSIGN(slice_, slices_->read());
  return slice_.empty() ? malformed("the batch ends before its last record") : Status{};
}

Result<uint32_t> RecordReader::take_length() {
  uint32_t raw = 0;
  for (size_t i = 0; i < kVarint32BytesMax; ++i) {
    if (slice_.empty()) TRY(refill());
    const uint8_t byte = slice_.front();
    slice_ = slice_.subspan(1);
    raw |= static_cast<uint32_t>(byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    const int32_t length = unzigzag(raw);
    if (length < 0) return malformed("negative length");
    if (static_cast<size_t>(length) > kRecordBytesMax) {
      return fail(Errc::too_large, "record: larger than any can be");
    }
    return static_cast<uint32_t>(length);
  }
  return malformed("bad length");
}

// Gathers a record that the slice's end cuts, growing with the bytes that are really there.
Result<BytesView> RecordReader::assemble(size_t bytes) {
  assembled_.clear();
  while (assembled_.size() < bytes) {
    if (slice_.empty()) TRY(refill());
    const size_t n = std::min(bytes - assembled_.size(), slice_.size());
    assembled_.insert(assembled_.end(), slice_.begin(), slice_.begin() + static_cast<ptrdiff_t>(n));
    slice_ = slice_.subspan(n);
  }
  return BytesView(assembled_);
}

Result<BytesView> RecordReader::body() {
  TRY_ASSIGN(const uint32_t bytes, take_length());
  if (bytes > slice_.size()) return assemble(bytes);
  const BytesView whole = slice_.first(bytes);
  slice_ = slice_.subspan(bytes);
  return whole;
}

Status RecordReader::parse_headers(const uint8_t* p, const uint8_t* end, int32_t count) {
  headers_.clear();
  if (static_cast<size_t>(count) > kRecordHeadersMax) {
    return fail(Errc::too_large, "record: more headers than any can have");
  }
  for (int32_t i = 0; i < count; ++i) {
    const uint8_t* const after = skip_record_header(p, end);
    if (!after) return malformed("bad header");
    int32_t key_bytes = 0;
    const uint8_t* const key = get_varint32(p, end, key_bytes);
    int32_t value_bytes = 0;
    const uint8_t* const value = get_varint32(key + key_bytes, end, value_bytes);
    headers_.push_back({BytesView(key, static_cast<size_t>(key_bytes)), field(value, value_bytes)});
    p = after;
  }
  return p == end ? Status{} : malformed("bytes after the last header");
}

Result<std::optional<Record>> RecordReader::next() {
  if (!slices_) return fail(Errc::unsupported, "record: unknown compression type");
  if (records_left_ <= 0) return std::nullopt;
  --records_left_;
  TRY_ASSIGN(const BytesView bytes, body());
  const uint8_t* const end = bytes.data() + bytes.size();
  RecordShape shape;
  const uint8_t* const headers = parse_record_front(bytes.data(), end, shape);
  if (!headers) return malformed("bad structure");
  TRY(parse_headers(headers, end, shape.header_count));

  Record record;
  record.attributes = shape.attributes;
  record.offset_delta = shape.offset_delta;
  record.timestamp = header_.attributes.timestamp_type() == TimestampType::log_append_time
                         ? header_.max_timestamp
                         : static_cast<int64_t>(static_cast<uint64_t>(header_.base_timestamp) +
                                                static_cast<uint64_t>(shape.timestamp_delta));
  record.key = field(shape.key, shape.key_bytes);
  record.value = field(shape.value, shape.value_bytes);
  record.headers = headers_;
  return record;
}

}  // namespace odradek::log
