#include "log/segment_checksums.h"

#include <algorithm>
#include <array>

#include "reactor/base/check.h"

namespace odradek::log {

static constexpr std::array<uint8_t, 8> kMagicBytes{'O', 'D', 'R', 'A', 'S', 'U', 'M', 'S'};
static constexpr uint32_t kVersion = 1;
static constexpr size_t kVersionAt = 8;
static constexpr size_t kUnitBytesAt = 12;
static constexpr size_t kTopicAt = 16;
static constexpr size_t kPartitionAt = 32;
static constexpr size_t kBaseAt = 40;
static constexpr size_t kBytesAt = 48;
static constexpr size_t kCountAt = 56;
static constexpr size_t kFileCrcAt = 60;
static constexpr size_t kFileHeaderBytes = 64;
// Below this, hashing the bytes is cheaper than shifting the batch's checksum over them.
static constexpr size_t kShiftBytesMin = 4096;

static uint32_t seed_of(const SegmentId& id) {
  std::array<uint8_t, 28> name{};
  std::ranges::copy(id.partition.topic.bytes, name.begin());
  store_le(name.data() + 16, id.partition.partition.value);
  store_le(name.data() + 20, id.base.value);
  return crc32c(0, name);
}

SegmentChecksums::SegmentChecksums(const SegmentId& id, uint64_t from)
    : id_(id), seed_(seed_of(id)), end_(from) {
  for (uint64_t start = 0; start < from; start += kReadUnitBytes) {
    const uint64_t missing = std::min<uint64_t>(kReadUnitBytes, from - start);
    units_.push_back({0, static_cast<uint32_t>(missing)});
  }
}

SegmentChecksums::Unit& SegmentChecksums::unit_at_end() {
  if (end_ / kReadUnitBytes == units_.size()) units_.push_back({seed_, 0});
  return units_.back();
}

void SegmentChecksums::extend(BytesView bytes) {
  while (!bytes.empty()) {
    Unit& unit = unit_at_end();
    const size_t n = std::min<size_t>(bytes.size(), kReadUnitBytes - end_ % kReadUnitBytes);
    unit.crc = crc32c(unit.crc, bytes.first(n));
    end_ += n;
    bytes = bytes.subspan(n);
  }
}

// A batch's checksum covers what follows the first 21 bytes, so inside one unit it need only be
// shifted over them; the pieces of a batch that crosses units are hashed.
void SegmentChecksums::append(const BatchHeader& header, const Chain& batch) {
  CHECK(header.size_bytes() == static_cast<int64_t>(batch.size()), header.size_bytes(),
        batch.size());
  const bool inside = end_ % kReadUnitBytes + batch.size() <= kReadUnitBytes;
  if (!inside || batch.size() < kShiftBytesMin) {
    for (size_t i = 0; i < batch.part_count(); ++i) extend(batch.part(i));
    return;
  }
  std::array<uint8_t, kAttributesAt> front;
  batch.copy_out(0, front);
  extend(front);
  Unit& unit = unit_at_end();
  const uint64_t covered = batch.size() - kAttributesAt;
  unit.crc = crc32c_combine(unit.crc, header.crc, covered);
  end_ += covered;
}

void SegmentChecksums::truncate(uint64_t bytes) {
  CHECK(bytes <= end_, bytes, end_);
  end_ = bytes;
  units_.resize((bytes + kReadUnitBytes - 1) / kReadUnitBytes);
  const auto cut = static_cast<uint32_t>(bytes % kReadUnitBytes);
  if (cut != 0) units_.back() = {0, cut};
}

std::optional<uint32_t> SegmentChecksums::unit(uint32_t unit) const {
  if (unit >= units_.size() || units_[unit].missing != 0) return std::nullopt;
  return units_[unit].crc;
}

uint32_t SegmentChecksums::missing_bytes(uint32_t unit) const {
  CHECK(unit < units_.size(), unit, units_.size());
  return units_[unit].missing;
}

uint64_t SegmentChecksums::known_bytes() const {
  const auto unknown = std::ranges::find_if(units_, [](const Unit& u) { return u.missing != 0; });
  if (unknown == units_.end()) return end_;
  return static_cast<uint64_t>(unknown - units_.begin()) * kReadUnitBytes;
}

void SegmentChecksums::set_front(uint32_t unit, uint32_t crc_of_front) {
  Unit& u = units_[unit];
  const uint64_t start = uint64_t{unit} * kReadUnitBytes;
  const uint64_t length = std::min<uint64_t>(kReadUnitBytes, end_ - start);
  u.crc = crc32c_combine(crc_of_front, u.crc, length - u.missing);
  u.missing = 0;
}

void SegmentChecksums::join(uint32_t unit, BytesView front) {
  CHECK(front.size() == missing_bytes(unit), unit, front.size(), missing_bytes(unit));
  if (!front.empty()) set_front(unit, crc32c(seed_, front));
}

void SegmentChecksums::join(const SegmentChecksums& saved, uint64_t below) {
  for (uint32_t i = 0; i < std::min(unit_count(), saved.unit_count()); ++i) {
    const uint64_t start = uint64_t{i} * kReadUnitBytes;
    const uint64_t own_end = std::min(start + kReadUnitBytes, end_);
    const uint64_t saved_end = std::min(start + kReadUnitBytes, saved.end_);
    if (units_[i].missing == 0 || saved.units_[i].missing != 0 || saved_end > below) continue;
    if (saved_end == own_end) {
      units_[i] = saved.units_[i];
    } else if (saved_end == start + units_[i].missing) {
      set_front(i, saved.units_[i].crc);
    }
  }
}

static uint32_t file_crc(BytesView file) {
  const uint32_t crc = crc32c(0, file.first(kFileCrcAt));
  return crc32c(crc, file.subspan(kFileHeaderBytes));
}

std::vector<uint8_t> SegmentChecksums::encode(uint64_t below) const {
  uint64_t bytes = known_bytes();
  if (below < bytes) bytes = align_down<uint64_t>(below, kReadUnitBytes);
  const auto count = static_cast<uint32_t>((bytes + kReadUnitBytes - 1) / kReadUnitBytes);
  std::vector<uint8_t> out(kFileHeaderBytes + size_t{count} * 4);
  std::ranges::copy(kMagicBytes, out.begin());
  store_le(out.data() + kVersionAt, kVersion);
  store_le(out.data() + kUnitBytesAt, kReadUnitBytes);
  std::ranges::copy(id_.partition.topic.bytes, out.begin() + kTopicAt);
  store_le(out.data() + kPartitionAt, id_.partition.partition.value);
  store_le(out.data() + kBaseAt, id_.base.value);
  store_le(out.data() + kBytesAt, bytes);
  store_le(out.data() + kCountAt, count);
  for (uint32_t i = 0; i < count; ++i) {
    store_le(out.data() + kFileHeaderBytes + size_t{i} * 4, units_[i].crc);
  }
  store_le(out.data() + kFileCrcAt, file_crc(out));
  return out;
}

Result<SegmentId> SegmentChecksums::named_in(BytesView file) {
  const uint8_t* p = file.data();
  if (file.size() < kFileHeaderBytes || !std::equal(kMagicBytes.begin(), kMagicBytes.end(), p)) {
    return fail(Errc::corrupt, "odx: no header");
  }
  SegmentId id;
  std::copy_n(p + kTopicAt, 16, id.partition.topic.bytes.begin());
  id.partition.partition = PartitionId(load_le<int32_t>(p + kPartitionAt));
  id.base = Offset(load_le<int64_t>(p + kBaseAt));
  return id;
}

Result<SegmentChecksums> SegmentChecksums::decode(const SegmentId& id, BytesView file) {
  TRY_ASSIGN(const SegmentId found, named_in(file));
  const uint8_t* p = file.data();
  const auto version = load_le<uint32_t>(p + kVersionAt);
  if (version > kVersion) return fail(Errc::unsupported, "odx: version " + std::to_string(version));
  const auto bytes = load_le<uint64_t>(p + kBytesAt);
  const uint64_t count = load_le<uint32_t>(p + kCountAt);
  if (version != kVersion || load_le<uint32_t>(p + kUnitBytesAt) != kReadUnitBytes ||
      bytes > kSegmentBytesMax || count != (bytes + kReadUnitBytes - 1) / kReadUnitBytes ||
      file.size() != kFileHeaderBytes + count * 4 ||
      load_le<uint32_t>(p + kFileCrcAt) != file_crc(file)) {
    return fail(Errc::corrupt, "odx: header or checksum");
  }
  if (found != id) return fail(Errc::corrupt, "odx: of another segment");
  SegmentChecksums checksums(id);
  checksums.end_ = bytes;
  for (size_t i = 0; i < count; ++i) {
    checksums.units_.push_back({load_le<uint32_t>(p + kFileHeaderBytes + i * 4), 0});
  }
  return checksums;
}

}  // namespace odradek::log
