// Walks batches that lie one after the other in a range of bytes: a segment, a fetch response, a
// recovered tail. Tells apart the ways in which such a range can stop, since each asks for
// something else of the caller: zeros are a preallocated tail, a cut batch wants more bytes or is
// torn, anything else is damage.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "log/batch/batch.h"
#include "reactor/base/chain.h"

namespace odradek::log {

struct WalkStep {
  enum class Kind : uint8_t {
    batch,        // a whole batch at `position`
    end_of_data,  // no byte is left, or only zeros where the next header would be
    truncated,    // what is left starts like a batch and is shorter than it
    corrupt,      // what is left is no batch, or its checksum is wrong
  };
  Kind kind = Kind::end_of_data;
  uint64_t position = 0;    // where the batch is, or where the walk stopped
  uint64_t size_bytes = 0;  // of a batch; for a cut one what it should be, when that can be read
  BatchHeader header;       // of a batch, or of a cut one whose header is whole
  Chain bytes;              // of a batch, also when only its checksum is wrong
  std::string_view reason;  // of `corrupt`. Static storage
};

enum class CrcCheck : bool { no, yes };

// What stands at `position` of `bytes`. REQUIRES: position <= bytes.size().
WalkStep look_at_batch(const Chain& bytes, uint64_t position, CrcCheck crc);

// Whether every byte from `position` on is zero: tells a preallocated tail from a hole in the data.
bool zeros_from(const Chain& bytes, uint64_t position);

class BatchWalker {
 public:
  // What `bytes` views must outlive the walker. A walk takes time in proportion to bytes and parts,
  // once.
  explicit BatchWalker(Chain bytes, CrcCheck crc = CrcCheck::yes)
      : bytes_(std::move(bytes)), crc_(crc) {}

  // Steps over a whole batch; anything else leaves the position where it is.
  WalkStep next();
  // Where the next step looks: after a stop, the end of the last whole batch.
  uint64_t position() const { return position_; }

 private:
  const Chain bytes_;
  const CrcCheck crc_;
  uint64_t position_ = 0;
  // The same place in the chain: so many bytes into that part.
  size_t part_ = 0;
  size_t at_ = 0;
};

}  // namespace odradek::log
