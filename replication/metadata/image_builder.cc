#include "replication/metadata/image_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "replication/metadata/limits.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;
namespace {

std::vector<NodeId> nodes(const std::vector<int32_t>& ids) { return {ids.begin(), ids.end()}; }
std::vector<NodeId> nodes(const std::optional<std::vector<int32_t>>& ids) {
  return ids ? nodes(*ids) : std::vector<NodeId>{};
}

template <class Points>
std::vector<Endpoint> endpoints(const Points& points) {
  std::vector<Endpoint> out;
  for (const auto& p : points) {
    out.push_back({std::string(p.name), std::string(p.host), p.port, p.security_protocol});
  }
  return out;
}
template <class Features>
std::vector<FeatureRange> features(const Features& ranges) {
  std::vector<FeatureRange> out;
  for (const auto& f : ranges) {
    out.push_back({std::string(f.name), f.min_supported_version, f.max_supported_version});
  }
  return out;
}

std::unexpected<Error> contradiction(const std::string& what) {
  return fail(Errc::invalid, "metadata record: " + what);
}

}  // namespace

Status ImageBuilder::apply(const LoggedRecord& record) {
  if (!record.control) TRY(apply(record.value));
  image_.number_ = record.offset;
  image_.epoch_ = record.epoch;
  image_.timestamp_ms_ = record.timestamp_ms;
  return {};
}

Status ImageBuilder::apply(BytesView value) {
  TRY_ASSIGN(const RecordFront front, parse_record_front(value));
  value_ = value;
  return dispatch(front);
}

template <class R>
Status ImageBuilder::decode_and_apply(const RecordFront& front) {
  wire::Scratch scratch;
  R record;
  TRY(decode_record(front, scratch, record));
  return on(record);
}

Status ImageBuilder::dispatch(const RecordFront& front) {
  switch (front.type) {
    case RegisterBrokerRecord::record_type: return decode_and_apply<RegisterBrokerRecord>(front);
    case UnregisterBrokerRecord::record_type:
      return decode_and_apply<UnregisterBrokerRecord>(front);
    case TopicRecord::record_type: return decode_and_apply<TopicRecord>(front);
    case PartitionRecord::record_type: return decode_and_apply<PartitionRecord>(front);
    case ConfigRecord::record_type: return decode_and_apply<ConfigRecord>(front);
    case ClientQuotaRecord::record_type: return decode_and_apply<ClientQuotaRecord>(front);
    case PartitionChangeRecord::record_type: return decode_and_apply<PartitionChangeRecord>(front);
    case FenceBrokerRecord::record_type: return decode_and_apply<FenceBrokerRecord>(front);
    case UnfenceBrokerRecord::record_type: return decode_and_apply<UnfenceBrokerRecord>(front);
    case RemoveTopicRecord::record_type: return decode_and_apply<RemoveTopicRecord>(front);
    case FeatureLevelRecord::record_type: return decode_and_apply<FeatureLevelRecord>(front);
    case ProducerIdsRecord::record_type: return decode_and_apply<ProducerIdsRecord>(front);
    case BrokerRegistrationChangeRecord::record_type:
      return decode_and_apply<BrokerRegistrationChangeRecord>(front);
    case NoOpRecord::record_type: return decode_and_apply<NoOpRecord>(front);
    case ZkMigrationStateRecord::record_type:
      return decode_and_apply<ZkMigrationStateRecord>(front);
    case BeginTransactionRecord::record_type:
      return decode_and_apply<BeginTransactionRecord>(front);
    case EndTransactionRecord::record_type: return decode_and_apply<EndTransactionRecord>(front);
    case AbortTransactionRecord::record_type:
      return decode_and_apply<AbortTransactionRecord>(front);
    case RegisterControllerRecord::record_type:
      return decode_and_apply<RegisterControllerRecord>(front);
    case UnregisterControllerRecord::record_type:
      return decode_and_apply<UnregisterControllerRecord>(front);
    case ClearElrRecord::record_type: return decode_and_apply<ClearElrRecord>(front);
    default: return apply_carried(front);
  }
}

