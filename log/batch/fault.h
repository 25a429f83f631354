// Why a batch was refused, with the Kafka error code a produce response carries for it. The numbers
// are Kafka's (org.apache.kafka.common.protocol.Errors); which fault gives which was read off
// Kafka 4.3's own validation by running it (tests/testdata/batch).
#pragma once

#include <cstdint>
#include <string_view>

namespace odradek::log {

enum class BatchFault : uint8_t {
  none,
  // What the bytes are.
  no_batch,       // no bytes, or fewer than the first batch's length says
  many_batches,   // more than one batch
  old_magic,      // magic 0 or 1
  unknown_magic,  // any other magic
  bad_length,     // a length that no batch has, or shorter than the header
  bad_crc,
  zstd_too_early,       // zstd in a produce request before version 7
  unknown_codec,        // ids 5 to 7. Kafka fails with UNKNOWN_SERVER_ERROR here; we name it
  too_large,            // over max.message.bytes, as received or after rebuilding
  larger_than_segment,  // over segment.bytes
  // What the header says.
  base_offset_not_zero,
  offset_range,    // last offset delta below zero
  record_count,    // below one
  count_mismatch,  // last offset delta + 1 is not the record count
  control_from_client,
  bad_sequence,  // a producer id without a sequence
  // What the records say.
  bad_record,         // a record's structure
  records_missing,    // the bytes end before the last record
  records_remaining,  // bytes after the last record
  bad_compression,    // the codec refuses the bytes. Kafka: mostly UNKNOWN_SERVER_ERROR; we name it
  expands_too_far,    // over batch_expansion_bytes_max(); Kafka has no such limit
  key_missing,        // no key in a compacted topic
  bad_timestamp,      // outside the topic's window
  log_append_time_set,  // LogAppendTime claimed by the producer
  codec_failed,         // no memory for a codec: our trouble, not the client's
};

// The error code for the produce response; 0 for `none`.
int16_t kafka_error_code(BatchFault fault);
// One sentence for the batch's error message and for logs. Static storage.
std::string_view fault_text(BatchFault fault);

}  // namespace odradek::log
