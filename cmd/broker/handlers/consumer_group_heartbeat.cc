// ConsumerGroupHeartbeat (KIP-848): a member of the consumer protocol joins, says what it wants and
// has, learns what it shall have, and leaves; all by this one request (traps 65 and 66).
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/consumer_group_heartbeat_request.h"
#include "net/kafka/messages/consumer_group_heartbeat_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::ConsumerGroupHeartbeatRequest;
using Reply = kafka::ConsumerGroupHeartbeatResponse;

group::ConsumerHeartbeat to_heartbeat(const RequestContext& context, const Request& request) {
  group::ConsumerHeartbeat beat;
  beat.group = request.group_id;
  beat.member_id = request.member_id;
  beat.epoch = request.member_epoch;
  beat.instance_id = owned(request.instance_id);
  beat.rack_id = owned(request.rack_id);
  beat.client_id = context.client_id;
  beat.client_host = "/" + std::string(context.host);  // as Java prints an address
  beat.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (request.subscribed_topic_names) {
    const auto& names = *request.subscribed_topic_names;
    beat.topics.emplace(names.begin(), names.end());
  }
  beat.regex = owned(request.subscribed_topic_regex);
  beat.assignor = owned(request.server_assignor);
  if (request.topic_partitions) {
    auto& out = beat.owned.emplace();
    for (const auto& topic : *request.topic_partitions) {
      if (topic.partitions.empty()) continue;
      out[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
    }
  }
  beat.unique = unique_id();
  beat.makes_own_id = context.api_version >= 1;
  return beat;
}

Task<void> consumer_group_heartbeat(RequestContext& context, const Request& request, Reply& reply,
                                    Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  if (!consumer_protocol_enabled(context)) {
    reply.error_code = code(KafkaCode::unsupported_version);
    co_return;
  }
  auto asked = co_await ask<group::ConsumerHeartbeatAnswer>(context, request.group_id,
                                                            to_heartbeat(context, request));
  const auto& answer = context.keep_value(std::move(asked));
  reply.error_code = code(answer.error);
  if (answer.error != KafkaCode::none) {
    if (!answer.message.empty()) reply.error_message = answer.message;
    co_return;
  }
  reply.member_id = answer.member_id;
  reply.member_epoch = answer.epoch;
  reply.heartbeat_interval_ms = answer.interval_ms;
  if (!answer.assignment) co_return;
  auto& assignment = reply.assignment.emplace();
  for (const auto& [topic, partitions] : *answer.assignment) {
    auto& out = assignment.topic_partitions.emplace_back();
    out.topic_id = topic;
    out.partitions.assign(partitions.begin(), partitions.end());
  }
}

}  // namespace

ServeResult serve_consumer_group_heartbeat(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &consumer_group_heartbeat>(context, reader);
}

}  // namespace odradek::broker
