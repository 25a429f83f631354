// Reads Kafka's primitive types from a frame that may lie in several blocks.
//
// The failure is sticky: after the first malformed value every read returns zero or empty and
// changes nothing, and status() tells which field of which message was wrong and where. So a
// decoder is a plain list of reads with one check at its end; only loops ask ok().
//
// Views: a returned string or BytesView points into the frame, or, when it lay across two blocks,
// into the Scratch. Both must outlive the decoded message. Records are never copied: they are a
// Chain of views into the frame.
//
// Owner: the decoding task; one core; a local variable. Bounds: limits.h. A length field never
// causes an allocation before as many bytes as it claims were seen to be there.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "net/wire/limits.h"
#include "net/wire/scratch.h"
#include "reactor/base/bytes.h"
#include "reactor/base/chain.h"
#include "reactor/base/result.h"
#include "reactor/base/uuid.h"

namespace odradek::wire {

class Reader {
 public:
  // Reads `frame` from its first byte. The frame's blocks and `scratch` outlive all that is
  // decoded; the Chain object itself outlives only the Reader.
  Reader(const Chain& frame, Scratch& scratch);
  Reader(Chain&&, Scratch&) = delete;  // a temporary would be gone before the first read
  Reader(BytesView frame, Scratch& scratch);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool ok() const { return failure_ == nullptr; }
  // The first failure as Errc::malformed, "<message>: <field> at byte <n>: <what>".
  Status status(std::string_view message = {}) const;
  // Bytes read so far, and bytes left before the end of the frame or of the tagged field being
  // read.
  size_t offset() const { return window_end_ - static_cast<size_t>(end_ - cursor_); }
  size_t remaining() const { return limit_ - offset(); }

  // In all of these `field` is a name of static storage, used only in the error.

  // Fixed width, big-endian: intN, uintN. REQUIRES: T is an integer.
  template <std::integral T>
  T integer(const char* field) {
    if (static_cast<size_t>(end_ - cursor_) >= sizeof(T)) [[likely]] {
      const T value = load_be<T>(cursor_);
      cursor_ += sizeof(T);
      return value;
    }
    uint8_t copy[sizeof(T)] = {};
    copy_slow(copy, sizeof(T), field);
    return load_be<T>(copy);
  }
  bool boolean(const char* field) { return integer<int8_t>(field) != 0; }
  double float64(const char* field);
  Uuid uuid(const char* field);
  // Base-128, least significant group first; 5 bytes at most (10 for the long one).
  uint32_t uvarint(const char* field) {
    if (cursor_ != end_ && *cursor_ < 0x80) [[likely]]
      return *cursor_++;
    return static_cast<uint32_t>(uvarint_slow(5, 32, field));
  }
  uint64_t uvarlong(const char* field) { return uvarint_slow(10, 64, field); }
  // Zigzag.
  int32_t varint(const char* field);
  int64_t varlong(const char* field);

  // `compact`: length + 1 as uvarint, else int16 (strings) or int32 (bytes, records). `nullable`:
  // whether null is allowed here; where it is not, null is malformed.
  std::string_view string(bool compact, const char* field);
  std::optional<std::string_view> nullable_string(bool compact, bool nullable, const char* field);
  BytesView bytes(bool compact, const char* field);
  std::optional<BytesView> nullable_bytes(bool compact, bool nullable, const char* field);
  std::optional<Chain> records(bool compact, bool nullable, const char* field);
  // The number of elements, -1 for null. Bounded by limits.h, by the bytes left (an element takes
  // at least one) and by the memory that all elements of the message take, at `element_size` bytes
  // each.
  int32_t array_length(bool compact, bool nullable, size_t element_size, const char* field);
  // The marker byte of a nullable struct: whether the struct follows.
  bool present(bool nullable, const char* field);

  // The next `size` bytes: contiguous, copied into the Scratch if they are not; by reference; not
  // at all.
  BytesView view(size_t size, const char* field);
  Chain chain(size_t size, const char* field);
  void skip(size_t size, const char* field);

  // Makes the next `size` bytes the whole input until pop_limit(), which takes what push_limit()
  // returned. Fails if fewer bytes are left.
  size_t push_limit(size_t size, const char* field);
  void pop_limit(size_t outer);

  // Records a failure, unless there was one. `what` and `field` have static storage.
  void fail(const char* field, const char* what);

 private:
  void copy_slow(uint8_t* to, size_t size, const char* field);
  uint64_t uvarint_slow(int bytes_max, int bits, const char* field);
  int64_t length(bool compact, bool nullable, bool is_short, const char* field);
  void enter_part(size_t index, size_t start);
  void clip_window();

  const Chain* frame_;
  Chain own_;  // when constructed from one view
  Scratch& scratch_;
  // The part being read, from cursor_ to its end or the limit.
  const uint8_t* cursor_ = nullptr;
  const uint8_t* end_ = nullptr;
  size_t part_ = 0;
  size_t part_start_ = 0;  // offset in the frame
  size_t window_end_ = 0;  // offset in the frame of end_
  size_t limit_ = 0;       // offset in the frame
  size_t arrays_bytes_ = 0;
  // The first failure.
  const char* failure_ = nullptr;
  const char* failed_field_ = nullptr;
  size_t failed_at_ = 0;
};

}  // namespace odradek::wire
