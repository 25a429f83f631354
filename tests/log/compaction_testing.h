// A compacted log and what its clients know of it: which records were acknowledged, and so what the
// newest of each key is. Invariant I14: after compaction it is there, at its offset; no record is
// invented or moved; offsets ascend.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/log/keyed.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {

inline LogConfig compacted_config() {
  LogConfig config;
  config.segment_bytes = 16'000;
  config.index_interval_bytes = 512;
  config.delete_policy = false;
  config.compact_policy = true;
  config.min_cleanable_ratio = 0;
  config.file_delete_delay_ms = 20;
  return config;
}

// What one compacted log must hold.
struct KeyedModel {
  std::map<int64_t, SeenRecord> acked;  // by offset
  std::map<int64_t, SeenRecord> sent;   // and what may be there: acknowledged or not
  int64_t end = 0;                      // one past the last that was acknowledged
  // The newest acknowledged offset of each key.
  std::map<std::string, int64_t> newest() const {
    std::map<std::string, int64_t> out;
    for (const auto& [offset, record] : acked) out[record.key] = offset;
    return out;
  }
};

// Appends and waits until it is visible. What was sent and not acknowledged may stand anywhere.
inline Task<Appended> append_keyed(Live& live, TopicPartition id, KeyedModel& model,
                                   KeyedBatch batch) {
  const std::vector<uint8_t> bytes = make_keyed(batch);
  BatchInfo info;
  info.header = BatchHeader::parse(bytes);
  Appended appended = co_await live.log(id).append(Chain{BytesView(bytes)}, info, -1);
  if (appended.fault != AppendFault::none || appended.duplicate) co_return appended;
  int64_t offset = appended.base.value;
  std::vector<SeenRecord> records;
  for (const KeyedRecord& r : batch.records) {
    records.push_back({offset++, r.key, r.value, r.timestamp_ms});
    model.sent[records.back().offset] = records.back();
  }
  const Status visible = co_await live.log(id).wait_visible(appended.last, kMonoMax);
  if (!visible) {
    appended.fault = AppendFault::storage_error;
    co_return appended;
  }
  for (const SeenRecord& record : records) model.acked[record.offset] = record;
  model.end = offset;
  co_return appended;
}

struct KeyedContents {
  std::vector<SeenRecord> records;
  std::vector<BatchHeader> batches;
  uint64_t bytes = 0;
};

// Everything visible from `from` on; checks that batches are whole and offsets ascend.
inline Task<KeyedContents> read_keyed(Live& live, TopicPartition id, Offset from,
                                      uint64_t bytes_max = 1 << 20) {
  KeyedContents out;
  const Offset limit = live.log(id).high_watermark();
  Offset at = std::max(from, live.log(id).log_start());
  while (at < limit) {
    auto slice = co_await live.log(id).read(
        {.from = at, .bytes_max = bytes_max, .limit = limit, .at_least_one = true});
    CHECK(slice.has_value(), slice.error(), id, at);
    if (slice->bytes == 0) break;  // nothing is left up to the end
    std::vector<uint8_t> bytes;
    for (const LogSlice::Piece& piece : slice->pieces) {
      bytes.insert(bytes.end(), piece.bytes().begin(), piece.bytes().end());
    }
    for (size_t place = 0; place < bytes.size();) {
      const BatchHeader header = BatchHeader::parse(BytesView(bytes).subspan(place));
      const auto size = static_cast<size_t>(header.size_bytes());
      CHECK(place + size <= bytes.size(), place, size);
      const BytesView batch = BytesView(bytes).subspan(place, size);
      CHECK(batch_crc(batch) == header.crc, header.base_offset);
      CHECK(header.last_offset() >= at, header.base_offset, at);
      CHECK(out.batches.empty() || header.base_offset > out.batches.back().last_offset());
      for (SeenRecord& record : records_of(batch)) {
        if (record.offset >= from.value) out.records.push_back(std::move(record));
      }
      out.batches.push_back(header);
      at = header.next_offset();
      place += size;
    }
    CHECK(at == slice->next, at, slice->next);
    out.bytes += bytes.size();
  }
  co_return out;
}

// I14 for one log. Of a key that only has a tombstone left, the tombstone may be gone when
// `tombstones_may_go`.
inline Task<KeyedContents> verify_keyed(Live& live, TopicPartition id, const KeyedModel& model,
                                        bool tombstones_may_go = false) {
  KeyedContents found = co_await read_keyed(live, id, Offset(0));
  std::map<int64_t, SeenRecord> there;
  for (const SeenRecord& record : found.records) {
    CHECK(there.emplace(record.offset, record).second, record.offset);
    const auto sent = model.sent.find(record.offset);
    CHECK(sent != model.sent.end() && sent->second == record, id, record.offset, record.key);
  }
  std::map<std::string, int64_t> last;
  for (const auto& [offset, record] : there) last[record.key] = offset;
  const int64_t start = live.log(id).log_start().value;
  for (const auto& [key, offset] : model.newest()) {
    if (offset < start || there.contains(offset)) continue;
    // One that was sent later and whose acknowledgement a crash cut.
    if (last.contains(key) && last.at(key) > offset) continue;
    const bool tombstone = !model.acked.at(offset).value;
    CHECK(tombstone && tombstones_may_go, id, key, offset);
    // And nothing older of the key may have come back.
    for (const auto& [at, record] : there) CHECK(record.key != key || at > offset, key, at);
  }
  CHECK(live.log(id).high_watermark().value >= model.end, model.end);
  co_return found;
}

}  // namespace odradek::log::test
