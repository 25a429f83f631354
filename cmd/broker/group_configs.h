// The configurations of single groups (KIP-848, KIP-1142): names, types and bounds of Kafka 4.3.1,
// what stands in for them among the broker's properties, and what a coordinator makes of them.
// Those of share and streams groups are kept and described; this broker serves no such groups yet.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cmd/broker/broker_config.h"
#include "cmd/broker/broker_config_defs.h"
#include "cmd/broker/config_view.h"
#include "replication/metadata/image.h"

namespace odradek::broker {

struct GroupConfigDef {
  std::string_view name;
  ConfigType type;
  int32_t min;                    // of numbers
  std::string_view property;      // the broker's, whose value is the default; empty: none
  std::string_view property_min;  // the broker's bounds; empty: none
  std::string_view property_max;
  std::string_view default_value;  // where there is no property
  std::string_view doc;
};
std::span<const GroupConfigDef> group_config_defs();  // in the order in which Kafka checks them
const GroupConfigDef* find_group_config(std::string_view name);

// Kafka's message when a group may not have all of `set` at this broker; absent when it may.
std::optional<std::string> group_configs_fault(const metadata::ConfigMap& set,
                                               const BrokerConfig& config);
// Everywhere a group's configuration is set, in the order that decides; never empty. `set` may be
// null.
std::vector<ConfigSynonym> synonyms_of_group(const GroupConfigDef& def,
                                             const metadata::ConfigMap* set,
                                             const ConfigView& view);
// The number that is in force because it was set for the group: as it was set, but within the
// bounds that the broker has now. Absent when it was not set. REQUIRES: `name` is one of a number.
std::optional<int32_t> group_number(std::string_view name, const metadata::ConfigMap* set,
                                    const BrokerConfig& config);

}  // namespace odradek::broker
