#include "replication/metadata/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "replication/metadata/image_builder.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/metadata_files.h"
#include "replication/metadata/plan_fault.h"
#include "replication/metadata/plan_placement.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;

namespace {

constexpr size_t kTopicNameMax = 249;

Uuid random_topic_id(const PlanContext& context, const Image& image) {
  for (;;) {
    const uint64_t high = context.random();
    const auto id = Uuid::from_random(high, context.random());
    if (id && image.find_topic(*id) == nullptr) return *id;
  }
}

Checked<std::vector<std::vector<NodeId>>> manual(const Image& image, const NewTopic& topic) {
  if (topic.replication_factor != -1) {
    return refuse(KafkaCode::invalid_request,
                  "A manual partition assignment was specified, but "
                  "replication factor was not set to -1.");
  }
  if (topic.partitions != -1) {
    return refuse(KafkaCode::invalid_request,
                  "A manual partition assignment was specified, but "
                  "numPartitions was not set to -1.");
  }
  std::map<int32_t, std::vector<NodeId>> by_id;
  size_t factor = 0;
  for (const ManualAssignment& assignment : topic.assignments) {
    if (by_id.contains(assignment.partition)) {
      return refuse(KafkaCode::invalid_replica_assignment,
                    fmt::format("Found multiple manual partition assignments for partition {}",
                                assignment.partition));
    }
    if (auto checked = check_replicas(image, assignment.replicas, factor); !checked) {
      return std::unexpected(checked.error());
    }
    factor = assignment.replicas.size();
    by_id[assignment.partition] = assignment.replicas;
  }
  std::vector<std::vector<NodeId>> out;
  for (auto& [id, replicas] : by_id) {
    if (id != static_cast<int32_t>(out.size())) {
      return refuse(KafkaCode::invalid_replica_assignment,
                    "partitions should be a consecutive 0-based integer sequence");
    }
    out.push_back(std::move(replicas));
  }
  return out;
}

Checked<std::vector<std::vector<NodeId>>> assignments(const Image& image,
                                                      const PlanContext& context,
                                                      const NewTopic& topic) {
  if (!topic.assignments.empty()) return manual(image, topic);
  if (topic.replication_factor == 0 || topic.replication_factor < -1) {
    return refuse(KafkaCode::invalid_replication_factor,
                  "Replication factor must be larger than 0, or -1 to use the default value.");
  }
  if (topic.partitions == 0 || topic.partitions < -1) {
    return refuse(KafkaCode::invalid_partitions,
                  "Number of partitions was set to an invalid non-positive value.");
  }
  return place_replicas(image, context,
                        topic.partitions == -1 ? context.partitions_default : topic.partitions,
                        topic.replication_factor == -1 ? context.replication_factor_default
                                                       : topic.replication_factor);
}

Checked<ConfigMap> checked_configs(const PlanContext& context, const NewTopic& topic) {
  ConfigMap configs;
  for (const ConfigEntry& entry : topic.configs) {
    if (is_retired_topic_config(entry.name)) continue;
    if (!entry.value) {
      return refuse(KafkaCode::invalid_config,
                    "Null value not supported for topic configs: " + entry.name);
    }
    configs[entry.name] = *entry.value;
  }
  if (const Status valid = validate_topic_configs(configs, *context.topic_defaults); !valid) {
    return refuse(KafkaCode::invalid_config, valid.error().context);
  }
  return configs;
}

// '.' and '_' are the same letter in the names of metrics: two topics must not differ in them only.
std::string with_dots_as_underscores(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '.', '_');
  return out;
}

Checked<void> check_name(const Image& image, const std::string& name) {
  if (auto fault = topic_name_fault(name)) return refuse(KafkaCode::invalid_topic, *fault);
  if (image.find_topic(name) != nullptr) {
    return refuse(KafkaCode::topic_already_exists, fmt::format("Topic '{}' already exists.", name));
  }
  return {};
}