Status ImageBuilder::on(const RegisterBrokerRecord& record) {
  Broker broker;
  broker.id = NodeId(record.broker_id);
  broker.epoch = record.broker_epoch;
  broker.incarnation = record.incarnation_id;
  broker.endpoints = endpoints(record.end_points);
  broker.features = features(record.features);
  if (record.rack) broker.rack = std::string(*record.rack);
  broker.fenced = record.fenced;
  broker.in_controlled_shutdown = record.in_controlled_shutdown;
  broker.log_directories = record.log_dirs;
  broker.cordoned_directories = record.cordoned_log_dirs;
  const NodeId id = broker.id;
  image_.brokers_.set(id, std::move(broker));
  return {};
}

// The broker that a record means: its epoch tells one life of it from the next.
Result<Broker*> ImageBuilder::broker(int32_t id, int64_t epoch) {
  Broker* found = image_.brokers_.mutate(NodeId(id));
  if (found == nullptr) return contradiction(fmt::format("broker {} is not registered", id));
  if (found->epoch != epoch) {
    return contradiction(fmt::format("broker {} has epoch {}, not {}", id, found->epoch, epoch));
  }
  return found;
}

Status ImageBuilder::on(const UnregisterBrokerRecord& record) {
  TRY(broker(record.broker_id, record.broker_epoch));
  image_.brokers_.erase(NodeId(record.broker_id));
  return {};
}

Status ImageBuilder::on(const BrokerRegistrationChangeRecord& record) {
  TRY_ASSIGN(Broker * changed, broker(record.broker_id, record.broker_epoch));
  if (record.fenced != 0) changed->fenced = record.fenced > 0;
  if (record.in_controlled_shutdown != 0)
    changed->in_controlled_shutdown = record.in_controlled_shutdown > 0;
  if (!record.log_dirs.empty()) changed->log_directories = record.log_dirs;
  if (record.cordoned_log_dirs) changed->cordoned_directories = record.cordoned_log_dirs;
  return {};
}

Status ImageBuilder::on(const FenceBrokerRecord& record) {
  TRY_ASSIGN(Broker * changed, broker(record.id, record.epoch));
  changed->fenced = true;
  return {};
}

Status ImageBuilder::on(const UnfenceBrokerRecord& record) {
  TRY_ASSIGN(Broker * changed, broker(record.id, record.epoch));
  changed->fenced = false;
  return {};
}

Status ImageBuilder::on(const TopicRecord& record) {
  const std::string name(record.name);
  if (image_.topic_ids_.find(name) != nullptr)
    return contradiction("topic '" + name + "' is there already");
  if (image_.topics_.find(record.topic_id) != nullptr) {
    return contradiction("topic id " + record.topic_id.to_string() + " is there already");
  }
  Topic topic;
  topic.name_ = name;
  topic.id_ = record.topic_id;
  image_.topics_.set(record.topic_id, std::move(topic));
  image_.topic_ids_.set(name, record.topic_id);
  return {};
}

Status ImageBuilder::on(const PartitionRecord& record) {
  Topic* topic = image_.topics_.mutate(record.topic_id);
  if (topic == nullptr)
    return contradiction("partition of an unknown topic " + record.topic_id.to_string());
  const auto index = static_cast<size_t>(record.partition_id);
  if (record.partition_id < 0 || record.partition_id >= kPartitionsPerTopicMax) {
    return contradiction(fmt::format("{} has a partition {}", topic->name_, record.partition_id));
  }
  Partition partition;
  partition.replicas = nodes(record.replicas);
  partition.isr = nodes(record.isr);
  partition.removing = nodes(record.removing_replicas);
  partition.adding = nodes(record.adding_replicas);
  partition.directories = record.directories;
  partition.eligible_leaders = nodes(record.eligible_leader_replicas);
  partition.last_known_eligible = nodes(record.last_known_elr);
  partition.leader = NodeId(record.leader);
  partition.leader_recovery_state = record.leader_recovery_state;
  partition.leader_epoch = log::LeaderEpoch(record.leader_epoch);
  partition.partition_epoch = record.partition_epoch;
  // A snapshot may list them in any order.
  while (topic->partitions_.size() <= index) topic->partitions_.emplace_back(Partition{});
  topic->partitions_[index] = Shared<Partition>(std::move(partition));
  return {};
}

