#include "replication/group/consumer_checks.h"

#include <algorithm>

#include "replication/group/consumer_protocol.h"
#include "replication/group/reconciliation.h"
#include "replication/group/topic_regex.h"

namespace odradek::group {

namespace {

using MaybeRefused = std::optional<Refusal>;

bool is_empty(const std::optional<std::string>& text) { return text && text->empty(); }

std::string not_found(const std::string& group) { return "Group " + group + " not found."; }

MaybeRefused check_form(const Config& config, const ConsumerHeartbeat& beat) {
  const auto invalid = [](const char* why) { return Refusal{KafkaCode::invalid_request, why}; };
  const bool needs_id = beat.makes_own_id || beat.epoch > 0 || beat.epoch == kLeaveEpoch;
  if (needs_id && beat.member_id.empty()) return invalid("MemberId can't be empty.");
  if (beat.group.empty()) return invalid("GroupId can't be empty.");
  if (is_empty(beat.instance_id)) return invalid("InstanceId can't be empty.");
  if (is_empty(beat.rack_id)) return invalid("RackId can't be empty.");
  if (beat.epoch == kJoinEpoch) {
    if (beat.rebalance_timeout_ms == -1) return invalid("A join needs a RebalanceTimeoutMs.");
    if (!beat.owned || !beat.owned->empty()) return invalid("A join has no TopicPartitions yet.");
    if (!beat.topics && !beat.regex) {
      return invalid("A join needs SubscribedTopicNames or a SubscribedTopicRegex.");
    }
  }
  if (beat.epoch == kLeaveStaticEpoch && !beat.instance_id) {
    return invalid("InstanceId can't be null.");
  }
  if (beat.epoch < kLeaveStaticEpoch) return invalid("MemberEpoch is invalid.");
  const auto& offered = config.consumer.assignors;
  if (beat.assignor && std::ranges::find(offered, *beat.assignor) == offered.end()) {
    return Refusal{KafkaCode::unsupported_assignor,
                   "ServerAssignor " + *beat.assignor + " is not offered by this broker."};
  }
  return std::nullopt;
}

// A classic group with members becomes a consumer group with the first member that is one.
MaybeRefused check_upgrade(const Config& config, const ClassicGroup& group) {
  const auto no = [&group](const std::string& why) {
    return Refusal{KafkaCode::group_id_not_found,
                   "Classic group " + group.id() + " cannot become a consumer group: " + why};
  };
  if (!config.consumer.upgrades) return no("group.consumer.migration.policy forbids it.");
  if (!group.is_consumer()) return no("its protocol type is not consumer.");
  if (group.members().size() > static_cast<size_t>(config.consumer.members_max)) {
    return no("it has more members than group.consumer.max.size.");
  }
  for (const auto& [id, member] : group.members()) {
    const auto protocol = group.protocol().value_or(member.protocols.front().name);
    if (!parse_subscription(member.metadata(protocol))) return no("a subscription is malformed.");
    const auto assignment = parse_assignment(member.assignment);
    if (!assignment) return no("an assignment is malformed.");
    if (assignment->has_user_data) return no("a custom assignor is in use.");
  }
  return std::nullopt;
}

MaybeRefused check_group(const Config& config, const AnyGroup& any, const ConsumerHeartbeat& beat) {
  const auto& [group, classic] = any;
  if (!group && beat.epoch != kJoinEpoch) {
    return Refusal{
        KafkaCode::group_id_not_found,
        classic ? "Group " + beat.group + " is not a consumer group." : not_found(beat.group)};
  }
  if (classic && !classic->in(State::empty)) {
    if (auto refused = check_upgrade(config, *classic)) return refused;
  }
  const bool known = group ? group->find(beat.member_id) != nullptr
                           : classic && classic->members().contains(beat.member_id);
  const size_t members = group ? group->members().size() : classic ? classic->members().size() : 0;
  if (!known && members >= static_cast<size_t>(config.consumer.members_max)) {
    return Refusal{KafkaCode::group_max_size_reached, "The consumer group is full."};
  }
  return std::nullopt;
}

MaybeRefused check_member(const ConsumerGroup* group, const ConsumerHeartbeat& beat) {
  const bool joins = beat.epoch == kJoinEpoch;
  const std::string named = "Member " + beat.member_id;
  const ConsumerMember* member = nullptr;
  if (group && beat.instance_id) {
    member = group->find_static(*beat.instance_id);
    if (joins && member && !member->is_classic() && member->now.epoch != kLeaveStaticEpoch) {
      return Refusal{KafkaCode::unreleased_instance_id,
                     "The instance id is still in use by member " + member->id + "."};
    }
    if (!joins && member && member->id != beat.member_id) {
      return Refusal{KafkaCode::fenced_instance_id, named + " was fenced by " + member->id + "."};
    }
  } else if (group) {
    member = group->find(beat.member_id);
  }
  if (!joins && !member) {
    return Refusal{KafkaCode::unknown_member_id,
                   named + " is not a member of group " + beat.group + "."};
  }
  const auto fenced = [&](const char* why) {
    return Refusal{KafkaCode::fenced_member_epoch,
                   named + why + "; it must abandon all its partitions and rejoin."};
  };
  if (!joins && beat.epoch > member->now.epoch) return fenced(" has an epoch of the future");
  // The answer with the newer epoch may have been lost.
  if (!joins && beat.epoch < member->now.epoch &&
      (beat.epoch != member->now.previous_epoch || !is_subset(beat.owned, member->now.assigned))) {
    return fenced(" has an epoch of the past");
  }
  if (member && member->now.state == MemberState::unknown &&
      (!beat.owned || !beat.owned->empty())) {
    return fenced(" is in a state that this broker does not know");
  }
  if (beat.regex && !beat.regex->empty() && !(member && member->said.regex == *beat.regex)) {
    if (const auto fault = regex_fault(*beat.regex)) {
      return Refusal{KafkaCode::invalid_regular_expression,
                     "SubscribedTopicRegex is not valid: " + *fault};
    }
  }
  return std::nullopt;
}

MaybeRefused check_leave(const ConsumerGroup* group, const ConsumerHeartbeat& beat) {
  if (!group) return Refusal{KafkaCode::group_id_not_found, not_found(beat.group)};
  const ConsumerMember* member =
      beat.instance_id ? group->find_static(*beat.instance_id) : group->find(beat.member_id);
  if (!member) {
    return Refusal{KafkaCode::unknown_member_id,
                   "Member " + beat.member_id + " is not a member of group " + beat.group + "."};
  }
  if (member->id != beat.member_id) {
    return Refusal{KafkaCode::fenced_instance_id,
                   "Member " + beat.member_id + " was fenced by " + member->id + "."};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check_heartbeat(const Config& config, const AnyGroup& group,
                                       const ConsumerHeartbeat& beat) {
  if (auto refused = check_form(config, beat)) return refused;
  if (beat.epoch < 0) return check_leave(group.consumer, beat);
  if (auto refused = check_group(config, group, beat)) return refused;
  return check_member(group.consumer, beat);
}

// Trap 65; with an older epoch a partition can be committed that was the member's then (KIP-1251).
KafkaCode check_commit(const ConsumerGroup& group, const OffsetCommit& commit) {
  if (commit.generation < 0 && group.members().empty()) return KafkaCode::none;
  const ConsumerMember* member = group.find(commit.who.member_id);
  if (!member) return KafkaCode::unknown_member_id;
  if (!member->is_classic() && !commit.knows_group_errors) return KafkaCode::unsupported_version;
  const int32_t said = commit.generation;
  if (said == member->now.epoch) return KafkaCode::none;
  const KafkaCode stale =
      member->is_classic() ? KafkaCode::illegal_generation : KafkaCode::stale_member_epoch;
  if (said > member->now.epoch) return stale;
  const auto since = [](const OwnedPartitions& owned, const OffsetCommit::Offset& offset) {
    const auto topic = owned.find(offset.topic_id);
    if (topic == owned.end()) return INT32_MAX;
    const auto at = topic->second.find(offset.partition);
    return at == topic->second.end() ? INT32_MAX : at->second;
  };
  for (const auto& offset : commit.offsets) {
    const int32_t from =
        std::min(since(member->now.assigned, offset), since(member->now.revoking, offset));
#ifndef ODRADEK_PLANT_STALE_EPOCH  // with it: a bug that the simulator must find
    if (said < from) return stale;
#endif
  }
  return KafkaCode::none;
}

KafkaCode check_fetch(const ConsumerGroup& group, const OffsetFetch& fetch) {
  if (!fetch.member_id && fetch.member_epoch < 0) return KafkaCode::none;
  const ConsumerMember* member = group.find(fetch.member_id.value_or(""));
  if (!member) return KafkaCode::unknown_member_id;
  if (fetch.member_epoch == member->now.epoch) return KafkaCode::none;
  return member->is_classic() ? KafkaCode::illegal_generation : KafkaCode::stale_member_epoch;
}

KafkaCode check_join(const Config& config, const ConsumerGroup& group, const JoinGroup& join) {
  if (!config.consumer.upgrades && !config.consumer.downgrades) {
    return KafkaCode::inconsistent_group_protocol;
  }
  const auto& member_id = join.who.member_id;
  const bool known = !member_id.empty() && group.find(member_id);
  if (!known && group.members().size() >= static_cast<size_t>(config.consumer.members_max)) {
    return KafkaCode::group_max_size_reached;
  }
  if (join.protocol_type != kConsumerProtocol || !group.supports(join.protocols) ||
      !parse_subscription(join.protocols.front().metadata)) {
    return KafkaCode::inconsistent_group_protocol;
  }
  if (!join.who.instance_id || member_id.empty()) return KafkaCode::none;
  const ConsumerMember* now = group.find_static(*join.who.instance_id);
  if (!now) return KafkaCode::unknown_member_id;
  return now->id == member_id ? KafkaCode::none : KafkaCode::fenced_instance_id;
}

KafkaCode check_classic(const ConsumerGroup& group, const Identity& who) {
  const ConsumerMember* member = nullptr;
  if (who.instance_id) {
    member = group.find_static(*who.instance_id);
    if (!member) return KafkaCode::unknown_member_id;
    if (member->id != who.member_id) return KafkaCode::fenced_instance_id;
  } else {
    member = group.find(who.member_id);
  }
  return member && member->is_classic() ? KafkaCode::none : KafkaCode::unknown_member_id;
}

bool may_downgrade(const Config& config, const ConsumerGroup& group,
                   const std::set<std::string>& leaving) {
  const size_t left = group.members().size() - leaving.size();
  return config.consumer.downgrades && left > 0 &&
         left <= static_cast<size_t>(config.members_max) && group.all_classic_but(leaving);
}

}  // namespace odradek::group
