// ElectLeaders (KIP-183, KIP-460): one node leads what it can lead from its registration on, so
// there is nothing to elect; the answers say so, partition by partition (trap 73).
#include "cmd/broker/answer_bounds.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/elect_leaders_request.h"
#include "net/kafka/messages/elect_leaders_response.h"
#include "reactor/timer.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::ElectLeadersRequest;
using Reply = kafka::ElectLeadersResponse;

constexpr int8_t kPreferred = 0;
constexpr int8_t kUnclean = 1;

struct Outcome {
  KafkaError error = KafkaError::none;
  std::string message;
};

Outcome elect(const metadata::Partition& partition, int8_t type) {
  // A replica that is not in sync would lose records; this node is none of these replicas.
  if (partition.leader == kNoNode && type == kUnclean) {
    return {KafkaError::eligible_leaders_not_available,
            "Eligible topic partition leaders are not available."};
  }
  if (type == kPreferred && partition.leader != partition.replicas.front()) {
    return {KafkaError::preferred_leader_not_available, "The preferred leader was not available."};
  }
  return {KafkaError::election_not_needed, "Leader election not needed for topic partition."};
}

Outcome elect(const metadata::Image& image, std::string_view name, int32_t index, int8_t type) {
  const metadata::Topic* topic = image.find_topic(name);
  if (!topic) {
    return {KafkaError::unknown_topic_or_partition,
            "No such topic as " + std::string(told_name(name))};
  }
  const metadata::Partition* partition = topic->partition(log::PartitionId(index));
  if (!partition) {
    return {KafkaError::unknown_topic_or_partition,
            "No such partition as " + std::string(name) + "-" + std::to_string(index)};
  }
  return elect(*partition, type);
}

void show(RequestContext& context, int32_t index, const Outcome& outcome,
          Reply::ReplicaElectionResult& out) {
  auto& p = out.partition_result.emplace_back();
  p.partition_id = index;
  p.error_code = code(outcome.error);
  p.error_message = context.explain(outcome.message);
}

// For "all partitions" only those are told of for which an election was needed.
void elect_all(RequestContext& context, int8_t type, Reply& reply) {
  const metadata::Image& image = context.shard.image().current();
  image.for_each_topic([&](const metadata::Topic& topic) {
    auto& out = reply.replica_election_results.emplace_back();
    out.topic = context.keep(topic.name());
    for (int32_t i = 0; i < topic.partition_count(); ++i) {
      const Outcome outcome = elect(*topic.partition(log::PartitionId(i)), type);
      if (outcome.error != KafkaError::election_not_needed) show(context, i, outcome, out);
    }
  });
}

Task<void> elect_leaders(RequestContext& context, const Request& request, Reply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  const int8_t type = context.api_version == 0 ? kPreferred : request.election_type;
  const bool known = type == kPreferred || type == kUnclean;
  // As Kafka has it, nobody minds the type of no election.
  const bool none = request.topic_partitions && request.topic_partitions->empty();
  if (!known && !none) reply.error_code = code(KafkaError::invalid_request);
  if (!request.topic_partitions) {
    if (known) elect_all(context, type, reply);
    co_return;
  }
  const auto image = context.shard.image().pin();
  for (const auto& topic : *request.topic_partitions) {
    auto& out = reply.replica_election_results.emplace_back();
    out.topic = topic.topic;
    for (const int32_t index : topic.partitions) {
      show(context, index,
           known ? elect(*image, topic.topic, index, type)
                 : Outcome{KafkaError::invalid_request,
                           "Unknown election type " + std::to_string(type)},
           out);
      if (out.partition_result.size() % kPartitionsPerTurn == 0) co_await reactor::yield();
    }
  }
}

}  // namespace

ServeResult serve_elect_leaders(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &elect_leaders>(context, reader);
}

}  // namespace odradek::broker
