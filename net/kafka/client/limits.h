// Every maximum of the client, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/base/time.h"

namespace odradek::client {

// An answer larger than this breaks the connection: a broker sends at most fetch.max.bytes and one
// batch more.
inline constexpr size_t kAnswerBytesMax = size_t{256} << 20;
// Requests on one connection without an answer; a broker takes them one after the other anyway.
inline constexpr size_t kRequestsInFlightMax = 64;
// What a producer keeps per partition: as many batches as a broker remembers of a producer id.
inline constexpr size_t kBatchesInFlightPerPartition = 5;
// Batches of one Produce request together, unless one alone is larger.
inline constexpr size_t kProduceRequestBytes = size_t{8} << 20;
// Bytes that one batch may expand to when a fetched batch is read.
inline constexpr uint64_t kExpansionBytesMax = uint64_t{256} << 20;
inline constexpr Duration kBackOffFirst = 50ms;  // then twice as long each time, up to
inline constexpr Duration kBackOffMax = 1s;
// How long producers and fetchers look for leaders before they look at what they do again.
inline constexpr Duration kRefreshTimeout = 5s;
// How long one connect may take before the next address is tried.
inline constexpr Duration kConnectTimeout = 10s;

}  // namespace odradek::client
