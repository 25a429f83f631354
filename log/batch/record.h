// One record inside a batch, and the scanner that walks records without needing them contiguous.
//
//   length varint | attributes int8 | timestamp delta varlong | offset delta varint
//   | key length varint, key | value length varint, value | header count varint
//   | { key length varint, key, value length varint, value } ...        (length -1: null)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "log/batch/fault.h"
#include "reactor/base/bytes.h"
#include "reactor/base/varint.h"

namespace odradek::log {

struct RecordHeader {
  BytesView key;                   // UTF-8, never null
  std::optional<BytesView> value;  // absent: null
  std::string_view name() const { return as_text(key); }
};

// A record, borrowed from wherever it was read or is to be written from.
struct Record {
  int64_t timestamp = 0;  // milliseconds, absolute
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  std::span<const RecordHeader> headers;
  int32_t offset_delta = 0;
  int8_t attributes = 0;  // no bit is defined yet

  size_t payload_bytes() const { return (key ? key->size() : 0) + (value ? value->size() : 0); }
};

// What validation wants to know of a record.
struct RecordShape {
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  int32_t key_bytes = -1;    // negative: null
  int32_t value_bytes = -1;  // negative: null
  int32_t header_count = 0;
  int8_t attributes = 0;
  // Where they start; set by parse_record_front() only.
  const uint8_t* key = nullptr;
  const uint8_t* value = nullptr;
};

// Everything between the length and the first header. Returns the byte after the header count, or
// nullptr for what Kafka's DefaultRecord refuses.
[[gnu::always_inline]] inline const uint8_t* parse_record_front(const uint8_t* p,
                                                                const uint8_t* end,
                                                                RecordShape& shape) {
  if (p == end) return nullptr;
  shape.attributes = static_cast<int8_t>(*p++);
  if (!(p = get_varint64(p, end, shape.timestamp_delta))) return nullptr;
  if (!(p = get_varint32(p, end, shape.offset_delta))) return nullptr;
  if (!(p = get_varint32(p, end, shape.key_bytes)) || end - p < shape.key_bytes) return nullptr;
  shape.key = p;
  if (shape.key_bytes > 0) p += shape.key_bytes;
  if (!(p = get_varint32(p, end, shape.value_bytes)) || end - p < shape.value_bytes) return nullptr;
  shape.value = p;
  if (shape.value_bytes > 0) p += shape.value_bytes;
  if (!(p = get_varint32(p, end, shape.header_count))) return nullptr;
  return shape.header_count >= 0 && shape.header_count <= end - p ? p : nullptr;
}

// Steps over one header. Returns nullptr when it is malformed.
inline const uint8_t* skip_record_header(const uint8_t* p, const uint8_t* end) {
  int32_t key_bytes = 0;
  if (!(p = get_varint32(p, end, key_bytes)) || key_bytes < 0 || end - p < key_bytes) {
    return nullptr;
  }
  p += key_bytes;
  int32_t value_bytes = 0;
  if (!(p = get_varint32(p, end, value_bytes)) || end - p < value_bytes) return nullptr;
  return value_bytes > 0 ? p + value_bytes : p;
}

// Walks the records of one batch, given in slices cut anywhere. Holds no bytes: a record that a
// slice cuts is followed field by field. Bounds nothing itself; the slices do.
class RecordScanner {
 public:
  explicit RecordScanner(int32_t record_count) : records_left_(record_count) {}

  // Calls `sink(const RecordShape&)` for each record that ends in `slice`. After a fault it is
  // spent.
  template <class Sink>
  BatchFault feed(BytesView slice, Sink&& sink) {
    const uint8_t* p = slice.data();
    const uint8_t* const end = p + slice.size();
    while (p != end) {
      if (stage_ == Stage::length && varint_bytes_ == 0) [[likely]]
        p = whole_records(p, end, sink);
      if (p == end) break;
      if (records_left_ <= 0) return BatchFault::records_remaining;
      p = resume(p, end);
      if (!p) return BatchFault::bad_record;
      if (stage_ != Stage::finished) continue;
      stage_ = Stage::length;
      --records_left_;
      sink(std::as_const(shape_));
    }
    return BatchFault::none;
  }
  // After the last slice.
  BatchFault finish() const {
    const bool complete = records_left_ <= 0 && stage_ == Stage::length && varint_bytes_ == 0;
    return complete ? BatchFault::none : BatchFault::records_missing;
  }
  int32_t records_left() const { return records_left_; }

 private:
  enum class Stage : uint8_t {
    length,
    attributes,
    timestamp,
    offset,
    key_length,
    key,
    value_length,
    value,
    header_count,
    header_key_length,
    header_key,
    header_value_length,
    header_value,
    finished
  };

  // Takes the well-formed records that lie in [p, end) as a whole; resume() decides about the rest.
  // The hot loop: everything it touches stays in registers.
  template <class Sink>
  const uint8_t* whole_records(const uint8_t* p, const uint8_t* end, Sink& sink) {
    int64_t left = records_left_;
    for (; left > 0; --left) {
      RecordShape shape;
      int32_t length = 0;
      const uint8_t* at = get_varint32(p, end, length);
      if (!at || length < 0 || end - at < length) break;
      const uint8_t* const next = at + length;
      at = parse_record_front(at, next, shape);
      for (int32_t i = shape.header_count; at && i > 0; --i) at = skip_record_header(at, next);
      if (at != next) break;
      sink(std::as_const(shape));
      p = next;
    }
    records_left_ = left;
    return p;
  }
  // Takes bytes until the slice or the record ends; nullptr for a malformed record.
  const uint8_t* resume(const uint8_t* p, const uint8_t* end);
  const uint8_t* take_varint(const uint8_t* p, const uint8_t* end);
  const uint8_t* take_skipped(const uint8_t* p, const uint8_t* end);
  bool on_varint(uint64_t raw);
  bool skip_then(int32_t length, Stage skipping, Stage after);
  void next_header();
  bool in_varint() const;

  RecordShape shape_;
  int64_t records_left_;
  // Of a record that a slice cut.
  Stage stage_ = Stage::length;
  uint64_t varint_ = 0;
  uint32_t varint_bytes_ = 0;
  int64_t body_left_ = 0;
  int64_t skip_left_ = 0;
  int32_t headers_left_ = 0;
};

}  // namespace odradek::log
