#include "log/batch/control_record.h"

#include <utility>

namespace odradek::log {

std::array<uint8_t, kControlKeyBytes> control_key(ControlType type) {
  std::array<uint8_t, kControlKeyBytes> key{};
  store_be(key.data() + 2, std::to_underlying(type));
  return key;
}

Result<ControlType> parse_control_key(BytesView key) {
  // A later version may append fields: version and type stay in front.
  if (key.size() < kControlKeyBytes || load_be<int16_t>(key.data()) < 0) {
    return fail(Errc::malformed, "control record: bad key");
  }
  return static_cast<ControlType>(load_be<int16_t>(key.data() + 2));
}

std::array<uint8_t, kTxnMarkerValueBytes> txn_marker_value(const TxnMarker& marker) {
  std::array<uint8_t, kTxnMarkerValueBytes> value{};
  store_be(value.data() + 2, marker.coordinator_epoch);
  return value;
}

Result<TxnMarker> parse_txn_marker(const Record& record) {
  TRY_ASSIGN(const ControlType type, parse_control_key(record.key.value_or(BytesView{})));
  const bool marker = type == ControlType::commit || type == ControlType::abort;
  const BytesView value = record.value.value_or(BytesView{});
  if (!marker || value.size() < kTxnMarkerValueBytes || load_be<int16_t>(value.data()) < 0) {
    return fail(Errc::malformed, "control record: not a transaction marker");
  }
  return TxnMarker{type == ControlType::commit, load_be<int32_t>(value.data() + 2)};
}

Result<std::vector<uint8_t>> build_control_batch(BatchOptions options, ControlType type,
                                                 BytesView value, int64_t timestamp) {
  options.control = true;
  BatchBuilder builder(options);
  const auto key = control_key(type);
  builder.append({.timestamp = timestamp, .key = key, .value = value});
  return builder.finish();
}

Result<std::vector<uint8_t>> build_txn_marker(BatchOptions options, const TxnMarker& marker,
                                              int64_t timestamp) {
  options.transactional = true;
  return build_control_batch(options, marker.committed ? ControlType::commit : ControlType::abort,
                             txn_marker_value(marker), timestamp);
}

}  // namespace odradek::log
