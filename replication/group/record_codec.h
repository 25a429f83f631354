// The bytes of what the coordinator logs: keys and values of `__consumer_offsets` as Kafka 4.3
// writes them (offsets in version 4, with an explicit expiry in version 1; classic groups in
// version 3; groups of the consumer protocol in version 0), and as any version from 2.0 on wrote
// them.
//
//   key   int16 record type, then the key's fields     value   int16 version, then its fields
#pragma once

#include <optional>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/result.h"
#include "replication/group/logged.h"

namespace odradek::group {

struct EncodedRecord {
  std::vector<uint8_t> key;
  std::optional<std::vector<uint8_t>> value;  // absent: a tombstone
};
EncodedRecord encode_record(const LoggedRecord& record);

// Absent for a kind of record that this coordinator does not know: share and
// streams groups.
// Errc::corrupt for bytes that are no record.
Result<std::optional<LoggedRecord>> decode_record(BytesView key, std::optional<BytesView> value);

}  // namespace odradek::group