// Looks for one that collides with any of `names`; those are the normalized forms.
std::map<std::string, std::string> collisions(const Image& image,
                                              const std::set<std::string>& names) {
  std::map<std::string, std::string> out;
  if (names.empty()) return out;
  image.for_each_topic([&](const Topic& topic) {
    if (topic.name().find_first_of("._") == std::string::npos) return;
    std::string form = with_dots_as_underscores(topic.name());
    if (names.contains(form)) out.emplace(std::move(form), topic.name());
  });
  return out;
}

Checked<void> create_one(const Image& image, const PlanContext& context, const NewTopic& topic,
                         TopicResult& answer, RecordList& out) {
  auto configs = checked_configs(context, topic);
  if (!configs) return std::unexpected(configs.error());
  auto replicas = assignments(image, context, topic);
  if (!replicas) return std::unexpected(replicas.error());
  std::vector<Partition> partitions;
  for (size_t i = 0; i < replicas->size(); ++i) {
    auto partition = new_partition(image, i, (*replicas)[i]);
    if (!partition) return std::unexpected(partition.error());
    partitions.push_back(std::move(*partition));
  }
  const auto may = check_mutation(context, static_cast<int32_t>(partitions.size()));
  if (!may) return may;
  answer.id = random_topic_id(context, image);
  answer.partitions = static_cast<int32_t>(partitions.size());
  answer.replication_factor = static_cast<int16_t>((*replicas)[0].size());

  TopicRecord record;
  record.name = topic.name;
  record.topic_id = answer.id;
  out.add(record, 0);
  for (const auto& [name, value] : *configs)
    add_config(out, ResourceType::topic, topic.name, name, value);
  const RecordVersions versions = record_versions(image.feature_level("metadata.version"));
  for (size_t i = 0; i < partitions.size(); ++i) {
    out.add(partition_record(answer.id, static_cast<int32_t>(i), partitions[i]),
            versions.partition);
  }
  return {};
}

int64_t partitions_asked(const PlanContext& context, const std::vector<NewTopic>& topics) {
  int64_t count = 0;
  for (const NewTopic& topic : topics) {
    if (!topic.assignments.empty()) {
      count += static_cast<int64_t>(topic.assignments.size());
    } else {
      count += topic.partitions == -1 ? context.partitions_default : std::max(topic.partitions, 0);
    }
  }
  return count;
}

}  // namespace

