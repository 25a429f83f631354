// Writes one batch: for our client, for tests, for control records, for the metadata log, and for
// batches that a broker must rebuild. With the same records it gives the bytes that Kafka's Java
// producer gives (uncompressed; what a codec makes of them is the codec's business).
//
// Owned by one task on one core. Memory: the batch, and one slice of uncompressed records when
// compressing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/codec.h"
#include "log/batch/record.h"

namespace odradek::log {

// Whatever of the header does not follow from the records.
struct BatchOptions {
  Compression compression;
  Offset base_offset{0};
  LeaderEpoch leader_epoch{-1};
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  int32_t base_sequence = kNoSequence;
  bool transactional = false;
  bool control = false;
  // Set: every record's timestamp is this one (message.timestamp.type=LogAppendTime). The
  // producer's stay in the deltas, as with Kafka.
  std::optional<WallTime> log_append_time;
  // Set: when tombstones in this batch may go; the base timestamp says so (KIP-534).
  std::optional<int64_t> delete_horizon_ms;
  // Of the shard, if any; outlives the builder.
  CodecContexts* contexts = nullptr;
};

class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchOptions& options);

  // Appends `record` at the next offset delta; its own offset delta is ignored.
  void append(const Record& record);
  // Appends `record` at its own offset delta. REQUIRES: larger than the one before, or the first.
  void append_at_delta(const Record& record);

  // The batch ends at this offset delta, whatever its last record has: those behind it were removed
  // by compaction. REQUIRES: not below that of the last record.
  void end_at_delta(int32_t last_offset_delta);

  int32_t record_count() const { return header_.record_count; }
  bool empty() const { return header_.record_count == 0; }
  // What the batch takes at most once finished, before compression.
  size_t bytes_uncompressed() const { return kBatchHeaderBytes + records_bytes_; }

  // The finished batch, checksum included. An empty batch is legal (compaction leaves such). Fails
  // only when a codec has no memory. The builder is spent.
  Result<std::vector<uint8_t>> finish();

 private:
  void flush_if_full();
  void encode(const Record& record, int32_t offset_delta, int64_t timestamp_delta);
  void complete_header();

  BatchHeader header_;
  const std::optional<WallTime> log_append_time_;
  std::vector<uint8_t> out_;      // header and finished record bytes
  std::vector<uint8_t> pending_;  // records not yet compressed; unused without a codec
  std::unique_ptr<Compressor> compressor_;
  Status compressed_;
  size_t records_bytes_ = 0;
  int32_t next_delta_ = 0;
};

// The bytes that `record` takes in a batch, its length field included.
size_t record_bytes(const Record& record, int32_t offset_delta, int64_t timestamp_delta);

}  // namespace odradek::log
