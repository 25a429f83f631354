// Metadata records as the bytes of a record's value: frame version 1, type and version as unsigned
// varints, then the message (org.apache.kafka.server.common.serialization.MetadataRecordSerde).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/kafka/message.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::metadata {

inline constexpr uint32_t kRecordFrameVersion = 1;

// What stands before the message in a value.
struct RecordFront {
  uint32_t type = 0;
  int16_t version = 0;
  BytesView body;  // borrowed
};
// Errc::malformed for bytes that are no metadata record, Errc::unsupported for a frame version
// above 1.
Result<RecordFront> parse_record_front(BytesView value);

// Values in order, encoded as they are added: what one append or one snapshot consists of.
class RecordList {
 public:
  template <class R>
  void add(const R& record, int16_t version) {
    static_assert(R::record_type >= 0);
    wire::Writer writer(encoded_size(version, record) + 4);
    writer.uvarint(kRecordFrameVersion);
    writer.uvarint(static_cast<uint32_t>(R::record_type));
    writer.uvarint(static_cast<uint32_t>(version));
    encode(writer, version, record);
    add_encoded(writer.copy());
  }
  void add_encoded(std::vector<uint8_t> value) {
    bytes_ += value.size();
    values_.push_back(std::move(value));
  }

  bool empty() const { return values_.empty(); }
  size_t size() const { return values_.size(); }
  size_t bytes() const { return bytes_; }
  const std::vector<std::vector<uint8_t>>& values() const { return values_; }

 private:
  std::vector<std::vector<uint8_t>> values_;
  size_t bytes_ = 0;
};

// Decodes the body of a record of type R. What it views is `front.body` and `scratch`.
template <class R>
Status decode_record(const RecordFront& front, wire::Scratch& scratch, R& out) {
  wire::Reader reader(front.body, scratch);
  TRY(decode(reader, front.version, out));
  if (reader.remaining() == 0) return {};
  return fail(Errc::malformed,
              "record type " + std::to_string(front.type) + ": bytes after its end");
}

}  // namespace odradek::metadata
