// Heartbeat: a member lives, and learns that a rebalance has begun (trap 58).
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/heartbeat_request.h"
#include "net/kafka/messages/heartbeat_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

Task<void> heartbeat(RequestContext& context, const kafka::HeartbeatRequest& request,
                     kafka::HeartbeatResponse& reply, Response&) {
  group::Heartbeat beat;
  beat.group = request.group_id;
  beat.who = identity(request.member_id, request.group_instance_id);
  beat.generation = request.generation_id;
  const auto answer =
      co_await ask<group::HeartbeatAnswer>(context, request.group_id, std::move(beat));
  reply.throttle_time_ms = context.throttle_ms;
  reply.error_code = code(answer.error);
}

}  // namespace

ServeResult serve_heartbeat(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::HeartbeatRequest, kafka::HeartbeatResponse, &heartbeat>(context, reader);
}

}  // namespace odradek::broker
