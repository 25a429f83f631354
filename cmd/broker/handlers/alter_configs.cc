// AlterConfigs (KIP-133): replaces all that was set for a resource. Kafka's own tools use
// IncrementalAlterConfigs; older ones and other clients this.
#include "cmd/broker/config_alterations.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/alter_configs_request.h"
#include "net/kafka/messages/alter_configs_response.h"

namespace odradek::broker {

namespace {

using Request = kafka::AlterConfigsRequest;
using Reply = kafka::AlterConfigsResponse;

metadata::ConfigAlteration to_alteration(const Request::AlterConfigsResource& resource) {
  metadata::ConfigAlteration out;
  out.resource = {static_cast<metadata::ResourceType>(resource.resource_type),
                  std::string(resource.resource_name)};
  out.replace = true;
  for (const auto& config : resource.configs) {
    auto& change = out.changes.emplace_back();
    change.name = config.name;
    if (config.value) change.value = std::string(*config.value);
  }
  return out;
}

}  // namespace

ServeResult serve_alter_configs(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &serve_alterations<Request, Reply, &to_alteration>>(context,
                                                                                       reader);
}

}  // namespace odradek::broker
