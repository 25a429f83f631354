// One record batch through compaction: which of its records stay, and the bytes of what is left
// (org.apache.kafka.common.record.MemoryRecords.filterTo and Kafka's Cleaner are the judge). In
// steps of bounded work, so that the shard can do other things in between. Pure: bytes in, bytes
// out.
//
//   all records stay                     -> kept: the bytes as they are
//   some stay, or a horizon is to be set -> rewritten: same base and last offset, same producer,
//                                           same codec, the records that stay at their offsets
//   none stays, the batch must           -> emptied: a header that says so
//   none stays                           -> dropped
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/record_reader.h"
#include "log/key_map.h"
#include "reactor/base/chain.h"
#include "reactor/base/result.h"

namespace odradek::log {

class BatchBuilder;

// What the rules of one cleaning say; the same for all batches.
struct FilterRules {
  int64_t now_ms = 0;
  int64_t delete_retention_ms = 0;  // delete.retention.ms
};
// What they say of one batch, without looking at its records.
struct BatchFate {
  bool discard = false;     // all its records go: aborted, or a marker whose time has come
  bool keep_empty = false;  // it stays without records: its producer's or the round's last
  // A control batch whose transaction has no batch left: its horizon is set like a tombstone's.
  bool marks_nothing = false;
};

class BatchFilter {
 public:
  enum class Outcome : uint8_t { kept, rewritten, emptied, dropped };

  // `batch` is whole and its checksum is right. What it views, and `keys`, outlive this.
  BatchFilter(Chain batch, const KeyMap& keys, const FilterRules& rules, BatchFate fate);
  ~BatchFilter();

  // Does a part of the work; true when all of it is done. Errc::malformed or Errc::too_large for
  // records that cannot be read. REQUIRES: not done before.
  Result<bool> step();

  // After the last step.
  Outcome outcome() const { return outcome_; }
  // Of a batch that was rewritten or emptied, checksum included.
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  int64_t records_removed() const { return header_.record_count - kept_; }

 private:
  enum class Stage : uint8_t { looking, writing };
  // What was seen of a record.
  struct Seen {
    KeyHash hash;  // of its key
    Offset offset;
    bool has_key = false;
    bool has_value = false;
  };
  Seen see(const Record& record) const;
  bool stays(const Seen& record) const;
  Status look_ahead();
  Result<bool> look();
  Result<bool> decide();
  Result<bool> write();
  void write_empty();

  // Fixed at construction.
  Chain batch_;
  BatchHeader header_;
  const KeyMap& keys_;
  FilterRules rules_;
  BatchFate fate_;
  // Written by step().
  Stage stage_ = Stage::looking;
  std::array<Seen, KeyMap::kLookAhead> ahead_;
  size_t ahead_count_ = 0;
  bool all_seen_ = false;
  size_t step_bytes_ = 0;
  std::unique_ptr<RecordReader> reader_;
  std::unique_ptr<BatchBuilder> builder_;
  std::vector<bool> stay_;
  size_t at_ = 0;
  int64_t kept_ = 0;
  bool tombstones_ = false;
  Outcome outcome_ = Outcome::dropped;
  std::vector<uint8_t> bytes_;
};

}  // namespace odradek::log
