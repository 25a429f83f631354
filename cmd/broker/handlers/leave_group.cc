// LeaveGroup (KIP-345): one member up to version 2, then a list of members with an answer each.
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/leave_group_request.h"
#include "net/kafka/messages/leave_group_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

Task<void> leave_group(RequestContext& context, const kafka::LeaveGroupRequest& request,
                       kafka::LeaveGroupResponse& reply, Response&) {
  const bool one = context.api_version < 3;
  group::LeaveGroup leave;
  leave.group = request.group_id;
  if (one) leave.members.push_back(identity(request.member_id, std::nullopt));
  for (const auto& m : request.members) {
    leave.members.push_back(identity(m.member_id, m.group_instance_id));
  }
  const auto answer = co_await ask<group::LeaveAnswer>(context, request.group_id, std::move(leave));
  reply.throttle_time_ms = context.throttle_ms;
  reply.error_code = code(answer.error);
  if (answer.error != KafkaCode::none) co_return;
  if (one) reply.error_code = code(answer.members.at(0));
  for (size_t i = 0; i < request.members.size(); ++i) {
    auto& member = reply.members.emplace_back();
    member.member_id = request.members[i].member_id;
    member.group_instance_id = request.members[i].group_instance_id;
    member.error_code = code(answer.members.at(i));
  }
}

}  // namespace

ServeResult serve_leave_group(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::LeaveGroupRequest, kafka::LeaveGroupResponse, &leave_group>(context,
                                                                                      reader);
}

}  // namespace odradek::broker
