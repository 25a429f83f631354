#include "replication/group/consumer_record_codec.h"

#include "replication/group/record_framing.h"
#include "replication/group/records/consumer_group_current_member_assignment_key.h"
#include "replication/group/records/consumer_group_current_member_assignment_value.h"
#include "replication/group/records/consumer_group_member_metadata_key.h"
#include "replication/group/records/consumer_group_member_metadata_value.h"
#include "replication/group/records/consumer_group_metadata_key.h"
#include "replication/group/records/consumer_group_metadata_value.h"
#include "replication/group/records/consumer_group_partition_metadata_key.h"
#include "replication/group/records/consumer_group_partition_metadata_value.h"
#include "replication/group/records/consumer_group_regular_expression_key.h"
#include "replication/group/records/consumer_group_regular_expression_value.h"
#include "replication/group/records/consumer_group_target_assignment_member_key.h"
#include "replication/group/records/consumer_group_target_assignment_member_value.h"
#include "replication/group/records/consumer_group_target_assignment_metadata_key.h"
#include "replication/group/records/consumer_group_target_assignment_metadata_value.h"

namespace odradek::group {

namespace {

using namespace records;
using Logged = Result<std::optional<LoggedRecord>>;

constexpr int16_t kValueVersion = 0;

template <class Key, class Record>
Key key_of_group(const Record& record) {
  Key key;
  key.group_id = record.group;
  return key;
}

template <class Key, class Record>
Key key_of_member(const Record& record) {
  Key key = key_of_group<Key>(record);
  key.member_id = record.member;
  return key;
}

// The key; the value that `fill` makes when there is one.
template <class Value, class Key, class Record, class Fill>
EncodedRecord encoded(const Key& key, const Record& record, Fill fill) {
  EncodedRecord out{framed(Key::record_type, kKeyVersion, key), std::nullopt};
  if (!record.value) return out;
  Value value;
  fill(*record.value, value);
  out.value = framed(kValueVersion, kValueVersion, value);
  return out;
}

std::vector<ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions> listed(
    const OwnedPartitions& owned_partitions) {
  std::vector<ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions> out;
  for (const auto& [topic, partitions] : owned_partitions) {
    auto& entry = out.emplace_back();
    entry.topic_id = topic;
    entry.assignment_epochs.emplace();
    for (const auto& [partition, epoch] : partitions) {
      entry.partitions.push_back(partition);
      entry.assignment_epochs->push_back(epoch);
    }
  }
  return out;
}

// Records of Kafka before 4.3 have no epochs: the member's stands for all.
OwnedPartitions owned_from(
    const std::vector<ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions>& said,
    int32_t member_epoch) {
  OwnedPartitions out;
  for (const auto& topic : said) {
    const bool has_epochs =
        topic.assignment_epochs && topic.assignment_epochs->size() == topic.partitions.size();
    for (size_t i = 0; i < topic.partitions.size(); ++i) {
      const int32_t epoch = has_epochs ? (*topic.assignment_epochs)[i] : member_epoch;
      out[topic.topic_id][topic.partitions[i]] = epoch;
    }
  }
  return out;
}

void fill(const Subscription& said, ConsumerGroupMemberMetadataValue& value) {
  value.instance_id = said.instance_id;
  value.rack_id = said.rack_id;
  value.client_id = said.client_id;
  value.client_host = said.client_host;
  value.subscribed_topic_names.assign(said.topics.begin(), said.topics.end());
  value.subscribed_topic_regex = said.regex;
  value.rebalance_timeout_ms = said.rebalance_timeout_ms;
  value.server_assignor = said.assignor;
  value.classic_member_metadata.reset();
  if (!said.classic) return;
  auto& classic = value.classic_member_metadata.emplace();
  classic.session_timeout_ms = said.classic->session_timeout_ms;
  for (const auto& p : said.classic->protocols) {
    auto& protocol = classic.supported_protocols.emplace_back();
    protocol.name = p.name;
    protocol.metadata = p.metadata;
  }
}

Subscription subscription_from(const ConsumerGroupMemberMetadataValue& value) {
  Subscription said;
  said.instance_id = owned(value.instance_id);
  said.rack_id = owned(value.rack_id);
  said.client_id = value.client_id;
  said.client_host = value.client_host;
  for (const auto name : value.subscribed_topic_names) said.topics.emplace(name);
  said.regex = value.subscribed_topic_regex.value_or("");
  said.rebalance_timeout_ms = value.rebalance_timeout_ms;
  said.assignor = owned(value.server_assignor);
  if (!value.classic_member_metadata) return said;
  auto& classic = said.classic.emplace();
  classic.session_timeout_ms = value.classic_member_metadata->session_timeout_ms;
  for (const auto& p : value.classic_member_metadata->supported_protocols) {
    classic.protocols.push_back({std::string(p.name), owned(p.metadata)});
  }
  return said;
}

// `out` with what its value says; as it is for a tombstone.
template <class Value, class Record, class Take>
Logged with_value(Record out, std::optional<BytesView> bytes, Take take) {
  if (!bytes) return out;
  wire::Scratch scratch;
  Value value;
  if (const Status read = read_value(*bytes, scratch, value); !read) return bad(read);
  out.value = take(value);
  return out;
}

// Reads a record with a group and a member in its key.
template <class Record, class Key, class Value, class Take>
Logged decode_of_member(wire::Reader& reader, std::optional<BytesView> bytes, Take take) {
  Key key;
  if (const Status read = decode(reader, kKeyVersion, key); !read) return bad(read);
  return with_value<Value>(
      Record{std::string(key.group_id), std::string(key.member_id), std::nullopt}, bytes, take);
}

template <class Record, class Key, class Value, class Take>
Logged decode_of_group(wire::Reader& reader, std::optional<BytesView> bytes, Take take) {
  Key key;
  if (const Status read = decode(reader, kKeyVersion, key); !read) return bad(read);
  return with_value<Value>(Record{std::string(key.group_id), std::nullopt}, bytes, take);
}

Logged decode_topics(wire::Reader& reader, std::optional<BytesView> bytes) {
  ConsumerGroupPartitionMetadataKey key;
  if (const Status read = decode(reader, kKeyVersion, key); !read) return bad(read);
  return TopicsRecord{std::string(key.group_id), bytes.has_value()};
}

Logged decode_regex(wire::Reader& reader, std::optional<BytesView> bytes) {
  ConsumerGroupRegularExpressionKey key;
  if (const Status read = decode(reader, kKeyVersion, key); !read) return bad(read);
  return with_value<ConsumerGroupRegularExpressionValue>(
      RegexRecord{std::string(key.group_id), std::string(key.regular_expression), std::nullopt},
      bytes, [](const auto& value) {
        ResolvedRegex resolved;
        for (const auto topic : value.topics) resolved.topics.emplace(topic);
        resolved.version = value.version;
        resolved.at_ms = value.timestamp;
        return resolved;
      });
}

Partitions partitions_from(const ConsumerGroupTargetAssignmentMemberValue& value) {
  Partitions out;
  for (const auto& topic : value.topic_partitions) {
    if (topic.partitions.empty()) continue;
    out[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
  }
  return out;
}

CurrentAssignment current_from(const ConsumerGroupCurrentMemberAssignmentValue& value) {
  CurrentAssignment now;
  now.epoch = value.member_epoch;
  now.previous_epoch = value.previous_member_epoch;
  const bool known = value.state >= 0 && value.state <= 2;
  now.state = known ? static_cast<MemberState>(value.state) : MemberState::unknown;
  now.assigned = owned_from(value.assigned_partitions, value.member_epoch);
  now.revoking = owned_from(value.partitions_pending_revocation, value.member_epoch);
  return now;
}

}  // namespace

EncodedRecord encode_one(const SubscriptionRecord& record) {
  return encoded<ConsumerGroupMemberMetadataValue>(
      key_of_member<ConsumerGroupMemberMetadataKey>(record), record,
      [](const Subscription& said, auto& value) { fill(said, value); });
}

EncodedRecord encode_one(const EpochRecord& record) {
  return encoded<ConsumerGroupMetadataValue>(key_of_group<ConsumerGroupMetadataKey>(record), record,
                                             [](const GroupEpoch& now, auto& value) {
                                               value.epoch = now.epoch;
                                               value.metadata_hash = now.metadata_hash;
                                             });
}

// REQUIRES: a tombstone; nobody writes the record itself any more.
EncodedRecord encode_one(const TopicsRecord& record) {
  const auto key = key_of_group<ConsumerGroupPartitionMetadataKey>(record);
  return {framed(key.record_type, kKeyVersion, key), std::nullopt};
}

EncodedRecord encode_one(const TargetEpochRecord& record) {
  return encoded<ConsumerGroupTargetAssignmentMetadataValue>(
      key_of_group<ConsumerGroupTargetAssignmentMetadataKey>(record), record,
      [](const TargetEpoch& target, auto& value) {
        value.assignment_epoch = target.epoch;
        value.assignment_timestamp = target.made_ms;
      });
}

EncodedRecord encode_one(const TargetRecord& record) {
  return encoded<ConsumerGroupTargetAssignmentMemberValue>(
      key_of_member<ConsumerGroupTargetAssignmentMemberKey>(record), record,
      [](const Partitions& target, auto& value) {
        for (const auto& [topic, partitions] : target) {
          auto& entry = value.topic_partitions.emplace_back();
          entry.topic_id = topic;
          entry.partitions.assign(partitions.begin(), partitions.end());
        }
      });
}

EncodedRecord encode_one(const CurrentRecord& record) {
  return encoded<ConsumerGroupCurrentMemberAssignmentValue>(
      key_of_member<ConsumerGroupCurrentMemberAssignmentKey>(record), record,
      [](const CurrentAssignment& now, auto& value) {
        value.member_epoch = now.epoch;
        value.previous_member_epoch = now.previous_epoch;
        value.state = static_cast<int8_t>(now.state);
        value.assigned_partitions = listed(now.assigned);
        value.partitions_pending_revocation = listed(now.revoking);
      });
}

EncodedRecord encode_one(const RegexRecord& record) {
  auto key = key_of_group<ConsumerGroupRegularExpressionKey>(record);
  key.regular_expression = record.regex;
  return encoded<ConsumerGroupRegularExpressionValue>(
      key, record, [](const ResolvedRegex& resolved, auto& value) {
        value.topics.assign(resolved.topics.begin(), resolved.topics.end());
        value.version = resolved.version;
        value.timestamp = resolved.at_ms;
      });
}

Logged decode_consumer_record(int16_t type, wire::Reader& key, std::optional<BytesView> value) {
  switch (type) {
    case ConsumerGroupMetadataKey::record_type:
      return decode_of_group<EpochRecord, ConsumerGroupMetadataKey, ConsumerGroupMetadataValue>(
          key, value, [](const auto& v) { return GroupEpoch{v.epoch, v.metadata_hash}; });
    case ConsumerGroupPartitionMetadataKey::record_type: return decode_topics(key, value);
    case ConsumerGroupMemberMetadataKey::record_type:
      return decode_of_member<SubscriptionRecord, ConsumerGroupMemberMetadataKey,
                              ConsumerGroupMemberMetadataValue>(
          key, value, [](const auto& v) { return subscription_from(v); });
    case ConsumerGroupTargetAssignmentMetadataKey::record_type:
      return decode_of_group<TargetEpochRecord, ConsumerGroupTargetAssignmentMetadataKey,
                             ConsumerGroupTargetAssignmentMetadataValue>(
          key, value,
          [](const auto& v) { return TargetEpoch{v.assignment_epoch, v.assignment_timestamp}; });
    case ConsumerGroupTargetAssignmentMemberKey::record_type:
      return decode_of_member<TargetRecord, ConsumerGroupTargetAssignmentMemberKey,
                              ConsumerGroupTargetAssignmentMemberValue>(
          key, value, [](const auto& v) { return partitions_from(v); });
    case ConsumerGroupCurrentMemberAssignmentKey::record_type:
      return decode_of_member<CurrentRecord, ConsumerGroupCurrentMemberAssignmentKey,
                              ConsumerGroupCurrentMemberAssignmentValue>(
          key, value, [](const auto& v) { return current_from(v); });
    case ConsumerGroupRegularExpressionKey::record_type: return decode_regex(key, value);
    default: return std::nullopt;
  }
}

}  // namespace odradek::group
