// Maxima of the group coordinator.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/base/time.h"

namespace odradek::group {

// A member that joins for the first time is forgotten when its JoinGroup is still parked after so
// long: nobody can see that its client has gone, and a client that is there asks again.
inline constexpr Duration kNewMemberJoinMax = 5min;
// When no member of a group came back to a rebalance it is put off for at least so long.
inline constexpr Duration kRebalanceRetryMin = 1s;
inline constexpr size_t kExpireGroupsAtOnce = 64;         // looked at between two yields
inline constexpr size_t kBatchBytesMax = 512 * 1024;      // then what waits goes into a further one
inline constexpr uint64_t kLoadBytesAtOnce = 256 * 1024;  // read from the log between two yields
inline constexpr uint64_t kLoadBatchBytesMax = 1u << 30;  // one batch, decompressed
// A regular expression is looked up anew at most so often for new topics, and at least so often.
inline constexpr int64_t kRegexRefreshMinMs = 10'000;
inline constexpr int64_t kRegexRefreshMaxMs = 600'000;
inline constexpr int64_t kRegexBytesMax = 8 << 20;  // of memory, compiled; then it is not valid
// Answers wait so long for their record to be durable (Kafka's offsets.commit.timeout.ms); the
// record is not taken back.
inline constexpr Duration kCommitWaitMax = 5s;

}  // namespace odradek::group
