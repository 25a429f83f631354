#include "net/wire/reader.h"

#include <algorithm>
#include <bit>

#include "reactor/base/check.h"

namespace odradek::wire {

Reader::Reader(const Chain& frame, Scratch& scratch)
    : frame_(&frame), scratch_(scratch), limit_(frame.size()) {
  enter_part(0, 0);
}

Reader::Reader(BytesView frame, Scratch& scratch)
    : frame_(&own_), own_(frame), scratch_(scratch), limit_(frame.size()) {
  enter_part(0, 0);
}

Status Reader::status(std::string_view message) const {
  if (ok()) return {};
  std::string text(message);
  if (!text.empty()) text += ": ";
  text += std::string(failed_field_) + " at byte " + std::to_string(failed_at_) + ": " + failure_;
  return odradek::fail(Errc::malformed, std::move(text));
}

void Reader::fail(const char* field, const char* what) {
  if (!ok()) return;
  failure_ = what;
  failed_field_ = field;
  failed_at_ = offset();
  // Nothing is left to read: every later read takes its slow path and returns at once.
  limit_ = failed_at_;
  end_ = cursor_;
  window_end_ = failed_at_;
}

// Points the window at part `index`, which begins at `start` of the frame.
void Reader::enter_part(size_t index, size_t start) {
  part_ = index;
  part_start_ = start;
  const BytesView part = index < frame_->part_count() ? frame_->part(index) : BytesView{};
  cursor_ = part.data();
  clip_window();
}

// Sets end_ from the part and the limit. REQUIRES: cursor_ in the part.
void Reader::clip_window() {
  const BytesView part = part_ < frame_->part_count() ? frame_->part(part_) : BytesView{};
  const size_t left = limit_ > part_start_ ? limit_ - part_start_ : 0;
  const size_t size = std::min(part.size(), left);
  end_ = part.data() + size;
  window_end_ = part_start_ + size;
}

void Reader::copy_slow(uint8_t* to, size_t size, const char* field) {
  if (remaining() < size) return fail(field, "the input ends inside it");
  while (size > 0) {
    if (cursor_ == end_) enter_part(part_ + 1, part_start_ + frame_->part(part_).size());
    const size_t n = std::min(size, static_cast<size_t>(end_ - cursor_));
    std::memcpy(to, cursor_, n);
    cursor_ += n;
    to += n;
    size -= n;
  }
}

BytesView Reader::view(size_t size, const char* field) {
  if (static_cast<size_t>(end_ - cursor_) >= size) [[likely]] {
    const BytesView out(cursor_, size);
    cursor_ += size;
    return out;
  }
  if (remaining() < size) {
    fail(field, "its length is more than the bytes left");
    return {};
  }
  if (cursor_ == end_) {  // the value begins with the next part, and may lie within it
    enter_part(part_ + 1, part_start_ + frame_->part(part_).size());
    return view(size, field);
  }
  const MutableBytes copy = scratch_.allocate(size);
  copy_slow(copy.data(), size, field);
  return copy;
}

Chain Reader::chain(size_t size, const char* field) {
  Chain out;
  if (remaining() < size) {
    fail(field, "its length is more than the bytes left");
    return out;
  }
  while (size > 0) {
    if (cursor_ == end_) enter_part(part_ + 1, part_start_ + frame_->part(part_).size());
    const size_t n = std::min(size, static_cast<size_t>(end_ - cursor_));
    out.append({cursor_, n});
    cursor_ += n;
    size -= n;
  }
  return out;
}

void Reader::skip(size_t size, const char* field) {
  if (remaining() < size) return fail(field, "its length is more than the bytes left");
  while (size > 0) {
    if (cursor_ == end_) enter_part(part_ + 1, part_start_ + frame_->part(part_).size());
    const size_t n = std::min(size, static_cast<size_t>(end_ - cursor_));
    cursor_ += n;
    size -= n;
  }
}

size_t Reader::push_limit(size_t size, const char* field) {
  const size_t outer = limit_;
  if (remaining() < size) {
    fail(field, "its length is more than the bytes left");
    return outer;
  }
  limit_ = offset() + size;
  clip_window();
  return outer;
}

void Reader::pop_limit(size_t outer) {
  if (!ok()) return;
  CHECK(outer >= limit_, outer, limit_);
  limit_ = outer;
  clip_window();
}

uint64_t Reader::uvarint_slow(int bytes_max, int bits, const char* field) {
  uint64_t value = 0;
  for (int i = 0; i < bytes_max; ++i) {
    const auto byte = integer<uint8_t>(field);
    if (!ok()) return 0;
    const int shift = 7 * i;
    if (shift + 7 > bits && (byte >> (bits - shift)) != 0)
      break;  // bits beyond the type, or another byte
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  fail(field, "its varint is too long");
  return 0;
}

int32_t Reader::varint(const char* field) {
  const uint32_t raw = uvarint(field);
  return static_cast<int32_t>((raw >> 1) ^ (0 - (raw & 1)));
}

int64_t Reader::varlong(const char* field) {
  const uint64_t raw = uvarlong(field);
  return static_cast<int64_t>((raw >> 1) ^ (0 - (raw & 1)));
}

double Reader::float64(const char* field) {
  return std::bit_cast<double>(integer<uint64_t>(field));
}

Uuid Reader::uuid(const char* field) {
  Uuid out;
  if (static_cast<size_t>(end_ - cursor_) >= out.bytes.size()) [[likely]] {
    std::memcpy(out.bytes.data(), cursor_, out.bytes.size());
    cursor_ += out.bytes.size();
  } else {
    copy_slow(out.bytes.data(), out.bytes.size(), field);
  }
  return out;
}

// A length field: -1 for null, which fails unless `nullable`, or on a failure.
int64_t Reader::length(bool compact, bool nullable, bool is_short, const char* field) {
  int64_t out;
  if (compact) {
    out = int64_t{uvarint(field)} - 1;
  } else {
    out = is_short ? int64_t{integer<int16_t>(field)} : int64_t{integer<int32_t>(field)};
  }
  if (!ok()) return -1;
  if (out >= 0) return out;
  if (out < -1) {
    fail(field, "its length is negative");
  } else if (!nullable) {
    fail(field, "it is null, which this version does not allow");
  }
  return -1;
}

std::string_view Reader::string(bool compact, const char* field) {
  const int64_t size = length(compact, false, true, field);
  if (size > static_cast<int64_t>(string_size_max)) fail(field, "its length is over 32767");
  return size < 0 || !ok() ? std::string_view{} : as_text(view(static_cast<size_t>(size), field));
}

std::optional<std::string_view> Reader::nullable_string(bool compact, bool nullable,
                                                        const char* field) {
  const int64_t size = length(compact, nullable, true, field);
  if (size > static_cast<int64_t>(string_size_max)) fail(field, "its length is over 32767");
  if (size < 0 || !ok()) return std::nullopt;
  return as_text(view(static_cast<size_t>(size), field));
}

BytesView Reader::bytes(bool compact, const char* field) {
  const int64_t size = length(compact, false, false, field);
  return size < 0 ? BytesView{} : view(static_cast<size_t>(size), field);
}

std::optional<BytesView> Reader::nullable_bytes(bool compact, bool nullable, const char* field) {
  const int64_t size = length(compact, nullable, false, field);
  if (size < 0) return std::nullopt;
  return view(static_cast<size_t>(size), field);
}

std::optional<Chain> Reader::records(bool compact, bool nullable, const char* field) {
  const int64_t size = length(compact, nullable, false, field);
  if (size < 0) return std::nullopt;
  return chain(static_cast<size_t>(size), field);
}

int32_t Reader::array_length(bool compact, bool nullable, size_t element_size, const char* field) {
  const int64_t count = length(compact, nullable, false, field);
  if (count < 0) return -1;
  if (count > array_length_max) {
    fail(field, "it has more than 1,000,000 elements");
    return -1;
  }
  if (static_cast<size_t>(count) > remaining()) {
    fail(field, "it has more elements than bytes are left");
    return -1;
  }
  arrays_bytes_ += static_cast<size_t>(count) * element_size;
  if (arrays_bytes_ > decoded_arrays_bytes_max) {
    fail(field, "the message's arrays take too much memory");
    return -1;
  }
  return static_cast<int32_t>(count);
}

bool Reader::present(bool nullable, const char* field) {
  const auto marker = integer<int8_t>(field);
  if (!ok()) return false;
  if (marker >= 0) return true;
  if (!nullable) fail(field, "it is null, which this version does not allow");
  return false;
}

}  // namespace odradek::wire
