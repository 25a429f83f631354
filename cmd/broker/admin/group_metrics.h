// What groups tell at the moment somebody looks: how many there are in which state, how many
// members each has, what it committed and how far that lags. Nothing of it is kept: the
// coordinators know offsets, the shards of the partitions know how far those go, and a page brings
// both together.
#pragma once

#include "reactor/metrics.h"
#include "reactor/task.h"

namespace odradek::broker {
class Broker;
}

namespace odradek::broker::admin {

// Adds it to `snapshot`, which outlives this; only the names of the metrics while the broker starts
// or stops. Shows at most kGroupSeriesMax groups and as many partitions of groups, and says how
// many it left out. Called on shard 0.
reactor::Task<void> add_group_metrics(Broker& broker, reactor::MetricsSnapshot& snapshot);

}  // namespace odradek::broker::admin
