#include "replication/metadata/plan_placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace odradek::metadata {

namespace {

std::vector<const Broker*> active_brokers(const Image& image) {
  std::vector<const Broker*> out;
  image.for_each_broker([&](const Broker& broker) {
    if (broker.active()) out.push_back(&broker);
  });
  std::ranges::sort(out, {}, [](const Broker* broker) { return broker->id; });
  return out;
}

}  // namespace

Checked<std::vector<std::vector<NodeId>>> place_replicas(const Image& image,
                                                         const PlanContext& context,
                                                         int32_t partitions, int16_t factor) {
  const auto brokers = active_brokers(image);
  if (brokers.size() < static_cast<size_t>(factor)) {
    return refuse(
        KafkaCode::invalid_replication_factor,
        fmt::format("Unable to replicate the partition {} time(s): The target replication factor "
                    "of {} cannot be reached because only {} broker(s) are registered or some "
                    "brokers have all their log directories cordoned.",
                    factor, factor, brokers.size()));
  }
  const size_t first = context.random() % brokers.size();
  std::vector<std::vector<NodeId>> out(static_cast<size_t>(partitions));
  for (size_t p = 0; p < out.size(); ++p) {
    for (size_t r = 0; r < static_cast<size_t>(factor); ++r) {
      out[p].push_back(brokers[(first + p + r) % brokers.size()]->id);
    }
  }
  return out;
}

Checked<void> check_replicas(const Image& image, const std::vector<NodeId>& replicas,
                             size_t factor) {
  constexpr auto code = KafkaCode::invalid_replica_assignment;
  if (replicas.empty()) {
    return refuse(code, "The manual partition assignment includes an empty replica list.");
  }
  std::set<NodeId> seen;
  for (const NodeId id : replicas) {
    if (image.find_broker(id) == nullptr) {
      return refuse(code,
                    fmt::format("The manual partition assignment includes broker {}, but no such "
                                "broker is registered.",
                                id.value));
    }
    if (!seen.insert(id).second) {
      return refuse(code,
                    fmt::format("The manual partition assignment includes the broker {} more than "
                                "once.",
                                id.value));
    }
  }
  if (factor != 0 && replicas.size() != factor) {
    return refuse(code,
                  fmt::format("The manual partition assignment includes a partition with {} "
                              "replica(s), but this is not consistent with previous partitions, "
                              "which have {} replica(s).",
                              replicas.size(), factor));
  }
  return {};
}

namespace {

// The id of the directory that a new replica goes to: known when the broker has one, else the
// broker says later where it put it.
Uuid directory_of(const Image& image, NodeId node) {
  const Broker* broker = image.find_broker(node);
  return broker && broker->log_directories.size() == 1 ? broker->log_directories[0] : Uuid{};
}

}  // namespace

Checked<Partition> new_partition(const Image& image, size_t id,
                                 const std::vector<NodeId>& replicas) {
  Partition partition;
  partition.replicas = replicas;
  for (const NodeId node : replicas) {
    partition.directories.push_back(directory_of(image, node));
    if (image.find_broker(node)->active()) partition.isr.push_back(node);
  }
  if (partition.isr.empty()) {
    return refuse(
        KafkaCode::invalid_replica_assignment,
        fmt::format("All brokers specified in the manual partition assignment for partition {} "
                    "are fenced or in controlled shutdown.",
                    id));
  }
  partition.leader = partition.isr[0];
  partition.leader_epoch = log::LeaderEpoch(0);
  partition.partition_epoch = 0;
  return partition;
}

}  // namespace odradek::metadata
