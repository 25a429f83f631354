// The keys and values of control records: what a control batch carries instead of application data.
// Transaction markers (KIP-98) are made and read here; quorum control records (leader change,
// snapshot header and footer, voters) keep key and value as given by whoever owns their schema.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "log/batch/batch_builder.h"
#include "reactor/base/result.h"

namespace odradek::log {

// The second field of the key, after an int16 version 0.
enum class ControlType : int16_t {
  abort = 0,
  commit = 1,
  leader_change = 2,
  snapshot_header = 3,
  snapshot_footer = 4,
  kraft_version = 5,
  kraft_voters = 6,
};

inline constexpr size_t kControlKeyBytes = 4;      // version int16, type int16
inline constexpr size_t kTxnMarkerValueBytes = 6;  // version int16, coordinator epoch int32

std::array<uint8_t, kControlKeyBytes> control_key(ControlType type);
// The type as it stands; a newer one is kept as its number. `malformed` for a short key or a
// negative version.
Result<ControlType> parse_control_key(BytesView key);

struct TxnMarker {
  bool committed = false;
  int32_t coordinator_epoch = 0;
  bool operator==(const TxnMarker&) const = default;
};
std::array<uint8_t, kTxnMarkerValueBytes> txn_marker_value(const TxnMarker& marker);
// `malformed` for anything that is not a transaction marker.
Result<TxnMarker> parse_txn_marker(const Record& record);

// A control batch of one record. `options.control` is set for the caller.
Result<std::vector<uint8_t>> build_control_batch(BatchOptions options, ControlType type,
                                                 BytesView value, int64_t timestamp);
// An end-of-transaction marker for the producer named in `options`, which becomes transactional
// too.
Result<std::vector<uint8_t>> build_txn_marker(BatchOptions options, const TxnMarker& marker,
                                              int64_t timestamp);

}  // namespace odradek::log
