// DescribeConfigs (KIP-133, KIP-226, KIP-569): topic configurations with source and synonyms, and
// what this broker was started with.
#include <algorithm>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/known_properties.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::DescribeConfigsRequest;
using Reply = kafka::DescribeConfigsResponse;

constexpr int8_t kTopic = 2;
constexpr int8_t kBroker = 4;
constexpr int8_t kFromTopic = 1;
constexpr int8_t kFromStaticBroker = 4;
constexpr int8_t kFromDefault = 5;

// Null keys: all of them.
bool wanted(const Request::DescribeConfigsResource& resource, std::string_view name) {
  if (!resource.configuration_keys) return true;
  return std::ranges::find(*resource.configuration_keys, name) !=
         resource.configuration_keys->end();
}

class Describing {
 public:
  Describing(RequestContext& context, const Request& request)
      : context_(context), request_(request) {}

  void describe(const Request::DescribeConfigsResource& resource,
                Reply::DescribeConfigsResult& out) {
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    if (resource.resource_type == kTopic) return topic(resource, out);
    if (resource.resource_type == kBroker) return broker(resource, out);
    out.error_code = code(KafkaError::invalid_request);
    out.error_message = "this broker describes configurations of topics and brokers";
  }

 private:
  void topic(const Request::DescribeConfigsResource& resource, Reply::DescribeConfigsResult& out) {
    const auto& image = context_.shard.image().current();
    if (!image.find_topic(resource.resource_name)) {
      out.error_code = code(KafkaError::unknown_topic_or_partition);
      return;
    }
    const auto* set = image.find_configs(metadata::ResourceType::topic, resource.resource_name);
    for (const auto& def : metadata::topic_config_defs()) {
      if (wanted(resource, def.name)) topic_config(def, set, out);
    }
  }

  void topic_config(const metadata::TopicConfigDef& def, const metadata::ConfigMap* set,
                    Reply::DescribeConfigsResult& out) {
    const auto& defaults = context_.shard.topic_defaults();
    auto& config = out.configs.emplace_back();
    config.name = def.name;
    config.value = context_.keep(metadata::effective_value(def, set, defaults));
    const bool on_topic = set && set->contains(def.name);
    const bool on_broker = defaults.contains(def.name);
    config.config_source = on_topic ? kFromTopic : on_broker ? kFromStaticBroker : kFromDefault;
    config.is_default = !on_topic;
    config.config_type = static_cast<int8_t>(def.type);
    if (request_.include_documentation) config.documentation = def.doc;
    if (!request_.include_synonyms) return;
    if (on_topic) synonym(config, def.name, set->find(def.name)->second, kFromTopic);
    for (const auto name : def.synonyms) {
      const auto& properties = context_.shard.config().properties;
      const auto found = properties.find(name);
      if (found != properties.end()) synonym(config, name, found->second, kFromStaticBroker);
    }
    const std::string_view last = def.synonyms.empty() ? def.name : def.synonyms.front();
    synonym(config, last, std::string(def.default_value), kFromDefault);
  }

  void synonym(Reply::DescribeConfigsResourceResult& config, std::string_view name,
               std::string value, int8_t source) {
    auto& s = config.synonyms.emplace_back();
    s.name = name;
    s.value = context_.keep(std::move(value));
    s.source = source;
  }

  void broker(const Request::DescribeConfigsResource& resource, Reply::DescribeConfigsResult& out) {
    const std::string id = std::to_string(context_.shard.config().node_id);
    if (resource.resource_name.empty()) return;  // the cluster's default: nothing is set there
    if (resource.resource_name != id) {
      out.error_code = code(KafkaError::invalid_request);
      out.error_message = context_.keep("this broker's id is " + id);
      return;
    }
    for (const auto& [name, value] : context_.shard.config().properties) {
      if (!wanted(resource, name)) continue;
      auto& config = out.configs.emplace_back();
      config.name = name;
      // A name that nobody knows may be a plug-in's, and its value a secret; Kafka hides it, too.
      config.is_sensitive = property_kind(name) == PropertyKind::unknown;
      if (!config.is_sensitive) config.value = value;
      config.read_only = true;
      config.config_source = kFromStaticBroker;
      config.config_type = static_cast<int8_t>(metadata::ConfigType::string);
      if (request_.include_synonyms && !config.is_sensitive) {
        synonym(config, name, value, kFromStaticBroker);
      }
    }
  }

  RequestContext& context_;
  const Request& request_;
};

Task<void> describe_configs(RequestContext& context, const Request& request, Reply& reply,
                            Response&) {
  Describing describing(context, request);
  for (const auto& resource : request.resources) {
    describing.describe(resource, reply.results.emplace_back());
  }
  reply.throttle_time_ms = context.throttle_ms;
  co_return;
}

}  // namespace

ServeResult serve_describe_configs(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &describe_configs>(context, reader);
}

}  // namespace odradek::broker
