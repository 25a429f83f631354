// What a request asks for, and the records that would do it: the decisions of the controller as
// pure functions of an image. No I/O and no state, so that a plan can be made, thrown away
// (validate only) and tested alone. Rules and messages are Kafka's; they were checked against the
// answers of Kafka 4.3.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replication/kafka_code.h"
#include "replication/metadata/image.h"
#include "replication/metadata/record_list.h"
#include "replication/metadata/topic_configs.h"

namespace odradek::metadata {

struct ManualAssignment {
  int32_t partition = 0;
  std::vector<NodeId> replicas;
};
struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;
};
struct NewTopic {
  std::string name;
  int32_t partitions = -1;          // -1: num.partitions
  int16_t replication_factor = -1;  // -1: default.replication.factor
  std::vector<ManualAssignment> assignments;
  std::vector<ConfigEntry> configs;
};
// The answer for one topic, named as in the request.
struct TopicResult {
  std::string name;
  log::TopicId id;  // zero when there is none to tell
  KafkaCode code = KafkaCode::none;
  std::optional<std::string> message;
  int32_t partitions = -1;
  int16_t replication_factor = -1;
};

// A topic that is to have `count` partitions in all. `assignments` are the replicas of each new
// one.
struct MorePartitions {
  std::string name;
  int32_t count = 0;
  std::optional<std::vector<std::vector<NodeId>>> assignments;
};

// A topic to delete, by name or, with an empty name, by id.
struct TopicToDelete {
  std::optional<std::string> name;
  log::TopicId id;
};

// Kafka's AlterConfigOp types.
enum class AlterOp : int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
struct ConfigChange {
  std::string name;
  AlterOp op = AlterOp::set;
  std::optional<std::string> value;
};
struct ConfigAlteration {
  ConfigResource resource;
  std::vector<ConfigChange> changes;
  bool replace = false;  // AlterConfigs: what is not among the changes goes
};
struct AlterResult {
  ConfigResource resource;
  KafkaCode code = KafkaCode::none;
  std::optional<std::string> message;
};

// A client quota's key and what it is set to; no value: removed.
struct QuotaChange {
  std::string key;
  std::optional<double> value;
};
struct QuotaAlteration {
  QuotaEntity entity;
  std::vector<QuotaChange> changes;
  bool ip_resolves = false;  // its ip is the name of a host that has an address
};
struct QuotaResult {
  QuotaEntity entity;
  KafkaCode code = KafkaCode::none;
  std::optional<std::string> message;
};

// Kafka's upgrade types.
enum class UpgradeType : int8_t {
  unknown = 0,
  upgrade = 1,
  safe_downgrade = 2,
  unsafe_downgrade = 3,
};
struct FeatureUpdate {
  std::string name;
  int16_t level = 0;
  UpgradeType type = UpgradeType::upgrade;
};
// The answer to a request that is one thing.
struct Outcome {
  KafkaCode code = KafkaCode::none;
  std::optional<std::string> message;
};

struct ProducerIdBlock {
  KafkaCode code = KafkaCode::none;
  int64_t first = -1;
  int32_t count = 0;
};

// A refusal: code and Kafka's message.
struct Fault {
  KafkaCode code;
  std::string message;
};

// What a plan needs to know beside the image.
struct PlanContext {
  int32_t partitions_default = 1;
  int16_t replication_factor_default = 1;
  const TopicDefaults* topic_defaults = nullptr;
  std::function<uint64_t()> random;  // of the shard
  // Asked once for each topic that is otherwise in order, with the number of partitions that it
  // makes or takes away: false when that is more than its sender may. Empty: everything may be.
  std::function<bool(int32_t partitions)> may_mutate;
  // Kafka's message when a group may not have these configurations. Empty: it may have any.
  std::function<std::optional<std::string>(const ConfigMap&)> group_fault;
  // The same of a subscription to clients' metrics.
  std::function<std::optional<Fault>(const ConfigMap&)> client_metrics_fault;
};

// Null when `name` may be a topic's; else Kafka's message.
std::optional<std::string> topic_name_fault(std::string_view name);

template <class Answer>
struct Plan {
  std::vector<Answer> answers;
  RecordList records;  // to be appended as one; empty when there is nothing to do
};
Plan<TopicResult> plan_create_topics(const Image& image, const PlanContext& context,
                                     const std::vector<NewTopic>& topics);
Plan<TopicResult> plan_delete_topics(const Image& image, const PlanContext& context,
                                     const std::vector<TopicToDelete>& topics);
// Topics that are named more than once are answered first, each once; then the others in order.
Plan<TopicResult> plan_create_partitions(const Image& image, const PlanContext& context,
                                         const std::vector<MorePartitions>& topics);
// What no resource's changes may have: a name twice, no value to set. Null when they have neither;
// else Kafka's message, for INVALID_REQUEST.
std::optional<std::string> changes_fault(const std::vector<ConfigChange>& changes);
// Topics are checked against topic_configs.h, groups and client metrics by the context; other
// resources only for their form: whoever calls knows what they may hold.
Plan<AlterResult> plan_alter_configs(const Image& image, const PlanContext& context,
                                     const std::vector<ConfigAlteration>& alterations);
// An entity is altered as a whole or not at all; one that is named more than once is answered once.
Plan<QuotaResult> plan_alter_quotas(const Image& image,
                                    const std::vector<QuotaAlteration>& alterations);
// All updates in order, or none: the plan has one answer. `kraft_version` is the quorum's.
Plan<Outcome> plan_update_features(const Image& image, const PlanContext& context,
                                   NodeId controller, int16_t kraft_version,
                                   const std::vector<FeatureUpdate>& updates);
// Forgets the broker `gone`; `self`, which is asked, is not to be forgotten.
Plan<Outcome> plan_unregister_broker(const Image& image, NodeId self, NodeId gone);
// A new leader epoch for what `node` leads, and the lead of what has no leader and may have `node`.
// With `leaderless_only` only the latter.
RecordList plan_leader_epochs(const Image& image, NodeId node, bool leaderless_only);

}  // namespace odradek::metadata
