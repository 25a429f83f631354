// IncrementalAlterConfigs (KIP-339): set, delete, append, subtract; in force on every shard before
// the answer.
#include "cmd/broker/config_alterations.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::IncrementalAlterConfigsRequest;
using Reply = kafka::IncrementalAlterConfigsResponse;

metadata::ConfigAlteration to_alteration(const Request::AlterConfigsResource& resource) {
  metadata::ConfigAlteration out;
  out.resource = {static_cast<metadata::ResourceType>(resource.resource_type),
                  std::string(resource.resource_name)};
  for (const auto& config : resource.configs) {
    auto& change = out.changes.emplace_back();
    change.name = config.name;
    change.op = static_cast<metadata::AlterOp>(config.config_operation);
    if (config.value) change.value = std::string(*config.value);
  }
  return out;
}

Task<void> alter(RequestContext& context, const Request& request, Reply& reply, Response&) {
  std::vector<metadata::ConfigAlteration> asked;
  for (const auto& resource : request.resources) asked.push_back(to_alteration(resource));
  const auto answers = co_await alter_resources(context, std::move(asked), request.validate_only);
  for (size_t i = 0; i < answers.size(); ++i) {
    auto& out = reply.responses.emplace_back();
    out.error_code = static_cast<int16_t>(answers[i].code);
    out.error_message.reset();
    if (answers[i].message) out.error_message = context.keep(*answers[i].message);
    out.resource_type = request.resources[i].resource_type;
    out.resource_name = request.resources[i].resource_name;
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_incremental_alter_configs(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &alter>(context, reader);
}

}  // namespace odradek::broker
