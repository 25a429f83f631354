// Plans for configs and for leader epochs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "net/wire/limits.h"
#include "replication/metadata/image_builder.h"
#include "replication/metadata/plan.h"
#include "replication/metadata/plan_fault.h"

namespace odradek::metadata {

using namespace records;

namespace {

constexpr std::string_view kMinInsync = "min.insync.replicas";

std::vector<std::string> items_of(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (comma != 0) out.emplace_back(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return out;
}

// The definition of what a resource's config is: of a topic's by its name, of a broker's by the
// topic's whose default it is.
const TopicConfigDef* definition(ResourceType type, std::string_view name) {
  if (type == ResourceType::topic) return find_topic_config(name);
  for (const TopicConfigDef& def : topic_config_defs()) {
    if (std::ranges::find(def.synonyms, name) != def.synonyms.end()) return &def;
  }
  return nullptr;
}

bool is_list(ResourceType type, std::string_view name) {
  // Of subscriptions to clients' metrics Kafka knows no types here: nothing is appended to them.
  if (type == ResourceType::client_metrics) return false;
  const TopicConfigDef* def = definition(type, name);
  return def != nullptr && def->type == ConfigType::list;
}

// The list that a change starts from: what is set there, else what is in force without it.
std::string current_list(ResourceType type, const ConfigChange& change, const ConfigMap* set,
                         const PlanContext& context) {
  if (set != nullptr) {
    const auto found = set->find(change.name);
    if (found != set->end()) return found->second;
  }
  const TopicConfigDef* def = definition(type, change.name);
  return def ? effective_value(*def, nullptr, *context.topic_defaults) : "";
}

Checked<std::string> changed_list(ResourceType type, const ConfigChange& change,
                                  const ConfigMap* set, const PlanContext& context) {
  if (!is_list(type, change.name)) {
    return refuse(KafkaCode::invalid_config,
                  fmt::format("Can't {} to key {} because its type is not LIST.",
                              change.op == AlterOp::append ? "APPEND" : "SUBTRACT", change.name));
  }
  auto items = items_of(current_list(type, change, set, context));
  const auto changed = items_of(*change.value);
  if (change.op == AlterOp::subtract) {
    const std::set<std::string_view> gone(changed.begin(), changed.end());
    std::erase_if(items, [&](const std::string& item) { return gone.contains(item); });
  } else {
    std::set<std::string> there(items.begin(), items.end());
    for (const std::string& item : changed) {
      if (there.insert(item).second) items.push_back(item);
    }
  }
  std::string list = fmt::format("{}", fmt::join(items, ","));
  if (list.size() > wire::string_size_max) {
    return refuse(KafkaCode::invalid_config, fmt::format("{} would be longer than {} bytes.",
                                                         change.name, wire::string_size_max));
  }
  return list;
}

// Whether a topic may have these configs. Kafka looks at its name, then at the values, and asks
// last whether it is there.
Checked<void> check_topic(const Image& image, const PlanContext& context, const std::string& name,
                          const ConfigMap& configs) {
  if (name.empty()) {
    return refuse(KafkaCode::invalid_request, "Default topic resources are not allowed.");
  }
  if (auto fault = topic_name_fault(name)) return refuse(KafkaCode::invalid_topic, *fault);
  if (const Status valid = validate_topic_configs(configs, *context.topic_defaults); !valid) {
    return refuse(KafkaCode::invalid_config, valid.error().context);
  }
  if (image.find_topic(name) != nullptr) return {};
  return refuse(KafkaCode::unknown_topic_or_partition,
                fmt::format("The topic '{}' does not exist.", name));
}

Checked<void> check_group(const PlanContext& context, const std::string& name,
                          const ConfigMap& configs) {
  if (name.empty()) {
    return refuse(KafkaCode::invalid_request, "Default group resources are not allowed.");
  }
  if (!context.group_fault) return {};
  if (auto fault = context.group_fault(configs)) {
    return refuse(KafkaCode::invalid_config, std::move(*fault));
  }
  return {};
}

Checked<void> check_client_metrics(const PlanContext& context, const std::string& name,
                                   const ConfigMap& configs) {
  if (name.empty()) {
    return refuse(KafkaCode::invalid_request, "Subscription name can't be empty");
  }
  if (!context.client_metrics_fault) return {};
  if (auto fault = context.client_metrics_fault(configs)) {
    return std::unexpected(std::move(*fault));
  }
  return {};
}

// With eligible leader replicas the minimum of in-sync replicas is one for the whole cluster, and
// always set (KIP-966). For brokers Kafka writes also what changes nothing, and so refuses it.
Checked<void> check_minimum(const Image& image, const ConfigAlteration& alteration,
                            const ConfigMap& before, const ConfigMap& after) {
  const ConfigResource& resource = alteration.resource;
  if (resource.type != ResourceType::broker) return {};
  if (image.feature_level("eligible.leader.replicas.version") == 0) return {};
  const bool named = std::ranges::find(alteration.changes, kMinInsync, &ConfigChange::name) !=
                     alteration.changes.end();
  if (!resource.name.empty() && (named || after.contains(kMinInsync))) {
    return refuse(KafkaCode::invalid_config,
                  "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
  }
  if (resource.name.empty() && (named || before.contains(kMinInsync)) &&
      !after.contains(kMinInsync)) {
    return refuse(KafkaCode::invalid_config,
                  "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
  }
  return {};
}

// The resource's configs as they would be.
Checked<ConfigMap> altered(const Image& image, const PlanContext& context,
                           const ConfigAlteration& alteration) {
  const ConfigResource& resource = alteration.resource;
  const ConfigMap* set = image.find_configs(resource.type, resource.name);
  ConfigMap out = set && !alteration.replace ? *set : ConfigMap{};
  for (const ConfigChange& change : alteration.changes) {
    if (resource.type == ResourceType::topic && is_retired_topic_config(change.name)) continue;
    if (change.op == AlterOp::remove) {
      out.erase(change.name);
    } else if (change.op == AlterOp::set) {
      out[change.name] = *change.value;
    } else {
      auto list = changed_list(resource.type, change, set, context);
      if (!list) return std::unexpected(list.error());
      out[change.name] = *list;
    }
  }
  const Checked<void> minimum = check_minimum(image, alteration, set ? *set : ConfigMap{}, out);
  if (!minimum) return std::unexpected(minimum.error());
  Checked<void> checked;
  if (resource.type == ResourceType::topic) {
    checked = check_topic(image, context, resource.name, out);
  } else if (resource.type == ResourceType::group) {
    checked = check_group(context, resource.name, out);
  } else if (resource.type == ResourceType::client_metrics) {
    checked = check_client_metrics(context, resource.name, out);
  }
  if (!checked) return std::unexpected(checked.error());
  return out;
}

// With another minimum of in-sync replicas, who was eligible to lead is not any more (KIP-966).
void add_clear_elr(const ConfigResource& resource, RecordList& out) {
  ClearElrRecord record;
  if (resource.type == ResourceType::topic) record.topic_name = resource.name;
  out.add(record, 0);
}

bool same_minimum(const ConfigMap& before, const ConfigMap& after) {
  const auto value = [](const ConfigMap& configs) {
    const auto found = configs.find(kMinInsync);
    return found == configs.end() ? std::optional<std::string>{} : std::optional(found->second);
  };
  return value(before) == value(after);
}

void add_difference(const ConfigResource& resource, const ConfigMap& before, const ConfigMap& after,
                    RecordList& out) {
  for (const auto& [name, value] : before) {
    if (!after.contains(name)) add_config(out, resource.type, resource.name, name, std::nullopt);
  }
  for (const auto& [name, value] : after) {
    const auto was = before.find(name);
    if (was == before.end() || was->second != value) {
      add_config(out, resource.type, resource.name, name, value);
    }
  }
}

}  // namespace

std::optional<std::string> changes_fault(const std::vector<ConfigChange>& changes) {
  std::set<std::string_view> names;
  for (const ConfigChange& change : changes) {
    if (!names.insert(change.name).second) return "Error due to duplicate config keys";
    if (change.op != AlterOp::remove && !change.value) {
      return "Null value not supported for : " + change.name;
    }
  }
  return std::nullopt;
}

Plan<AlterResult> plan_alter_configs(const Image& image, const PlanContext& context,
                                     const std::vector<ConfigAlteration>& alterations) {
  Plan<AlterResult> plan;
  const bool has_elr = image.feature_level("eligible.leader.replicas.version") > 0;
  std::map<ConfigResource, int> times;
  for (const ConfigAlteration& alteration : alterations) ++times[alteration.resource];
  std::set<ConfigResource> answered;
  for (const ConfigAlteration& alteration : alterations) {
    if (!answered.insert(alteration.resource).second) continue;
    AlterResult answer;
    answer.resource = alteration.resource;
    Checked<void> checked;
    if (const auto fault = changes_fault(alteration.changes)) {
      checked = refuse(KafkaCode::invalid_request, *fault);
    }
    if (times[alteration.resource] > 1) {
      checked = refuse(KafkaCode::invalid_request, "Each resource must appear at most once.");
    }
    Checked<ConfigMap> after;
    if (checked) after = altered(image, context, alteration);
    if (checked && !after) checked = std::unexpected(after.error());
    if (checked) {
      const ConfigResource& resource = alteration.resource;
      const ConfigMap* set = image.find_configs(resource.type, resource.name);
      const ConfigMap before = set ? *set : ConfigMap{};
      add_difference(resource, before, *after, plan.records);
      if (has_elr && !same_minimum(before, *after)) add_clear_elr(resource, plan.records);
    } else {
      answer.code = checked.error().code;
      answer.message = checked.error().message;
    }
    plan.answers.push_back(std::move(answer));
  }
  return plan;
}

RecordList plan_leader_epochs(const Image& image, NodeId node, bool leaderless_only) {
  RecordList out;
  const int16_t version = record_versions(image.feature_level("metadata.version")).partition_change;
  image.for_each_topic([&](const Topic& topic) {
    for (int32_t i = 0; i < topic.partition_count(); ++i) {
      const Partition& partition = *topic.partition(log::PartitionId(i));
      const bool may_lead =
          std::ranges::find(partition.isr, node) != partition.isr.end() ||
          std::ranges::find(partition.eligible_leaders, node) != partition.eligible_leaders.end();
      const bool leaderless = partition.leader == kNoNode && may_lead;
      if (!leaderless && (leaderless_only || partition.leader != node)) continue;
      PartitionChangeRecord record;
      record.partition_id = i;
      record.topic_id = topic.id();
      record.leader = node.value;
      // One that was only eligible is in sync as soon as it leads.
      if (partition.isr.empty()) {
        record.isr = std::vector<int32_t>{node.value};
        if (version >= 2) record.eligible_leader_replicas = std::vector<int32_t>{};
      }
      out.add(record, version);
    }
  });
  return out;
}

}  // namespace odradek::metadata
