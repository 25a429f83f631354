// The frame of a record in the metadata log's batches: what stands in the value of each Kafka
// record.
//
//   frame version  uvarint, 1
//   record type    uvarint, the apiKey of the record's description
//   version        uvarint
//   the record     in that version
//
// The generated any_record.h has the variant of all record types and their decode and encode.
#pragma once

#include <cstdint>

#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "reactor/base/result.h"

namespace odradek::records {

inline constexpr uint32_t frame_version = 1;

struct RecordHead {
  int16_t type;
  int16_t version;
};

// Reads the frame up to the record. Errc::unsupported for another frame version, Errc::malformed
// for bytes that are no frame.
Result<RecordHead> read_head(wire::Reader& reader);

// Writes frame and record. REQUIRES: T is a metadata record, in its variant or by itself.
template <class T>
void encode_framed(wire::Writer& writer, int16_t version, const T& record) {
  writer.uvarint(frame_version);
  writer.uvarint(static_cast<uint32_t>(T::record_type));
  writer.uvarint(static_cast<uint32_t>(version));
  encode(writer, version, record);
}

}  // namespace odradek::records
