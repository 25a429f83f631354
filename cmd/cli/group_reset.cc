#include "cmd/cli/group_reset.h"

#include <algorithm>

#include "cmd/cli/times.h"

namespace odradek::cli {

Result<int64_t> time_of(const ResetGoal& goal, int64_t now_ms) {
  if (goal.kind == ResetGoal::Kind::age) return std::max<int64_t>(now_ms - goal.value, 0);
  return parse_time("--to-datetime", goal.time, now_ms);
}

// from + by, without running over.
static int64_t shifted(int64_t from, int64_t by) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(from, by, &sum)) return sum;
  return by < 0 ? 0 : INT64_MAX;
}

Result<int64_t> plan_reset(const ResetGoal& goal, const ResetFacts& facts) {
  using Kind = ResetGoal::Kind;
  const auto within = [&](int64_t offset) {
    return std::max(facts.earliest, std::min(offset, facts.latest));
  };
  switch (goal.kind) {
    case Kind::earliest: return facts.earliest;
    case Kind::latest: return facts.latest;
    case Kind::offset: return within(goal.value);
    case Kind::time:
    case Kind::age: return within(facts.at_time.value_or(facts.latest));
    case Kind::current: return within(facts.committed.value_or(facts.latest));
    case Kind::shift: break;
  }
  if (!facts.committed) {
    return fail(Errc::invalid, "the group has committed no offset there that could be shifted");
  }
  return within(shifted(*facts.committed, goal.value));
}

}  // namespace odradek::cli
