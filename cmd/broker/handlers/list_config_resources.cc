// ListConfigResources (KIP-1000, KIP-1142): the resources that have configurations. Version 0 asks
// for client metrics alone.
#include <algorithm>
#include <array>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/list_config_resources_request.h"
#include "net/kafka/messages/list_config_resources_response.h"

namespace odradek::broker {

using metadata::ResourceType;
using reactor::Task;

namespace {

using Request = kafka::ListConfigResourcesRequest;
using Reply = kafka::ListConfigResourcesResponse;

// In the order of Kafka's answers.
constexpr auto kTypes =
    std::to_array({ResourceType::group, ResourceType::client_metrics, ResourceType::broker_logger,
                   ResourceType::broker, ResourceType::topic});

bool is_known(int8_t type) {
  return std::ranges::find(kTypes, static_cast<ResourceType>(type)) != kTypes.end();
}

// Topics and brokers are there by themselves; the others where something was set for them.
std::vector<std::string> names_of(const metadata::Image& image, ResourceType type) {
  std::vector<std::string> names;
  if (type == ResourceType::topic) {
    image.for_each_topic([&](const metadata::Topic& topic) { names.push_back(topic.name()); });
  } else if (type == ResourceType::broker || type == ResourceType::broker_logger) {
    image.for_each_broker([&](const metadata::Broker& broker) {
      if (!broker.fenced) names.push_back(std::to_string(broker.id.value));
    });
  } else {
    image.for_each_config(
        [&](const metadata::ConfigResource& resource, const metadata::ConfigMap&) {
          if (resource.type == type) names.push_back(resource.name);
        });
  }
  std::ranges::sort(names);
  return names;
}

Task<void> list_config_resources(RequestContext& context, const Request& request, Reply& reply,
                                 Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  const auto& asked = request.resource_types;
  if (!std::ranges::all_of(asked, is_known)) {
    reply.error_code = code(KafkaError::unsupported_version);
    co_return;
  }
  const metadata::Image& image = context.shard.image().current();
  for (const ResourceType type : kTypes) {
    const auto number = static_cast<int8_t>(type);
    const bool wanted = context.api_version == 0
                            ? type == ResourceType::client_metrics
                            : asked.empty() || std::ranges::find(asked, number) != asked.end();
    if (!wanted) continue;
    for (std::string& name : names_of(image, type)) {
      auto& out = reply.config_resources.emplace_back();
      out.resource_name = context.keep(std::move(name));
      out.resource_type = number;
    }
  }
}

}  // namespace

ServeResult serve_list_config_resources(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &list_config_resources>(context, reader);
}

}  // namespace odradek::broker
