// Reading and changing configurations of topics, brokers and others, for the verbs that show or set
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/kafka/client/client.h"

namespace odradek::cli {

// Kafka's ConfigResource types.
enum class ResourceType : int8_t {
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
  group = 32,
};

struct Resource {
  ResourceType type = ResourceType::topic;
  std::string name;  // a topic, a node id, a group ...; empty: the default of all brokers
};
// "topic orders", "broker 1", "brokers".
std::string resource_text(const Resource& resource);

struct ConfigValue {
  std::string name;
  std::optional<std::string> value;  // absent: null, or a secret
  bool read_only = false;
  bool sensitive = false;
  int8_t source = 0;
  std::vector<std::string> synonyms;  // "SOURCE:name=value", the effective one first

  // Set on the resource itself and not inherited.
  bool is_set_on(ResourceType type) const;
};
// Kafka's name of a source: "DYNAMIC_TOPIC_CONFIG".
std::string_view source_name(int8_t source);

struct ConfigChange {
  std::string name;
  std::optional<std::string> value;  // absent: back to the default
};
// "a=1", "b=" ... and names to delete -> changes.
Result<std::vector<ConfigChange>> parse_changes(const std::vector<std::string>& set,
                                                const std::vector<std::string>& unset);

// Who must be asked about `resource`: a broker answers for itself alone. Errc::invalid for a broker
// that is no number.
Result<client::Target> target_of(const Resource& resource);

// All configurations of each resource, by name; Errc::not_found for one that does not exist.
reactor::Task<Result<std::vector<std::vector<ConfigValue>>>> describe_configs(
    client::Client& client, std::vector<Resource> resources, MonoTime deadline);
// All changes or none (IncrementalAlterConfigs).
reactor::Task<Status> alter_configs(client::Client& client, Resource resource,
                                    std::vector<ConfigChange> changes, MonoTime deadline);

}  // namespace odradek::cli
