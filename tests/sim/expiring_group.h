// A client that commits offsets and lets them expire: as a consumer without a group, or as the only
// member of a group of either protocol that subscribes, gives a topic up, stays for longer than
// the retention, leaves or dies. It looks all the time at what is left.
#pragma once

#include "tests/sim/expiry_oracle.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

struct ExpiringGroupOptions {
  std::string name;
  uint64_t seed = 0;
  GroupKind kind = GroupKind::simple;
};

// Ends with the group whose offsets expired after the producers were done. Needs two topics that
// stay.
reactor::Task<int> expiring_group_main(Stage& stage, ExpiringGroupOptions options);

}  // namespace odradek::simulation
