#include "cmd/broker/config_alterations.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_config_defs.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/known_properties.h"
#include "reactor/shard.h"

namespace odradek::broker {

using metadata::AlterOp;
using metadata::ConfigAlteration;
using metadata::ConfigChange;
using metadata::ResourceType;
using reactor::Task;

namespace {

constexpr std::string_view kRootLogger = "root";

using Refusal = std::optional<Altered>;

Altered invalid(std::string why) { return {KafkaCode::invalid_request, std::move(why)}; }

bool is_list_op(AlterOp op) { return op == AlterOp::append || op == AlterOp::subtract; }

template <class T>
bool parses(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// The number that a value is, if it is one of the property's type.
std::optional<double> number_of(ConfigType type, std::string_view value) {
  int32_t small = 0;
  int64_t large = 0;
  double real = 0;
  if (type == ConfigType::int32 && parses(value, small)) return small;
  if (type == ConfigType::int64 && parses(value, large)) return static_cast<double>(large);
  if (type == ConfigType::real && parses(value, real)) return real;
  return std::nullopt;
}

std::string_view type_name(ConfigType type) {
  if (type == ConfigType::int32) return "INT";
  return type == ConfigType::int64 ? "LONG" : "DOUBLE";
}

std::string fault_text(std::string_view property, std::string_view value, std::string_view why) {
  return fmt::format("Invalid value {} for configuration {}: {}", value, property, why);
}

// Names of the resource as the request has it: a number, this node's.
Refusal check_node(const RequestContext& context, const std::string& name,
                   std::string_view unexpected) {
  int32_t id = 0;
  if (!parses(name, id)) return invalid("Node id must be an integer, but it is: " + name);
  const int32_t own = context.shard.config().node_id;
  if (id == own) return std::nullopt;
  return invalid(fmt::format(fmt::runtime(unexpected), own, id));
}

// Loggers have one level, which is fixed.
Refusal check_logger(const RequestContext& context, const ConfigAlteration& asked) {
  if (asked.replace) {
    return invalid(fmt::format("Unknown resource type {}", static_cast<int>(asked.resource.type)));
  }
  if (auto other = check_node(context, asked.resource.name,
                              "Unexpected node id. Expected {}, but received {}")) {
    return other;
  }
  for (const ConfigChange& change : asked.changes) {
    if (is_list_op(change.op)) {
      return invalid(fmt::format("{} operation is not allowed for the BROKER_LOGGER resource",
                                 change.op == AlterOp::append ? "APPEND" : "SUBTRACT"));
    }
    if (change.name != kRootLogger) {
      return Altered{KafkaCode::invalid_config,
                     fmt::format("Logger {} does not exist!", change.name)};
    }
    if (change.op == AlterOp::remove) {
      return invalid("Removing the log level of the root logger is not allowed");
    }
    return invalid("The log level of this broker cannot be changed while it runs");
  }
  return Altered{};
}

Refusal check_lists(const ConfigAlteration& asked) {
  for (const ConfigChange& change : asked.changes) {
    const BrokerConfigDef* def = find_broker_config(change.name);
    if (is_list_op(change.op) && (!def || def->type != ConfigType::list)) {
      return Altered{
          KafkaCode::invalid_config,
          fmt::format("Config value {} is not allowed for config key: {}",
                      change.op == AlterOp::append ? "append" : "subtract", change.name)};
    }
  }
  return std::nullopt;
}

// What is set must be changeable while the broker runs.
Refusal check_changeable(const ConfigAlteration& asked) {
  std::vector<std::string_view> fixed;
  for (const ConfigChange& change : asked.changes) {
    if (change.op == AlterOp::remove) continue;
    const BrokerConfigDef* def = find_broker_config(change.name);
    const bool known = def != nullptr;
    // Security that would be stored and not enforced would expose data.
    const bool ignored = !known && property_kind(change.name) == PropertyKind::dangerous;
    if ((known && def->changeable == ConfigChangeable::start) || ignored) {
      fixed.push_back(change.name);
    }
  }
  if (fixed.empty()) return std::nullopt;
  return invalid(
      fmt::format("Cannot update these configs dynamically: [{}]", fmt::join(fixed, ", ")));
}

Refusal check_broker(const RequestContext& context, const ConfigAlteration& asked) {
  if (!asked.resource.name.empty()) {
    if (auto other = check_node(context, asked.resource.name,
                                "Unexpected broker id, expected {}, but received {}")) {
      return other;
    }
  }
  if (auto refused = check_lists(asked)) return refused;
  if (auto refused = check_changeable(asked)) return refused;
  for (const ConfigChange& change : asked.changes) {
    if (change.op == AlterOp::remove) continue;
    if (auto fault = broker_value_fault(change.name, *change.value)) return invalid(*fault);
  }
  return std::nullopt;
}

// Nothing: the controller decides.
Refusal check(const RequestContext& context, const ConfigAlteration& asked) {
  const auto known_op = [](const ConfigChange& c) {
    return c.op >= AlterOp::set && c.op <= AlterOp::subtract;
  };
  if (!std::ranges::all_of(asked.changes, known_op)) {
    return invalid("Unknown operation on a configuration");
  }
  if (auto fault = metadata::changes_fault(asked.changes)) return invalid(std::move(*fault));
  switch (asked.resource.type) {
    case ResourceType::topic:
    case ResourceType::group:
    case ResourceType::client_metrics: return std::nullopt;
    case ResourceType::broker: return check_broker(context, asked);
    case ResourceType::broker_logger: return check_logger(context, asked);
  }
  return invalid(fmt::format("Unknown resource type {}", static_cast<int>(asked.resource.type)));
}

}  // namespace

std::optional<std::string> broker_value_fault(std::string_view property, std::string_view value) {
  if (const auto* topic = topic_config_of(property)) {
    const Status valid = metadata::validate_topic_config(topic->name, value);
    if (valid) return std::nullopt;
    // The message names the topic's configuration; here it is the broker's.
    std::string why = valid.error().context;
    const std::string named = "configuration " + std::string(topic->name);
    if (const size_t at = why.find(named); at != std::string::npos) {
      why.replace(at, named.size(), "configuration " + std::string(property));
    }
    return why;
  }
  const BrokerConfigDef* def = find_broker_config(property);
  if (!def) return std::nullopt;
  if (def->type == ConfigType::boolean) {
    if (value == "true" || value == "false") return std::nullopt;
    return fault_text(property, value, "Expected value to be either true or false");
  }
  if (def->type != ConfigType::int32 && def->type != ConfigType::int64 &&
      def->type != ConfigType::real) {
    return std::nullopt;
  }
  const auto number = number_of(def->type, value);
  if (!number) {
    return fault_text(property, value, "Not a number of type " + std::string(type_name(def->type)));
  }
  if (*number >= def->min) return std::nullopt;
  return fault_text(property, value, fmt::format("Value must be at least {:.0f}", def->min));
}

Task<std::vector<Altered>> alter_resources(RequestContext& context,
                                           std::vector<ConfigAlteration> asked,
                                           bool validate_only) {
  std::map<metadata::ConfigResource, int> times;
  for (const ConfigAlteration& one : asked) ++times[one.resource];
  std::vector<Altered> answers(asked.size());
  std::vector<ConfigAlteration> passed;
  std::vector<size_t> places;
  for (size_t i = 0; i < asked.size(); ++i) {
    if (times[asked[i].resource] > 1) {
      answers[i] = invalid("Each resource must appear at most once.");
    } else if (auto refused = check(context, asked[i])) {
      answers[i] = std::move(*refused);
    } else {
      passed.push_back(std::move(asked[i]));
      places.push_back(i);
    }
  }
  if (passed.empty()) co_return answers;
  Broker* broker = &context.shard.broker();
  const auto results = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, validate_only, passed = std::move(passed)]() mutable {
        return broker->controller().alter_configs(std::move(passed), validate_only);
      });
  CHECK(results.size() == places.size(), results.size(), places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    answers[places[i]] = {results[i].code, results[i].message};
  }
  co_return answers;
}

}  // namespace odradek::broker
