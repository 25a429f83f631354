// Maxima of the broker's connections and requests.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/base/time.h"

namespace odradek::broker {

inline constexpr size_t kSmallFrameBytes = 64 * 1024;   // a larger frame lies in arena blocks
inline constexpr size_t kFrameBlockBytes = 256 * 1024;  // of this size, taken as bytes arrive
inline constexpr size_t kResponsesPerConnection = 128;  // answered in order; then reading stops
inline constexpr size_t kResponseBytesPerConnection = 64u << 20;  // likewise, or less: ...
inline constexpr size_t kResponseArenaDivisor = 8;  // ... this part of the shard's memory
inline constexpr Duration kMemoryDeadline = 30s;    // a request that waits for others to end
inline constexpr Duration kProduceWaitMin = 1s;     // for durability, whatever timeout.ms says
inline constexpr size_t kSendPartsMax = 64;         // pieces of one coalesced send
inline constexpr size_t kSendBytesMax = 2u << 20;   // then the next send begins
inline constexpr Duration kBodyDeadline = 30s;      // a frame that has begun, plus ...
inline constexpr uint64_t kBytesPerSecondMin = 64 * 1024;  // ... its size at this rate
inline constexpr Duration kDrainDeadline = 5s;             // open requests at a stop
inline constexpr Duration kBindDeadline = 1s;              // for a port taken at the start
inline constexpr Duration kBindRetry = 20ms;
inline constexpr int64_t kProducerIdExpirationMs = 86'400'000;  // producer.id.expiration.ms
inline constexpr size_t kPartitionsOpenedAtOnce = 64;           // of a topic, on a shard
inline constexpr size_t kTopicsPerTurn = 32;                    // configured between two yields
inline constexpr size_t kPartitionsPerTurn = 256;     // looked at by one answer between two yields
inline constexpr size_t kNamesPerTurn = 1024;         // of a request, looked up between two yields
inline constexpr uint32_t kAnswerRepeatsMax = 8;      // of one resource in one answer
inline constexpr size_t kAnswerItemsMax = 1'000'000;  // entries of a description, synonyms too
inline constexpr size_t kErrorTextBytesMax = 16u << 20;  // of one answer; then codes alone are told
inline constexpr size_t kGroupSeriesMax = 10'000;  // groups, and partitions of groups, on a page
inline constexpr size_t kFetchSessionsMax = 1000;  // a shard
inline constexpr int64_t kFetchSessionIdleMs = 120'000;        // older ones may be evicted
inline constexpr size_t kFetchSessionPartitionsMax = 200'000;  // a session
inline constexpr Duration kSlowRequestLogInterval =
    1s;                                              // between two log lines about slow requests
inline constexpr size_t kSlowRequestNameMax = 64;    // of a client id in such a line
inline constexpr size_t kQuotaAccountsMax = 20'000;  // a shard; some 600 bytes and two names each
inline constexpr size_t kQuotaAccountNameMax = 256;  // a longer name is kept as its hash
inline constexpr int kQuotaHostsPerRequest = 16;     // names that one AlterClientQuotas may look up
inline constexpr uint32_t kConnectionsHeldMax = 256;  // by a quota: each is a file descriptor
inline constexpr Duration kFetchWaitMax = 10min;      // a longer max_wait_ms is cut
inline constexpr double kUnlimitedRate = 1e15;        // bytes a second: no disk has it
inline constexpr int64_t kBackoffMsMax = 86'400'000;  // log.cleaner.backoff.ms: a day is never

}  // namespace odradek::broker
