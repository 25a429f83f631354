// IncrementalAlterConfigs (KIP-339): set, delete, append, subtract; in force on every shard before
// the answer.
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

constexpr int8_t kTopic = 2;

using Request = kafka::IncrementalAlterConfigsRequest;
using Reply = kafka::IncrementalAlterConfigsResponse;

// What nobody would obey is not stored.
void refuse(const Request::AlterConfigsResource& resource,
            Reply::AlterConfigsResourceResponse& out) {
  out.error_code = code(KafkaError::invalid_request);
  out.error_message =
      "only configurations of topics can be altered; those of a broker are in its properties file";
  out.resource_type = resource.resource_type;
  out.resource_name = resource.resource_name;
}

void answer(RequestContext& context, const metadata::AlterResult& result,
            Reply::AlterConfigsResourceResponse& out) {
  out.error_code = static_cast<int16_t>(result.code);
  if (result.message) out.error_message = context.keep(*result.message);
  out.resource_type = kTopic;
  out.resource_name = context.keep(result.resource.name);
}

Task<void> alter(RequestContext& context, const kafka::IncrementalAlterConfigsRequest& request,
                 kafka::IncrementalAlterConfigsResponse& reply, Response&) {
  std::vector<metadata::ConfigAlteration> alterations;
  for (const auto& resource : request.resources) {
    if (resource.resource_type != kTopic) continue;
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
  size_t next = 0;
  for (const auto& resource : request.resources) {
    if (resource.resource_type != kTopic) {
      refuse(resource, reply.responses.emplace_back());
    } else if (next < results.size() && results[next].resource.name == resource.resource_name) {
      answer(context, results[next++], reply.responses.emplace_back());
    }  // else it is named twice and was answered
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_incremental_alter_configs(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::IncrementalAlterConfigsRequest, kafka::IncrementalAlterConfigsResponse,
                   &alter>(context, reader);
}

}  // namespace odradek::broker
