// DescribeGroups (KIP-345, KIP-430, KIP-1043): state, protocol and members. A group that is not
// there is "Dead", from version 6 on with an error (trap 63).
#include "cmd/broker/answer_bounds.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_groups_request.h"
#include "net/kafka/messages/describe_groups_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

void describe(RequestContext& context, const group::DescribeAnswer& answer,
              kafka::DescribeGroupsResponse::DescribedGroup& out) {
  out.error_code = code(answer.error);
  out.group_state = answer.state;
  out.protocol_type = answer.protocol_type;
  out.protocol_data = answer.protocol;
  if (answer.error == KafkaCode::group_id_not_found) {
    if (context.api_version < 6) out.error_code = code(KafkaCode::none);
    const char* why = answer.is_of_other_type ? " is not a classic group." : " not found.";
    out.error_message = context.keep("Group " + std::string(out.group_id) + why);
  }
  for (const auto& m : answer.members) {
    auto& member = out.members.emplace_back();
    member.member_id = m.id;
    member.group_instance_id = m.instance_id;
    member.client_id = m.client_id;
    member.client_host = m.client_host;
    member.member_metadata = m.metadata;
    member.member_assignment = m.assignment;
  }
}

Task<void> describe_groups(RequestContext& context, const kafka::DescribeGroupsRequest& request,
                           kafka::DescribeGroupsResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  AnswerBounds<std::string_view> bounds;
  for (const auto& group : request.groups) {
    auto& out = reply.groups.emplace_back();
    out.group_id = group;
    if (const auto fault = bounds.fault(group)) {
      refuse(context, *fault, out);
      continue;
    }
    auto asked = co_await ask<group::DescribeAnswer>(context, group,
                                                     group::DescribeGroup{std::string(group)});
    const auto& answer = context.keep_value(std::move(asked));
    describe(context, answer, out);
    bounds.told(out.members.size());
    if (request.include_authorized_operations && out.error_code == 0) {
      out.authorized_operations = kAllGroupOperations;
    }
  }
}

}  // namespace

ServeResult serve_describe_groups(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DescribeGroupsRequest, kafka::DescribeGroupsResponse, &describe_groups>(
      context, reader);
}

}  // namespace odradek::broker
