// A record batch, format 2 (KIP-98; org.apache.kafka.common.record): where its fields are, what
// they say, and how they are set in place. Every multi-byte field is big-endian.
//
//    0  base offset        int64   given by the log
//    8  length             int32   of what follows this field
//   12  leader epoch       int32   given by the log
//   16  magic              int8    2
//   17  crc                uint32  CRC-32C of what follows this field, to the end of the records
//   21  attributes         int16   codec, timestamp type, transactional, control, delete horizon
//   23  last offset delta  int32
//   27  base timestamp     int64
//   35  max timestamp      int64
//   43  producer id        int64   -1: none
//   51  producer epoch     int16
//   53  base sequence      int32   -1: none
//   57  record count       int32
//   61  records, all of them through the codec
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/chain.h"
#include "reactor/base/crc32c.h"
#include "reactor/base/time.h"

namespace odradek::log {

inline constexpr size_t kBaseOffsetAt = 0;
inline constexpr size_t kLengthAt = 8;
inline constexpr size_t kLeaderEpochAt = 12;
inline constexpr size_t kMagicAt = 16;
inline constexpr size_t kCrcAt = 17;
inline constexpr size_t kAttributesAt = 21;
inline constexpr size_t kLastOffsetDeltaAt = 23;
inline constexpr size_t kBaseTimestampAt = 27;
inline constexpr size_t kMaxTimestampAt = 35;
inline constexpr size_t kProducerIdAt = 43;
inline constexpr size_t kProducerEpochAt = 51;
inline constexpr size_t kBaseSequenceAt = 53;
inline constexpr size_t kRecordCountAt = 57;
inline constexpr size_t kBatchHeaderBytes = 61;
// Base offset and length: what `length` does not count.
inline constexpr size_t kBatchPrefixBytes = 12;
inline constexpr int8_t kMagic = 2;
inline constexpr int64_t kNoTimestamp = -1;
inline constexpr int32_t kNoSequence = -1;
static_assert(kLengthAt == kBaseOffsetAt + 8 && kLeaderEpochAt == kBatchPrefixBytes);
static_assert(kMagicAt == kLeaderEpochAt + 4 && kCrcAt == kMagicAt + 1 &&
              kAttributesAt == kCrcAt + 4);
static_assert(kLastOffsetDeltaAt == kAttributesAt + 2 &&
              kBaseTimestampAt == kLastOffsetDeltaAt + 4);
static_assert(kMaxTimestampAt == kBaseTimestampAt + 8 && kProducerIdAt == kMaxTimestampAt + 8);
static_assert(kProducerEpochAt == kProducerIdAt + 8 && kBaseSequenceAt == kProducerEpochAt + 2);
static_assert(kRecordCountAt == kBaseSequenceAt + 4 && kBatchHeaderBytes == kRecordCountAt + 4);

// The low three bits of the attributes. Other values are not defined.
enum class Codec : uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };
enum class TimestampType : uint8_t { create_time = 0, log_append_time = 1 };

// The attributes field, as bits. Bits 7 to 15 are unused and kept as they come.
struct Attributes {
  static constexpr int16_t kCodecMask = 0x07;
  static constexpr int16_t kLogAppendTime = 0x08;
  static constexpr int16_t kTransactional = 0x10;
  static constexpr int16_t kControl = 0x20;
  static constexpr int16_t kDeleteHorizon = 0x40;
  static constexpr int16_t kDefinedMask = 0x7f;

  int16_t bits = 0;

  int codec_id() const { return bits & kCodecMask; }
  // Absent for the ids 5 to 7.
  std::optional<Codec> codec() const {
    if (codec_id() > static_cast<int>(Codec::zstd)) return std::nullopt;
    return static_cast<Codec>(codec_id());
  }
  TimestampType timestamp_type() const {
    return has(kLogAppendTime) ? TimestampType::log_append_time : TimestampType::create_time;
  }
  bool transactional() const { return has(kTransactional); }
  bool control() const { return has(kControl); }
  // Set by compaction: the base timestamp is then the time at which tombstones may go (KIP-534).
  bool delete_horizon() const { return has(kDeleteHorizon); }
  bool has(int16_t flag) const { return (bits & flag) != 0; }
  void set(int16_t flag, bool on) { bits = static_cast<int16_t>(on ? bits | flag : bits & ~flag); }
  bool operator==(const Attributes&) const = default;
};

// The 61 bytes, decoded. A value: says nothing about whether they are valid.
struct BatchHeader {
  Offset base_offset;
  int32_t length = 0;  // of what follows the length field
  LeaderEpoch leader_epoch;
  int8_t magic = kMagic;
  uint32_t crc = 0;
  Attributes attributes;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp = kNoTimestamp;
  int64_t max_timestamp = kNoTimestamp;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  int32_t base_sequence = kNoSequence;
  int32_t record_count = 0;

  // REQUIRES: at least 61 bytes.
  static BatchHeader parse(BytesView bytes);
  static BatchHeader parse(const Chain& bytes);
  // REQUIRES: 61 bytes at `to`. Writes `crc` as it stands.
  void write(MutableBytes to) const;

  // The whole batch, header included. Negative or small for a corrupt length.
  int64_t size_bytes() const { return int64_t{length} + static_cast<int64_t>(kBatchPrefixBytes); }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset next_offset() const { return base_offset + (int64_t{last_offset_delta} + 1); }
  bool has_producer() const { return producer_id.value >= 0; }
  // The sequence of the last record, wrapping to 0 after 2^31-1; -1 without a sequence.
  int32_t last_sequence() const;
  bool operator==(const BatchHeader&) const = default;
};

// The sequence `count` after `sequence`: after 2^31-1 comes 0 (KIP-98). REQUIRES: both >= 0.
int32_t sequence_after(int32_t sequence, int32_t count);

// The CRC-32C that a batch should carry. REQUIRES: at least the 61 bytes of the header.
uint32_t batch_crc(BytesView batch);
uint32_t batch_crc(const Chain& batch);

// Gives a batch its place in the log: outside the checksum, so two stores. REQUIRES: 61 bytes.
void assign(MutableBytes header, Offset base, LeaderEpoch epoch);

// Changes attributes and maximal timestamp and adjusts the stored checksum from the header alone.
// Nothing happens when both are right already; otherwise unused bits and the delete horizon are
// cleared, as Kafka does. `records_bytes` is the size of what follows the header. REQUIRES: a
// header whose checksum is right.
void set_max_timestamp(MutableBytes header, TimestampType type, int64_t max_timestamp,
                       uint64_t records_bytes);
// The broker's clock in place of the producer's: what `message.timestamp.type=LogAppendTime` means.
inline void set_log_append_time(MutableBytes header, WallTime now, uint64_t records_bytes) {
  set_max_timestamp(header, TimestampType::log_append_time, now.ms, records_bytes);
}

}  // namespace odradek::log
