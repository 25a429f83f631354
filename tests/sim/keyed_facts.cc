#include "tests/sim/keyed_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/batch/batch.h"
#include "log/batch/record_reader.h"

namespace odradek::simulation {

using log::TopicPartition;

static uint64_t hash_of(const log::Record& record) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](BytesView bytes) {
    for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
    hash = (hash ^ bytes.size()) * 0x100000001b3;
  };
  if (record.key) add(*record.key);
  hash = (hash ^ (record.value ? 1u : 2u)) * 0x100000001b3;
  if (record.value) add(*record.value);
  for (const log::RecordHeader& header : record.headers) {
    if (header.value) add(*header.value);
  }
  return (hash ^ static_cast<uint64_t>(record.timestamp)) * 0x100000001b3;
}

std::vector<KeyedRecord> KeyedFacts::records_of(BytesView batch) {
  std::vector<KeyedRecord> out;
  log::RecordReader reader(Chain(batch), uint64_t{64} << 20);
  for (;;) {
    const auto record = reader.next();
    if (!record || !*record) return out;
    out.push_back({.offset = reader.offset_of(**record).value,
                   .key = std::string((*record)->key ? as_text(*(*record)->key) : ""),
                   .hash = hash_of(**record),
                   .tombstone = !(*record)->value});
  }
}

void KeyedFacts::sent(const TopicPartition& id, uint32_t crc, BytesView batch, MonoTime now) {
  Partition& partition = partitions_[id];
  const auto [at, fresh] = partition.batches.try_emplace(crc);
  if (!fresh) return;
  at->second = {records_of(batch), now};
  for (const KeyedRecord& record : at->second.records) partition.sent.insert(record.hash);
}

void KeyedFacts::acked(const TopicPartition& id, uint32_t crc, int64_t base_offset) {
  Partition& partition = partitions_[id];
  Sent& sent = partition.batches[crc];
  sent.acked = true;
  for (KeyedRecord record : sent.records) {
    record.offset += base_offset;
    partition.known[record.offset] = record.hash;
    const auto [newest, fresh] = partition.newest.try_emplace(record.key);
    if (fresh || newest->second.record.offset < record.offset) newest->second = {record, sent.when};
  }
}

std::string KeyedFacts::read(const TopicPartition& id, BytesView batch) {
  Partition& partition = partitions_[id];
  if (!partition.batches.contains(log::BatchHeader::parse(batch).crc)) ++rewritten_;
  for (const KeyedRecord& record : records_of(batch)) {
    if (!partition.sent.contains(record.hash)) {
      return fmt::format("{} offset {}: nobody sent this record", id.to_string(), record.offset);
    }
    const auto [known, fresh] = partition.known.try_emplace(record.offset, record.hash);
    if (!fresh && known->second != record.hash) {
      return fmt::format("{} offset {}: another record was there", id.to_string(), record.offset);
    }
  }
  return "";
}

bool KeyedFacts::hidden_tombstone(const Partition& partition, const std::string& key,
                                  MonoTime since) {
  for (const auto& [crc, sent] : partition.batches) {
    if (sent.acked || sent.when > since) continue;
    const auto it = std::ranges::find_if(sent.records, [&](const KeyedRecord& record) {
      return record.tombstone && record.key == key;
    });
    if (it != sent.records.end()) return true;
  }
  return false;
}

std::string KeyedFacts::whole(const TopicPartition& id, const std::vector<KeyedRecord>& records,
                              int64_t log_start, Duration delete_retention, MonoTime now) const {
  const auto found = partitions_.find(id);
  if (found == partitions_.end()) return "";
  std::map<std::string, KeyedRecord> last;
  std::set<int64_t> offsets;
  for (const KeyedRecord& record : records) {
    last[record.key] = record;
    offsets.insert(record.offset);
  }
  for (const auto& [key, acked] : found->second.newest) {
    const int64_t offset = acked.record.offset;
    if (offset < log_start || offsets.contains(offset)) continue;
    const auto there = last.find(key);
    // A newer one whose answer was lost; what it is was checked when it was read.
    if (there != last.end() && there->second.offset > offset) continue;
    const bool may_go = acked.record.tombstone && now - acked.sent >= delete_retention;
    if (may_go && there == last.end()) continue;
    const bool hidden = hidden_tombstone(found->second, key, now - delete_retention);
    if (hidden && there == last.end()) continue;
    return fmt::format("{} offset {}: the newest record of {} is gone{}; of the key there is {}",
                       id.to_string(), offset, key, acked.record.tombstone ? " (a tombstone)" : "",
                       there == last.end() ? -1 : there->second.offset);
  }
  return "";
}

}  // namespace odradek::simulation
