// Where the replicas of new partitions go: what the plans for topics and for partitions share.
#pragma once

#include <cstdint>
#include <vector>

#include "replication/metadata/image.h"
#include "replication/metadata/plan.h"
#include "replication/metadata/plan_fault.h"

namespace odradek::metadata {

// Replicas of `partitions` new partitions: round-robin from a random broker on, the followers of a
// leader being its successors. invalid_replication_factor when there are too few active brokers.
Checked<std::vector<std::vector<NodeId>>> place_replicas(const Image& image,
                                                         const PlanContext& context,
                                                         int32_t partitions, int16_t factor);
// Whether a request may put a partition on these brokers; `factor` is what its other partitions
// have, 0 for the first.
Checked<void> check_replicas(const Image& image, const std::vector<NodeId>& replicas,
                             size_t factor);
// A partition that begins on `replicas`, led by the first that is active. `id` is for the message.
Checked<Partition> new_partition(const Image& image, size_t id,
                                 const std::vector<NodeId>& replicas);

}  // namespace odradek::metadata
