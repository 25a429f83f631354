// DescribeCluster (KIP-700, KIP-919, KIP-1073).
#include <algorithm>

#include "cmd/broker/authorized_operations.h"
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_cluster_request.h"
#include "net/kafka/messages/describe_cluster_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int8_t kEndpointBrokers = 1;
constexpr int8_t kEndpointControllers = 2;

void list_brokers(const RequestContext& context, const metadata::Image& image, bool fenced_too,
                  kafka::DescribeClusterResponse& reply) {
  image.for_each_broker([&](const metadata::Broker& broker) {
    const metadata::Endpoint* endpoint = broker.endpoint(context.listener.name);
    if (!endpoint || (broker.fenced && !fenced_too)) return;
    auto& out = reply.brokers.emplace_back();
    out.broker_id = broker.id.value;
    out.host = endpoint->host;
    out.port = endpoint->port;
    if (broker.rack) out.rack = *broker.rack;
    out.is_fenced = broker.fenced;
  });
}

void list_controllers(const RequestContext& context, const metadata::Image& image,
                      kafka::DescribeClusterResponse& reply) {
  image.for_each_controller([&](const metadata::ControllerNode& node) {
    for (const metadata::Endpoint& endpoint : node.endpoints) {
      if (endpoint.listener != context.listener.name) continue;
      auto& out = reply.brokers.emplace_back();
      out.broker_id = node.id.value;
      out.host = endpoint.host;
      out.port = endpoint.port;
    }
  });
}

// Whoever asks says what he takes this listener for.
KafkaError check_endpoint_type(int8_t asked, bool controllers) {
  if (asked != kEndpointBrokers && asked != kEndpointControllers) {
    return KafkaError::unsupported_endpoint_type;
  }
  return (asked == kEndpointControllers) == controllers ? KafkaError::none
                                                        : KafkaError::mismatched_endpoint_type;
}

Task<void> describe_cluster(RequestContext& context, const kafka::DescribeClusterRequest& request,
                            kafka::DescribeClusterResponse& reply, Response&) {
  const bool controllers = context.listener.controller;
  reply.throttle_time_ms = context.throttle_ms;
  reply.endpoint_type = controllers ? kEndpointControllers : kEndpointBrokers;
  const KafkaError error = check_endpoint_type(request.endpoint_type, controllers);
  reply.error_code = code(error);
  if (error != KafkaError::none) {
    reply.error_message = error == KafkaError::unsupported_endpoint_type ? "no such endpoint type"
                          : controllers ? "the request was sent to a controller, not to a broker"
                                        : "the request was sent to a broker, not to a controller";
    co_return;
  }
  const metadata::Image& image = context.shard.image().current();
  reply.cluster_id = context.shard.broker().cluster_id();
  reply.controller_id = context.shard.config().node_id;
  if (controllers) {
    list_controllers(context, image, reply);
  } else {
    list_brokers(context, image, request.include_fenced_brokers, reply);
  }
  if (request.include_cluster_authorized_operations) {
    reply.cluster_authorized_operations = kClusterOperations;
  }
  std::ranges::sort(reply.brokers, {}, [](const auto& b) { return b.broker_id; });
}

}  // namespace

ServeResult serve_describe_cluster(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DescribeClusterRequest, kafka::DescribeClusterResponse,
                   &describe_cluster>(context, reader);
}

}  // namespace odradek::broker
