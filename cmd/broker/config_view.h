// What a configuration's value is and where it comes from, as DescribeConfigs tells it: Kafka's
// order of sources, and its synonyms (KIP-226).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/broker/broker_config.h"
#include "replication/metadata/image.h"
#include "replication/metadata/topic_configs.h"

namespace odradek::broker {

// Kafka's ConfigSource numbers.
enum class ConfigSource : int8_t {
  topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
  logger = 6,
  client_metrics = 7,
  group = 8,
};

struct ConfigSynonym {
  std::string_view name;
  std::string value;
  ConfigSource source = ConfigSource::default_value;
};

// Over one image and one broker's configuration; both outlive it.
class ConfigView {
 public:
  ConfigView(const BrokerConfig& config, const metadata::Image& image);

  // Everywhere `property` of this broker is set, in the order that decides; the value in force is
  // the first. Properties that stand in for it (log.retention.minutes for log.retention.ms) follow
  // under their own names. Empty when nothing, not even a default, bears its name.
  std::vector<ConfigSynonym> of_broker(std::string_view property) const;
  // The same for a topic's configuration; `set` are the topic's own and may be null.
  std::vector<ConfigSynonym> of_topic(const metadata::TopicConfigDef& def,
                                      const metadata::ConfigMap* set) const;
  static ConfigSource source(const std::vector<ConfigSynonym>& synonyms) {
    return synonyms.empty() ? ConfigSource::default_value : synonyms.front().source;
  }

  const metadata::ConfigMap* own() const { return own_; }          // may be null
  const metadata::ConfigMap* cluster() const { return cluster_; }  // may be null
  // A whole number in force; `otherwise` when nothing that is one is set.
  int64_t number(std::string_view property, int64_t otherwise) const;
  double real(std::string_view property, double otherwise) const;
  bool flag(std::string_view property, bool otherwise) const;

 private:
  const BrokerConfig& config_;
  const metadata::ConfigMap* own_;      // set for this broker
  const metadata::ConfigMap* cluster_;  // set for all brokers
};

}  // namespace odradek::broker
