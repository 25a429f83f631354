// What an administrator changes while clients work: more partitions, a default of all brokers,
// quotas. Each change is asked for until it is acknowledged; acknowledged ones are there ever
// after.
#pragma once

#include "tests/sim/stage.h"

namespace odradek::simulation {

// One change: of a living topic among the first `topics`, of the cluster's default, or of a quota.
reactor::Task<void> make_change(Stage& stage, size_t topics, Prng prng);
// Whether the cluster's default is what was acknowledged, or what was asked for after it.
reactor::Task<bool> check_changes(Stage& stage);

}  // namespace odradek::simulation
