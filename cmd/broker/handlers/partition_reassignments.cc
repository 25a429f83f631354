// AlterPartitionReassignments and ListPartitionReassignments (KIP-455) on one node: a partition can
// only be put where it is, and nothing is ever on its way.
#include <set>

#include "cmd/broker/answer_bounds.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/partition_view.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/alter_partition_reassignments_request.h"
#include "net/kafka/messages/alter_partition_reassignments_response.h"
#include "net/kafka/messages/list_partition_reassignments_request.h"
#include "net/kafka/messages/list_partition_reassignments_response.h"
#include "reactor/timer.h"
#include "replication/metadata/plan_placement.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using AlterRequest = kafka::AlterPartitionReassignmentsRequest;
using AlterReply = kafka::AlterPartitionReassignmentsResponse;
using ListRequest = kafka::ListPartitionReassignmentsRequest;
using ListReply = kafka::ListPartitionReassignmentsResponse;

using Outcome = metadata::Checked<void>;

Outcome reassign(const metadata::Image& image, std::string_view name,
                 const AlterRequest::ReassignablePartition& wanted) {
  const metadata::Topic* topic = image.find_topic(name);
  if (!topic) {
    return metadata::refuse(KafkaCode::unknown_topic_or_partition,
                            "Unable to find a topic named " + std::string(told_name(name)) + ".");
  }
  const log::PartitionId index(wanted.partition_index);
  const metadata::Partition* partition = topic->partition(index);
  if (!partition) {
    return metadata::refuse(
        KafkaCode::unknown_topic_or_partition,
        "Unable to find partition " + std::string(name) + ":" + index.to_string() + ".");
  }
  if (!wanted.replicas) return metadata::refuse(KafkaCode::no_reassignment_in_progress, "");
  const std::vector<NodeId> replicas(wanted.replicas->begin(), wanted.replicas->end());
  if (auto checked = metadata::check_replicas(image, replicas, 0); !checked) return checked;
  if (replicas == partition->replicas) return {};
  return metadata::refuse(KafkaCode::invalid_replica_assignment,
                          "This node does not move replicas between brokers.");
}

Task<void> alter(RequestContext& context, const AlterRequest& request, AlterReply& reply,
                 Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  reply.allow_replication_factor_change = request.allow_replication_factor_change;
  if (!request.topics.empty()) reply.error_message.reset();
  const auto image = context.shard.image().pin();
  for (const auto& topic : request.topics) {
    auto& out = reply.responses.emplace_back();
    out.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& p = out.partitions.emplace_back();
      p.partition_index = wanted.partition_index;
      p.error_message.reset();
      if (out.partitions.size() % kPartitionsPerTurn == 0) co_await reactor::yield();
      const Outcome outcome = reassign(*image, topic.name, wanted);
      if (outcome) continue;
      p.error_code = static_cast<int16_t>(outcome.error().code);
      if (!outcome.error().message.empty()) {
        p.error_message = context.explain(outcome.error().message);
      }
    }
  }
}

// What is on its way in a directory that came from a cluster.
void list_topic(RequestContext& context, const metadata::Topic& topic,
                const std::set<int32_t>* only, ListReply& reply) {
  ListReply::OngoingTopicReassignment out;
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    const metadata::Partition& partition = *topic.partition(log::PartitionId(i));
    if (partition.adding.empty() && partition.removing.empty()) continue;
    if (only && !only->contains(i)) continue;
    auto& p = out.partitions.emplace_back();
    p.partition_index = i;
    p.replicas = node_numbers(partition.replicas);
    p.adding_replicas = node_numbers(partition.adding);
    p.removing_replicas = node_numbers(partition.removing);
  }
  if (out.partitions.empty()) return;
  out.name = context.keep(topic.name());
  reply.topics.push_back(std::move(out));
}

Task<void> list(RequestContext& context, const ListRequest& request, ListReply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  reply.error_message.reset();
  const metadata::Image& image = context.shard.image().current();
  if (!request.topics) {
    image.for_each_topic(
        [&](const metadata::Topic& topic) { list_topic(context, topic, nullptr, reply); });
    co_return;
  }
  for (const auto& wanted : *request.topics) {
    const metadata::Topic* topic = image.find_topic(wanted.name);
    const std::set<int32_t> only(wanted.partition_indexes.begin(), wanted.partition_indexes.end());
    if (topic) list_topic(context, *topic, &only, reply);
  }
}

}  // namespace

ServeResult serve_alter_partition_reassignments(RequestContext& context, wire::Reader& reader) {
  return serve_api<AlterRequest, AlterReply, &alter>(context, reader);
}
ServeResult serve_list_partition_reassignments(RequestContext& context, wire::Reader& reader) {
  return serve_api<ListRequest, ListReply, &list>(context, reader);
}

}  // namespace odradek::broker
