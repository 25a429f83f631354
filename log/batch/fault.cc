#include "log/batch/fault.h"

#include <array>
#include <utility>

namespace odradek::log {
namespace {

constexpr int16_t kUnknownServerError = -1;
constexpr int16_t kCorruptMessage = 2;
constexpr int16_t kMessageTooLarge = 10;
constexpr int16_t kRecordListTooLarge = 18;
constexpr int16_t kInvalidTimestamp = 32;
constexpr int16_t kUnsupportedCompressionType = 76;
constexpr int16_t kInvalidRecord = 87;

struct Entry {
  BatchFault fault;
  int16_t code;
  std::string_view text;
};

constexpr Entry kEntries[] = {
    {BatchFault::none, 0, "none"},
    {BatchFault::no_batch, kInvalidRecord, "The request holds no complete record batch."},
    {BatchFault::many_batches, kInvalidRecord,
     "A partition takes exactly one record batch a request."},
    {BatchFault::old_magic, kInvalidRecord, "Only record batches of magic version 2 are taken."},
    {BatchFault::unknown_magic, kCorruptMessage, "The record batch has an unknown magic version."},
    {BatchFault::bad_length, kCorruptMessage,
     "The record batch's length is not one a batch can have."},
    {BatchFault::bad_crc, kCorruptMessage, "The record batch's checksum does not match its bytes."},
    {BatchFault::zstd_too_early, kUnsupportedCompressionType,
     "zstd is only taken in produce requests of version 7 and newer."},
    {BatchFault::unknown_codec, kUnsupportedCompressionType,
     "The record batch names an unknown compression type."},
    {BatchFault::too_large, kMessageTooLarge, "The record batch is larger than max.message.bytes."},
    {BatchFault::larger_than_segment, kRecordListTooLarge,
     "The record batch is larger than segment.bytes."},
    {BatchFault::base_offset_not_zero, kInvalidRecord,
     "The base offset of a new batch has to be 0."},
    {BatchFault::offset_range, kInvalidRecord, "The record batch has an invalid offset range."},
    {BatchFault::record_count, kInvalidRecord, "The record batch has to have at least one record."},
    {BatchFault::count_mismatch, kInvalidRecord,
     "The record batch's offset range and its count of records differ."},
    {BatchFault::control_from_client, kInvalidRecord, "Clients may not write control records."},
    {BatchFault::bad_sequence, kInvalidRecord,
     "The record batch has a producer id but no valid sequence number."},
    {BatchFault::bad_record, kInvalidRecord, "A record in the batch is malformed."},
    {BatchFault::records_missing, kInvalidRecord, "The batch ends before its last record."},
    {BatchFault::records_remaining, kInvalidRecord, "The batch goes on after its last record."},
    {BatchFault::bad_compression, kInvalidRecord, "The batch's records cannot be decompressed."},
    {BatchFault::expands_too_far, kMessageTooLarge,
     "The batch's records take too many bytes once decompressed."},
    {BatchFault::key_missing, kInvalidRecord, "A compacted topic takes no record without a key."},
    {BatchFault::bad_timestamp, kInvalidTimestamp,
     "One or more records have been rejected due to invalid timestamp"},
    {BatchFault::log_append_time_set, kInvalidTimestamp,
     "A producer may not set the timestamp type LogAppendTime."},
    {BatchFault::codec_failed, kUnknownServerError, "The broker has no memory left for the codec."},
};

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kEntries); ++i) {
    if (static_cast<size_t>(kEntries[i].fault) != i) return false;
  }
  return true;
}
static_assert(in_order(), "kEntries is indexed by the fault");
static_assert(std::size(kEntries) == static_cast<size_t>(BatchFault::codec_failed) + 1);

}  // namespace

int16_t kafka_error_code(BatchFault fault) { return kEntries[std::to_underlying(fault)].code; }
std::string_view fault_text(BatchFault fault) { return kEntries[std::to_underlying(fault)].text; }

}  // namespace odradek::log
