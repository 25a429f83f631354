// FindCoordinator (KIP-699): who coordinates a group. There is one broker, so it is this one, at
// the address of the listener that was asked; `__consumer_offsets` is made when it is first needed.
// Transactions have no coordinator here yet: the answer is the one on which every client waits and
// asks again (trap 55).
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/find_coordinator_request.h"
#include "net/kafka/messages/find_coordinator_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int8_t kGroup = 0;
constexpr int8_t kTransaction = 1;

metadata::NewTopic offsets_topic(const BrokerConfig& config) {
  metadata::NewTopic topic;
  topic.name = kOffsetsTopic;
  topic.partitions = config.offsets_partitions;
  topic.replication_factor = 1;
  topic.configs = {{"cleanup.policy", "compact"},
                   {"compression.type", "producer"},
                   {"segment.bytes", std::to_string(config.offsets_segment_bytes)}};
  return topic;
}

// Makes the topic unless it is there; whether it is, for every shard, afterwards.
Task<bool> ensure_offsets_topic(RequestContext& context) {
  if (context.shard.image().current().find_topic(kOffsetsTopic)) co_return true;
  std::vector<metadata::NewTopic> topics;
  topics.push_back(offsets_topic(context.shard.config()));
  Broker* broker = &context.shard.broker();
  co_await reactor::submit_to(reactor::ShardId(0), [broker, topics = std::move(topics)]() mutable {
    return broker->controller().create_topics(std::move(topics), false);
  });
  co_return context.shard.image().current().find_topic(kOffsetsTopic) != nullptr;
}

struct Found {
  KafkaError error = KafkaError::none;
  std::string_view message = {};
  int32_t node_id = -1;
  std::string_view host = {};
  int32_t port = -1;
};

Task<Found> find(RequestContext& context, int8_t key_type) {
  if (key_type == kTransaction) {
    co_return Found{KafkaError::coordinator_not_available,
                    "this broker has no transaction coordinator yet"};
  }
  if (key_type != kGroup) {
    co_return Found{KafkaError::invalid_request, "no coordinator of this type is known"};
  }
  if (!co_await ensure_offsets_topic(context)) {
    co_return Found{KafkaError::coordinator_not_available, "__consumer_offsets is not there yet"};
  }
  Found found;
  found.node_id = context.shard.config().node_id;
  found.host = context.listener.advertised_host;
  found.port = context.listener.advertised_port;
  co_return found;
}

template <class Out>
void tell(const Found& found, Out& out) {
  out.error_code = code(found.error);
  out.error_message = found.message;
  out.node_id = found.node_id;
  out.host = found.host;
  out.port = found.port;
}

Task<void> find_coordinator(RequestContext& context, const kafka::FindCoordinatorRequest& request,
                            kafka::FindCoordinatorResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  const Found found = co_await find(context, request.key_type);
  if (context.api_version < 4) {
    tell(found, reply);
    if (found.error == KafkaError::none) reply.error_message = "NONE";  // as Kafka says it
    co_return;
  }
  for (const auto& key : request.coordinator_keys) {
    auto& out = reply.coordinators.emplace_back();
    out.key = key;
    tell(found, out);
  }
}

}  // namespace

ServeResult serve_find_coordinator(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::FindCoordinatorRequest, kafka::FindCoordinatorResponse,
                   &find_coordinator>(context, reader);
}

}  // namespace odradek::broker
