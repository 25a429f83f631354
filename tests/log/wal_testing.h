// What the tests of the WAL, its scan and its fuzz target share: small batches, a record of
// everything that was staged, and a scan of what a crash left.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "log/wal.h"
#include "log/wal_scan.h"
#include "reactor/base/crc32c.h"
#include "reactor/file.h"
#include "reactor/sim/world.h"
#include "tests/test.h"

namespace odradek::log::testing {

template <class T>
T must(Result<T> result) {
  CHECK(result.has_value(), result.error());
  return std::move(*result);
}
inline void must(Status status) { CHECK(status.has_value(), status.error()); }

// The smallest thing that a WAL takes for a record batch: a version 2 header with a right length
// and checksum, and `fill` bytes of 'records'.
inline std::vector<uint8_t> make_batch(int64_t base, size_t fill, uint8_t value = 0x5a) {
  std::vector<uint8_t> bytes(kWalBatchBytesMin + fill, value);
  store_be<int64_t>(bytes.data(), base);
  store_be<uint32_t>(bytes.data() + 8, static_cast<uint32_t>(bytes.size() - 12));
  store_be<int32_t>(bytes.data() + 12, 3);
  bytes[16] = 2;
  const BytesView hashed = BytesView(bytes).subspan(kWalBatchPrefixBytes);
  store_be<uint32_t>(bytes.data() + 17, crc32c(0, hashed));
  return bytes;
}

inline WalRecord batch_record(int64_t base) {
  WalRecord record;
  record.id.topic.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  record.id.partition = PartitionId(7);
  record.generation = Generation(2);
  record.epoch = LeaderEpoch(3);
  record.base = record.last = Offset(base);
  record.segment_base = Offset(0);
  record.position = static_cast<uint64_t>(base) * 1000;
  return record;
}

// Files and groups so small that a few records go all the way round.
inline WalOptions small_wal(std::string directory = "/data") {
  WalOptions options;
  options.directory = std::move(directory);
  options.capacity_bytes = 100 * 1024;  // three files
  options.first_file_bytes = options.file_bytes = 48 * 1024;
  options.group_bytes_max = 16 * 1024;
  return options;
}

struct StagedRecord {
  WalSequence sequence;
  WalRecord record;
  std::vector<uint8_t> payload;
};

// What the program was told; outlives the node that it describes.
struct Ledger : WalListener {
  std::vector<StagedRecord> staged;
  WalSequence durable{0};
  WalSequence written{0};
  WalSequence released{0};
  Uuid wal;
  int progress_calls = 0;
  bool finished = false;

  void on_wal_progress(Wal& w) override {
    CHECK(w.durable() >= durable && w.written() >= written);
    durable = w.durable();
    written = w.written();
    ++progress_calls;
  }
  WalSequence stage(Wal& w, const WalRecord& record, std::vector<uint8_t> payload, WalFlush flush) {
    const WalSequence sequence = w.stage(record, Chain(payload), flush);
    staged.push_back({sequence, record, std::move(payload)});
    return sequence;
  }
  void release(Wal& w, WalSequence sequence) {
    released = std::max(released, sequence);
    w.release_through(sequence);
  }
};

// What a scan found, copied out.
struct Found {
  ScannedWal wal;
  std::vector<StagedRecord> records;
};

inline reactor::Task<std::vector<Found>> read_everything(std::string directory, bool retire,
                                                         std::vector<std::string>* reusable) {
  const std::unique_ptr<WalScan> scan = must(co_await WalScan::open(directory));
  std::vector<Found> out;
  for (size_t w = 0; w < scan->wals().size(); ++w) {
    Found found{scan->wals()[w], {}};
    for (size_t g = 0; g < found.wal.live.size(); ++g) {
      const WalGroupView group = must(co_await scan->read_group(w, g));
      WalRecordCursor cursor = group.cursor();
      while (auto item = must(cursor.next())) {
        found.records.push_back(
            {group.header.sequence, item->record, {item->payload.begin(), item->payload.end()}});
      }
    }
    out.push_back(std::move(found));
  }
  must(co_await scan->close());
  if (retire) must(co_await scan->retire());
  if (reusable != nullptr) *reusable = scan->reusable();
  co_return out;
}

inline reactor::Task<void> scan_into(std::vector<Found>& out, bool retire = false,
                                     std::vector<std::string>* reusable = nullptr) {
  out = co_await read_everything("/data", retire, reusable);
}

// The promise of the WAL, after any end: what was durable and not released is there, in order and
// byte for byte; beyond it at most more of what was staged; nothing else, and no false alarm.
inline void expect_kept(const Ledger& ledger, const std::vector<Found>& found) {
  const Found* mine = nullptr;
  for (const Found& f : found) {
    if (f.wal.id == ledger.wal) mine = &f;
  }
  if (mine == nullptr) {
    REQUIRE_EQ(ledger.durable.value, 0);
    return;
  }
  const ScannedWal& wal = mine->wal;
  if (!wal.damage.empty()) MESSAGE(wal.damage.front().what);
  REQUIRE(wal.damage.empty());
  REQUIRE(wal.released_through <= ledger.released);
  REQUIRE(wal.last >= ledger.durable);
  size_t next = 0;
  for (const StagedRecord& staged : ledger.staged) {
    if (staged.sequence <= wal.released_through || staged.sequence > wal.last) continue;
    REQUIRE(next < mine->records.size());
    const StagedRecord& read = mine->records[next++];
    REQUIRE_EQ(read.sequence.value, staged.sequence.value);
    REQUIRE(read.record == staged.record);
    REQUIRE(read.payload == staged.payload);
  }
  REQUIRE_EQ(next, mine->records.size());
}

}  // namespace odradek::log::testing
