// DescribeConfigs (KIP-133, KIP-226, KIP-569): configurations of topics, of groups, of this
// broker, of all brokers, and of this broker's loggers, with source, synonyms and documentation
// (trap 71).
#include <algorithm>
#include <charconv>
#include <set>

#include "cmd/broker/answer_bounds.h"
#include "cmd/broker/broker_config_defs.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/client_metrics_configs.h"
#include "cmd/broker/config_view.h"
#include "cmd/broker/group_configs.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"
#include "reactor/timer.h"
#include "replication/metadata/plan.h"

namespace odradek::broker {

using metadata::ResourceType;
using reactor::Task;

namespace {

using Request = kafka::DescribeConfigsRequest;
using Reply = kafka::DescribeConfigsResponse;
using Asked = Request::DescribeConfigsResource;
using Result = Reply::DescribeConfigsResult;

class Describing {
 public:
  // REQUIRES: `image` stays until the answer, which views it, was encoded.
  Describing(RequestContext& context, const Request& request, const metadata::Image& image)
      : context_(context),
        request_(request),
        image_(image),
        view_(context.shard.config(), image_) {}

  // As Kafka has it, a type that does not exist spoils the whole request.
  bool has_unknown_type() const {
    return !std::ranges::all_of(request_.resources, [](const Asked& asked) {
      switch (static_cast<ResourceType>(asked.resource_type)) {
        case ResourceType::topic:
        case ResourceType::broker:
        case ResourceType::broker_logger:
        case ResourceType::client_metrics:
        case ResourceType::group: return true;
      }
      return false;
    });
  }

  void refuse_all(Reply& reply) {
    for (const auto& asked : request_.resources) {
      Result& out = reply.results.emplace_back();
      out.resource_type = asked.resource_type;
      out.resource_name = asked.resource_name;
      refuse(out, "The request has a resource of a type that does not exist");
    }
  }

  void describe(const Asked& asked, Result& out) {
    out.resource_type = asked.resource_type;
    out.resource_name = asked.resource_name;
    out.error_message = "";
    if (const auto fault = bounds_.fault({asked.resource_type, asked.resource_name})) {
      return refuse(out, *fault);
    }
    keys_.clear();
    if (asked.configuration_keys) {
      keys_.insert(asked.configuration_keys->begin(), asked.configuration_keys->end());
    }
    describe_one(asked, out);
    for (const auto& config : out.configs) bounds_.told(1 + config.synonyms.size());
  }

 private:
  void describe_one(const Asked& asked, Result& out) {
    switch (static_cast<ResourceType>(asked.resource_type)) {
      case ResourceType::topic: return topic(asked, out);
      case ResourceType::broker: return broker(asked, out);
      case ResourceType::broker_logger: return loggers(asked, out);
      case ResourceType::group: return group(asked, out);
      case ResourceType::client_metrics: return client_metrics(asked, out);
    }
  }

  // Null and empty keys: all of them.
  bool wanted(std::string_view name) const { return keys_.empty() || keys_.contains(name); }

  void refuse(Result& out, std::string_view why) {
    out.error_code = code(KafkaError::invalid_request);
    out.error_message = context_.explain(why);
  }

  void topic(const Asked& asked, Result& out) {
    if (auto fault = metadata::topic_name_fault(asked.resource_name)) {
      out.error_code = code(KafkaError::invalid_topic);
      out.error_message = context_.explain(*fault);
      return;
    }
    if (!image_.find_topic(asked.resource_name)) {
      out.error_code = code(KafkaError::unknown_topic_or_partition);
      return;
    }
    const auto* set = image_.find_configs(ResourceType::topic, asked.resource_name);
    for (const auto& def : metadata::topic_config_defs()) {
      if (!wanted(def.name)) continue;
      auto& config = out.configs.emplace_back();
      config.name = def.name;
      config.value = context_.keep(
          shown_value(def, effective_value(def, set, context_.shard.topic_defaults())));
      config.config_type = static_cast<int8_t>(def.type);
      config.documentation.reset();
      if (request_.include_documentation) config.documentation = def.doc;
      add_sources(view_.of_topic(def, set), false, config);
      config.is_default = config.config_source != static_cast<int8_t>(ConfigSource::topic);
    }
  }

  // Of any group: one that is not there is configured before it comes.
  void group(const Asked& asked, Result& out) {
    if (asked.resource_name.empty()) return refuse(out, "Group name must not be empty");
    const auto* set = image_.find_configs(ResourceType::group, asked.resource_name);
    for (const auto& def : group_config_defs()) {
      if (!wanted(def.name)) continue;
      add_plain(def, synonyms_of_group(def, set, view_), out);
    }
  }

  // Of any subscription, too.
  void client_metrics(const Asked& asked, Result& out) {
    if (asked.resource_name.empty()) {
      return refuse(out, "Client metrics subscription name must not be empty");
    }
    const auto* set = image_.find_configs(ResourceType::client_metrics, asked.resource_name);
    for (const auto& def : client_metrics_config_defs()) {
      if (!wanted(def.name)) continue;
      add_plain(def, synonyms_of_client_metrics(def, set), out);
      // As Kafka tells them: a default is no synonym.
      std::erase_if(out.configs.back().synonyms, [](const auto& synonym) {
        return synonym.source == static_cast<int8_t>(ConfigSource::default_value);
      });
    }
  }

