// IncrementalAlterConfigs (KIP-339): set, delete, append, subtract; in force on every shard before
// the answer.
#include "cmd/broker/config_alterations.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"

namespace odradek::broker {

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

}  // namespace

ServeResult serve_incremental_alter_configs(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &serve_alterations<Request, Reply, &to_alteration>>(context,
                                                                                       reader);
}

}  // namespace odradek::broker
