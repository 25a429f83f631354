#include "cmd/broker/group_configs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cmd/broker/config_text.h"

namespace odradek::broker {

namespace {

using enum ConfigType;
using metadata::ConfigMap;

constexpr std::string_view kOffsetReset = "share.auto.offset.reset";
constexpr std::string_view kIsolation = "share.isolation.level";

constexpr GroupConfigDef bounded(std::string_view name, int32_t min, std::string_view property,
                                 std::string_view property_min, std::string_view property_max,
                                 std::string_view doc) {
  return {name, int32, min, property, property_min, property_max, "", doc};
}
constexpr GroupConfigDef plain(std::string_view name, ConfigType type, std::string_view value,
                               std::string_view doc) {
  return {name, type, 0, "", "", "", value, doc};
}

constexpr auto kDefs = std::to_array<GroupConfigDef>({
    bounded("consumer.heartbeat.interval.ms", 1, "group.consumer.heartbeat.interval.ms",
            "group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms",
            "How often the group's members are told to send a heartbeat."),
    bounded("consumer.session.timeout.ms", 1, "group.consumer.session.timeout.ms",
            "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms",
            "A member that was not heard of for so long is out of the group."),
    bounded("consumer.assignment.interval.ms", 0, "group.consumer.assignment.interval.ms",
            "group.consumer.min.assignment.interval.ms",
            "group.consumer.max.assignment.interval.ms",
            "The least time between two assignments of the group."),
    bounded("share.heartbeat.interval.ms", 1, "group.share.heartbeat.interval.ms",
            "group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms",
            "Kept; share groups are not served yet."),
    bounded("share.session.timeout.ms", 1, "group.share.session.timeout.ms",
            "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms",
            "Kept; share groups are not served yet."),
    bounded("share.record.lock.duration.ms", 1000, "group.share.record.lock.duration.ms",
            "group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms",
            "Kept; share groups are not served yet."),
    bounded("share.delivery.count.limit", 2, "group.share.delivery.count.limit",
            "group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit",
            "Kept; share groups are not served yet."),
    bounded("share.partition.max.record.locks", 100, "group.share.partition.max.record.locks",
            "group.share.min.partition.max.record.locks",
            "group.share.max.partition.max.record.locks", "Kept; share groups are not served yet."),
    bounded("share.assignment.interval.ms", 0, "group.share.assignment.interval.ms",
            "group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms",
            "Kept; share groups are not served yet."),
    bounded("streams.heartbeat.interval.ms", 1, "group.streams.heartbeat.interval.ms",
            "group.streams.min.heartbeat.interval.ms", "group.streams.max.heartbeat.interval.ms",
            "Kept; streams groups are not served yet."),
    bounded("streams.session.timeout.ms", 1, "group.streams.session.timeout.ms",
            "group.streams.min.session.timeout.ms", "group.streams.max.session.timeout.ms",
            "Kept; streams groups are not served yet."),
    bounded("streams.num.standby.replicas", 0, "group.streams.num.standby.replicas", "",
            "group.streams.max.standby.replicas", "Kept; streams groups are not served yet."),
    bounded("streams.assignment.interval.ms", 0, "group.streams.assignment.interval.ms",
            "group.streams.min.assignment.interval.ms", "group.streams.max.assignment.interval.ms",
            "Kept; streams groups are not served yet."),
    bounded("streams.initial.rebalance.delay.ms", 0, "group.streams.initial.rebalance.delay.ms", "",
            "", "Kept; streams groups are not served yet."),
    plain(kOffsetReset, string, "latest", "Kept; share groups are not served yet."),
    plain(kIsolation, string, "read_uncommitted", "Kept; share groups are not served yet."),
    plain("share.renew.acknowledge.enable", boolean, "true",
          "Kept; share groups are not served yet."),
});

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Bounds do not change while the broker runs: what the file says, or Kafka's default.
int32_t property_number(std::string_view property, const BrokerConfig& config) {
  const auto found = config.properties.find(property);
  if (found != config.properties.end()) {
    if (const auto number = java_int(found->second)) return *number;
  }
  const BrokerConfigDef* def = find_broker_config(property);
  CHECK(def && def->default_value);
  return java_int(*def->default_value).value_or(0);
}

size_t digits_of(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

// Digits and their unit, if they are there.
void skip_part(std::string_view& text, char unit) {
  const size_t digits = digits_of(text);
  if (digits > 0 && digits < text.size() && text[digits] == unit) text.remove_prefix(digits + 1);
}

// 1.5S
bool is_seconds(std::string_view text) {
  const size_t whole = digits_of(text);
  text.remove_prefix(whole);
  if (whole > 0 && text.starts_with('.')) {
    const size_t places = digits_of(text.substr(1));
    if (places > 9) return false;
    text.remove_prefix(1 + places);
  }
  return whole > 0 && text == "S";
}

// An ISO 8601 duration of days, hours, minutes and seconds that is not negative: P1DT2H.
bool is_duration(std::string_view text) {
  if (!text.starts_with('P') || text == "P") return false;
  text.remove_prefix(1);
  skip_part(text, 'D');
  if (text.empty()) return true;
  if (!text.starts_with('T') || text == "T") return false;
  text.remove_prefix(1);
  skip_part(text, 'H');
  skip_part(text, 'M');
  return text.empty() || is_seconds(text);
}

std::optional<std::string> value_fault(const GroupConfigDef& def, const std::string& value) {
  const auto fault = [&](std::string_view why) {
    return fmt::format("Invalid value {} for configuration {}: {}", value, def.name, why);
  };
  if (def.type == boolean) {
    const std::string word = lower(trimmed(value));
    if (word == "true" || word == "false") return std::nullopt;
    return fault("Expected value to be either true or false");
  }
  if (def.type == int32) {
    const auto number = java_int(value);
    if (!number) return fault("Not a number of type INT");
    if (*number >= def.min) return std::nullopt;
    return fmt::format("Invalid value {} for configuration {}: Value must be at least {}", *number,
                       def.name, def.min);
  }
  const std::string_view word = trimmed(value);
  if (def.name == kIsolation) {
    if (word == "read_committed" || word == "read_uncommitted") return std::nullopt;
    return fault("String must be one of: read_committed, read_uncommitted");
  }
  constexpr std::string_view kSince = "by_duration:";
  if (word == "earliest" || word == "latest") return std::nullopt;
  if (word.starts_with(kSince) && is_duration(word.substr(kSince.size()))) return std::nullopt;
  return fault(fmt::format(
      "Invalid value `{}` for configuration {}. The value must be either 'earliest', 'latest' or "
      "of the format 'by_duration:<PnDTnHnMn.nS>'.",
      value, def.name));
}

// What the group would have of a number: its own, or the broker's.
int32_t number_for(const GroupConfigDef& def, const ConfigMap& set, const BrokerConfig& config) {
  const auto found = set.find(def.name);
  if (found == set.end()) return property_number(def.property, config);
  return java_int(found->second).value_or(def.min);
}

// The broker's own assignment intervals change while it runs and are not looked at here.
bool is_checked(const GroupConfigDef& def, const ConfigMap& set) {
  if (def.type != int32) return false;
  return set.contains(def.name) || !def.name.ends_with("assignment.interval.ms");
}

std::optional<std::string> bounds_fault(const ConfigMap& set, const BrokerConfig& config) {
  for (const GroupConfigDef& def : kDefs) {
    if (!is_checked(def, set)) continue;
    const int32_t value = number_for(def, set, config);
    if (!def.property_min.empty() && value < property_number(def.property_min, config)) {
      return fmt::format("{} must be greater than or equal to {}", def.name, def.property_min);
    }
    if (!def.property_max.empty() && value > property_number(def.property_max, config)) {
      return fmt::format("{} must be less than or equal to {}", def.name, def.property_max);
    }
  }
  for (const std::string_view kind : {"consumer", "share", "streams"}) {
    const auto session = fmt::format("{}.session.timeout.ms", kind);
    const auto heartbeat = fmt::format("{}.heartbeat.interval.ms", kind);
    if (number_for(*find_group_config(session), set, config) <=
        number_for(*find_group_config(heartbeat), set, config)) {
      return fmt::format("{} must be greater than {}", session, heartbeat);
    }
  }
  return std::nullopt;
}

std::string shown(const GroupConfigDef& def, const std::string& value) {
  if (def.type == int32) {
    if (const auto number = java_int(value)) return std::to_string(*number);
  }
  return def.type == boolean ? lower(trimmed(value)) : std::string(trimmed(value));
}

}  // namespace

std::span<const GroupConfigDef> group_config_defs() { return kDefs; }

const GroupConfigDef* find_group_config(std::string_view name) {
  const auto* found = std::ranges::find(kDefs, name, &GroupConfigDef::name);
  return found == kDefs.end() ? nullptr : found;
}

std::optional<std::string> group_configs_fault(const ConfigMap& set, const BrokerConfig& config) {
  for (const auto& [name, value] : set) {
    if (!find_group_config(name)) return "Unknown group config name: " + name;
  }
  for (const auto& [name, value] : set) {
    if (auto fault = value_fault(*find_group_config(name), value)) return fault;
  }
  return bounds_fault(set, config);
}

std::vector<ConfigSynonym> synonyms_of_group(const GroupConfigDef& def, const ConfigMap* set,
                                             const ConfigView& view) {
  std::vector<ConfigSynonym> out;
  if (!def.property.empty()) out = view.of_broker(def.property);
  if (out.empty()) {
    out.push_back({def.name, std::string(def.default_value), ConfigSource::default_value});
  }
  if (!set) return out;
  const auto found = set->find(def.name);
  if (found == set->end()) return out;
  out.insert(out.begin(), {def.name, shown(def, found->second), ConfigSource::group});
  return out;
}

std::optional<int32_t> group_number(std::string_view name, const ConfigMap* set,
                                    const BrokerConfig& config) {
  if (!set) return std::nullopt;
  const auto found = set->find(name);
  if (found == set->end()) return std::nullopt;
  const auto number = java_int(found->second);
  if (!number) return std::nullopt;
  const GroupConfigDef& def = *find_group_config(name);
  const int32_t low =
      def.property_min.empty() ? def.min : property_number(def.property_min, config);
  const int32_t high =
      def.property_max.empty() ? INT32_MAX : property_number(def.property_max, config);
  return std::max(low, std::min(*number, high));
}

}  // namespace odradek::broker
