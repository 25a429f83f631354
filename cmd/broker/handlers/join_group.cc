// JoinGroup (KIP-62, KIP-345, KIP-394, KIP-559, KIP-800, KIP-814): parked until the group's
// rebalance ends. The connection reads nothing meanwhile, as with Kafka.
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/quotas/throttle.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/join_group_request.h"
#include "net/kafka/messages/join_group_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

group::JoinGroup to_join(const RequestContext& context, const kafka::JoinGroupRequest& request) {
  group::JoinGroup join;
  join.group = request.group_id;
  join.who = identity(request.member_id, request.group_instance_id);
  join.client_id = context.client_id;
  join.client_host = "/" + std::string(context.host);  // as Java prints an address
  join.protocol_type = request.protocol_type;
  for (const auto& p : request.protocols) {
    join.protocols.push_back({std::string(p.name), owned(p.metadata)});
  }
  join.session_timeout_ms = request.session_timeout_ms;
  // Version 0 has one timeout for both.
  join.rebalance_timeout_ms =
      context.api_version == 0 ? request.session_timeout_ms : request.rebalance_timeout_ms;
  join.unique = unique_id();
  join.knows_member_id = context.api_version >= 4;
  join.knows_skip = context.api_version >= 9;
  return join;
}

Task<void> join_group(RequestContext& context, const kafka::JoinGroupRequest& request,
                      kafka::JoinGroupResponse& reply, Response&) {
  group::JoinAnswer asked;
  {
    const Waiting waiting(context);  // for the other members
    asked = co_await ask<group::JoinAnswer>(context, request.group_id, to_join(context, request));
  }
  const auto& answer = context.keep_value(std::move(asked));
  reply.throttle_time_ms = context.throttle_ms;
  reply.error_code = code(answer.error);
  reply.generation_id = answer.generation;
  reply.protocol_type = answer.protocol_type;
  reply.protocol_name = answer.protocol;
  reply.leader = answer.leader;
  reply.skip_assignment = answer.skip_assignment;
  reply.member_id = answer.member_id;
  for (const auto& m : answer.members) {
    auto& member = reply.members.emplace_back();
    member.member_id = m.id;
    member.group_instance_id = m.instance_id;
    member.metadata = m.metadata;
  }
}

}  // namespace

ServeResult serve_join_group(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::JoinGroupRequest, kafka::JoinGroupResponse, &join_group>(context, reader);
}

}  // namespace odradek::broker
