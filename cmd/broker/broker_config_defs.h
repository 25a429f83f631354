// The properties of a broker as DescribeConfigs shows them and AlterConfigs takes them: Kafka 4.3's
// names, types and defaults (read off its answers), and ours. A default that is not Kafka's is this
// broker's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "replication/metadata/topic_configs.h"

namespace odradek::broker {

// Kafka's ConfigDef types, with the numbers of DescribeConfigs.
enum class ConfigType : int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  real = 6,
  list = 7,
  class_name = 8,
  password = 9,
};
enum class ConfigChangeable : uint8_t {
  start,  // in the properties file only
  live,   // for one broker or for all, while they run
};

struct BrokerConfigDef {
  std::string_view name;
  ConfigType type;
  std::optional<std::string_view> default_value;
  ConfigChangeable changeable;
  double min;  // of numbers that are no default of a topic's; -inf: none
};
std::span<const BrokerConfigDef> broker_config_defs();  // sorted by name
// Also of those that are dynamic only.
const BrokerConfigDef* find_broker_config(std::string_view name);
// Set while brokers run and in no properties file: they are told only where they are set.
bool is_dynamic_only(std::string_view name);
// For people; says of what does nothing here that it does nothing.
std::string broker_config_doc(const BrokerConfigDef& def);
// The topic configuration whose default this property is; null for others.
const metadata::TopicConfigDef* topic_config_of(std::string_view property);

}  // namespace odradek::broker
