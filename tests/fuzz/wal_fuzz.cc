// A WAL file as a disk may give it back, through the whole scan.
//
//   byte 0   0x01: make the checksums of group headers right, wherever one could begin
//            0x02: and those of the records in them
//   byte 1   how often the rest is repeated, so that short inputs make files of several groups
//   rest     the file behind its header
//
// Claims beyond "does not crash": what the scan calls live can be read again, and every record in
// it passes its checksums; live groups are in order, behind what is released; damage lies at or
// below what was flushed, the torn end above it.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "log/wal_scan.h"
#include "reactor/base/check.h"
#include "reactor/base/crc32c.h"
#include "reactor/sim/world.h"

namespace {

using namespace odradek;
using namespace odradek::log;
using reactor::Task;
using reactor::sim::World;

constexpr uint8_t kResealHeaders = 0x01;
constexpr uint8_t kResealRecords = 0x02;
constexpr size_t kFileBytesMax = 64 * 1024;
constexpr size_t kRecordChecksumFrom = 4;
constexpr size_t kRecordLengthAt = 8;

Uuid wal_id() {
  Uuid id;
  id.bytes.fill(0x77);
  return id;
}

// Gives the records in `records` right checksums, as far as their lengths lead.
void reseal_records(MutableBytes records, uint32_t seed) {
  while (records.size() >= kWalRecordHeaderBytes) {
    const uint64_t length = load_le<uint32_t>(records.data() + kRecordLengthAt);
    if (wal_record_size(length) > records.size()) return;
    const bool whole = records[kRecordChecksumFrom] != static_cast<uint8_t>(WalKind::batch) ||
                       (records[kRecordChecksumFrom + 1] & 2) != 0;
    const size_t hashed = whole ? length : std::min<size_t>(length, kWalBatchPrefixBytes);
    const BytesView covered(records.data() + kRecordChecksumFrom,
                            kWalRecordHeaderBytes - kRecordChecksumFrom + hashed);
    store_le<uint32_t>(records.data(), crc32c(seed, covered));
    records = records.subspan(wal_record_size(length));
  }
}

void reseal_group(MutableBytes rest, bool records) {
  const MutableBytes head = rest.first(kWalGroupHeaderBytes);
  store_le<uint32_t>(head.data() + 4, kWalGroupMagic);
  store_le<uint16_t>(head.data() + 8, kWalVersion);
  std::memcpy(head.data() + 16, wal_id().bytes.data(), 16);
  store_le<uint32_t>(head.data(), crc32c(0, BytesView(head).subspan(4)));
  const auto decoded = decode_wal_group_header(head);
  if (!records || !decoded || decoded->header.group_bytes > rest.size()) return;
  reseal_records(rest.subspan(kWalGroupHeaderBytes, decoded->header.record_bytes),
                 wal_group_seed(wal_id(), decoded->header.sequence));
}

std::vector<uint8_t> make_file(BytesView input) {
  std::vector<uint8_t> file(kWalFileHeaderBytes);
  const WalFileHeader header{wal_id(), kFileBytesMax, 0};
  encode_wal_file_header(header, MutableBytes(file).first(kWalBlockBytes));
  std::memcpy(file.data() + kWalBlockBytes, file.data(), kWalBlockBytes);
  const BytesView body = input.subspan(2);
  for (int copies = 1 + input[1] % 4; copies > 0; --copies) {
    const size_t start = file.size();
    if (start + body.size() > kFileBytesMax) break;
    file.insert(file.end(), body.begin(), body.end());
    file.resize(align_up<size_t>(file.size(), kWalBlockBytes));
    if ((input[0] & kResealHeaders) == 0) continue;
    for (size_t at = start; at + kWalBlockBytes <= file.size(); at += kWalBlockBytes) {
      reseal_group(MutableBytes(file).subspan(at), (input[0] & kResealRecords) != 0);
    }
  }
  return file;
}

void check_verdict(const ScannedWal& wal) {
  WalSequence last = wal.released_through;
  for (const WalGroupPlace& place : wal.live) {
    CHECK(place.sequence > last, place.sequence, last);
    last = place.sequence;
  }
  CHECK(wal.last == last, wal.last, last);
  for (const WalDamage& damage : wal.damage) {
    CHECK(damage.first <= damage.last && damage.last <= wal.flushed_through, damage.last);
  }
}

Task<void> scan() {
  const auto opened = co_await WalScan::open("/data");
  if (!opened) co_return;
  WalScan& found = **opened;
  for (size_t w = 0; w < found.wals().size(); ++w) {
    check_verdict(found.wals()[w]);
    for (size_t g = 0; g < found.wals()[w].live.size(); ++g) {
      const auto group = co_await found.read_group(w, g);
      CHECK(group.has_value());
      WalRecordCursor cursor = group->cursor();
      for (;;) {
        const auto item = cursor.next();
        CHECK(item.has_value());
        if (!*item) break;
      }
    }
  }
  CHECK((co_await found.close()).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > kFileBytesMax) return 0;
  World world(1);
  world.disk("node").put("/data/odradek.wal/a.wal", make_file({data, size}));
  world.run([] { return scan(); });
  return 0;
}
