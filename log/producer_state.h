// What a partition knows of its idempotent and transactional producers: enough to recognise a retry
// and to refuse a gap (KIP-98, KIP-360), to bound read_committed (open transactions), and to write
// and read Kafka's .snapshot files. Pure: no I/O, no clock. Owned by one partition's log.
//
// The leader calls check() before it gives a batch its offsets and note() after; replay and
// followers call note() only. State follows the log's end, not the high watermark: a retry of a
// batch that is not durable yet is found, and its caller waits for the first attempt's offsets like
// the first attempt does.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/control_record.h"
#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::log {

inline constexpr size_t kProducerBatchesKept = 5;  // max.in.flight of an idempotent producer
inline constexpr size_t kProducersPerPartitionMax = 200'000;  // then the longest idle one goes

// One appended batch, as a retry would look for it.
struct ProducerBatch {
  int32_t first_sequence = -1;
  int32_t last_sequence = -1;
  Offset base{-1};
  Offset last{-1};
  int64_t timestamp_ms = -1;  // the batch's largest
};

struct ProducerEntry {
  ProducerEpoch epoch{-1};
  int32_t coordinator_epoch = -1;
  int64_t last_timestamp_ms = -1;           // of the last batch or marker
  std::optional<Offset> transaction_first;  // of the open transaction
  uint8_t batch_count = 0;
  bool any_sequence = false;  // an abort ended what the sequences counted: the next batch sets them
  std::array<ProducerBatch, kProducerBatchesKept> batches;  // oldest first
  int64_t noted_ms = 0;  // the broker's clock at the last append: what expiry goes by

  const ProducerBatch* last_batch() const {
    return batch_count ? &batches[batch_count - 1] : nullptr;
  }
  int32_t last_sequence() const {
    return batch_count ? batches[batch_count - 1].last_sequence : -1;
  }
};

// A transaction that was aborted: what the .txnindex lists and read_committed fetches are told.
struct AbortedTransaction {
  ProducerId producer_id{-1};
  Offset first{-1};
  Offset last{-1};         // of the marker
  Offset last_stable{-1};  // when the marker was written
  bool operator==(const AbortedTransaction&) const = default;
};

class ProducerState {
 public:
  enum class Verdict : uint8_t {
    accept,
    duplicate,     // answer with the first attempt's offsets once they are visible
    out_of_order,  // OUT_OF_ORDER_SEQUENCE_NUMBER
    stale_epoch,   // INVALID_PRODUCER_EPOCH
  };
  struct Check {
    Verdict verdict = Verdict::accept;
    ProducerBatch first_attempt;     // of a duplicate
    int32_t expected_sequence = -1;  // for the message of a refusal
    ProducerEpoch current_epoch{-1};
  };

  // May the leader append this data batch? Its offsets do not matter yet. Batches without a
  // producer id are always accepted. Order of the rules: duplicate, epoch, sequence; without state
  // any sequence goes.
  Check check(const BatchHeader& header) const;
  // A data batch with its offsets, appended at `now_ms` of the broker's clock. Never refuses.
  void note(const BatchHeader& header, int64_t now_ms);
  // A transaction marker at `header.base_offset`. Returns what the .txnindex must hold when it
  // aborts something; `last_stable` is filled in by the caller, who knows the high watermark.
  std::optional<AbortedTransaction> note_marker(const BatchHeader& header, TxnMarker marker,
                                                int64_t now_ms);

  // The first offset that read_committed may not pass: of the earliest transaction that is open, or
  // whose marker is at or above the high watermark.
  std::optional<Offset> first_unstable() const;
  // Forgets ended transactions whose marker lies below it.
  void on_high_watermark(Offset high_watermark);

  // Forgets producers idle for `expiration_ms` that have no open transaction; returns how many.
  size_t expire(int64_t now_ms, int64_t expiration_ms);
  // Everything below `log_start` is gone: window entries stay (a retry may still come),
  // transactions that began and ended below it go.
  void on_log_start(Offset log_start);
  void clear();

  size_t size() const { return producers_.size(); }
  const ProducerEntry* find(ProducerId id) const;
  const std::unordered_map<ProducerId, ProducerEntry>& producers() const { return producers_; }

  // Kafka's snapshot file, version 1; producers in ascending order. A snapshot holds only the
  // newest batch of each producer; ours adds the older ones behind it, which Kafka skips.
  std::vector<uint8_t> encode_snapshot() const;
  // Errc::corrupt for a bad checksum or structure, Errc::unsupported for another version. `now_ms`
  // starts the idle time.
  static Result<ProducerState> decode_snapshot(BytesView file, int64_t now_ms);

 private:
  ProducerEntry& entry_for(ProducerId id, int64_t now_ms);
  void push(ProducerEntry& entry, const ProducerBatch& batch);
  void evict_idle();

  std::unordered_map<ProducerId, ProducerEntry> producers_;
  std::map<Offset, ProducerId> open_;  // by the transaction's first offset
  std::map<Offset, Offset>
      ended_;  // first offset -> marker's offset, until the high watermark passes
};

}  // namespace odradek::log
