// Everything in reactor/ has a maximum, and it stands here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/base/time.h"

namespace odradek::reactor {

inline constexpr uint32_t kShardsMax = 64;
inline constexpr uint32_t kRingEntries = 1024;  // submission queue; completions get 4x
inline constexpr uint32_t kMailboxSlots = 256;  // per ordered pair of shards, a power of two
inline constexpr uint32_t kRequestsInFlightPerPeer = 1024;  // submit_to() beyond it waits
inline constexpr Duration kTurnBudget = 500us;  // ready tasks run at most this long a turn
inline constexpr Duration kSlowTurn = 5ms;      // a longer turn is counted and its task named
inline constexpr size_t kReceiveBufferBytes = 32 * 1024;  // one provided receive buffer
inline constexpr size_t kReceiveBufferCount = 64;  // provided receive buffers a shard, power of two
inline constexpr size_t kBlockBytesMin = 4 * 1024;     // smallest arena block
inline constexpr size_t kBlockBytesMax = 1024 * 1024;  // largest arena block
inline constexpr size_t kSlabBytes = 2 * 1024 * 1024;  // the arena grows by this
inline constexpr size_t kIoAlignment = 4096;           // O_DIRECT: memory, offset and length
inline constexpr size_t kIovecsMax = 64;               // parts of one vectored operation
inline constexpr Duration kSlowTurnLogInterval = 10s;  // between two log lines about slow turns
inline constexpr size_t kMetricSeriesMax = 8192;       // series of metrics a shard
inline constexpr size_t kLogLinesQueued = 4096;        // further log lines are dropped and counted

}  // namespace odradek::reactor
