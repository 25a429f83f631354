#include "cmd/cli/configs.h"

#include <fmt/format.h>

#include <algorithm>

#include "cmd/cli/arguments.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr std::string_view kSources[] = {"UNKNOWN",
                                         "DYNAMIC_TOPIC_CONFIG",
                                         "DYNAMIC_BROKER_CONFIG",
                                         "DYNAMIC_DEFAULT_BROKER_CONFIG",
                                         "STATIC_BROKER_CONFIG",
                                         "DEFAULT_CONFIG",
                                         "DYNAMIC_BROKER_LOGGER_CONFIG",
                                         "DYNAMIC_CLIENT_METRICS_CONFIG",
                                         "DYNAMIC_GROUP_CONFIG"};

ConfigValue take(const kafka::DescribeConfigsResponse::DescribeConfigsResourceResult& from) {
  ConfigValue out;
  out.name = from.name;
  if (from.value) out.value = *from.value;
  out.read_only = from.read_only;
  out.sensitive = from.is_sensitive;
  out.source = from.config_source;
  for (const auto& synonym : from.synonyms) {
    out.synonyms.push_back(fmt::format("{}:{}={}", source_name(synonym.source), synonym.name,
                                       synonym.value.value_or("null")));
  }
  return out;
}

}  // namespace

std::string resource_text(const Resource& resource) {
  switch (resource.type) {
    case ResourceType::topic: return "topic " + resource.name;
    case ResourceType::broker: return resource.name.empty() ? "brokers" : "broker " + resource.name;
    case ResourceType::broker_logger: return "loggers of broker " + resource.name;
    case ResourceType::client_metrics: return "client metrics " + resource.name;
    case ResourceType::group: return "group " + resource.name;
  }
  return resource.name;
}

bool ConfigValue::is_set_on(ResourceType type) const {
  switch (type) {
    case ResourceType::topic: return source == 1;
    case ResourceType::broker: return source == 2 || source == 3;
    case ResourceType::broker_logger: return source == 6;
    case ResourceType::client_metrics: return source == 7;
    case ResourceType::group: return source == 8;
  }
  return false;
}

std::string_view source_name(int8_t source) {
  const auto at = static_cast<size_t>(source);
  return source < 0 || at >= std::size(kSources) ? kSources[0] : kSources[at];
}

Result<std::vector<ConfigChange>> parse_changes(const std::vector<std::string>& set,
                                                const std::vector<std::string>& unset) {
  std::vector<ConfigChange> out;
  for (const std::string& text : set) {
    TRY_ASSIGN(auto pair, key_and_value("--config", text));
    out.push_back({std::move(pair.first), std::move(pair.second)});
  }
  for (const std::string& name : unset) out.push_back({name, std::nullopt});
  for (size_t i = 0; i < out.size(); ++i) {
    for (size_t k = i + 1; k < out.size(); ++k) {
      if (out[i].name == out[k].name) {
        return fail(Errc::invalid, out[i].name + ": named twice");
      }
    }
  }
  return out;
}

Result<client::Target> target_of(const Resource& resource) {
  client::Target target;
  const bool of_broker =
      resource.type == ResourceType::broker || resource.type == ResourceType::broker_logger;
  if (of_broker && !resource.name.empty()) {
    TRY_ASSIGN(const int64_t node, parse_number("broker", resource.name, 0, INT32_MAX));
    target.node = static_cast<int32_t>(node);
  }
  return target;
}

Task<Result<std::vector<std::vector<ConfigValue>>>> describe_configs(
    Client& client, std::vector<Resource> resources, MonoTime deadline) {
  std::vector<std::vector<ConfigValue>> out;
  for (const Resource& resource : resources) {
    kafka::DescribeConfigsRequest request;
    request.include_synonyms = true;
    auto& asked = request.resources.emplace_back();
    asked.resource_type = static_cast<int8_t>(resource.type);
    asked.resource_name = resource.name;
    asked.configuration_keys = std::nullopt;
    CO_TRY_ASSIGN(const client::Target target, target_of(resource));
    CO_TRY_ASSIGN(const auto reply, co_await client.call<kafka::DescribeConfigsResponse>(
                                        target, std::move(request), deadline));
    if (reply.message.results.size() != 1) {
      co_return fail(Errc::malformed, "DescribeConfigs: an answer to something else");
    }
    const auto& result = reply.message.results[0];
    if (result.error_code != 0) {
      co_return fail(client::broker_error(
          result.error_code, "configuration of " + resource_text(resource), result.error_message));
    }
    auto& values = out.emplace_back();
    for (const auto& config : result.configs) values.push_back(take(config));
    std::ranges::sort(values, {}, &ConfigValue::name);
  }
  co_return out;
}

Task<Status> alter_configs(Client& client, Resource resource, std::vector<ConfigChange> changes,
                           MonoTime deadline) {
  kafka::IncrementalAlterConfigsRequest request;
  auto& asked = request.resources.emplace_back();
  asked.resource_type = static_cast<int8_t>(resource.type);
  asked.resource_name = resource.name;
  for (const ConfigChange& change : changes) {
    auto& config = asked.configs.emplace_back();
    config.name = change.name;
    config.config_operation = change.value ? 0 : 1;  // SET, DELETE
    config.value = std::nullopt;
    if (change.value) config.value = *change.value;
  }
  CO_TRY_ASSIGN(client::Target target, target_of(resource));
  target.controller = target.node == client::kAnyNode;
  CO_TRY_ASSIGN(const auto reply, co_await client.call<kafka::IncrementalAlterConfigsResponse>(
                                      target, std::move(request), deadline));
  for (const auto& answer : reply.message.responses) {
    if (answer.error_code == 0) continue;
    co_return fail(client::broker_error(
        answer.error_code, "configuration of " + resource_text(resource), answer.error_message));
  }
  co_return Status{};
}

}  // namespace odradek::cli
