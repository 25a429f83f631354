// Decides whether a batch from a producer may be stored, and as which bytes: all that Kafka's
// LogValidator and the checks before it do for format 2, in steps that a shard can put between
// other work.
//
//   head -> checksum -> records -> (rebuild) -> done          any -> done with a fault
//
// Owned by one task on one core; the input's bytes must outlive it. One pass computes the checksum,
// one walks the records (decompressing slice by slice); a batch whose offset deltas have gaps or
// whose codec is not the topic's is then rebuilt. Memory: a slice and a codec's window; when
// rebuilding also the new batch.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/batch_builder.h"
#include "log/batch/codec.h"
#include "log/batch/fault.h"
#include "log/batch/record.h"
#include "log/batch/record_reader.h"

namespace odradek::log {

// What the topic, the broker and the request say. The defaults are Kafka's.
struct ValidationOptions {
  TimestampType timestamp_type = TimestampType::create_time;  // message.timestamp.type
  WallTime now;
  int64_t timestamp_before_max_ms = INT64_MAX;  // message.timestamp.before.max.ms
  int64_t timestamp_after_max_ms = 3'600'000;   // message.timestamp.after.max.ms
  uint32_t message_bytes_max = 1'048'588;       // max.message.bytes
  uint64_t segment_bytes = 1ULL << 30;          // segment.bytes
  bool compacted = false;                       // cleanup.policy has `compact`
  int16_t produce_version = 13;                 // of the request
  std::optional<Compression> compression;       // compression.type; absent: `producer`
  // A coordinator or the quorum writes: control batches and any base offset are then fine, and
  // offset range, count and sequence are its own business.
  bool internal = false;
  // Of the shard, if any; outlives the validator.
  CodecContexts* contexts = nullptr;
};

struct RecordError {
  int32_t batch_index = 0;
  std::string message;
};

// What the log needs to know of a batch that passed.
struct BatchInfo {
  BatchHeader header;                // as it will be stored, but for base offset and leader epoch
  int32_t max_timestamp_delta = -1;  // offset delta of the first record with the maximal timestamp
  uint64_t bytes_uncompressed = 0;   // of the records, without the header
  bool rebuilt = false;              // the records are not the producer's bytes
};

class BatchValidator {
 public:
  // `input`: the records field of one partition in a produce request.
  BatchValidator(Chain input, const ValidationOptions& options);

  enum class Progress : uint8_t { more, done };
  // Works for at most about 500 us. REQUIRES: the last one did not return `done`.
  Progress step();
  // All steps at once: for tests and for callers whose batches are small.
  BatchFault run();

  // REQUIRES for all below: done.
  BatchFault fault() const { return fault_; }
  // For the produce response (v8 and newer); empty without a fault.
  std::string error_message() const;
  // The records that were refused one by one, at most kRecordErrorsMax; empty for faults of the
  // batch.
  std::span<const RecordError> record_errors() const { return record_errors_; }
  // How many were refused, also beyond that.
  uint32_t record_error_count() const { return record_error_count_; }

  // REQUIRES for all below: done without a fault.
  const BatchInfo& info() const { return info_; }
  // The 61 bytes to store, ready for assign(); timestamps and checksum are final. Lives in the
  // validator.
  MutableBytes header_bytes() { return header_bytes_; }
  // What follows the header: slices of the input, or of `info().rebuilt` bytes that live in the
  // validator.
  const Chain& records() const { return records_; }
  // Takes the rebuilt batch (header included) out, for a caller that keeps it. REQUIRES:
  // info().rebuilt.
  std::vector<uint8_t> take_rebuilt();

 private:
  enum class Phase : uint8_t { head, checksum, records, rebuild, done };
  struct RecordCheck;

  void end_with(BatchFault fault);
  uint64_t run_phase();
  BatchFault check_head();
  BatchFault check_only_batch(uint64_t position);
  BatchFault check_header();
  uint64_t step_head();
  uint64_t step_checksum();
  uint64_t step_records();
  uint64_t step_rebuild();
  uint64_t refuse_whole(BatchFault fault);
  void begin_records();
  BatchFault record_fault(const RecordShape& shape, int64_t timestamp) const;
  void on_bad_record(const RecordShape& shape, int64_t timestamp, int32_t index);
  BatchFault record_errors_fault() const;
  void end_records();
  void begin_rebuild();
  void end_rebuild();
  BatchFault check_size() const;
  bool must_recompress() const;

  // Fixed at construction.
  const Chain input_;
  const ValidationOptions options_;
  int64_t timestamp_low_;
  int64_t timestamp_high_;

  Phase phase_ = Phase::head;
  BatchFault fault_ = BatchFault::none;
  BatchHeader header_;  // as received
  std::array<uint8_t, kBatchHeaderBytes> header_bytes_{};
  Chain records_;

  // Written by step_checksum() only.
  uint32_t crc_ = 0;
  size_t crc_part_ = 0;
  size_t crc_at_ = 0;

  // Written by step_records() only.
  std::unique_ptr<SliceReader> slices_;
  RecordScanner scanner_{0};
  int32_t index_ = 0;
  int64_t max_timestamp_ = kNoTimestamp;
  bool consecutive_ = true;
  bool timestamp_refused_ = false;
  uint32_t record_error_count_ = 0;
  std::vector<RecordError> record_errors_;

  // Written by step_rebuild() only.
  std::optional<RecordReader> reader_;
  std::optional<BatchBuilder> builder_;
  std::vector<uint8_t> rebuilt_;

  BatchInfo info_;
};

}  // namespace odradek::log
