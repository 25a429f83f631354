#include "replication/metadata/record_list.h"

namespace odradek::metadata {

Result<RecordFront> parse_record_front(BytesView value) {
  wire::Scratch scratch;
  wire::Reader reader(value, scratch);
  const uint32_t frame = reader.uvarint("frame version");
  if (reader.ok() && frame != kRecordFrameVersion) {
    return fail(Errc::unsupported, "metadata record with frame version " + std::to_string(frame));
  }
  RecordFront front;
  front.type = reader.uvarint("record type");
  const uint32_t version = reader.uvarint("record version");
  if (version > INT16_MAX) reader.fail("record version", "is over 32767");
  TRY(reader.status("metadata record"));
  front.version = static_cast<int16_t>(version);
  front.body = value.subspan(reader.offset());
  return front;
}

}  // namespace odradek::metadata
