// What must hold of compacted topics (I14), record by record, since compaction makes other batches
// of what was sent:
//   - a record that is read was sent to that partition, and stays the same at its offset for ever
//   - the newest acknowledged record of each key is there at its offset, or a newer one of the key
//   - but for a tombstone, delete.retention.ms after it was sent at the earliest: then nothing
//     older of its key is there either; a tombstone whose answer was lost is one too
// Part of the oracle; lives outside of the simulated machines. Topics in `flushed` mode only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/time.h"

namespace odradek::simulation {

// One record, as far as anybody asks.
struct KeyedRecord {
  int64_t offset = 0;
  std::string key;
  uint64_t hash = 0;  // of key, value and time
  bool tombstone = false;
};

class KeyedFacts {
 public:
  // The records of a whole batch; empty when they cannot be read.
  static std::vector<KeyedRecord> records_of(BytesView batch);

  void add_topic(const log::TopicId& topic) { topics_.insert(topic); }
  bool has(const log::TopicPartition& id) const { return topics_.contains(id.topic); }
  void sent(const log::TopicPartition& id, uint32_t crc, BytesView batch, MonoTime now);
  void acked(const log::TopicPartition& id, uint32_t crc, int64_t base_offset);
  // What is wrong with a batch that was read; empty for nothing.
  std::string read(const log::TopicPartition& id, BytesView batch);
  // What is wrong with a log that was read from its start to its end.
  std::string whole(const log::TopicPartition& id, const std::vector<KeyedRecord>& records,
                    int64_t log_start, Duration delete_retention, MonoTime now) const;
  // Batches that were read and that nobody sent as they are.
  uint64_t rewritten() const { return rewritten_; }

 private:
  struct Sent {
    std::vector<KeyedRecord> records;
    MonoTime when{};  // for the first time
    bool acked = false;
  };
  struct Acked {
    KeyedRecord record;
    MonoTime sent{};
  };
  struct Partition {
    std::map<uint32_t, Sent> batches;     // by checksum
    std::set<uint64_t> sent;              // hashes of records
    std::map<int64_t, uint64_t> known;    // hashes by offset: read or acknowledged
    std::map<std::string, Acked> newest;  // acknowledged, by key
  };
  // A tombstone of `key` may be in the log although nobody was told, and since `since` or earlier.
  static bool hidden_tombstone(const Partition& partition, const std::string& key, MonoTime since);
  std::set<log::TopicId> topics_;
  std::map<log::TopicPartition, Partition> partitions_;
  uint64_t rewritten_ = 0;
};

}  // namespace odradek::simulation
