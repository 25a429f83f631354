// IncrementalAlterConfigs (KIP-339): set, delete, append, subtract; in force on every shard before the
// answer.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

Task<void> alter(RequestContext& context, const kafka::IncrementalAlterConfigsRequest& request,
                 kafka::IncrementalAlterConfigsResponse& reply, Response&) {
  std::vector<metadata::ConfigAlteration> alterations;
  for (const auto& resource : request.resources) {
    auto& alteration = alterations.emplace_back();
    alteration.resource = {static_cast<metadata::ResourceType>(resource.resource_type),
                           std::string(resource.resource_name)};
    for (const auto& config : resource.configs) {
      auto& change = alteration.changes.emplace_back();
      change.name = config.name;
      change.op = static_cast<metadata::AlterOp>(config.config_operation);
      if (config.value) change.value = std::string(*config.value);
    }
  }
  Broker* broker = &context.shard.broker();
  const bool validate_only = request.validate_only;
  const auto results = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, validate_only, alterations = std::move(alterations)]() mutable {
        return broker->controller().alter_configs(std::move(alterations), validate_only);
      });
  for (const auto& result : results) {
    auto& out = reply.responses.emplace_back();
    out.error_code = static_cast<int16_t>(result.code);
    if (result.message) out.error_message = context.keep(*result.message);
    out.resource_type = static_cast<int8_t>(result.resource.type);
    out.resource_name = context.keep(result.resource.name);
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_incremental_alter_configs(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::IncrementalAlterConfigsRequest, kafka::IncrementalAlterConfigsResponse, &alter>(
      context, reader);
}

}  // namespace odradek::broker
