#include "cmd/broker/config_view.h"

#include <algorithm>
#include <charconv>

#include "cmd/broker/broker_config_defs.h"

namespace odradek::broker {

using metadata::ResourceType;

namespace {

// The properties that are asked for one of them, most exact first.
std::vector<std::string_view> family_of(std::string_view property) {
  const metadata::TopicConfigDef* def = topic_config_of(property);
  if (!def) return {property};
  return {def->synonyms.begin(), def->synonyms.end()};
}

// The node's number has an old name and a new one; either sets both.
std::optional<std::string_view> other_name_of_id(std::string_view property) {
  if (property == "node.id") return "broker.id";
  if (property == "broker.id") return "node.id";
  return std::nullopt;
}

}  // namespace

ConfigView::ConfigView(const BrokerConfig& config, const metadata::Image& image)
    : config_(config),
      own_(image.find_configs(ResourceType::broker, std::to_string(config.node_id))),
      cluster_(image.find_configs(ResourceType::broker, "")) {}

std::vector<ConfigSynonym> ConfigView::of_broker(std::string_view property) const {
  const auto family = family_of(property);
  std::vector<ConfigSynonym> out;
  const auto look = [&](const auto* map, ConfigSource source) {
    if (!map) return;
    for (const std::string_view name : family) {
      const auto found = map->find(name);
      if (found != map->end()) out.push_back({name, found->second, source});
    }
  };
  look(own_, ConfigSource::dynamic_broker);
  look(cluster_, ConfigSource::dynamic_default_broker);
  look(&config_.properties, ConfigSource::static_broker);
  if (const auto other = other_name_of_id(property);
      other && !config_.properties.contains(property)) {
    const auto found = config_.properties.find(*other);
    if (found != config_.properties.end()) {
      out.push_back({property, found->second, ConfigSource::static_broker});
    }
  }
  for (const std::string_view name : family) {
    const BrokerConfigDef* def = find_broker_config(name);
    if (!def || !def->default_value) continue;
    out.push_back({name, std::string(*def->default_value), ConfigSource::default_value});
  }
  // As Kafka has it: what stands in for the property is told behind an entry of its own name only.
  const auto first = std::ranges::find(out, property, &ConfigSynonym::name);
  out.erase(out.begin(), first);
  return out;
}

std::vector<ConfigSynonym> ConfigView::of_topic(const metadata::TopicConfigDef& def,
                                                const metadata::ConfigMap* set) const {
  std::vector<ConfigSynonym> out;
  if (!def.synonyms.empty()) out = of_broker(def.synonyms.front());
  const bool on_topic = set && set->contains(def.name);
  if (on_topic) {
    out.insert(out.begin(),
               {def.name, shown_value(def, set->find(def.name)->second), ConfigSource::topic});
  }
  return out;
}

namespace {

// The number that all of `text` is.
template <class T>
T parsed(const std::string& text, T otherwise) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

}  // namespace

int64_t ConfigView::number(std::string_view property, int64_t otherwise) const {
  const auto synonyms = of_broker(property);
  return synonyms.empty() ? otherwise : parsed(synonyms.front().value, otherwise);
}

double ConfigView::real(std::string_view property, double otherwise) const {
  const auto synonyms = of_broker(property);
  return synonyms.empty() ? otherwise : parsed(synonyms.front().value, otherwise);
}

bool ConfigView::flag(std::string_view property, bool otherwise) const {
  const auto synonyms = of_broker(property);
  return synonyms.empty() ? otherwise : synonyms.front().value == "true";
}

}  // namespace odradek::broker
