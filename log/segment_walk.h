// Walks the batches of a segment that arrives in pieces cut anywhere, whatever the size of a batch:
// checks each batch's checksum and hands out its header. For rebuilding what is derived from a
// segment.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "log/batch/batch.h"
#include "log/batch/batch_walker.h"
#include "reactor/base/bytes.h"
#include "reactor/base/crc32c.h"
#include "reactor/base/result.h"

namespace odradek::log {

class SegmentWalk {
 public:
  // `position` of the first byte that feed() gets: where a batch begins. `base` is the segment's: a
  // batch's offsets lie outside its checksum, so they must at least ascend and fit the segment.
  SegmentWalk(uint64_t position, Offset base)
      : base_(base), next_(base), position_(position), batch_(position) {}

  // Calls `sink(const BatchHeader&, uint64_t position)` for each batch that ends in `bytes`.
  // Errc::corrupt names the position of a batch that is none or fails its checksum; after it the
  // walk is spent.
  template <class Sink>
  Status feed(BytesView bytes, Sink&& sink) {
    while (!bytes.empty()) {
      const size_t n = have_ < kBatchHeaderBytes ? take_header(bytes) : take_body(bytes);
      position_ += n;
      bytes = bytes.subspan(n);
      if (have_ == kBatchHeaderBytes && !parsed_) TRY(parse());
      if (!parsed_ || position_ < end_) continue;
      if (crc_ != header_.crc) return corrupt("checksum mismatch");
      sink(std::as_const(header_), batch_);
      next_ = header_.next_offset();
      batch_ = position_;
      have_ = 0;
      parsed_ = false;
    }
    return {};
  }
  // Where the batch that is not whole yet begins: after a stop, the end of the last whole one.
  uint64_t position() const { return batch_; }
  bool between_batches() const { return have_ == 0; }

 private:
  size_t take_header(BytesView bytes);
  size_t take_body(BytesView bytes);
  Status parse();
  std::unexpected<Error> corrupt(std::string_view why) const;

  Offset base_;
  Offset next_;        // the least offset that the next batch may have
  uint64_t position_;  // of the next byte
  uint64_t batch_;     // of the batch that is being read
  uint64_t end_ = 0;   // where it ends
  size_t have_ = 0;    // bytes of its header
  bool parsed_ = false;
  uint32_t crc_ = 0;
  std::array<uint8_t, kBatchHeaderBytes> raw_{};
  BatchHeader header_;
};

}  // namespace odradek::log
