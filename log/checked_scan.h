// Reads the batches of a closed segment from front to back for compaction, which makes what it
// reads permanent: every unit is compared with the segment's checksum of it (a misdirected or stale
// read shows), every batch with its own, and offsets must ascend. Reads in large pieces, past the
// read cache. Owned by one cleaning; the segment outlives it.
//
//   [ room for what is left of a batch | piece just read ]
//                    ^ at_                               ^ end_
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "log/aligned_buffer.h"
#include "log/batch/batch.h"
#include "log/segment.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

class CheckedScan {
 public:
  // REQUIRES: the segment is sealed.
  explicit CheckedScan(Segment& segment);

  struct Batch {
    BatchHeader header;
    BytesView bytes;  // valid until the next call
  };
  // The next batch, absent at the end. Errc::corrupt names the position.
  reactor::Task<Result<std::optional<Batch>>> next();
  // Read from the file so far.
  uint64_t bytes_read() const { return read_to_; }

 private:
  uint64_t position() const { return read_to_ - (end_ - at_); }
  reactor::Task<Status> fill(uint64_t bytes_wanted);
  reactor::Task<Status> check_units(uint64_t from, BytesView bytes);
  reactor::Task<bool> checksum_fits(BytesView batch, uint32_t expected) const;
  std::unexpected<Error> corrupt(uint64_t position, std::string_view why) const;

  Segment& segment_;
  uint64_t size_;         // of the segment
  uint64_t read_to_ = 0;  // position in the segment: everything below was read
  AlignedBuffer buffer_;
  uint64_t at_ = 0;   // in the buffer: the next batch
  uint64_t end_ = 0;  // and where what was read ends
  Offset least_;      // that the next batch may have
};

}  // namespace odradek::log
