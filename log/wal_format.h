// The write-ahead log as bytes: constants, and encoding and decoding of its three headers. The
// specification is log/FORMAT.md; nothing here does I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/chain.h"
#include "reactor/base/result.h"

namespace odradek::log {

// Numbers the commit groups of one WAL from 1; 0 is before the first.
using WalSequence = Strong<struct WalSequenceTag, uint64_t>;

// The last group of one WAL.
struct WalEnd {
  Uuid wal;
  WalSequence last;
  bool operator==(const WalEnd&) const = default;
};

inline constexpr char kWalFolder[] = "odradek.wal";
inline constexpr char kWalSuffix[] = ".wal";
inline constexpr char kWalDamagedSuffix[] = ".damaged";
inline constexpr char kWalRetiredFile[] = "retired";
inline constexpr uint32_t kWalBlockBytes = 4096;
inline constexpr uint32_t kWalFileMagic = 0x3157464f;     // "OFW1"
inline constexpr uint32_t kWalGroupMagic = 0x3157474f;    // "OGW1"
inline constexpr uint32_t kWalRetiredMagic = 0x3157524f;  // "ORW1"
inline constexpr uint16_t kWalVersion = 1;
inline constexpr uint32_t kWalFileHeaderBytes = 2 * kWalBlockBytes;  // the header, twice
inline constexpr uint32_t kWalGroupHeaderBytes = 128;
inline constexpr uint32_t kWalRecordHeaderBytes = 72;
inline constexpr uint32_t kWalRecordAlignment = 8;
// What a batch record's checksum covers of its payload: up to and with the batch's own CRC field.
inline constexpr uint32_t kWalBatchPrefixBytes = 21;
inline constexpr uint32_t kWalBatchBytesMin = 61;
inline constexpr uint32_t kWalExtentPayloadBytes = 16;

enum class WalKind : uint8_t {
  batch = 1,      // payload: one Kafka batch, or several where payload_hashed
  extent = 2,     // bytes that were written to the segment itself; payload: WalExtent
  truncate = 3,   // the log ends before `base` from here on
  log_start = 4,  // the log starts at `base` from here on
  remove = 5,     // the partition's log of this generation is deleted
  epoch = 6,      // leader epoch `epoch` starts at `base`
};

struct WalRecord {
  WalKind kind = WalKind::batch;
  bool carried = false;         // a residue copied from an older lap: may be on disk already
  bool payload_hashed = false;  // the record's checksum covers all of the payload
  TopicPartition id;
  Generation generation;
  LeaderEpoch epoch{-1};
  Offset base{-1};
  Offset last{-1};
  Offset segment_base{-1};  // the segment the bytes belong to
  uint64_t position = 0;    // of their first byte in that segment
  bool operator==(const WalRecord&) const = default;
};

// The payload of an extent record: `length` bytes at (segment_base, position) have this CRC-32C.
struct WalExtent {
  uint64_t length = 0;
  uint32_t checksum = 0;
  bool operator==(const WalExtent&) const = default;
};

struct WalFileHeader {
  Uuid wal;                 // the WAL that owns the file: one a shard, directory and start
  uint64_t file_bytes = 0;  // header included
  int64_t created_ms = 0;
  bool operator==(const WalFileHeader&) const = default;
};

// A small set of partitions that may say yes for one that was not added, never no for one that was:
// so a group tells what the group before it holds, should that be unreadable. No I/O, fixed size.
class WalPartitionFilter {
 public:
  static constexpr size_t kBytes = 40;
  void add(const TopicPartition& id);
  // True for all when nothing was added: then the filter tells nothing.
  bool may_hold(const TopicPartition& id) const;
  bool empty() const { return words_ == std::array<uint64_t, kBytes / 8>{}; }
  void store(uint8_t* to) const;
  static WalPartitionFilter load(const uint8_t* from);
  bool operator==(const WalPartitionFilter&) const = default;

 private:
  std::array<uint64_t, kBytes / 8> words_{};
};

struct WalGroupHeader {
  Uuid wal;
  WalSequence sequence;
  WalSequence flushed_through;     // durable when this group was sealed
  WalSequence released_through;    // not needed from the WAL when this group was sealed
  uint32_t previous_checksum = 0;  // of the header of group sequence - 1; 0 in the first
  uint32_t group_bytes = 0;        // header, records and padding: a multiple of 4096
  uint32_t record_bytes = 0;       // of the records with their padding to 8
  uint32_t record_count = 0;       // 0: a mark, see FORMAT.md
  int64_t sealed_ms = 0;           // wall time
  uint64_t manifest_sequence = 0;  // of a manifest entry that was durable when this was sealed
  // Of group sequence - 1; of group `sequence` in a mark.
  WalPartitionFilter partitions_before;
  bool operator==(const WalGroupHeader&) const = default;
};

constexpr uint64_t wal_record_size(uint64_t payload_bytes) {
  return align_up<uint64_t>(kWalRecordHeaderBytes + payload_bytes, kWalRecordAlignment);
}

// Mixed into every record's checksum, so that a record of another group or of an older lap that
// lies at the right place is not taken for one of this group.
uint32_t wal_group_seed(const Uuid& wal, WalSequence sequence);

// Both write a whole 4 KiB block. The second copy of a file header is the same bytes.
void encode_wal_file_header(const WalFileHeader& header, MutableBytes block);
// Writes kWalGroupHeaderBytes and returns their checksum.
uint32_t encode_wal_group_header(const WalGroupHeader& header, MutableBytes to);
// Writes header, payload and padding: wal_record_size(payload.size()) bytes at `to`.
void encode_wal_record(const WalRecord& record, const Chain& payload, uint32_t group_seed,
                       uint8_t* to);
std::array<uint8_t, kWalExtentPayloadBytes> encode_wal_extent(const WalExtent& extent);

// Errc::corrupt for bytes that are no header or fail their checksum, Errc::unsupported for a newer
// version. REQUIRES: a whole block (file) or kWalGroupHeaderBytes (group).
Result<WalFileHeader> decode_wal_file_header(BytesView block);
struct DecodedWalGroupHeader {
  WalGroupHeader header;
  uint32_t checksum = 0;
};
Result<DecodedWalGroupHeader> decode_wal_group_header(BytesView bytes);
std::optional<WalExtent> decode_wal_extent(BytesView payload);

// Walks the records of one group whose header was decoded; `records` are its record_bytes. Checks
// structure and checksums, the batch's own included. Payloads view `records`.
class WalRecordCursor {
 public:
  WalRecordCursor(const WalGroupHeader& header, BytesView records);
  struct Item {
    WalRecord record;
    BytesView payload;
    bool broken = false;  // only after pass_broken_batches()
  };
  // The next record; empty after the last. Errc::corrupt ends the walk.
  Result<std::optional<Item>> next();
  // A batch that fails its own checksum, in a record that passes its own, no longer ends the walk.
  void pass_broken_batches() { pass_broken_ = true; }

 private:
  BytesView rest_;
  uint32_t seed_;
  uint32_t left_;
  bool pass_broken_ = false;
};

}  // namespace odradek::log
