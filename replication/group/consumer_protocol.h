// What members of the classic protocol tell each other through the coordinator, as far as it must
// understand it: the subscriptions and assignments of Kafka's consumers (ConsumerProtocol).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "replication/group/cluster_view.h"
#include "replication/group/requests.h"

namespace odradek::group {

using NamedPartitions = std::map<std::string, std::set<int32_t>>;  // by topic

struct ConsumerSubscription {
  std::set<std::string, std::less<>> topics;
  NamedPartitions owned;
  std::optional<std::string> rack_id;
};
struct ConsumerAssignment {
  NamedPartitions partitions;
  bool has_user_data = false;  // that only a custom assignor understands
};

// Absent for bytes that are none.
std::optional<ConsumerSubscription> parse_subscription(const Bytes& bytes);
// Nothing is an empty assignment.
std::optional<ConsumerAssignment> parse_assignment(const Bytes& bytes);

// Those of topics that exist.
Partitions with_ids(const NamedPartitions& partitions, const ClusterView& view);
NamedPartitions with_names(const Partitions& partitions, const ClusterView& view);
// An assignment in the version of `subscription`.
Bytes make_assignment(const NamedPartitions& partitions, const Bytes& subscription);

}  // namespace odradek::group
