// The image as records: what a snapshot consists of.
#include <algorithm>

#include "replication/metadata/image_builder.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;
namespace {

std::vector<int32_t> ids(const std::vector<NodeId>& nodes) {
  std::vector<int32_t> out;
  for (const NodeId node : nodes) out.push_back(node.value);
  return out;
}
std::optional<std::vector<int32_t>> ids_or_null(const std::vector<NodeId>& nodes) {
  if (nodes.empty()) return std::nullopt;
  return ids(nodes);
}

// Both kinds of registration have the same lists under their own types.
template <class R>
void put_endpoints(const std::vector<Endpoint>& from, R& to) {
  for (const Endpoint& e : from) {
    auto& point = to.end_points.emplace_back();
    point.name = e.listener;
    point.host = e.host;
    point.port = e.port;
    point.security_protocol = e.security_protocol;
  }
}
template <class R>
void put_features(const std::vector<FeatureRange>& from, R& to) {
  for (const FeatureRange& f : from) {
    auto& range = to.features.emplace_back();
    range.name = f.name;
    range.min_supported_version = f.min;
    range.max_supported_version = f.max;
  }
}

void add_features(const Image& image, RecordList& out) {
  // metadata.version stands first: it says how to read what follows.
  const auto add = [&](std::string_view name, int16_t level) {
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = level;
    out.add(record, 0);
  };
  if (const int16_t level = image.feature_level("metadata.version"); level != 0) {
    add("metadata.version", level);
  }
  for (const auto& [name, level] : image.features()) {
    if (name != "metadata.version") add(name, level);
  }
}

void add_topic(const Topic& topic, const RecordVersions& versions, RecordList& out) {
  TopicRecord record;
  record.name = topic.name();
  record.topic_id = topic.id();
  out.add(record, 0);
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    out.add(partition_record(topic.id(), i, *topic.partition(log::PartitionId(i))),
            versions.partition);
  }
}

void add_configs(const Image& image, RecordList& out) {
  image.for_each_config([&](const ConfigResource& resource, const ConfigMap& configs) {
    for (const auto& [name, value] : configs) {
      ConfigRecord record;
      record.resource_type = static_cast<int8_t>(resource.type);
      record.resource_name = resource.name;
      record.name = name;
      record.value = value;
      out.add(record, 0);
    }
  });
}

void add_quotas(const Image& image, RecordList& out) {
  image.for_each_quota([&](const QuotaEntity& entity, const QuotaValues& values) {
    for (const auto& [key, value] : values) {
      ClientQuotaRecord record;
      for (const auto& [type, name] : entity) {
        auto& part = record.entity.emplace_back();
        part.entity_type = type;
        part.entity_name.reset();
        if (name) part.entity_name = *name;
      }
      record.key = key;
      record.value = value;
      out.add(record, 0);
    }
  });
}

void add_producer_ids(const Image& image, RecordList& out) {
  if (image.next_producer_id() == 0) return;
  ProducerIdsRecord record;
  record.broker_id = -1;
  record.broker_epoch = -1;
  record.next_producer_id = image.next_producer_id();
  out.add(record, 0);
}

}  // namespace

RecordVersions record_versions(int16_t metadata_version) {
  RecordVersions out;
  out.register_broker = metadata_version >= 30   ? 4
                        : metadata_version >= 17 ? 3
                        : metadata_version >= 8  ? 2
                                                 : 1;
  out.registration_change = metadata_version >= 30 ? 3 : metadata_version >= 17 ? 2 : 1;
  out.partition = metadata_version >= 23 ? 2 : metadata_version >= 17 ? 1 : 0;
  out.partition_change = out.partition;
  return out;
}

PartitionRecord partition_record(const log::TopicId& topic, int32_t id,
                                 const Partition& partition) {
  PartitionRecord record;
  record.partition_id = id;
  record.topic_id = topic;
  record.replicas = ids(partition.replicas);
  record.isr = ids(partition.isr);
  record.removing_replicas = ids(partition.removing);
  record.adding_replicas = ids(partition.adding);
  record.leader = partition.leader.value;
  record.leader_recovery_state = partition.leader_recovery_state;
  record.leader_epoch = partition.leader_epoch.value;
  record.partition_epoch = partition.partition_epoch;
  record.directories = partition.directories;
  record.eligible_leader_replicas = ids_or_null(partition.eligible_leaders);
  record.last_known_elr = ids_or_null(partition.last_known_eligible);
  return record;
}

RegisterBrokerRecord registration_record(const Broker& broker) {
  RegisterBrokerRecord record;
  record.broker_id = broker.id.value;
  record.incarnation_id = broker.incarnation;
  record.broker_epoch = broker.epoch;
  put_endpoints(broker.endpoints, record);
  put_features(broker.features, record);
  record.rack.reset();
  if (broker.rack) record.rack = *broker.rack;
  record.fenced = broker.fenced;
  record.in_controlled_shutdown = broker.in_controlled_shutdown;
  record.log_dirs = broker.log_directories;
  record.cordoned_log_dirs = broker.cordoned_directories;
  return record;
}

RegisterControllerRecord registration_record(const ControllerNode& node) {
  RegisterControllerRecord record;
  record.controller_id = node.id.value;
  record.incarnation_id = node.incarnation;
  record.zk_migration_ready = node.zk_migration_ready;
  put_endpoints(node.endpoints, record);
  put_features(node.features, record);
  return record;
}

RecordList records_of(const Image& image) {
  RecordList out;
  const int16_t level = image.feature_level("metadata.version");
  const RecordVersions versions = record_versions(level);
  add_features(image, out);
  image.for_each_broker([&](const Broker& broker) {
    out.add(registration_record(broker), versions.register_broker);
  });
  if (level >= kControllersFrom) {
    image.for_each_controller(
        [&](const ControllerNode& node) { out.add(registration_record(node), 0); });
  }
  image.for_each_topic([&](const Topic& topic) { add_topic(topic, versions, out); });
  add_configs(image, out);
  add_quotas(image, out);
  add_producer_ids(image, out);
  image.for_each_carried([&](const CarriedRecord& record) { out.add_encoded(record.bytes); });
  return out;
}

}  // namespace odradek::metadata
