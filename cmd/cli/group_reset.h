// Where a reset takes the offsets of a group: pure, so that a dry run and the deed cannot differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/kafka/client/list_offsets.h"
#include "reactor/base/result.h"

namespace odradek::cli {

struct ResetGoal {
  enum class Kind : uint8_t { earliest, latest, offset, shift, time, age, current };
  Kind kind = Kind::current;
  int64_t value = 0;   // an offset, a number of offsets, or milliseconds ago
  std::string time{};  // as it was written, for there is no clock yet

  bool operator==(const ResetGoal&) const = default;
  // Whether the answer depends on the timestamps of records.
  bool by_time() const { return kind == Kind::time || kind == Kind::age; }
};

// What is known of one partition.
struct ResetFacts {
  int64_t earliest = 0;
  int64_t latest = 0;                // the high watermark
  std::optional<int64_t> committed;  // by the group
  std::optional<int64_t> at_time;    // of the first record at or after the time; absent: none
};

// Milliseconds since 1970 that ListOffsets is asked for. REQUIRES: goal.by_time().
Result<int64_t> time_of(const ResetGoal& goal, int64_t now_ms);

// The group's next offset, always one that the partition holds or its end, as Kafka's tool has it:
// what lies outside goes to the nearer end, a time after the last record to the end, and
// --to-current of what was never committed to the end. Errc::invalid for a shift of what was never
// committed.
Result<int64_t> plan_reset(const ResetGoal& goal, const ResetFacts& facts);

}  // namespace odradek::cli
