#include "log/wal_format.h"

#include <cstring>

#include "reactor/base/check.h"
#include "reactor/base/crc32c.h"

namespace odradek::log {

namespace {

// Where things are in a file header.
constexpr size_t kFileChecksum = 0, kFileMagic = 4, kFileVersion = 8, kFileWal = 16,
                 kFileBytes = 32, kFileCreated = 40;
// In a group header.
constexpr size_t kGroupChecksum = 0, kGroupMagic = 4, kGroupVersion = 8, kGroupRecords = 12,
                 kGroupWal = 16, kGroupSequence = 32, kGroupFlushed = 40, kGroupReleased = 48,
                 kGroupPrevious = 56, kGroupBytes = 60, kGroupRecordBytes = 64, kGroupSealed = 72,
                 kGroupManifest = 80, kGroupPartitions = 88;
static_assert(kGroupPartitions + WalPartitionFilter::kBytes == kWalGroupHeaderBytes);
// In a record header.
constexpr size_t kChecksum = 0, kKind = 4, kFlags = 5, kLength = 8, kPartition = 12, kTopic = 16,
                 kGeneration = 32, kEpoch = 36, kBase = 40, kLast = 48, kSegment = 56,
                 kPosition = 64;
static_assert(kPosition + 8 == kWalRecordHeaderBytes);
static_assert(kWalGroupHeaderBytes % kWalRecordAlignment == 0);

constexpr uint8_t kFlagCarried = 1;
constexpr uint8_t kFlagHashed = 2;
constexpr uint8_t kFlagsKnown = kFlagCarried | kFlagHashed;

// In a record batch of Kafka's, version 2.
constexpr size_t kBatchLength = 8, kBatchMagic = 16, kBatchChecksum = 17;
constexpr size_t kBatchLengthFrom = 12;  // the length field counts from here

void store_uuid(uint8_t* to, const Uuid& id) { std::memcpy(to, id.bytes.data(), id.bytes.size()); }
Uuid load_uuid(const uint8_t* from) {
  Uuid id;
  std::memcpy(id.bytes.data(), from, id.bytes.size());
  return id;
}

Status check_version(const uint8_t* at, const char* what) {
  const uint16_t version = load_le<uint16_t>(at);
  if (version == kWalVersion) return {};
  return fail(Errc::unsupported, std::string(what) + " has format version " +
                                     std::to_string(version) +
                                     ", known is 1: it was written by a "
                                     "newer odradek");
}

uint8_t flags_of(const WalRecord& record) {
  return static_cast<uint8_t>((record.carried ? kFlagCarried : 0) |
                              (record.payload_hashed ? kFlagHashed : 0));
}

// How much of the payload the record's own checksum covers.
size_t hashed_bytes(WalKind kind, bool payload_hashed, size_t payload_bytes) {
  return kind == WalKind::batch && !payload_hashed ? kWalBatchPrefixBytes : payload_bytes;
}

bool batch_is_whole(BytesView payload) {
  if (payload.size() < kWalBatchBytesMin) return false;
  const auto length = load_be<uint32_t>(payload.data() + kBatchLength);
  if (length + uint64_t{kBatchLengthFrom} != payload.size()) return false;
  if (payload[kBatchMagic] != 2) return false;
  return load_be<uint32_t>(payload.data() + kBatchChecksum) ==
         crc32c(0, payload.subspan(kWalBatchPrefixBytes));
}

WalRecord decode_record(const uint8_t* h) {
  WalRecord r;
  r.kind = static_cast<WalKind>(h[kKind]);
  r.carried = (h[kFlags] & kFlagCarried) != 0;
  r.payload_hashed = (h[kFlags] & kFlagHashed) != 0;
  r.id = {load_uuid(h + kTopic), PartitionId(load_le<int32_t>(h + kPartition))};
  r.generation = Generation(load_le<uint32_t>(h + kGeneration));
  r.epoch = LeaderEpoch(load_le<int32_t>(h + kEpoch));
  r.base = Offset(load_le<int64_t>(h + kBase));
  r.last = Offset(load_le<int64_t>(h + kLast));
  r.segment_base = Offset(load_le<int64_t>(h + kSegment));
  r.position = load_le<uint64_t>(h + kPosition);
  return r;
}

}  // namespace

// Two bits a partition. Part of the format: the numbers never change.
static std::array<uint32_t, 2> filter_bits(const TopicPartition& id) {
  uint64_t h = load_le<uint64_t>(id.topic.bytes.data()) * 0x9e3779b97f4a7c15;
  h = (h ^ h >> 32 ^ load_le<uint64_t>(id.topic.bytes.data() + 8)) * 0x94d049bb133111eb;
  h = (h ^ h >> 32 ^ static_cast<uint32_t>(id.partition.value)) * 0xbf58476d1ce4e5b9;
  h ^= h >> 29;
  constexpr uint64_t kBits = WalPartitionFilter::kBytes * 8;
  return {static_cast<uint32_t>((h & 0xffffffff) * kBits >> 32),
          static_cast<uint32_t>((h >> 32) * kBits >> 32)};
}

void WalPartitionFilter::add(const TopicPartition& id) {
  for (const uint32_t bit : filter_bits(id)) words_[bit / 64] |= uint64_t{1} << bit % 64;
}

bool WalPartitionFilter::may_hold(const TopicPartition& id) const {
  if (empty()) return true;
  for (const uint32_t bit : filter_bits(id)) {
    if ((words_[bit / 64] >> bit % 64 & 1) == 0) return false;
  }
  return true;
}

void WalPartitionFilter::store(uint8_t* to) const {
  for (size_t i = 0; i < words_.size(); ++i) store_le<uint64_t>(to + 8 * i, words_[i]);
}

WalPartitionFilter WalPartitionFilter::load(const uint8_t* from) {
  WalPartitionFilter filter;
  for (size_t i = 0; i < filter.words_.size(); ++i) {
    filter.words_[i] = load_le<uint64_t>(from + 8 * i);
  }
  return filter;
}

uint32_t wal_group_seed(const Uuid& wal, WalSequence sequence) {
  std::array<uint8_t, 24> bytes;
  store_uuid(bytes.data(), wal);
  store_le<uint64_t>(bytes.data() + 16, sequence.value);
  return crc32c(0, bytes);
}

void encode_wal_file_header(const WalFileHeader& header, MutableBytes block) {
  CHECK(block.size() == kWalBlockBytes, block.size());
  std::memset(block.data(), 0, block.size());
  store_le<uint32_t>(block.data() + kFileMagic, kWalFileMagic);
  store_le<uint16_t>(block.data() + kFileVersion, kWalVersion);
  store_uuid(block.data() + kFileWal, header.wal);
  store_le<uint64_t>(block.data() + kFileBytes, header.file_bytes);
  store_le<int64_t>(block.data() + kFileCreated, header.created_ms);
  store_le<uint32_t>(block.data() + kFileChecksum, crc32c(0, block.subspan(kFileMagic)));
}

Result<WalFileHeader> decode_wal_file_header(BytesView block) {
  CHECK(block.size() == kWalBlockBytes, block.size());
  if (load_le<uint32_t>(block.data() + kFileMagic) != kWalFileMagic ||
      load_le<uint32_t>(block.data() + kFileChecksum) != crc32c(0, block.subspan(kFileMagic))) {
    return fail(Errc::corrupt, "no header of a WAL file");
  }
  TRY(check_version(block.data() + kFileVersion, "WAL file"));
  WalFileHeader header;
  header.wal = load_uuid(block.data() + kFileWal);
  header.file_bytes = load_le<uint64_t>(block.data() + kFileBytes);
  header.created_ms = load_le<int64_t>(block.data() + kFileCreated);
  return header;
}

uint32_t encode_wal_group_header(const WalGroupHeader& header, MutableBytes to) {
  CHECK(to.size() == kWalGroupHeaderBytes, to.size());
  uint8_t* h = to.data();
  std::memset(h, 0, kWalGroupHeaderBytes);
  store_le<uint32_t>(h + kGroupMagic, kWalGroupMagic);
  store_le<uint16_t>(h + kGroupVersion, kWalVersion);
  store_le<uint32_t>(h + kGroupRecords, header.record_count);
  store_uuid(h + kGroupWal, header.wal);
  store_le<uint64_t>(h + kGroupSequence, header.sequence.value);
  store_le<uint64_t>(h + kGroupFlushed, header.flushed_through.value);
  store_le<uint64_t>(h + kGroupReleased, header.released_through.value);
  store_le<uint32_t>(h + kGroupPrevious, header.previous_checksum);
  store_le<uint32_t>(h + kGroupBytes, header.group_bytes);
  store_le<uint32_t>(h + kGroupRecordBytes, header.record_bytes);
  store_le<int64_t>(h + kGroupSealed, header.sealed_ms);
  store_le<uint64_t>(h + kGroupManifest, header.manifest_sequence);
  header.partitions_before.store(h + kGroupPartitions);
  const uint32_t checksum = crc32c(0, to.subspan(kGroupMagic));
  store_le<uint32_t>(h + kGroupChecksum, checksum);
  return checksum;
}

Result<DecodedWalGroupHeader> decode_wal_group_header(BytesView bytes) {
  CHECK(bytes.size() == kWalGroupHeaderBytes, bytes.size());
  const uint8_t* h = bytes.data();
  if (load_le<uint32_t>(h + kGroupMagic) != kWalGroupMagic) {
    return fail(Errc::corrupt, "no header of a WAL group");
  }
  DecodedWalGroupHeader out;
  out.checksum = load_le<uint32_t>(h + kGroupChecksum);
  if (out.checksum != crc32c(0, bytes.subspan(kGroupMagic))) {
    return fail(Errc::corrupt, "WAL group header has a bad checksum");
  }
  TRY(check_version(h + kGroupVersion, "WAL group"));
  WalGroupHeader& header = out.header;
  header.record_count = load_le<uint32_t>(h + kGroupRecords);
  header.wal = load_uuid(h + kGroupWal);
  header.sequence = WalSequence(load_le<uint64_t>(h + kGroupSequence));
  header.flushed_through = WalSequence(load_le<uint64_t>(h + kGroupFlushed));
  header.released_through = WalSequence(load_le<uint64_t>(h + kGroupReleased));
  header.previous_checksum = load_le<uint32_t>(h + kGroupPrevious);
  header.group_bytes = load_le<uint32_t>(h + kGroupBytes);
  header.record_bytes = load_le<uint32_t>(h + kGroupRecordBytes);
  header.sealed_ms = load_le<int64_t>(h + kGroupSealed);
  header.manifest_sequence = load_le<uint64_t>(h + kGroupManifest);
  header.partitions_before = WalPartitionFilter::load(h + kGroupPartitions);
  const uint64_t least = uint64_t{kWalGroupHeaderBytes} + header.record_bytes;
  if (header.group_bytes % kWalBlockBytes != 0 || header.group_bytes < least) {
    return fail(Errc::corrupt, "WAL group header has lengths that do not fit");
  }
  return out;
}

void encode_wal_record(const WalRecord& record, const Chain& payload, uint32_t group_seed,
                       uint8_t* to) {
  store_le<uint32_t>(to + kKind, 0);
  to[kKind] = static_cast<uint8_t>(record.kind);
  to[kFlags] = flags_of(record);
  store_le<uint32_t>(to + kLength, static_cast<uint32_t>(payload.size()));
  store_le<int32_t>(to + kPartition, record.id.partition.value);
  store_uuid(to + kTopic, record.id.topic);
  store_le<uint32_t>(to + kGeneration, record.generation.value);
  store_le<int32_t>(to + kEpoch, record.epoch.value);
  store_le<int64_t>(to + kBase, record.base.value);
  store_le<int64_t>(to + kLast, record.last.value);
  store_le<int64_t>(to + kSegment, record.segment_base.value);
  store_le<uint64_t>(to + kPosition, record.position);
  uint8_t* body = to + kWalRecordHeaderBytes;
  uint8_t* end = body;
  for (size_t i = 0; i < payload.part_count(); ++i) {
    const BytesView part = payload.part(i);
    std::memcpy(end, part.data(), part.size());
    end += part.size();
  }
  const size_t hashed = hashed_bytes(record.kind, record.payload_hashed, payload.size());
  CHECK(hashed <= payload.size(), hashed, payload.size());
  const BytesView covered{to + kKind, kWalRecordHeaderBytes - kKind + hashed};
  store_le<uint32_t>(to + kChecksum, crc32c(group_seed, covered));
  uint8_t* next = to + wal_record_size(payload.size());
  std::memset(end, 0, static_cast<size_t>(next - end));
}

std::array<uint8_t, kWalExtentPayloadBytes> encode_wal_extent(const WalExtent& extent) {
  std::array<uint8_t, kWalExtentPayloadBytes> out{};
  store_le<uint64_t>(out.data(), extent.length);
  store_le<uint32_t>(out.data() + 8, extent.checksum);
  return out;
}

std::optional<WalExtent> decode_wal_extent(BytesView payload) {
  if (payload.size() != kWalExtentPayloadBytes) return std::nullopt;
  WalExtent extent;
  extent.length = load_le<uint64_t>(payload.data());
  extent.checksum = load_le<uint32_t>(payload.data() + 8);
  return extent;
}

WalRecordCursor::WalRecordCursor(const WalGroupHeader& header, BytesView records)
    : rest_(records),
      seed_(wal_group_seed(header.wal, header.sequence)),
      left_(header.record_count) {}

Result<std::optional<WalRecordCursor::Item>> WalRecordCursor::next() {
  if (left_ == 0) {
    if (!rest_.empty()) return fail(Errc::corrupt, "bytes behind the last record of a WAL group");
    return std::nullopt;
  }
  if (rest_.size() < kWalRecordHeaderBytes) {
    return fail(Errc::corrupt, "WAL group ends inside a record header");
  }
  const uint8_t* h = rest_.data();
  const uint64_t length = load_le<uint32_t>(h + kLength);
  if (wal_record_size(length) > rest_.size()) {
    return fail(Errc::corrupt, "WAL group ends inside a record");
  }
  Item item{decode_record(h), rest_.subspan(kWalRecordHeaderBytes, length)};
  const size_t hashed = hashed_bytes(item.record.kind, item.record.payload_hashed, length);
  const size_t covered = kWalRecordHeaderBytes - kKind + hashed;
  if (hashed > length || load_le<uint32_t>(h) != crc32c(seed_, {h + kKind, covered})) {
    return fail(Errc::corrupt, "WAL record has a bad checksum");
  }
  if (h[kKind] < 1 || h[kKind] > static_cast<uint8_t>(WalKind::epoch) ||
      (h[kFlags] & ~kFlagsKnown) != 0) {
    return fail(Errc::unsupported, "WAL record is of an unknown kind: a newer odradek wrote it");
  }
  item.broken = hashed < length && !batch_is_whole(item.payload);
  if (item.broken && !pass_broken_) {
    return fail(Errc::corrupt, "batch in the WAL has a bad checksum");
  }
  rest_ = rest_.subspan(wal_record_size(length));
  --left_;
  return item;
}

}  // namespace odradek::log
