// A partition of the image as the answers of Metadata and DescribeTopicPartitions show it; their
// generated types have the same fields under their own names.
#pragma once

#include <cstdint>
#include <vector>

#include "cmd/broker/kafka_error.h"
#include "replication/metadata/image.h"

namespace odradek::broker {

inline std::vector<int32_t> node_numbers(const std::vector<NodeId>& nodes) {
  std::vector<int32_t> out;
  out.reserve(nodes.size());
  for (const NodeId node : nodes) out.push_back(node.value);
  return out;
}

template <class Out>
void show_partition(const metadata::Image& image, const metadata::Partition& partition,
                    int32_t index, Out& out) {
  out.partition_index = index;
  out.leader_id = partition.leader.value;
  out.leader_epoch = partition.leader_epoch.value;
  out.replica_nodes = node_numbers(partition.replicas);
  out.isr_nodes = node_numbers(partition.isr);
  if (partition.leader == kNoNode) out.error_code = code(KafkaError::leader_not_available);
  for (const NodeId replica : partition.replicas) {
    const metadata::Broker* broker = image.find_broker(replica);
    if (!broker || broker->fenced) out.offline_replicas.push_back(replica.value);
  }
}

}  // namespace odradek::broker
