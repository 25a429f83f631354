#include "log/batch/record.h"

#include <algorithm>

namespace odradek::log {

bool RecordScanner::in_varint() const {
  switch (stage_) {
    case Stage::length:
    case Stage::timestamp:
    case Stage::offset:
    case Stage::key_length:
    case Stage::value_length:
    case Stage::header_count:
    case Stage::header_key_length:
    case Stage::header_value_length: return true;
    default: return false;
  }
}

const uint8_t* RecordScanner::take_varint(const uint8_t* p, const uint8_t* end) {
  const size_t bytes_max = stage_ == Stage::timestamp ? kVarint64BytesMax : kVarint32BytesMax;
  while (p != end) {
    const uint8_t byte = *p++;
    if (stage_ != Stage::length && --body_left_ < 0) return nullptr;
    varint_ |= uint64_t{byte & 0x7fU} << (7 * varint_bytes_);
    ++varint_bytes_;
    if (byte < 0x80) {
      const uint64_t raw = varint_;
      varint_ = 0;
      varint_bytes_ = 0;
      return on_varint(raw) ? p : nullptr;
    }
    if (varint_bytes_ == bytes_max) return nullptr;
  }
  return p;
}

bool RecordScanner::skip_then(int32_t length, Stage skipping, Stage after) {
  skip_left_ = std::max(length, 0);
  stage_ = skip_left_ > 0 ? skipping : after;
  return skip_left_ <= body_left_;
}

void RecordScanner::next_header() {
  stage_ = headers_left_ > 0 ? Stage::header_key_length : Stage::finished;
  --headers_left_;
}

// A whole varint of the current stage is there.
bool RecordScanner::on_varint(uint64_t raw) {
  const int32_t value = unzigzag(static_cast<uint32_t>(raw));
  switch (stage_) {
    case Stage::length:
      body_left_ = value;
      stage_ = Stage::attributes;
      return value > 0;
    case Stage::timestamp:
      shape_.timestamp_delta = unzigzag(raw);
      stage_ = Stage::offset;
      return true;
    case Stage::offset:
      shape_.offset_delta = value;
      stage_ = Stage::key_length;
      return true;
    case Stage::key_length:
      shape_.key_bytes = value;
      return skip_then(value, Stage::key, Stage::value_length);
    case Stage::value_length:
      shape_.value_bytes = value;
      return skip_then(value, Stage::value, Stage::header_count);
    case Stage::header_count:
      shape_.header_count = value;
      if (value < 0 || value > body_left_) return false;
      headers_left_ = value;
      next_header();
      return true;
    case Stage::header_key_length:
      return value >= 0 && skip_then(value, Stage::header_key, Stage::header_value_length);
    default:  // header_value_length
      if (!skip_then(value, Stage::header_value, Stage::finished)) return false;
      if (skip_left_ == 0) next_header();
      return true;
  }
}

const uint8_t* RecordScanner::take_skipped(const uint8_t* p, const uint8_t* end) {
  const int64_t n = std::min<int64_t>(skip_left_, end - p);
  skip_left_ -= n;
  body_left_ -= n;
  if (skip_left_ > 0) return p + n;
  switch (stage_) {
    case Stage::key: stage_ = Stage::value_length; break;
    case Stage::value: stage_ = Stage::header_count; break;
    case Stage::header_key: stage_ = Stage::header_value_length; break;
    default: next_header(); break;
  }
  return p + n;
}

const uint8_t* RecordScanner::resume(const uint8_t* p, const uint8_t* end) {
  while (p && p != end && stage_ != Stage::finished) {
    if (in_varint()) {
      p = take_varint(p, end);
    } else if (stage_ == Stage::attributes) {
      shape_.attributes = static_cast<int8_t>(*p++);
      --body_left_;
      stage_ = Stage::timestamp;
    } else {
      p = take_skipped(p, end);
    }
  }
  if (p && stage_ == Stage::finished && body_left_ != 0) return nullptr;
  return p;
}

}  // namespace odradek::log
