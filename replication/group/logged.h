// What the coordinator writes to `__consumer_offsets` and reads back, as values. Their bytes are
// Kafka's: record_codec.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "reactor/base/uuid.h"
#include "replication/group/requests.h"

namespace odradek::group {

// A committed offset.
struct CommittedOffset {
  int64_t offset = 0;
  int32_t leader_epoch = -1;
  std::string metadata;
  int64_t commit_ms = 0;
  int64_t expire_ms = -1;  // -1: by the broker's retention
  Uuid topic_id;
  bool operator==(const CommittedOffset&) const = default;
};
// Absent value: a tombstone.
struct OffsetRecord {
  std::string group;
  std::string topic;
  int32_t partition = 0;
  std::optional<CommittedOffset> value;
};

struct LoggedMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  int32_t rebalance_timeout_ms = 0;
  int32_t session_timeout_ms = 0;
  Bytes subscription;
  Bytes assignment;
};
struct LoggedGroup {
  std::string protocol_type;
  int32_t generation = 0;
  std::optional<std::string> protocol;
  std::optional<std::string> leader;
  int64_t state_ms = -1;  // when its state began
  std::vector<LoggedMember> members;
};
struct GroupRecord {
  std::string group;
  std::optional<LoggedGroup> value;
};

// ---- groups of the consumer protocol (KIP-848); absent values are tombstones ----

// By topic and partition: the epoch since which the partition is the member's. No empty maps.
using OwnedPartitions = std::map<Uuid, std::map<int32_t, int32_t>>;

// What a member that still speaks the classic protocol told in its JoinGroup.
struct ClassicSide {
  int32_t session_timeout_ms = 0;
  std::vector<Protocol> protocols;
  bool operator==(const ClassicSide&) const = default;
};
// What a member said of itself.
struct Subscription {
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::set<std::string, std::less<>> topics;
  std::string regex;  // empty: none
  int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> assignor;
  std::optional<ClassicSide> classic;
  bool operator==(const Subscription&) const = default;
};
struct SubscriptionRecord {
  std::string group;
  std::string member;
  std::optional<Subscription> value;
};

// A group that nobody wrote an epoch of is in its first, and needs no target for it.
struct GroupEpoch {
  int32_t epoch = 1;
  int64_t metadata_hash = 0;
  bool operator==(const GroupEpoch&) const = default;
};
// The group itself: its tombstone is the group's end.
struct EpochRecord {
  std::string group;
  std::optional<GroupEpoch> value;
};

// What Kafka before 4.1 kept of a group's topics: read to know that it is there, and removed.
struct TopicsRecord {
  std::string group;
  bool present = false;
};

struct TargetEpoch {
  int32_t epoch = 1;
  int64_t made_ms = 0;  // 0: at once to be made anew when the group's epoch is higher
};
struct TargetEpochRecord {
  std::string group;
  std::optional<TargetEpoch> value;
};
// What a member shall have.
struct TargetRecord {
  std::string group;
  std::string member;
  std::optional<Partitions> value;
};

// Kafka's numbers.
enum class MemberState : int8_t { stable = 0, unrevoked = 1, unreleased = 2, unknown = 127 };
// What a member has.
struct CurrentAssignment {
  int32_t epoch = 0;
  int32_t previous_epoch = 0;
  MemberState state = MemberState::stable;
  OwnedPartitions assigned;
  OwnedPartitions revoking;  // it has not yet said that it gave them up
  bool operator==(const CurrentAssignment&) const = default;
};
struct CurrentRecord {
  std::string group;
  std::string member;
  std::optional<CurrentAssignment> value;
};

// Which topics a regular expression stands for.
struct ResolvedRegex {
  std::set<std::string, std::less<>> topics;
  int64_t version = 0;  // of the cluster that was looked at
  int64_t at_ms = 0;
};
struct RegexRecord {
  std::string group;
  std::string regex;
  std::optional<ResolvedRegex> value;
};

using ConsumerRecord = std::variant<SubscriptionRecord, EpochRecord, TopicsRecord,
                                    TargetEpochRecord, TargetRecord, CurrentRecord, RegexRecord>;
using LoggedRecord =
    std::variant<OffsetRecord, GroupRecord, SubscriptionRecord, EpochRecord, TopicsRecord,
                 TargetEpochRecord, TargetRecord, CurrentRecord, RegexRecord>;

// The record that removes what `record` is about.
template <class Record>
Record tombstone_of(Record record) {
  if constexpr (requires { record.value; }) {
    record.value.reset();
  } else {
    record.present = false;
  }
  return record;
}
template <class Record>
bool is_tombstone(const Record& record) {
  if constexpr (requires { record.value; }) {
    return !record.value;
  } else {
    return !record.present;
  }
}

}  // namespace odradek::group
