// Kafka's producer snapshot file, version 1 (KIP-98; org.apache.kafka.storage.internals.log.
// ProducerStateManager), big-endian:
//   version i16 | crc u32 of all that follows | count i32 | entries of 46 bytes
//   entry: id i64, epoch i16, last sequence i32, last offset i64, offset delta i32, timestamp i64,
//          coordinator epoch i32, first offset of the open transaction i64
// Kafka decodes the entries and looks at nothing behind them, so what else a retry needs stands
// there:
//   magic u32 | version u16 | count u32 | entries
//   entry: id i64, flags u8, older batches u8, each: first i32, last i32, base i64, last i64,
//   timestamp i64
#include <algorithm>

#include "log/producer_state.h"
#include "reactor/base/crc32c.h"

namespace odradek::log {

namespace {

constexpr int16_t kSnapshotVersion = 1;
constexpr size_t kEntriesAt = 6;
constexpr size_t kEntryBytes = 46;
constexpr uint32_t kTrailerMagic = 0x4f445850;  // "ODXP"
constexpr uint16_t kTrailerVersion = 1;
constexpr size_t kTrailerHeaderBytes = 10;
constexpr size_t kTrailerBatchBytes = 32;
constexpr uint8_t kAnySequence = 1;

class Writer {
 public:
  template <std::integral T>
  void put(T value) {
    const size_t at = out.size();
    out.resize(at + sizeof(T));
    store_be(out.data() + at, value);
  }
  std::vector<uint8_t> out;
};

// Reads what is there; `ok` turns false when the bytes end first.
class Reader {
 public:
  explicit Reader(BytesView bytes) : rest_(bytes) {}
  template <std::integral T>
  T take() {
    if (rest_.size() < sizeof(T)) {
      ok = false;
      return T{};
    }
    const T value = load_be<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  size_t left() const { return rest_.size(); }
  bool ok = true;

 private:
  BytesView rest_;
};

using Producers = std::vector<std::pair<ProducerId, const ProducerEntry*>>;

void put_entry(Writer& w, ProducerId id, const ProducerEntry& entry) {
  const ProducerBatch* last = entry.last_batch();
  w.put(id.value);
  w.put(entry.epoch.value);
  w.put(last ? last->last_sequence : int32_t{-1});
  w.put(last ? last->last.value : int64_t{-1});
  w.put(last ? static_cast<int32_t>(last->last - last->base) : int32_t{0});
  w.put(entry.last_timestamp_ms);
  w.put(entry.coordinator_epoch);
  w.put(entry.transaction_first ? entry.transaction_first->value : int64_t{-1});
}

void put_trailer(Writer& w, const Producers& producers) {
  w.put(kTrailerMagic);
  w.put(kTrailerVersion);
  w.put(static_cast<uint32_t>(producers.size()));
  for (const auto& [id, entry] : producers) {
    const auto older = static_cast<uint8_t>(entry->batch_count > 0 ? entry->batch_count - 1 : 0);
    w.put(id.value);
    w.put(entry->any_sequence ? kAnySequence : uint8_t{0});
    w.put(older);
    for (size_t i = 0; i < older; ++i) {
      const ProducerBatch& b = entry->batches[i];
      w.put(b.first_sequence);
      w.put(b.last_sequence);
      w.put(b.base.value);
      w.put(b.last.value);
      w.put(b.timestamp_ms);
    }
  }
}

// `sequence` minus `count`, the other way round the wrap of sequence_after().
int32_t sequence_before(int32_t sequence, int32_t count) {
  return sequence >= count ? sequence - count : INT32_MAX - (count - sequence) + 1;
}

bool take_entry(Reader& r, ProducerId& id, ProducerEntry& entry) {
  id = ProducerId(r.take<int64_t>());
  entry.epoch = ProducerEpoch(r.take<int16_t>());
  const auto last_sequence = r.take<int32_t>();
  const Offset last(r.take<int64_t>());
  const auto delta = r.take<int32_t>();
  entry.last_timestamp_ms = r.take<int64_t>();
  entry.coordinator_epoch = r.take<int32_t>();
  const Offset transaction(r.take<int64_t>());
  if (!r.ok || id.value < 0) return false;
  if (transaction.value >= 0) entry.transaction_first = transaction;
  if (last.value < 0) return true;
  if (delta < 0 || delta > last.value || last_sequence < -1) return false;
  const int32_t first = last_sequence < 0 ? -1 : sequence_before(last_sequence, delta);
  entry.batches[0] = {first, last_sequence, last - int64_t{delta}, last, entry.last_timestamp_ms};
  entry.batch_count = 1;
  return true;
}

bool take_older(Reader& r, ProducerEntry& entry) {
  const auto flags = r.take<uint8_t>();
  const size_t older = r.take<uint8_t>();
  if (!r.ok || older >= kProducerBatchesKept || (older > 0 && entry.batch_count == 0)) return false;
  if (r.left() < older * kTrailerBatchBytes) return false;
  entry.any_sequence = (flags & kAnySequence) != 0;
  const ProducerBatch newest = entry.batches[0];
  for (size_t i = 0; i < older; ++i) {
    ProducerBatch& b = entry.batches[i];
    b.first_sequence = r.take<int32_t>();
    b.last_sequence = r.take<int32_t>();
    b.base = Offset(r.take<int64_t>());
    b.last = Offset(r.take<int64_t>());
    b.timestamp_ms = r.take<int64_t>();
  }
  if (older > 0) entry.batches[older] = newest;
  entry.batch_count = static_cast<uint8_t>(entry.batch_count + older);
  return true;
}

}  // namespace

std::vector<uint8_t> ProducerState::encode_snapshot() const {
  Producers sorted;
  sorted.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) sorted.emplace_back(id, &entry);
  std::ranges::sort(sorted, {}, &Producers::value_type::first);
  Writer w;
  w.put(kSnapshotVersion);
  w.put(uint32_t{0});
  w.put(static_cast<int32_t>(sorted.size()));
  for (const auto& [id, entry] : sorted) put_entry(w, id, *entry);
  const bool more = std::ranges::any_of(
      sorted, [](const auto& p) { return p.second->batch_count > 1 || p.second->any_sequence; });
  if (more) put_trailer(w, sorted);
  store_be(w.out.data() + 2, crc32c(0, BytesView(w.out).subspan(kEntriesAt)));
  return w.out;
}

Result<ProducerState> ProducerState::decode_snapshot(BytesView file, int64_t now_ms) {
  Reader r(file);
  const auto version = r.take<int16_t>();
  const auto crc = r.take<uint32_t>();
  const auto count = r.take<int32_t>();
  if (!r.ok) return fail(Errc::corrupt, "producer snapshot: no header");
  if (version != kSnapshotVersion) {
    return fail(Errc::unsupported, "producer snapshot: version " + std::to_string(version));
  }
  if (crc32c(0, file.subspan(kEntriesAt)) != crc)
    return fail(Errc::corrupt, "producer snapshot: checksum");
  if (count < 0 || static_cast<size_t>(count) > r.left() / kEntryBytes) {
    return fail(Errc::corrupt, "producer snapshot: count " + std::to_string(count));
  }
  ProducerState state;
  for (int32_t i = 0; i < count; ++i) {
    ProducerId id;
    ProducerEntry entry;
    entry.noted_ms = now_ms;
    if (!take_entry(r, id, entry)) return fail(Errc::corrupt, "producer snapshot: entry");
    if (entry.transaction_first) state.open_[*entry.transaction_first] = id;
    state.producers_[id] = entry;
  }
  if (r.left() < kTrailerHeaderBytes || r.take<uint32_t>() != kTrailerMagic) return state;
  if (r.take<uint16_t>() != kTrailerVersion) return state;  // newer: it only adds
  for (auto left = r.take<uint32_t>(); left > 0; --left) {
    const auto found = state.producers_.find(ProducerId(r.take<int64_t>()));
    if (!r.ok || found == state.producers_.end() || !take_older(r, found->second)) {
      return fail(Errc::corrupt, "producer snapshot: older batches");
    }
  }
  return state;
}

}  // namespace odradek::log
