#include "replication/metadata/records/record_frame.h"

#include <string>

namespace odradek::records {

Result<RecordHead> read_head(wire::Reader& reader) {
  const uint32_t frame = reader.uvarint("frame version");
  const uint32_t type = reader.uvarint("record type");
  const uint32_t version = reader.uvarint("record version");
  TRY(reader.status("metadata record"));
  if (frame != frame_version) {
    return fail(Errc::unsupported, "metadata record frame version " + std::to_string(frame));
  }
  if (type > INT16_MAX || version > INT16_MAX) {
    return fail(Errc::malformed, "metadata record type " + std::to_string(type) + " version " +
                                     std::to_string(version));
  }
  return RecordHead{static_cast<int16_t>(type), static_cast<int16_t>(version)};
}

}  // namespace odradek::records
