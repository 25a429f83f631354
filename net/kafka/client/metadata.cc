#include "net/kafka/client/metadata.h"

#include <algorithm>

namespace odradek::client {

const Partition* Topic::partition(int32_t index) const {
  const auto at = std::ranges::lower_bound(partitions, index, {}, &Partition::index);
  return at == partitions.end() || at->index != index ? nullptr : &*at;
}

static Topic make_topic(const kafka::MetadataResponse::MetadataResponseTopic& from) {
  Topic topic;
  topic.name = from.name.value_or("");
  topic.id = from.topic_id;
  topic.error = from.error_code;
  topic.internal = from.is_internal;
  for (const auto& p : from.partitions) {
    Partition& partition = topic.partitions.emplace_back();
    partition.index = p.partition_index;
    partition.error = p.error_code;
    partition.leader = p.leader_id;
    partition.leader_epoch = p.leader_epoch;
    partition.replicas.assign(p.replica_nodes.begin(), p.replica_nodes.end());
    partition.in_sync.assign(p.isr_nodes.begin(), p.isr_nodes.end());
    partition.offline.assign(p.offline_replicas.begin(), p.offline_replicas.end());
  }
  std::ranges::sort(topic.partitions, {}, &Partition::index);
  return topic;
}

void Metadata::take(const kafka::MetadataResponse& answer) {
  // Nobody lists no broker but a broker that has just started: what was known is worth more.
  if (!answer.brokers.empty()) brokers_.clear();
  for (const auto& broker : answer.brokers) {
    brokers_[broker.node_id] = {{std::string(broker.host), static_cast<uint16_t>(broker.port)},
                                std::string(broker.rack.value_or(""))};
  }
  controller_ = answer.controller_id;
  if (answer.cluster_id) cluster_id_ = *answer.cluster_id;
  for (const auto& from : answer.topics) {
    if (!from.name) continue;
    Topic topic = make_topic(from);
    forget(topic.name);
    if (!topic.id.is_zero()) names_[topic.id] = topic.name;
    topics_[topic.name] = std::move(topic);
  }
}

void Metadata::forget(std::string_view topic) {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return;
  names_.erase(at->second.id);
  topics_.erase(at);
}

const Topic* Metadata::topic(std::string_view name) const {
  const auto at = topics_.find(name);
  return at == topics_.end() ? nullptr : &at->second;
}

const Topic* Metadata::topic(const Uuid& id) const {
  const auto at = names_.find(id);
  return at == names_.end() ? nullptr : topic(at->second);
}

}  // namespace odradek::client