// A record that names a leader begins a leader epoch, even for the same leader; every record begins
// a partition epoch.
Status ImageBuilder::on(const PartitionChangeRecord& record) {
  Topic* topic = image_.topics_.mutate(record.topic_id);
  if (topic == nullptr || record.partition_id < 0 ||
      record.partition_id >= topic->partition_count()) {
    return contradiction(fmt::format("change of an unknown partition {}-{}",
                                     record.topic_id.to_string(), record.partition_id));
  }
  Partition& changed = topic->partitions_[static_cast<size_t>(record.partition_id)].mutate();
  if (record.isr) changed.isr = nodes(*record.isr);
  if (record.leader != -2) {
    changed.leader = NodeId(record.leader);
    changed.leader_epoch = changed.leader_epoch + 1;
  }
  if (record.replicas) changed.replicas = nodes(*record.replicas);
  if (record.removing_replicas) changed.removing = nodes(*record.removing_replicas);
  if (record.adding_replicas) changed.adding = nodes(*record.adding_replicas);
  if (record.leader_recovery_state >= 0)
    changed.leader_recovery_state = record.leader_recovery_state;
  if (record.directories) changed.directories = *record.directories;
  if (record.eligible_leader_replicas)
    changed.eligible_leaders = nodes(*record.eligible_leader_replicas);
  if (record.last_known_elr) changed.last_known_eligible = nodes(*record.last_known_elr);
  ++changed.partition_epoch;
  return {};
}

// The topic's configs go with it.
Status ImageBuilder::on(const RemoveTopicRecord& record) {
  const Topic* topic = image_.topics_.find(record.topic_id);
  if (topic == nullptr)
    return contradiction("removal of an unknown topic " + record.topic_id.to_string());
  const std::string name = topic->name();
  image_.topic_ids_.erase(name);
  image_.topics_.erase(record.topic_id);
  image_.configs_.erase(ConfigResource{ResourceType::topic, name});
  return {};
}

Status ImageBuilder::on(const ConfigRecord& record) {
  const ConfigResource resource{static_cast<ResourceType>(record.resource_type),
                                std::string(record.resource_name)};
  ConfigMap* configs = image_.configs_.mutate(resource);
  if (record.value) {
    if (configs == nullptr) {
      image_.configs_.set(resource, {{std::string(record.name), std::string(*record.value)}});
    } else {
      (*configs)[std::string(record.name)] = std::string(*record.value);
    }
    return {};
  }
  if (configs == nullptr) return {};
  configs->erase(std::string(record.name));
  if (configs->empty()) image_.configs_.erase(resource);
  return {};
}

Status ImageBuilder::on(const ClientQuotaRecord& record) {
  QuotaEntity entity;
  for (const auto& part : record.entity) {
    auto& name = entity[std::string(part.entity_type)];
    name.reset();
    if (part.entity_name) name = std::string(*part.entity_name);
  }
  QuotaValues* values = image_.quotas_.mutate(entity);
  if (!record.remove) {
    if (values == nullptr) {
      image_.quotas_.set(std::move(entity), {{std::string(record.key), record.value}});
    } else {
      (*values)[std::string(record.key)] = record.value;
    }
    return {};
  }
  if (values == nullptr) return {};
  values->erase(std::string(record.key));
  if (values->empty()) image_.quotas_.erase(entity);
  return {};
}

Status ImageBuilder::on(const FeatureLevelRecord& record) {
  if (record.name == "metadata.version" &&
      (record.feature_level < kMetadataVersionMin || record.feature_level > kMetadataVersionMax)) {
    return fail(Errc::unsupported,
                fmt::format("metadata.version {}: this program knows {} to {}",
                            record.feature_level, kMetadataVersionMin, kMetadataVersionMax));
  }
  if (record.feature_level == 0) {
    image_.features_.erase(std::string(record.name));
  } else {
    image_.features_[std::string(record.name)] = record.feature_level;
  }
  return {};
}

Status ImageBuilder::on(const ProducerIdsRecord& record) {
  if (record.next_producer_id < image_.next_producer_id_) {
    return contradiction(fmt::format("next producer id {} after {}", record.next_producer_id,
                                     image_.next_producer_id_));
  }
  image_.next_producer_id_ = record.next_producer_id;
  return {};
}

Status ImageBuilder::on(const RegisterControllerRecord& record) {
  ControllerNode node;
  node.id = NodeId(record.controller_id);
  node.incarnation = record.incarnation_id;
  node.zk_migration_ready = record.zk_migration_ready;
  node.endpoints = endpoints(record.end_points);
  node.features = features(record.features);
  const NodeId id = node.id;
  image_.controllers_.set(id, std::move(node));
  return {};
}

