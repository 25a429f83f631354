// Topic configurations: names, types, defaults, ranges, synonyms of the broker's properties, and
// what the log and the produce path make of them. Read off Kafka 4.3 (TopicConfig, LogConfig,
// ServerTopicConfigSynonyms) and checked against its answers; `odradek.durability` is ours.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "log/partition_log.h"
#include "reactor/base/result.h"
#include "replication/metadata/image.h"

namespace odradek::metadata {

// Kafka's ConfigDef types, with the numbers of DescribeConfigs.
enum class ConfigType : int8_t {
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  real = 6,
  list = 7
};

struct TopicConfigDef {
  std::string_view name;
  ConfigType type;
  std::string_view default_value;
  double min;                                 // numbers; -inf: none
  double max;                                 // numbers; +inf: none
  std::span<const std::string_view> allowed;  // strings and lists; empty: anything
  // The broker's properties that give the default, in the order they are asked.
  std::span<const std::string_view> synonyms;
  std::string_view doc;
};
std::span<const TopicConfigDef> topic_config_defs();  // sorted by name
const TopicConfigDef* find_topic_config(std::string_view name);
// Configs of Kafka 2 and 3 that old tools still send. Kafka 4 refuses them; here they are accepted
// and left out of the metadata, since they asked for what is always so now.
bool is_retired_topic_config(std::string_view name);

// Defaults from the broker's own properties: topic config name -> value, made by topic_defaults().
using TopicDefaults = std::map<std::string, std::string, std::less<>>;
// What a topic has when it sets nothing. Picks from server properties the values of the synonyms,
// hours and minutes turned into milliseconds. A value that is not allowed is an error that names
// the property.
Result<TopicDefaults> topic_defaults(
    const std::map<std::string, std::string, std::less<>>& properties);

// The same with what was set dynamically for all brokers and for one broker over it (either may be
// null); values that are not valid there are passed over.
TopicDefaults with_dynamic_defaults(const TopicDefaults& defaults, const ConfigMap* all_brokers,
                                    const ConfigMap* broker);

// Checks one value, or a topic's whole set, as Kafka does: the error's context is Kafka's message.
Status validate_topic_config(std::string_view name, std::string_view value);
Status validate_topic_configs(const ConfigMap& configs, const TopicDefaults& defaults);

enum class TimestampKind : uint8_t { create_time, log_append_time };
// What the produce path asks of a batch.
struct ProduceRules {
  uint32_t message_bytes_max = 1048588;  // max.message.bytes
  std::string compression = "producer";  // or uncompressed, gzip, snappy, lz4, zstd
  int32_t compression_level = 0;         // of that codec
  TimestampKind timestamp_kind = TimestampKind::create_time;
  int64_t timestamp_before_max_ms = INT64_MAX;
  int64_t timestamp_after_max_ms = 3'600'000;
  int32_t min_insync_replicas = 1;
  bool compacted = false;
};
struct EffectiveTopicConfig {
  log::LogConfig log;
  ProduceRules produce;
};
// A topic's set values over the broker's over Kafka's defaults. Values that are not valid (written
// by another version) fall back to the default. `configs` may be null.
EffectiveTopicConfig effective_topic_config(const ConfigMap* configs,
                                            const TopicDefaults& defaults);
// The value in force, as text.
std::string effective_value(const TopicConfigDef& def, const ConfigMap* configs,
                            const TopicDefaults& defaults);
// `value` as Kafka tells it once it was read as its type: true, not TRUE; 5, not +5. REQUIRES:
// valid.
std::string shown_value(const TopicConfigDef& def, const std::string& value);

}  // namespace odradek::metadata
