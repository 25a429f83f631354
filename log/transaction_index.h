// Kafka's .txnindex: the aborted transactions whose marker lies in a segment, in the order of the
// markers; 34 bytes each, big-endian (org.apache.kafka.storage.internals.log.AbortedTxn). Pure.
//   version i16 = 0 | producer id i64 | first offset i64 | last offset i64 | last stable offset i64
#pragma once

#include <cstdint>
#include <vector>

#include "log/producer_state.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::log {

inline constexpr size_t kTransactionEntryBytes = 34;

std::vector<uint8_t> encode_transaction_index(const std::vector<AbortedTransaction>& aborted);
// Errc::corrupt for a size that is no whole number of entries or markers out of order,
// Errc::unsupported for a newer version.
Result<std::vector<AbortedTransaction>> decode_transaction_index(BytesView file);

}  // namespace odradek::log
