// Between the protocols (KIP-848, "Consumer Group Migration"). The first member of the consumer
// protocol makes a classic group of consumers a consumer group; members that still speak the
// classic protocol stay in it: their generation is the member's epoch, and a rebalance is that the
// target is newer. When the last member of the consumer protocol goes, the group is classic again.
#include <algorithm>
#include <chrono>

#include "replication/group/consumer_checks.h"
#include "replication/group/consumer_protocol.h"
#include "replication/group/coordinator_records.h"

namespace odradek::group {

namespace {

Duration ms(int32_t count) { return std::chrono::milliseconds(count); }

Partitions plain(const OwnedPartitions& owned) {
  Partitions out;
  for (const auto& [topic, partitions] : owned) {
    for (const auto& [partition, epoch] : partitions) out[topic].insert(partition);
  }
  return out;
}

// What a classic member was given, of what exists and was not given to another member before: a
// leader may write anything, and a partition has one owner. Adds it to `taken`.
Partitions take_free(const Member& member, const ClusterView& view, Partitions& taken) {
  Partitions out;
  const auto said = with_ids(parse_assignment(member.assignment)->partitions, view);
  for (const auto& [topic, indexes] : said) {
    const int32_t count = view.find(topic)->partitions;
    for (const int32_t index : indexes) {
      if (index < 0 || index >= count || !taken[topic].insert(index).second) continue;
      out[topic].insert(index);
    }
  }
  return out;
}

OwnedPartitions since(const Partitions& partitions, int32_t epoch) {
  OwnedPartitions out;
  for (const auto& [topic, indexes] : partitions) {
    for (const int32_t index : indexes) out[topic][index] = epoch;
  }
  return out;
}

Subscription as_subscription(const Member& member, const ConsumerSubscription& parsed) {
  Subscription said;
  said.instance_id = member.instance_id;
  said.rack_id = parsed.rack_id;
  said.client_id = member.client_id;
  said.client_host = member.client_host;
  said.topics = parsed.topics;
  said.rebalance_timeout_ms = member.rebalance_timeout_ms;
  said.classic = ClassicSide{member.session_timeout_ms, member.protocols};
  return said;
}

Subscription updated(const Subscription& before, const JoinGroup& join,
                     const ConsumerSubscription& parsed) {
  Subscription said = before;
  if (join.who.instance_id) said.instance_id = join.who.instance_id;
  if (parsed.rack_id) said.rack_id = parsed.rack_id;
  said.client_id = join.client_id;
  said.client_host = join.client_host;
  said.topics = parsed.topics;
  said.regex.clear();
  said.rebalance_timeout_ms = join.rebalance_timeout_ms;
  said.classic = ClassicSide{join.session_timeout_ms, join.protocols};
  return said;
}

Member as_classic(const ConsumerMember& member) {
  Member out;
  out.id = member.id;
  out.instance_id = member.said.instance_id;
  out.client_id = member.said.client_id;
  out.client_host = member.said.client_host;
  out.rebalance_timeout_ms = member.said.rebalance_timeout_ms;
  out.session_timeout_ms = member.said.classic->session_timeout_ms;
  out.protocols = member.said.classic->protocols;
  return out;
}

JoinAnswer join_error(KafkaCode error, std::string member_id) {
  JoinAnswer answer;
  answer.error = error;
  answer.member_id = std::move(member_id);
  return answer;
}

bool differ(const std::optional<std::string>& said, std::string_view have) {
  return said && *said != have;
}

}  // namespace

// Its generation becomes the epoch, which grows at once with who caused this. REQUIRES:
// check_upgrade() refused nothing, or it is empty.
void Coordinator::upgrade(Step& step, const std::string& name) {
  Entry& entry = groups_.find(name)->second;
  disarm(*entry.group);
  for (auto& [id, member] : entry.group->members()) {
    if (const auto parked = entry.group->take_join(member)) {
      reply_now(step, *parked, join_error(KafkaCode::rebalance_in_progress, id));
    }
    if (const auto parked = std::exchange(member.sync, std::nullopt)) {
      reply_now(step, *parked, SyncAnswer{.error = KafkaCode::rebalance_in_progress});
    }
  }
  step.out.records.emplace_back(GroupRecord{name, std::nullopt});
  step.pending.undo.push_back(UndoRemoval{std::move(entry.group)});
  const ClassicGroup& old = *std::get<UndoRemoval>(step.pending.undo.back()).group;
  ConsumerGroup& group = make_consumer_group(name);
  if (old.members().empty()) return;
  const int32_t epoch = old.generation();
  std::map<std::string, Partitions> targets;
  Partitions taken;
  for (const auto& [id, member] : old.members()) {
    const auto spoken = old.protocol().value_or(member.protocols.front().name);
    write(step,
          SubscriptionRecord{
              name, id, as_subscription(member, *parse_subscription(member.metadata(spoken)))});
    targets[id] = take_free(member, view_, taken);
  }
  const int64_t hash = metadata_hash(view_, group.topic_names());
  write(step, EpochRecord{name, GroupEpoch{epoch, hash}});
  for (const auto& [id, target] : targets) write(step, TargetRecord{name, id, target});
  write(step, TargetEpochRecord{name, TargetEpoch{epoch, 0}});
  for (const auto& [id, target] : targets) {
    write(step, CurrentRecord{name, id,
                              CurrentAssignment{
                                  epoch, epoch, MemberState::stable, since(target, epoch), {}}});
  }
  for (auto& [id, member] : group.members()) begin_session(step.now, group, member);
}

// The members keep what they shall have. With `rebalance` they meet for a new generation.
void Coordinator::downgrade(Step& step, ConsumerGroup& group, const std::set<std::string>& leaving,
                            bool rebalance) {
  const std::string name = group.id();
  auto made = std::make_unique<ClassicGroup>(name, ++serials_, step.now.wall);
  for (const auto& [id, member] : group.members()) {
    if (!leaving.contains(id)) made->add(as_classic(member), kConsumerProtocol);
  }
  made->take_over(group.epoch(), step.now.wall);
  for (auto& [id, member] : made->members()) {
    member.assignment = make_assignment(with_names(group.target(id), view_),
                                        member.metadata(made->protocol().value_or("")));
  }
  write_all(step, group.tombstones());
  Entry& entry = groups_[name];
  if (entry.group) disarm(*entry.group);
  entry.group = std::move(made);
  ClassicGroup& classic = *entry.group;
  step.out.records.emplace_back(classic.record());
  for (auto& [id, member] : classic.members()) begin_session(step, classic, member);
  if (rebalance) begin_rebalance(step, classic);
}

// ---- classic members in a consumer group ----

// Answered at once: there is nobody to wait for.
void Coordinator::join(Step& step, RequestId id, ConsumerGroup& group, JoinGroup& join) {
  const KafkaCode error = check_join(config_, group, join);
  if (error != KafkaCode::none) return reply(step, id, join_error(error, join.who.member_id));
  const bool unknown = join.who.member_id.empty();
  const std::string member_id = unknown ? join.unique : join.who.member_id;
  if (unknown && !join.who.instance_id && join.knows_member_id) {
    return reply(step, id, join_error(KafkaCode::member_id_required, member_id));
  }
  bool becomes_classic = false;
  if (join.who.instance_id) {
    const ConsumerMember* before = group.find_static(*join.who.instance_id);
    becomes_classic = before && config_.consumer.downgrades &&
                      group.all_classic_but({before->id}) &&
                      group.members().size() <= static_cast<size_t>(config_.members_max);
    if (unknown) replace_static(step, group, *join.who.instance_id, member_id);
  }
  const auto parsed = *parse_subscription(join.protocols.front().metadata);
  const ConsumerMember* known = group.find(member_id);
  const bool changed = subscribe(step, group, member_id,
                                 updated(known ? known->said : Subscription{}, join, parsed));
  refresh_epoch(step, group, changed);
  const auto owned = std::optional(with_ids(parsed.owned, view_));
  if (!becomes_classic) refresh_target(step, group);
  // Then nobody worked out what the members of the classic group shall have: they meet for that.
  const bool stale = becomes_classic && group.target_epoch().epoch < group.epoch();
  if (!stale) reconcile_member(step, group, member_id, owned, changed);
  ConsumerMember& member = *group.find(member_id);
  JoinAnswer answer;
  answer.member_id = member_id;
  answer.generation = member.now.epoch;
  answer.protocol_type = kConsumerProtocol;
  answer.protocol = join.protocols.front().name;
  member.join_end = kMonoMax;
  member.sync_end = step.now.mono + ms(join.rebalance_timeout_ms);
  arm(group, member.sync_end);
  begin_session(step.now, group, member);
  if (becomes_classic) downgrade(step, group, {}, stale);
  reply(step, id, std::move(answer));
}

void Coordinator::sync(Step& step, RequestId id, ConsumerGroup& group, const SyncGroup& sync) {
  const auto refuse_with = [&](KafkaCode error) { reply(step, id, SyncAnswer{.error = error}); };
  const KafkaCode error = check_classic(group, sync.who);
  if (error != KafkaCode::none) return refuse_with(error);
  ConsumerMember& member = *group.find(sync.who.member_id);
  if (sync.generation != member.now.epoch) return refuse_with(KafkaCode::illegal_generation);
  const Protocol& protocol = member.said.classic->protocols.front();
  if (differ(sync.protocol_type, kConsumerProtocol) || differ(sync.protocol, protocol.name)) {
    return refuse_with(KafkaCode::inconsistent_group_protocol);
  }
  // It must give up partitions first; it learns which from what it gets here.
  if (group.target_epoch().epoch > member.now.epoch && member.now.state != MemberState::unrevoked) {
    expect_join(step, group, member);
    return refuse_with(KafkaCode::rebalance_in_progress);
  }
  member.sync_end = kMonoMax;
  begin_session(step.now, group, member);
  const auto assigned = with_names(plain(member.now.assigned), view_);
  reply(step, id,
        SyncAnswer{KafkaCode::none, std::string(kConsumerProtocol), protocol.name,
                   make_assignment(assigned, protocol.metadata)});
}

// Who does not join the rebalance in time is out.
void Coordinator::expect_join(Step& step, ConsumerGroup& group, ConsumerMember& member) {
  if (member.join_end != kMonoMax) return;
  member.join_end = step.now.mono + ms(member.said.rebalance_timeout_ms);
  arm(group, member.join_end);
}

void Coordinator::heartbeat(Step& step, RequestId id, ConsumerGroup& group,
                            const Heartbeat& heartbeat) {
  const auto answer = [&](KafkaCode error) { reply(step, id, HeartbeatAnswer{error}); };
  const KafkaCode error = check_classic(group, heartbeat.who);
  if (error != KafkaCode::none) return answer(error);
  ConsumerMember& member = *group.find(heartbeat.who.member_id);
  if (heartbeat.generation != member.now.epoch) return answer(KafkaCode::illegal_generation);
  begin_session(step.now, group, member);
  const bool should_join =
      member.now.epoch < group.target_epoch().epoch || member.now.state == MemberState::unrevoked ||
      (member.now.state == MemberState::unreleased && !group.waits_for_others(member));
  if (should_join) expect_join(step, group, member);
  answer(should_join ? KafkaCode::rebalance_in_progress : KafkaCode::none);
}

void Coordinator::leave(Step& step, RequestId id, ConsumerGroup& group, const LeaveGroup& leave) {
  LeaveAnswer answer;
  std::set<std::string> leaving;
  for (const auto& who : leave.members) {
    const ConsumerMember* member =
        who.instance_id ? group.find_static(*who.instance_id) : group.find(who.member_id);
    KafkaCode error = member ? KafkaCode::none : KafkaCode::unknown_member_id;
    if (member && who.instance_id && !who.member_id.empty() && member->id != who.member_id) {
      error = KafkaCode::fenced_instance_id;
    }
    if (error == KafkaCode::none) leaving.insert(member->id);
    answer.members.push_back(error);
  }
  if (!leaving.empty()) fence(step, group, leaving);
  reply(step, id, std::move(answer));
}

}  // namespace odradek::group
