// Every value here was sent to Kafka 4.3.1 in a CreateTopics request; the messages are its answers.
#include "replication/metadata/topic_configs.h"

#include "tests/test.h"

namespace odradek::metadata {
namespace {

struct Case {
  std::string_view name;
  std::string_view value;
  std::string_view message;  // empty: accepted
};

constexpr Case kCases[] = {
    {"retention.ms", "abc",
     "Invalid value abc for configuration retention.ms: Not a number of type LONG"},
    {"nope", "1", "Unknown topic config name: nope"},
    {"retention.ms", "-2",
     "Invalid value -2 for configuration retention.ms: Value must be at least -1"},
    {"cleanup.policy", "foo",
     "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete"},
    {"cleanup.policy", "", ""},
    {"cleanup.policy", "compact,delete", ""},
    {"compression.type", "zip",
     "Invalid value zip for configuration compression.type: String must be one of: uncompressed, "
     "zstd, lz4, snappy, gzip, producer"},
    {"segment.bytes", "1",
     "Invalid value 1 for configuration segment.bytes: Value must be at least 1048576"},
    {"segment.bytes", "1048575",
     "Invalid value 1048575 for configuration segment.bytes: Value must be at least 1048576"},
    {"min.insync.replicas", "0",
     "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"},
    {"min.insync.replicas", "3", ""},
    {"preallocate", "yes",
     "Invalid value yes for configuration preallocate: Expected value to be either true or false"},
    {"preallocate", "TRUE", ""},
    {"max.message.bytes", "-1",
     "Invalid value -1 for configuration max.message.bytes: Value must be at least 0"},
    {"segment.ms", "0", "Invalid value 0 for configuration segment.ms: Value must be at least 1"},
    {"min.cleanable.dirty.ratio", "2",
     "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"},
    {"message.timestamp.type", "x",
     "Invalid value x for configuration message.timestamp.type: String must be one of: CreateTime, "
     "LogAppendTime"},
    {"compression.gzip.level", "99",
     "Invalid value 99 for configuration compression.gzip.level: Value must be between 1 and 9 or "
     "equal to -1"},
    {"compression.zstd.level", "100",
     "Invalid value 100 for configuration compression.zstd.level: Value must be no more than 22"},
    {"compression.lz4.level", "0",
     "Invalid value 0 for configuration compression.lz4.level: Value must be at least 1"},
    {"compression.gzip.level", "0",
     "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or "
     "equal to -1"},
    {"local.retention.ms", "5", ""},
    {"local.retention.ms", "-3",
     "Invalid value -3 for configuration local.retention.ms: Value must be at least -2"},
    {"leader.replication.throttled.replicas", "foo",
     "Invalid value [foo] for configuration leader.replication.throttled.replicas: "
     "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the "
     "following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."},
    {"leader.replication.throttled.replicas", "*", ""},
    {"leader.replication.throttled.replicas", "0:1,1:2", ""},
    {"unclean.leader.election.enable", "maybe",
     "Invalid value maybe for configuration unclean.leader.election.enable: Expected value to be "
     "either true or false"},
    {"retention.ms", " 5 ", ""},
    {"retention.bytes", "-2", ""},
    {"max.compaction.lag.ms", "0",
     "Invalid value 0 for configuration max.compaction.lag.ms: Value must be at least 1"},
    {"min.compaction.lag.ms", "-1",
     "Invalid value -1 for configuration min.compaction.lag.ms: Value must be at least 0"},
    {"flush.messages", "0",
     "Invalid value 0 for configuration flush.messages: Value must be at least 1"},
    {"flush.ms", "-1", "Invalid value -1 for configuration flush.ms: Value must be at least 0"},
    {"segment.index.bytes", "3",
     "Invalid value 3 for configuration segment.index.bytes: Value must be at least 4"},
    {"segment.jitter.ms", "-1",
     "Invalid value -1 for configuration segment.jitter.ms: Value must be at least 0"},
    {"index.interval.bytes", "-1",
     "Invalid value -1 for configuration index.interval.bytes: Value must be at least 0"},
    {"delete.retention.ms", "-1",
     "Invalid value -1 for configuration delete.retention.ms: Value must be at least 0"},
    {"file.delete.delay.ms", "-1",
     "Invalid value -1 for configuration file.delete.delay.ms: Value must be at least 0"},
    {"message.timestamp.before.max.ms", "-1",
     "Invalid value -1 for configuration message.timestamp.before.max.ms: Value must be at least "
     "0"},
    {"message.timestamp.after.max.ms", "-1",
     "Invalid value -1 for configuration message.timestamp.after.max.ms: Value must be at least 0"},
    {"retention.ms", "99999999999999999999",
     "Invalid value 99999999999999999999 for configuration retention.ms: Not a number of type "
     "LONG"},
    {"segment.bytes", "2147483648",
     "Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT"},
    {"min.cleanable.dirty.ratio", "abc",
     "Invalid value abc for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE"},
    {"follower.replication.throttled.replicas", "none",
     "Invalid value [none] for configuration follower.replication.throttled.replicas: "
     "follower.replication.throttled.replicas must be the literal '*' or a list of replicas in the "
     "following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."},
    {"remote.log.copy.disable", "true", ""},
    {"remote.log.delete.on.disable", "true", ""},
    {"local.retention.bytes", "-3",
     "Invalid value -3 for configuration local.retention.bytes: Value must be at least -2"},
    {"min.cleanable.dirty.ratio", "-1",
     "Invalid value -1.0 for configuration min.cleanable.dirty.ratio: Value must be at least 0"},
    {"compression.gzip.level", "-2",
     "Invalid value -2 for configuration compression.gzip.level: Value must be between 1 and 9 or "
     "equal to -1"},
    {"compression.lz4.level", "18",
     "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17"},
    {"compression.zstd.level", "-131073",
     "Invalid value -131073 for configuration compression.zstd.level: Value must be at least "
     "-131072"},
    {"cleanup.policy", "delete,delete", ""},
    {"cleanup.policy", "delete, compact", ""},
    {"retention.ms", "",
     "Invalid value  for configuration retention.ms: Not a number of type LONG"},
};

TEST_CASE("values are accepted and refused as by Kafka, with its messages") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    CAPTURE(c.value);
    const Status status = validate_topic_config(c.name, c.value);
    EXPECT_EQ(status ? "" : status.error().context, c.message);
  }
}

