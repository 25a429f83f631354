// Writes Kafka's primitive types. A Sizer takes the same calls and only counts, so one generated
// function serves for the exact size and for the bytes, and a message is written with one
// allocation.
//
// A records field is spliced: the Writer keeps its Chain of views beside its own bytes, so that a
// fetched batch goes from the log's block to the socket without a copy. Whoever owns those blocks
// keeps them until the output was sent.
//
// Owner: whoever sends the output. One core.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "net/wire/limits.h"
#include "reactor/base/bytes.h"
#include "reactor/base/chain.h"
#include "reactor/base/check.h"
#include "reactor/base/uuid.h"

namespace odradek::wire {

// Bytes of `value` as an unsigned varint.
constexpr size_t uvarint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}
constexpr uint32_t zigzag(int32_t value) {
  return (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31);
}
constexpr uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

// The types above the raw ones, the same for counting and writing. Derived offers put(T),
// raw(bytes), uvarlong(v) and splice(chain).
template <class Derived>
class Output {
 public:
  template <std::integral T>
  void integer(T value) {
    self().put(value);
  }
  void boolean(bool value) { self().put(static_cast<int8_t>(value ? 1 : 0)); }
  void float64(double value) { self().put(std::bit_cast<uint64_t>(value)); }
  void uuid(const Uuid& value) { self().raw(value.bytes); }
  void uvarint(uint32_t value) { self().uvarlong(value); }
  void varint(int32_t value) { self().uvarlong(zigzag(value)); }
  void varlong(int64_t value) { self().uvarlong(zigzag(value)); }

  // Text over string_size_max is cut there: what was decoded fits, and a message that a program
  // made (an error that quotes what a client sent) must not end the program.
  void string(bool compact, std::string_view value) {
    value = value.substr(0, string_size_max);
    if (compact) {
      uvarint(static_cast<uint32_t>(value.size() + 1));
    } else {
      integer(static_cast<int16_t>(value.size()));
    }
    self().raw(as_bytes(value));
  }
  // Where null is not allowed it is written as the empty value.
  void nullable_string(bool compact, bool nullable, const std::optional<std::string_view>& value) {
    if (value || !nullable) return string(compact, value.value_or(std::string_view{}));
    if (compact) {
      uvarint(0);
    } else {
      integer(int16_t{-1});
    }
  }
  void bytes(bool compact, BytesView value) {
    length(compact, value.size());
    self().raw(value);
  }
  void nullable_bytes(bool compact, bool nullable, const std::optional<BytesView>& value) {
    if (value || !nullable) return bytes(compact, value.value_or(BytesView{}));
    null(compact);
  }
  void records(bool compact, bool nullable, const std::optional<Chain>& value) {
    if (!value && nullable) return null(compact);
    length(compact, value ? value->size() : 0);
    if (value) self().splice(*value);
  }
  // The length field of an array, of bytes or of records. REQUIRES: count fits an int32.
  void length(bool compact, size_t count) {
    CHECK(count < 0x7fffffff, count);
    if (compact) {
      uvarint(static_cast<uint32_t>(count + 1));
    } else {
      integer(static_cast<int32_t>(count));
    }
  }
  // A null array, bytes or records.
  void null(bool compact) {
    if (compact) {
      uvarint(0);
    } else {
      integer(int32_t{-1});
    }
  }

 private:
  Derived& self() { return static_cast<Derived&>(*this); }
};

// Counts what a Writer would write.
class Sizer : public Output<Sizer> {
 public:
  template <std::integral T>
  void put(T) {
    buffered_ += sizeof(T);
  }
  void raw(BytesView bytes) { buffered_ += bytes.size(); }
  void uvarlong(uint64_t value) { buffered_ += uvarint_size(value); }
  void splice(const Chain& chain) { spliced_ += chain.size(); }

  size_t size() const { return buffered_ + spliced_; }
  size_t buffered() const { return buffered_; }  // without the spliced chains

 private:
  size_t buffered_ = 0;
  size_t spliced_ = 0;
};

class Writer : public Output<Writer> {
 public:
  // A chain of somebody else's bytes, which stands before byte `position` of buffer().
  struct Splice {
    size_t position;
    Chain chain;
  };

  Writer() = default;
  explicit Writer(size_t capacity) { reserve(capacity); }
  Writer(Writer&&) = default;
  Writer& operator=(Writer&&) = default;

  // Makes room for `more` bytes after those written.
  void reserve(size_t more) {
    if (capacity_ - size_ < more) grow(size_ + more);
  }
  template <std::integral T>
  void put(T value) {
    store_be<T>(extend(sizeof(T)), value);
  }
  void raw(BytesView bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }
  void uvarlong(uint64_t value) {
    for (; value >= 0x80; value >>= 7) *extend(1) = static_cast<uint8_t>(value | 0x80);
    *extend(1) = static_cast<uint8_t>(value);
  }
  // Puts `chain` here by reference.
  void splice(const Chain& chain) {
    if (chain.empty()) return;
    splices_.push_back({size_, chain});
    spliced_ += chain.size();
  }
  // Overwrites an int32 written before, at `position` of buffer(): a frame's length.
  void patch_int32(size_t position, int32_t value) {
    CHECK(position + 4 <= size_, position, size_);
    store_be(data_.get() + position, value);
  }

  // All bytes of the output, spliced ones included.
  size_t size() const { return size_ + spliced_; }
  // What was written here, without the splices. Valid until the next write.
  BytesView buffer() const { return {data_.get(), size_}; }
  const std::vector<Splice>& splices() const { return splices_; }
  // The whole output in order, by reference. Valid until the next write, as long as the Writer.
  Chain chain() const;
  // The whole output as a copy.
  std::vector<uint8_t> copy() const;
  // Forgets the output, keeps the memory.
  void clear();

 private:
  // `count` more bytes, to be written by the caller.
  uint8_t* extend(size_t count) {
    if (capacity_ - size_ < count) [[unlikely]]
      grow(size_ + count);
    uint8_t* const at = data_.get() + size_;
    size_ += count;
    return at;
  }
  void grow(size_t capacity_min);

  std::unique_ptr<uint8_t[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
  std::vector<Splice> splices_;
  size_t spliced_ = 0;
};

}  // namespace odradek::wire
