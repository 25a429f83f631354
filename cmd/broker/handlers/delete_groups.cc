// DeleteGroups (KIP-229): groups without members, with their offsets.
#include <set>
#include <string_view>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/delete_groups_request.h"
#include "net/kafka/messages/delete_groups_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

Task<void> delete_groups(RequestContext& context, const kafka::DeleteGroupsRequest& request,
                         kafka::DeleteGroupsResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  std::set<std::string_view> seen;
  for (const auto& group : request.groups_names) {
    if (!seen.insert(group).second) continue;  // each once, as Kafka
    const auto answer =
        co_await ask<group::DeleteAnswer>(context, group, group::DeleteGroup{std::string(group)});
    auto& out = reply.results.emplace_back();
    out.group_id = group;
    out.error_code = code(answer.error);
  }
}

}  // namespace

ServeResult serve_delete_groups(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DeleteGroupsRequest, kafka::DeleteGroupsResponse, &delete_groups>(context,
                                                                                            reader);
}

}  // namespace odradek::broker