TEST_CASE("every default is valid") {
  for (const TopicConfigDef& def : topic_config_defs()) {
    CAPTURE(def.name);
    EXPECT(validate_topic_config(def.name, def.default_value).has_value());
  }
}

TEST_CASE("a topic's configs are checked together") {
  const auto message = [](const ConfigMap& configs) {
    const Status status = validate_topic_configs(configs, {});
    return status ? "" : status.error().context;
  };
  EXPECT_EQ(message({{"min.compaction.lag.ms", "5"}, {"max.compaction.lag.ms", "1"}}),
            "conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (1)");
  EXPECT_EQ(message({{"remote.storage.enable", "true"}}),
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured "
            "with remote "
            "log storage.");
  EXPECT_EQ(message({{"local.retention.ms", "5"}, {"retention.ms", "1"}}), "");
}

TEST_CASE("nothing set means Kafka's defaults") {
  const EffectiveTopicConfig config = effective_topic_config(nullptr, {});
  EXPECT_EQ(config.log.segment_bytes, 1u << 30);
  EXPECT_EQ(config.log.retention_ms, 604'800'000);
  EXPECT_EQ(config.log.retention_bytes, -1);
  EXPECT(config.log.durability == log::Durability::flushed);
  EXPECT(config.log.delete_policy);
  EXPECT_FALSE(config.log.compact_policy);
  EXPECT_EQ(config.produce.message_bytes_max, 1048588u);
  EXPECT_EQ(config.produce.compression, "producer");
  EXPECT_EQ(config.produce.timestamp_after_max_ms, 3'600'000);
  EXPECT_EQ(config.produce.timestamp_before_max_ms, INT64_MAX);
  EXPECT(config.produce.timestamp_kind == TimestampKind::create_time);
}

