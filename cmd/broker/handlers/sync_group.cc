// SyncGroup (KIP-345, KIP-559): a follower waits for the leader's assignment, all for its record.
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/quotas/throttle.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/sync_group_request.h"
#include "net/kafka/messages/sync_group_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

Task<void> sync_group(RequestContext& context, const kafka::SyncGroupRequest& request,
                      kafka::SyncGroupResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  // Version 5 came to say these two: they may not be left out (KIP-559).
  if (context.api_version >= 5 && (!request.protocol_type || !request.protocol_name)) {
    reply.error_code = code(KafkaCode::inconsistent_group_protocol);
    co_return;
  }
  group::SyncGroup sync;
  sync.group = request.group_id;
  sync.who = identity(request.member_id, request.group_instance_id);
  sync.generation = request.generation_id;
  sync.protocol_type = owned(request.protocol_type);
  sync.protocol = owned(request.protocol_name);
  for (const auto& a : request.assignments) {
    sync.assignments.push_back({std::string(a.member_id), owned(a.assignment)});
  }
  group::SyncAnswer asked;
  {
    const Waiting waiting(context);  // for the leader of the group
    asked = co_await ask<group::SyncAnswer>(context, request.group_id, std::move(sync));
  }
  const auto& answer = context.keep_value(std::move(asked));
  reply.error_code = code(answer.error);
  reply.protocol_type = answer.protocol_type;
  reply.protocol_name = answer.protocol;
  reply.assignment = answer.assignment;
}

}  // namespace

ServeResult serve_sync_group(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::SyncGroupRequest, kafka::SyncGroupResponse, &sync_group>(context, reader);
}

}  // namespace odradek::broker
