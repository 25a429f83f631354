// ListGroups (KIP-518, KIP-848): all groups of all shards, filtered by state and by type.
#include <set>
#include <string>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/list_groups_request.h"
#include "net/kafka/messages/list_groups_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr std::string_view kClassic = "classic";
constexpr std::string_view kConsumer = "consumer";

// In lower case.
using Filter = std::set<std::string, std::less<>>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

Filter filter_of(const std::vector<std::string_view>& wanted) {
  Filter filter;
  for (const std::string_view value : wanted) filter.insert(lower(value));
  return filter;
}

// An empty filter lets everything through.
bool passes(const Filter& filter, std::string_view value) {
  return filter.empty() || filter.contains(lower(value));
}

Task<void> list_groups(RequestContext& context, const kafka::ListGroupsRequest& request,
                       kafka::ListGroupsResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  const Filter states = filter_of(request.states_filter);
  const Filter types = filter_of(request.types_filter);
  Broker* broker = &context.shard.broker();
  for (uint32_t i = 0; i < reactor::this_shard().shard_count(); ++i) {
    auto asked = co_await reactor::submit_to(reactor::ShardId(i),
                                             [broker] { return broker->local().groups().list(); });
    const auto& answer = context.keep_value(std::move(asked));
    if (answer.error != KafkaCode::none) {
      reply.groups.clear();
      reply.error_code = code(answer.error);
      co_return;
    }
    for (const auto& group : answer.groups) {
      if (!passes(states, group.state)) continue;
      const auto type = group.is_classic ? kClassic : kConsumer;
      if (!passes(types, type)) continue;
      auto& out = reply.groups.emplace_back();
      out.group_id = group.id;
      out.protocol_type = group.protocol_type;
      out.group_state = group.state;
      out.group_type = type;
    }
  }
}

}  // namespace

ServeResult serve_list_groups(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::ListGroupsRequest, kafka::ListGroupsResponse, &list_groups>(context,
                                                                                      reader);
}

}  // namespace odradek::broker
