// One record of the metadata log, as replay hands it out.
#pragma once

#include <cstdint>

#include "log/types.h"
#include "reactor/base/bytes.h"

namespace odradek::metadata {

struct LoggedRecord {
  // Of a snapshot's records: those of the last record that the snapshot contains.
  log::Offset offset{0};
  log::LeaderEpoch epoch{0};
  int64_t timestamp_ms = 0;
  bool control = false;
  bool from_snapshot = false;
  // Borrowed during the call.
  BytesView key;  // control records: version, type
  BytesView value;
};

}  // namespace odradek::metadata
