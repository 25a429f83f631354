// The plan for more partitions of topics that are there (KIP-195).
#include <fmt/format.h>

#include <map>
#include <set>

#include "replication/metadata/image_builder.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/plan.h"
#include "replication/metadata/plan_fault.h"
#include "replication/metadata/plan_placement.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;

namespace {

Checked<std::vector<std::vector<NodeId>>> added_replicas(const Image& image,
                                                         const PlanContext& context,
                                                         const Topic& topic,
                                                         const MorePartitions& wanted) {
  const int32_t added = wanted.count - topic.partition_count();
  // Every partition of a topic has as many replicas as its first.
  const size_t factor = topic.partition(log::PartitionId(0))->replicas.size();
  if (!wanted.assignments) {
    return place_replicas(image, context, added, static_cast<int16_t>(factor));
  }
  if (wanted.assignments->size() != static_cast<size_t>(added)) {
    return refuse(KafkaCode::invalid_replica_assignment,
                  fmt::format("Attempted to add {} additional partition(s), but only {} "
                              "assignment(s) were specified.",
                              added, wanted.assignments->size()));
  }
  for (const auto& replicas : *wanted.assignments) {
    if (auto checked = check_replicas(image, replicas, factor); !checked) {
      return std::unexpected(checked.error());
    }
  }
  return *wanted.assignments;
}

Checked<const Topic*> to_grow(const Image& image, const MorePartitions& wanted) {
  const Topic* topic = image.find_topic(std::string_view(wanted.name));
  if (topic == nullptr) {
    return std::unexpected<Fault>({KafkaCode::unknown_topic_or_partition, ""});
  }
  if (wanted.count == topic->partition_count()) {
    return refuse(KafkaCode::invalid_partitions,
                  fmt::format("Topic already has {} partition(s).", topic->partition_count()));
  }
  if (wanted.count < topic->partition_count()) {
    return refuse(KafkaCode::invalid_partitions,
                  fmt::format("The topic {} currently has {} partition(s); {} would not be an "
                              "increase.",
                              topic->name(), topic->partition_count(), wanted.count));
  }
  return topic;
}

Checked<void> grow_one(const Image& image, const PlanContext& context, const MorePartitions& wanted,
                       RecordList& out) {
  const auto topic = to_grow(image, wanted);
  if (!topic) return std::unexpected(topic.error());
  const auto replicas = added_replicas(image, context, **topic, wanted);
  if (!replicas) return std::unexpected(replicas.error());
  const int16_t version = record_versions(image.feature_level("metadata.version")).partition;
  std::vector<Partition> partitions;
  const int32_t first = (*topic)->partition_count();
  for (size_t i = 0; i < replicas->size(); ++i) {
    auto partition = new_partition(image, static_cast<size_t>(first) + i, (*replicas)[i]);
    if (!partition) return std::unexpected(partition.error());
    partitions.push_back(std::move(*partition));
  }
  const auto may = check_mutation(context, static_cast<int32_t>(partitions.size()));
  if (!may) return may;
  for (size_t i = 0; i < partitions.size(); ++i) {
    out.add(partition_record((*topic)->id(), first + static_cast<int32_t>(i), partitions[i]),
            version);
  }
  return {};
}

bool adds_too_many(const Image& image, const std::vector<MorePartitions>& topics) {
  int64_t added = 0;
  for (const MorePartitions& wanted : topics) {
    const Topic* topic = image.find_topic(std::string_view(wanted.name));
    if (topic) added += std::max(wanted.count - topic->partition_count(), 0);
  }
  return added > kPartitionsPerRequestMax;
}

}  // namespace

Plan<TopicResult> plan_create_partitions(const Image& image, const PlanContext& context,
                                         const std::vector<MorePartitions>& topics) {
  Plan<TopicResult> plan;
  std::map<std::string_view, int> times;
  for (const MorePartitions& wanted : topics) ++times[wanted.name];
  const auto answer = [&plan](const std::string& name, const Checked<void>& checked) {
    TopicResult& out = plan.answers.emplace_back();
    out.name = name;
    if (checked) return;
    out.code = checked.error().code;
    if (!checked.error().message.empty()) out.message = checked.error().message;
  };
  // Kafka's order: first what is named more than once, each name once.
  for (const auto& [name, count] : times) {
    if (count == 1) continue;
    answer(std::string(name), refuse(KafkaCode::invalid_request, "Duplicate topic name."));
  }
  const bool too_many = adds_too_many(image, topics);
  for (const MorePartitions& wanted : topics) {
    if (times[wanted.name] > 1) continue;
    answer(wanted.name, too_many ? refuse(KafkaCode::policy_violation,
                                          "Excessively large number of partitions per request.")
                                 : grow_one(image, context, wanted, plan.records));
  }
  return plan;
}

}  // namespace odradek::metadata