std::optional<std::string> topic_name_fault(std::string_view name) {
  if (name.empty()) return "Topic name is invalid: the empty string is not allowed";
  if (name == "." || name == "..")
    return fmt::format("Topic name is invalid: '{}' is not allowed", name);
  if (name.size() > kTopicNameMax) {
    return fmt::format(
        "Topic name is invalid: the length of '{}' is longer than the max allowed length {}", name,
        kTopicNameMax);
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (std::ranges::all_of(name, allowed)) return std::nullopt;
  return fmt::format(
      "Topic name is invalid: '{}' contains one or more characters other than ASCII "
      "alphanumerics, '.', '_' and '-'",
      name);
}

Plan<TopicResult> plan_create_topics(const Image& image, const PlanContext& context,
                                     const std::vector<NewTopic>& topics) {
  Plan<TopicResult> plan;
  std::map<std::string_view, int> times;
  std::set<std::string> forms;
  for (const NewTopic& topic : topics) {
    ++times[topic.name];
    if (topic.name.find_first_of("._") != std::string::npos)
      forms.insert(with_dots_as_underscores(topic.name));
  }
  const auto taken = collisions(image, forms);
  const bool too_many = partitions_asked(context, topics) > kPartitionsPerRequestMax;
  std::set<std::string_view> answered;
  for (const NewTopic& topic : topics) {
    if (!answered.insert(topic.name).second) continue;
    TopicResult answer;
    answer.name = topic.name;
    const auto collision = taken.find(with_dots_as_underscores(topic.name));
    Checked<void> checked;
    if (times[topic.name] > 1) {
      checked = refuse(KafkaCode::invalid_request, "Duplicate topic name.");
    } else if (topic.name == kMetadataTopic) {
      checked = refuse(KafkaCode::invalid_request,
                       "Creation of internal topic __cluster_metadata is prohibited.");
    } else if (too_many) {
      checked = refuse(KafkaCode::policy_violation,
                       "Excessively large number of partitions per request.");
    } else if (checked = check_name(image, topic.name); !checked) {
      // The first fault is the one to tell.
    } else if (collision != taken.end()) {
      checked = refuse(KafkaCode::invalid_topic,
                       fmt::format("Topic '{}' collides with existing topic: {}", topic.name,
                                   collision->second));
    } else {
      checked = create_one(image, context, topic, answer, plan.records);
    }
    if (!checked) {
      answer.code = checked.error().code;
      if (!checked.error().message.empty()) answer.message = checked.error().message;
    }
    plan.answers.push_back(std::move(answer));
  }
  return plan;
}

namespace {

constexpr const char* kNoSuchTopic = "This server does not host this topic-partition.";
constexpr const char* kNoSuchTopicId = "This server does not host this topic ID.";

// The topic that an entry means, or why there is none.
Checked<const Topic*> to_delete(const Image& image, const TopicToDelete& entry) {
  const bool by_id = !entry.id.is_zero();
  if (entry.name && by_id) {
    return refuse(KafkaCode::invalid_request, "You may not specify both topic name and topic id.");
  }
  if (!entry.name && !by_id) {
    return refuse(KafkaCode::invalid_request, "Neither topic name nor id were specified.");
  }
  const Topic* topic = by_id ? image.find_topic(entry.id) : image.find_topic(*entry.name);
  if (topic != nullptr) return topic;
  return by_id ? refuse(KafkaCode::unknown_topic_id, kNoSuchTopicId)
               : refuse(KafkaCode::unknown_topic_or_partition, kNoSuchTopic);
}

}  // namespace

Plan<TopicResult> plan_delete_topics(const Image& image, const PlanContext& context,
                                     const std::vector<TopicToDelete>& topics) {
  Plan<TopicResult> plan;
  std::map<std::string, int> names;
  std::map<log::TopicId, int> ids;
  std::map<log::TopicId, int> meant;
  for (const TopicToDelete& entry : topics) {
    if (entry.name) ++names[*entry.name];
    if (!entry.id.is_zero()) ++ids[entry.id];
    if (const auto topic = to_delete(image, entry)) ++meant[(*topic)->id()];
  }
  std::set<std::string> answered_names;
  std::set<log::TopicId> answered_ids;
  for (const TopicToDelete& entry : topics) {
    const bool by_id = !entry.id.is_zero();
    if (entry.name && !answered_names.insert(*entry.name).second) continue;
    if (by_id && !entry.name && !answered_ids.insert(entry.id).second) continue;
    TopicResult answer;
    answer.name = entry.name.value_or("");
    answer.id = entry.id;
    auto topic = to_delete(image, entry);
    if (entry.name && names[*entry.name] > 1) {
      topic = refuse(KafkaCode::invalid_request, "Duplicate topic name.");
    } else if (by_id && ids[entry.id] > 1) {
      topic = refuse(KafkaCode::invalid_request, "Duplicate topic id.");
    } else if (topic && meant[(*topic)->id()] > 1) {
      topic = refuse(KafkaCode::invalid_request,
                     "The provided topic name maps to an ID that was already supplied.");
    }
    if (topic) {
      const auto may = check_mutation(context, (*topic)->partition_count());
      if (!may) topic = std::unexpected(may.error());
    }
    if (topic) {
      answer.name = (*topic)->name();
      answer.id = (*topic)->id();
      RemoveTopicRecord record;
      record.topic_id = answer.id;
      plan.records.add(record, 0);
    } else {
      answer.code = topic.error().code;
      if (!topic.error().message.empty()) answer.message = topic.error().message;
    }
    plan.answers.push_back(std::move(answer));
  }
  return plan;
}

}  // namespace odradek::metadata