Status ImageBuilder::on(const UnregisterControllerRecord& record) {
  image_.controllers_.erase(NodeId(record.controller_id));
  return {};
}

Status ImageBuilder::on(const ClearElrRecord& record) {
  std::vector<log::TopicId> topics;
  if (record.topic_name.empty()) {
    image_.topics_.for_each([&](const log::TopicId& id, const Topic&) { topics.push_back(id); });
  } else {
    const log::TopicId* id = image_.topic_ids_.find(record.topic_name);
    if (id == nullptr)
      return contradiction("ELR of an unknown topic " + std::string(record.topic_name));
    topics.push_back(*id);
  }
  for (const log::TopicId& id : topics) {
    for (auto& partition : image_.topics_.mutate(id)->partitions_) {
      if (partition->eligible_leaders.empty() && partition->last_known_eligible.empty()) continue;
      Partition& changed = partition.mutate();
      changed.eligible_leaders.clear();
      changed.last_known_eligible.clear();
    }
  }
  return {};
}

Status ImageBuilder::on(const BeginTransactionRecord&) {
  if (in_transaction()) return contradiction("a transaction inside a transaction");
  before_transaction_ = std::make_unique<Image>(image_);
  return {};
}

Status ImageBuilder::on(const EndTransactionRecord&) {
  if (!in_transaction()) return contradiction("the end of a transaction that did not begin");
  before_transaction_.reset();
  return {};
}

Status ImageBuilder::on(const AbortTransactionRecord&) {
  if (!in_transaction()) return contradiction("the abort of a transaction that did not begin");
  image_ = *before_transaction_;
  before_transaction_.reset();
  return {};
}

Status ImageBuilder::on(const NoOpRecord&) { return {}; }

// A cluster that came from ZooKeeper says that it is done; nothing of it is left in Kafka 4.
Status ImageBuilder::on(const ZkMigrationStateRecord&) { return {}; }

namespace {

// What tells one carried record from another of its kind; the same for the record that removes it.
std::string carried_key(const AccessControlEntryRecord& r) { return "acl " + r.id.to_string(); }
std::string carried_key(const RemoveAccessControlEntryRecord& r) {
  return "acl " + r.id.to_string();
}
std::string carried_key(const UserScramCredentialRecord& r) {
  return fmt::format("scram {} {}", r.mechanism, r.name);
}
std::string carried_key(const RemoveUserScramCredentialRecord& r) {
  return fmt::format("scram {} {}", r.mechanism, r.name);
}
std::string carried_key(const DelegationTokenRecord& r) {
  return fmt::format("token {}", r.token_id);
}
std::string carried_key(const RemoveDelegationTokenRecord& r) {
  return fmt::format("token {}", r.token_id);
}
template <class R>
Result<std::string> key_of(const RecordFront& front) {
  wire::Scratch scratch;
  R record;
  TRY(decode_record(front, scratch, record));
  return carried_key(record);
}

Result<std::string> key_of_any(const RecordFront& front, bool* removes) {
  switch (front.type) {
    case AccessControlEntryRecord::record_type: return key_of<AccessControlEntryRecord>(front);
    case UserScramCredentialRecord::record_type: return key_of<UserScramCredentialRecord>(front);
    case DelegationTokenRecord::record_type: return key_of<DelegationTokenRecord>(front);
    default: break;
  }
  *removes = true;
  switch (front.type) {
    case RemoveAccessControlEntryRecord::record_type:
      return key_of<RemoveAccessControlEntryRecord>(front);
    case RemoveUserScramCredentialRecord::record_type:
      return key_of<RemoveUserScramCredentialRecord>(front);
    case RemoveDelegationTokenRecord::record_type:
      return key_of<RemoveDelegationTokenRecord>(front);
    default:
      return fail(Errc::unsupported,
                  fmt::format("metadata record of type {}, which this program does "
                              "not know",
                              front.type));
  }
}

}  // namespace

Status ImageBuilder::apply_carried(const RecordFront& front) {
  bool removes = false;
  TRY_ASSIGN(std::string key, key_of_any(front, &removes));
  if (removes) {
    image_.carried_.erase(key);
  } else {
    image_.carried_.set(std::move(key), {{value_.begin(), value_.end()}});
  }
  return {};
}

std::unique_ptr<const Image> ImageBuilder::finish() {
  CHECK(!in_transaction());
  return std::make_unique<const Image>(std::move(image_));
}

}  // namespace odradek::metadata
