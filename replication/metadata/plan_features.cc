// Plans for feature levels (KIP-584, KIP-1022) and for brokers that are gone.
#include <fmt/format.h>

#include <algorithm>

#include "replication/metadata/feature_levels.h"
#include "replication/metadata/image_builder.h"
#include "replication/metadata/plan.h"
#include "replication/metadata/plan_fault.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;

namespace {

constexpr std::string_view kMinInsync = "min.insync.replicas";

Checked<void> refuse_level(const FeatureUpdate& update, std::string_view why) {
  return refuse(
      KafkaCode::invalid_update_version,
      fmt::format("Invalid update version {} for feature {}. {}", update.level, update.name, why));
}

Checked<void> check_supported(const FeatureUpdate& update, NodeId controller) {
  const auto supported = supported_features();
  const auto range = std::ranges::find(supported, update.name, &FeatureRange::name);
  if (range == supported.end()) {
    return refuse_level(update, fmt::format("Local controller {} does not support this feature.",
                                            controller.value));
  }
  if (update.level < range->min || update.level > range->max) {
    return refuse_level(update, fmt::format("Local controller {} only supports versions {}-{}",
                                            controller.value, range->min, range->max));
  }
  return {};
}

Checked<void> check_direction(const FeatureUpdate& update, int16_t current) {
  const bool upgrade = update.type == UpgradeType::upgrade;
  if (update.level < current && upgrade) {
    return refuse_level(update,
                        "Can't downgrade the version of this feature without setting the upgrade "
                        "type to either safe or unsafe downgrade.");
  }
  if (update.level > current && !upgrade) {
    return refuse_level(update, "Can't downgrade to a newer version.");
  }
  return {};
}

// What a feature asks of others, and what cannot be changed while the cluster runs.
Checked<void> check_meaning(const Image& image, const FeatureUpdate& update, int16_t current) {
  if (update.name == kMetadataVersion && update.level < current) {
    return refuse(KafkaCode::invalid_update_version,
                  fmt::format("Unsupported metadata.version downgrade from {} to {}. {}", current,
                              update.level,
                              update.type == UpgradeType::unsafe_downgrade
                                  ? "Unsafe metadata downgrade is not supported in this version."
                                  : "Refusing to perform the requested downgrade because it might "
                                    "delete metadata information."));
  }
  if (update.name == kKraftVersion && update.level != current) {
    return refuse_level(update, "This controller cannot change its quorum's version.");
  }
  if (update.name == kElrVersion && update.level > 0 &&
      image.feature_level(kMetadataVersion) < kEligibleLeadersFrom) {
    return refuse(KafkaCode::invalid_update_version,
                  fmt::format("{} could not be set to {} because it depends on {} level {}",
                              kElrVersion, update.level, kMetadataVersion, kEligibleLeadersFrom));
  }
  return {};
}

Checked<void> check_update(const Image& image, const FeatureUpdate& update, NodeId controller,
                           int16_t current) {
  if (update.type < UpgradeType::upgrade || update.type > UpgradeType::unsafe_downgrade) {
    return refuse_level(update, "The controller does not support the given upgrade type.");
  }
  if (update.level < 0) {
    return refuse_level(update, "A feature version cannot be less than 0.");
  }
  if (auto checked = check_supported(update, controller); !checked) return checked;
  if (auto checked = check_direction(update, current); !checked) return checked;
  return check_meaning(image, update, current);
}

// Eligible leaders count on one minimum of in-sync replicas: the cluster's.
void add_elr_safety(const Image& image, const PlanContext& context, RecordList& out) {
  const ConfigMap* cluster = image.find_configs(ResourceType::broker, "");
  if (!cluster || !cluster->contains(kMinInsync)) {
    const std::string value =
        effective_value(*find_topic_config(kMinInsync), nullptr, *context.topic_defaults);
    add_config(out, ResourceType::broker, "", kMinInsync, value);
  }
  image.for_each_config([&](const ConfigResource& resource, const ConfigMap& configs) {
    if (resource.type != ResourceType::broker || resource.name.empty()) return;
    if (!configs.contains(kMinInsync)) return;
    add_config(out, ResourceType::broker, resource.name, kMinInsync, std::nullopt);
  });
}

}  // namespace

Plan<Outcome> plan_update_features(const Image& image, const PlanContext& context,
                                   NodeId controller, int16_t kraft_version,
                                   const std::vector<FeatureUpdate>& updates) {
  Plan<Outcome> plan;
  Outcome& answer = plan.answers.emplace_back();
  for (const FeatureUpdate& update : updates) {
    const int16_t current =
        update.name == kKraftVersion ? kraft_version : image.feature_level(update.name);
    const Checked<void> checked = check_update(image, update, controller, current);
    if (!checked) {
      answer.code = checked.error().code;
      answer.message =
          "The update failed for all features since the following feature had an error: " +
          checked.error().message;
      plan.records = {};
      return plan;
    }
    if (update.level == current) continue;
    FeatureLevelRecord record;
    record.name = update.name;
    record.feature_level = update.level;
    plan.records.add(record, 0);
    if (update.name == kElrVersion && current == 0) add_elr_safety(image, context, plan.records);
  }
  return plan;
}

namespace {

// The broker leaves the in-sync sets that it is not alone in.
void add_leaving(const Image& image, NodeId gone, RecordList& out) {
  const int16_t version = record_versions(image.feature_level(kMetadataVersion)).partition_change;
  image.for_each_topic([&](const Topic& topic) {
    for (int32_t i = 0; i < topic.partition_count(); ++i) {
      const Partition& partition = *topic.partition(log::PartitionId(i));
      PartitionChangeRecord record;
      record.partition_id = i;
      record.topic_id = topic.id();
      std::vector<int32_t> rest;
      for (const NodeId node : partition.isr) {
        if (node != gone) rest.push_back(node.value);
      }
      const bool leaves = !rest.empty() && rest.size() < partition.isr.size();
      if (leaves) record.isr = rest;
      if (partition.leader == gone) record.leader = leaves ? rest.front() : kNoNode.value;
      if (leaves || partition.leader == gone) out.add(record, version);
    }
  });
}

}  // namespace

Plan<Outcome> plan_unregister_broker(const Image& image, NodeId self, NodeId gone) {
  Plan<Outcome> plan;
  Outcome& answer = plan.answers.emplace_back();
  const Broker* broker = image.find_broker(gone);
  if (!broker) {
    answer.code = KafkaCode::broker_id_not_registered;
    answer.message = fmt::format("Broker ID {} is not currently registered", gone.value);
    return plan;
  }
  // Kafka carries this out, and the node serves nobody until it is started again.
  if (gone == self) {
    answer.code = KafkaCode::policy_violation;
    answer.message = fmt::format("Broker {} serves this request: stop it first", gone.value);
    return plan;
  }
  add_leaving(image, gone, plan.records);
  UnregisterBrokerRecord record;
  record.broker_id = gone.value;
  record.broker_epoch = broker->epoch;
  plan.records.add(record, 0);
  return plan;
}

}  // namespace odradek::metadata
