// DescribeCluster (KIP-700, KIP-919, KIP-1073).
#include <algorithm>

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

Task<void> describe_cluster(RequestContext& context, const kafka::DescribeClusterRequest& request,
                            kafka::DescribeClusterResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  reply.endpoint_type = kEndpointBrokers;
  if (request.endpoint_type != kEndpointBrokers) {
    const bool known = request.endpoint_type == kEndpointControllers;
    reply.error_code = code(known ? KafkaError::mismatched_endpoint_type
                                  : KafkaError::unsupported_endpoint_type);
    reply.error_message = known ? "the request was sent to a broker, not to a controller"
                                : "no such endpoint type";
    co_return;
  }
  const metadata::Image& image = context.shard.image().current();
  reply.cluster_id = context.shard.broker().cluster_id();
  reply.controller_id = context.shard.config().node_id;
  image.for_each_broker([&](const metadata::Broker& broker) {
    const metadata::Endpoint* endpoint = broker.endpoint(context.listener.name);
    if (!endpoint || (broker.fenced && !request.include_fenced_brokers)) return;
    auto& out = reply.brokers.emplace_back();
    out.broker_id = broker.id.value;
    out.host = endpoint->host;
    out.port = endpoint->port;
    if (broker.rack) out.rack = *broker.rack;
    out.is_fenced = broker.fenced;
  });
  std::ranges::sort(reply.brokers, {}, [](const auto& b) { return b.broker_id; });
}

}  // namespace

ServeResult serve_describe_cluster(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DescribeClusterRequest, kafka::DescribeClusterResponse, &describe_cluster>(
      context, reader);
}

}  // namespace odradek::broker
