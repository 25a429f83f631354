#include "cmd/broker/client_metrics_configs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cmd/broker/config_text.h"
#include "replication/group/topic_regex.h"

namespace odradek::broker {

namespace {

using metadata::ConfigMap;
using metadata::Fault;

constexpr std::string_view kMetrics = "metrics";
constexpr std::string_view kInterval = "interval.ms";
constexpr std::string_view kMatch = "match";
constexpr int32_t kIntervalMin = 100;
constexpr int32_t kIntervalMax = 3'600'000;

constexpr auto kDefs = std::to_array<ClientMetricsConfigDef>({
    {kMetrics, ConfigType::list, "", "Prefixes of the names of metrics that are wanted; * is all."},
    {kInterval, ConfigType::int32, "300000", "How often a client sends them, in milliseconds."},
    {kMatch, ConfigType::list, "", "Which clients: name=regular expression, all of which match."},
});

// What can be matched of a client.
constexpr auto kMatchable = std::to_array<std::string_view>(
    {"client_instance_id", "client_id", "client_software_name", "client_software_version",
     "client_source_address", "client_source_port"});

std::optional<Fault> list_fault(std::string_view name, const std::vector<std::string>& items) {
  if (std::ranges::find(items, "") == items.end()) return std::nullopt;
  return Fault{KafkaCode::invalid_config,
               fmt::format("Configuration '{}' values must not be empty.", name)};
}

// As Kafka shows a list: each item once, where it stood first.
std::string shown_list(std::string_view value) {
  std::vector<std::string> once;
  for (std::string& item : java_list(value)) {
    if (std::ranges::find(once, item) == once.end()) once.push_back(std::move(item));
  }
  return fmt::format("{}", fmt::join(once, ","));
}

// "client_id=app-.*"
std::optional<Fault> pattern_fault(const std::string& item) {
  const size_t equals = item.find('=');
  const bool one = equals != std::string::npos && item.find('=', equals + 1) == std::string::npos;
  const std::string_view name = trimmed(std::string_view(item).substr(0, equals));
  const std::string regex(one ? trimmed(std::string_view(item).substr(equals + 1)) : "");
  if (!one || equals + 1 == item.size() ||
      std::ranges::find(kMatchable, name) == kMatchable.end() || group::regex_fault(regex)) {
    return Fault{KafkaCode::invalid_config, "Illegal client matching pattern: " + item};
  }
  return std::nullopt;
}

}  // namespace

std::span<const ClientMetricsConfigDef> client_metrics_config_defs() { return kDefs; }

std::optional<Fault> client_metrics_fault(const ConfigMap& set) {
  for (const auto& [name, value] : set) {
    if (std::ranges::find(kDefs, name, &ClientMetricsConfigDef::name) != kDefs.end()) continue;
    return Fault{KafkaCode::invalid_request, "Unknown client metrics configuration: " + name};
  }
  std::optional<int32_t> interval;
  std::vector<std::string> match;
  for (const auto& [name, value] : set) {
    if (name == kInterval) {
      interval = java_int(value);
      if (interval) continue;
      return Fault{KafkaCode::invalid_config,
                   fmt::format("Invalid value {} for configuration {}: Not a number of type INT",
                               value, name)};
    }
    std::vector<std::string> items = java_list(value);
    if (auto fault = list_fault(name, items)) return fault;
    if (name == kMatch) match = std::move(items);
  }
  if (interval && (*interval < kIntervalMin || *interval > kIntervalMax)) {
    return Fault{KafkaCode::invalid_request,
                 fmt::format("Invalid value {} for {}, interval must be between {} and {} (1 hour)",
                             *interval, kInterval, kIntervalMin, kIntervalMax)};
  }
  for (const std::string& item : match) {
    if (auto fault = pattern_fault(item)) return fault;
  }
  return std::nullopt;
}

std::vector<ConfigSynonym> synonyms_of_client_metrics(const ClientMetricsConfigDef& def,
                                                      const ConfigMap* set) {
  std::vector<ConfigSynonym> out;
  const auto found = set ? set->find(def.name) : ConfigMap::const_iterator();
  if (set && found != set->end()) {
    const auto number = java_int(found->second);
    out.push_back({def.name,
                   def.type == ConfigType::int32 && number ? std::to_string(*number)
                                                           : shown_list(found->second),
                   ConfigSource::client_metrics});
  }
  out.push_back({def.name, std::string(def.default_value), ConfigSource::default_value});
  return out;
}

}  // namespace odradek::broker
