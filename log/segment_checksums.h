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
#include "reactor/base/result.h"

namespace odradek::log {

class SegmentChecksums {
 public:
  // Starts at byte `from` of the segment; units that begin before it stay unknown until fill().
  explicit SegmentChecksums(const SegmentId& id, uint64_t from = 0);

  // The next bytes of the segment: one whole batch.
  void append(const BatchHeader& header, const Chain& batch);
  // The next bytes of the segment, whatever they are.
  void append(BytesView bytes);
  // How many bytes of the segment were seen, from byte 0.
  uint64_t bytes() const { return end_; }
  // Forgets everything at and above `bytes`; the unit it cuts becomes unknown.
  void truncate(uint64_t bytes);

  // The checksum of unit `unit`, of its first min(unit size, bytes() - start) bytes. Absent:
  // unknown.
  std::optional<uint32_t> unit(uint32_t unit) const;
  uint32_t unit_count() const { return static_cast<uint32_t>(units_.size()); }
  // Bytes below which every unit is known: a multiple of the unit, or bytes().
  uint64_t known_bytes() const;
  // Supplies an unknown unit's checksum. `contents` are the bytes of the unit up to bytes().
  void fill(uint32_t unit, BytesView contents);
  // What unit() must say for `contents`.
  uint32_t checksum_of(BytesView contents) const { return crc32c(seed_, contents); }

  std::vector<uint8_t> encode() const;
  // Errc::corrupt for a bad checksum or another segment's file, Errc::unsupported for a newer
  // version.
  static Result<SegmentChecksums> decode(const SegmentId& id, BytesView file);

 private:
  struct Unit {
    uint32_t crc = 0;
    bool known = false;
  };
  void extend(uint32_t crc_of_piece, uint64_t length);
  Unit& unit_at_end();

  SegmentId id_;
  uint32_t seed_;
  uint64_t end_;
  std::vector<Unit> units_;
};

}  // namespace odradek::log