TEST_CASE("a topic's values stand over the broker's, and the broker's over Kafka's") {
  const auto defaults = topic_defaults({{"log.retention.hours", "2"},
                                        {"log.retention.minutes", "3"},
                                        {"log.roll.hours", "1"},
                                        {"message.max.bytes", "5000"},
                                        {"log.dirs", "/data"}});
  REQUIRE(defaults.has_value());
  const ConfigMap set = {{"max.message.bytes", "77"},
                         {"cleanup.policy", "compact, delete"},
                         {"compression.type", "zstd"},
                         {"odradek.durability", "written"}};
  const EffectiveTopicConfig config = effective_topic_config(&set, *defaults);
  EXPECT_EQ(config.log.retention_ms, 180'000);
  EXPECT_EQ(config.log.segment_ms, 3'600'000);
  EXPECT_EQ(config.produce.message_bytes_max, 77u);
  EXPECT_EQ(config.produce.compression_level, 3);
  EXPECT(config.log.compact_policy);
  EXPECT(config.log.delete_policy);
  EXPECT(config.log.durability == log::Durability::written);
  EXPECT_EQ(effective_topic_config(nullptr, *defaults).produce.message_bytes_max, 5000u);
}

TEST_CASE("what compaction goes by is a topic's, over the broker's cleaner's, over Kafka's") {
  const EffectiveTopicConfig plain = effective_topic_config(nullptr, {});
  EXPECT_EQ(plain.log.min_cleanable_ratio, 0.5);
  EXPECT_EQ(plain.log.min_compaction_lag_ms, 0);
  EXPECT_EQ(plain.log.max_compaction_lag_ms, INT64_MAX);
  EXPECT_EQ(plain.log.delete_retention_ms, 86'400'000);
  const auto defaults = topic_defaults(
      {{"log.cleaner.min.cleanable.ratio", "0.25"}, {"log.cleaner.delete.retention.ms", "7"}});
  REQUIRE(defaults.has_value());
  const ConfigMap set = {{"delete.retention.ms", "9"},
                         {"min.compaction.lag.ms", "10"},
                         {"max.compaction.lag.ms", "20"}};
  const EffectiveTopicConfig config = effective_topic_config(&set, *defaults);
  EXPECT_EQ(config.log.min_cleanable_ratio, 0.25);
  EXPECT_EQ(config.log.delete_retention_ms, 9);
  EXPECT_EQ(config.log.min_compaction_lag_ms, 10);
  EXPECT_EQ(config.log.max_compaction_lag_ms, 20);
}

TEST_CASE("a wrong property of the broker is named") {
  const auto defaults = topic_defaults({{"log.segment.bytes", "1"}});
  REQUIRE_FALSE(defaults.has_value());
  EXPECT_EQ(defaults.error().context,
            "log.segment.bytes: Invalid value 1 for configuration segment.bytes: "
            "Value must be at least 1048576");
}

TEST_CASE("what is set dynamically stands over the properties, one broker over all brokers") {
  const TopicDefaults defaults = {{"retention.ms", "1"}, {"segment.ms", "1"}};
  const ConfigMap all = {
      {"log.retention.ms", "2"}, {"log.roll.ms", "x"}, {"min.insync.replicas", "2"}};
  const ConfigMap one = {{"log.retention.minutes", "3"}, {"other", "y"}};
  const TopicDefaults merged = with_dynamic_defaults(defaults, &all, &one);
  EXPECT(merged == TopicDefaults{{"min.insync.replicas", "2"},
                                 {"retention.ms", "180000"},
                                 {"segment.ms", "1"}});
  EXPECT(with_dynamic_defaults(defaults, nullptr, nullptr) == defaults);
}

TEST_CASE("a value is shown as it was read, not as it was written") {
  const auto shown = [](std::string_view name, const std::string& value) {
    return shown_value(*find_topic_config(name), value);
  };
  EXPECT_EQ(shown("preallocate", " TRUE"), "true");
  EXPECT_EQ(shown("retention.ms", "+5"), "5");
  EXPECT_EQ(shown("retention.ms", "-1"), "-1");
  EXPECT_EQ(shown("cleanup.policy", " compact , delete"), "compact,delete");
  EXPECT_EQ(shown("compression.type", "lz4"), "lz4");
  EXPECT_EQ(shown("min.cleanable.dirty.ratio", "0.250"), "0.25");
  EXPECT_EQ(shown("min.cleanable.dirty.ratio", "1"), "1.0");
  EXPECT_EQ(shown("min.cleanable.dirty.ratio", "0"), "0.0");
  EXPECT_EQ(shown("min.cleanable.dirty.ratio", "0.0005"), "5.0E-4");
}

TEST_CASE("a value that another version wrote and this one refuses falls back to the default") {
  const ConfigMap set = {{"retention.ms", "forever"}, {"some.day", "1"}};
  EXPECT_EQ(effective_topic_config(&set, {}).log.retention_ms, 604'800'000);
}

}  // namespace
}  // namespace odradek::metadata
