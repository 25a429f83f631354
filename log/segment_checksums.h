// What the .odx beside a segment holds: one CRC-32C for each read unit, seeded with (topic id,
// partition, base), so that a misdirected or stale read shows when it enters the cache. Built while
// batches are appended, from the checksums that the batches carry themselves: the payload is not
// hashed again. Owned by a Segment. A unit is known when every byte of it was seen in order.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "log/batch/batch.h"
#include "log/segment_format.h"
#include "reactor/base/bytes.h"
#include "reactor/base/chain.h"
#include "reactor/base/crc32c.h"
#include "reactor/base/result.h"

namespace odradek::log {

class SegmentChecksums {
 public:
  // Starts at byte `from` of the segment; what lies below is unknown until join() supplies it.
  explicit SegmentChecksums(const SegmentId& id, uint64_t from = 0);

  // The next bytes of the segment: one whole batch, whose own checksum is right.
  void append(const BatchHeader& header, const Chain& batch);
  // Where the segment ends: one past the last byte seen.
  uint64_t bytes() const { return end_; }
  // Forgets everything at and above `bytes`; the unit it cuts becomes unknown.
  void truncate(uint64_t bytes);

  // The checksum of unit `unit`: of its bytes below bytes(). Absent: unknown.
  std::optional<uint32_t> unit(uint32_t unit) const;
  uint32_t unit_count() const { return static_cast<uint32_t>(units_.size()); }
  // Everything below is in known units: bytes(), or a multiple of the unit.
  uint64_t known_bytes() const;
  // How many bytes at the front of the unit are missing to know it: 0 when it is known.
  uint32_t missing_bytes(uint32_t unit) const;
  // Supplies what is missing at the front of `unit`, from a file that was read back.
  // REQUIRES: front.size() == missing_bytes(unit).
  void join(uint32_t unit, BytesView front);
  // Takes over what `saved` knows of units that lie below `below`, the bytes that both agree on.
  void join(const SegmentChecksums& saved, uint64_t below);
  // What unit() says when the unit holds `contents`.
  uint32_t checksum_of(BytesView contents) const { return crc32c(seed_, contents); }

  // The .odx file. It covers what is known below `below`: whole units, or everything.
  std::vector<uint8_t> encode(uint64_t below = UINT64_MAX) const;
  // Errc::corrupt for a bad checksum or another segment's file, Errc::unsupported for a newer
  // version.
  static Result<SegmentChecksums> decode(const SegmentId& id, BytesView file);
  // Whose file this says it is; for tools. Errc::corrupt when there is no header.
  static Result<SegmentId> named_in(BytesView file);

 private:
  struct Unit {
    uint32_t crc = 0;      // of the bytes from `missing` on; seeded once nothing is missing
    uint32_t missing = 0;  // bytes at the front that were not seen
  };
  Unit& unit_at_end();
  void extend(BytesView bytes);
  void set_front(uint32_t unit, uint32_t crc_of_front);

  // Fixed at construction.
  SegmentId id_;
  uint32_t seed_;
  // Written by append() and truncate().
  uint64_t end_;
  std::vector<Unit> units_;
};

}  // namespace odradek::log
