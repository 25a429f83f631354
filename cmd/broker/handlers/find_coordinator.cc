// FindCoordinator: group, transaction and share coordinators are not here yet. The answer is the
// one on which every client waits and asks again: COORDINATOR_NOT_AVAILABLE (trap 55).
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/find_coordinator_request.h"
#include "net/kafka/messages/find_coordinator_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr std::string_view kWhy = "this broker has no group or transaction coordinators yet";

Task<void> find_coordinator(RequestContext& context, const kafka::FindCoordinatorRequest& request,
                            kafka::FindCoordinatorResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  if (context.api_version < 4) {
    reply.error_code = code(KafkaError::coordinator_not_available);
    reply.error_message = kWhy;
    reply.node_id = -1;
    reply.port = -1;
    co_return;
  }
  for (const auto& key : request.coordinator_keys) {
    auto& out = reply.coordinators.emplace_back();
    out.key = key;
    out.node_id = -1;
    out.port = -1;
    out.error_code = code(KafkaError::coordinator_not_available);
    out.error_message = kWhy;
  }
}

}  // namespace

ServeResult serve_find_coordinator(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::FindCoordinatorRequest, kafka::FindCoordinatorResponse,
                   &find_coordinator>(context, reader);
}

}  // namespace odradek::broker