  template <class Def>
  void add_plain(const Def& def, const std::vector<ConfigSynonym>& synonyms, Result& out) {
    auto& config = out.configs.emplace_back();
    config.name = def.name;
    config.value = context_.keep(synonyms.front().value);
    config.config_type = static_cast<int8_t>(def.type);
    config.documentation.reset();
    if (request_.include_documentation) config.documentation = def.doc;
    add_sources(synonyms, false, config);
  }

  void broker(const Asked& asked, Result& out) {
    if (asked.resource_name.empty()) return all_brokers(asked, out);
    if (!is_this_broker(asked.resource_name, true, out)) return;
    for (const auto& def : broker_config_defs()) {
      if (wanted(def.name)) broker_config(def.name, out);
    }
    // Names that nobody knows may be a plug-in's, and their values secrets: Kafka hides them, too.
    for (const auto& [name, value] : context_.shard.config().properties) {
      if (!is_listed(name) && wanted(name)) broker_config(name, out);
    }
    std::set<std::string_view> dynamic;
    for (const metadata::ConfigMap* set : {view_.own(), view_.cluster()}) {
      if (set == nullptr) continue;
      for (const auto& [name, value] : *set) dynamic.insert(name);
    }
    for (const std::string_view name : dynamic) {
      if (is_listed(name) || context_.shard.config().properties.contains(name)) continue;
      if (wanted(name)) broker_config(name, out);
    }
  }

  // Only what was set for all of them.
  void all_brokers(const Asked& asked, Result& out) {
    if (!view_.cluster()) return;
    for (const auto& [name, value] : *view_.cluster()) {
      if (!wanted(name)) continue;
      auto& config = broker_entry(name, out);
      if (!config.is_sensitive) config.value = value;
      add_sources({{name, value, ConfigSource::dynamic_default_broker}}, config.is_sensitive,
                  config);
    }
  }

  void broker_config(std::string_view name, Result& out) {
    auto& config = broker_entry(name, out);
    const auto synonyms = view_.of_broker(name);
    if (!synonyms.empty() && !config.is_sensitive) {
      config.value = context_.keep(synonyms.front().value);
    }
    if (name == "node.id" || name == "broker.id") {
      config.value = context_.keep(std::to_string(context_.shard.config().node_id));
    }
    add_sources(synonyms, config.is_sensitive, config);
    config.is_default = config.config_source == static_cast<int8_t>(ConfigSource::default_value);
  }

  // Those that are not are told where they are set, without documentation, as Kafka tells them.
  static bool is_listed(std::string_view name) {
    return find_broker_config(name) != nullptr && !is_dynamic_only(name);
  }

  Reply::DescribeConfigsResourceResult& broker_entry(std::string_view name, Result& out) {
    const BrokerConfigDef* def = find_broker_config(name);
    auto& config = out.configs.emplace_back();
    config.name = name;
    config.config_type = static_cast<int8_t>(def ? def->type : ConfigType::unknown);
    config.is_sensitive = !def || def->type == ConfigType::password;
    config.read_only = !def || def->changeable == ConfigChangeable::start;
    config.value.reset();
    config.documentation.reset();
    if (is_listed(name) && request_.include_documentation) {
      config.documentation = context_.keep(broker_config_doc(*def));
    }
    return config;
  }

  void add_sources(const std::vector<ConfigSynonym>& synonyms, bool sensitive,
                   Reply::DescribeConfigsResourceResult& config) {
    config.config_source = static_cast<int8_t>(ConfigView::source(synonyms));
    if (!request_.include_synonyms) return;
    for (const ConfigSynonym& synonym : synonyms) {
      auto& out = config.synonyms.emplace_back();
      out.name = synonym.name;
      out.value.reset();
      if (!sensitive) out.value = context_.keep(synonym.value);
      out.source = static_cast<int8_t>(synonym.source);
    }
  }

  bool is_this_broker(std::string_view name, bool or_all, Result& out) {
    int32_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size()) {
      refuse(out, "Broker id must be an integer, but it is: " + std::string(name));
      return false;
    }
    const int32_t own = context_.shard.config().node_id;
    if (id == own) return true;
    refuse(out, "Unexpected broker id, expected " + std::to_string(own) +
                    (or_all ? " or empty string, but received " : " but received ") +
                    std::to_string(id));
    return false;
  }

  // All lines of the broker go through one logger. Its text is empty, asked for or not, as Kafka's.
  void loggers(const Asked& asked, Result& out) {
    if (asked.resource_name.empty()) return refuse(out, "Broker id must not be empty");
    if (!is_this_broker(asked.resource_name, false, out) || !wanted("root")) return;
    auto& config = out.configs.emplace_back();
    config.name = "root";
    config.value = "INFO";
    config.read_only = true;
    config.config_source = static_cast<int8_t>(ConfigSource::logger);
  }

  RequestContext& context_;
  const Request& request_;
  const metadata::Image& image_;
  ConfigView view_;
  AnswerBounds<std::pair<int8_t, std::string_view>> bounds_;
  std::set<std::string_view> keys_;  // of the resource that is being described
};

Task<void> describe_configs(RequestContext& context, const Request& request, Reply& reply,
                            Response&) {
  const auto& image = context.keep_value(context.shard.image().pin());
  Describing describing(context, request, *image);
  reply.throttle_time_ms = context.throttle_ms;
  if (describing.has_unknown_type()) {
    describing.refuse_all(reply);
    co_return;
  }
  for (const auto& resource : request.resources) {
    describing.describe(resource, reply.results.emplace_back());
    if (reply.results.size() % kTopicsPerTurn == 0) co_await reactor::yield();
  }
}

}  // namespace

ServeResult serve_describe_configs(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &describe_configs>(context, reader);
}

}  // namespace odradek::broker
