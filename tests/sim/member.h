// Members of one consumer group with the habits of bad ones: they crash without a word, pause for
// longer than their session, go on as zombies in a generation that is over, commit late, leave,
// and come again. They own partitions of the first topic and commit ever larger offsets.
#pragma once

#include "tests/sim/stage.h"

namespace odradek::simulation {

struct MemberOptions {
  std::string name;
  uint64_t seed = 0;
  bool is_static = false;  // with an instance id
};

// Ends when the producers are done and it has once more been assigned something and committed.
reactor::Task<int> member_main(Stage& stage, MemberOptions options);

inline constexpr std::string_view kConsumersGroup = "sim-consumers";  // of the consumer protocol

// Fetches what both groups have committed and lets the oracles judge; false when nobody answered.
reactor::Task<bool> verify_groups(Stage& stage, Prng& prng);

}  // namespace odradek::simulation
