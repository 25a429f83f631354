// The records of one batch, one after the other, decompressed on the way when needed. For whoever
// wants keys and values: compaction, coordinators, rebuilding a batch, tools, our own client.
//
// Owned by one task on one core; the batch's bytes must outlive it. Holds a slice, the codec's
// window, and the current record when it was not contiguous (at most kRecordBytesMax).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/codec.h"
#include "log/batch/record.h"

namespace odradek::log {

class RecordReader {
 public:
  // `batch`: header and records. The header should have been checked by a walker or a validator;
  // nothing in it is trusted beyond the caps.
  RecordReader(const Chain& batch, uint64_t output_bytes_max, CodecContexts* contexts = nullptr);
  // The same for records held apart from their header.
  RecordReader(const BatchHeader& header, Chain records, uint64_t output_bytes_max,
               CodecContexts* contexts = nullptr);

  // The next record, absent after the last. Its views are valid until the next call. Errors:
  // `malformed` for a record or compressed bytes that cannot be read, `too_large` for a cap. After
  // an error it is spent.
  Result<std::optional<Record>> next();

  const BatchHeader& header() const { return header_; }
  Offset offset_of(const Record& record) const { return header_.base_offset + record.offset_delta; }

 private:
  Result<BytesView> body();
  Status refill();
  Result<uint32_t> take_length();
  Result<BytesView> assemble(size_t bytes);
  Status parse_headers(const uint8_t* p, const uint8_t* end, int32_t count);

  BatchHeader header_;
  std::unique_ptr<SliceReader> slices_;
  int32_t records_left_ = 0;
  BytesView slice_;
  std::vector<uint8_t> assembled_;
  std::vector<RecordHeader> headers_;
};

}  // namespace odradek::log
