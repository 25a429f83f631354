// Groups of the consumer protocol (KIP-848): traps 65 and 66. A heartbeat says what a member wants
// and has; its answer says what it shall have from now on:
//
//   subscription --differs--> group epoch --is higher--> target --differs--> current assignment
//
// Each arrow is a record or none, and all of them go into the log together.
#include <algorithm>
#include <chrono>

#include "replication/group/consumer_checks.h"
#include "replication/group/coordinator_records.h"
#include "replication/group/limits.h"
#include "replication/group/reconciliation.h"
#include "replication/group/topic_regex.h"

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

// What a heartbeat leaves out is as it was.
Subscription updated(const Subscription& before, const ConsumerHeartbeat& beat) {
  Subscription said = before;
  if (beat.instance_id) said.instance_id = beat.instance_id;
  if (beat.rack_id) said.rack_id = beat.rack_id;
  if (beat.rebalance_timeout_ms != -1) said.rebalance_timeout_ms = beat.rebalance_timeout_ms;
  if (beat.assignor) said.assignor = beat.assignor;
  if (beat.topics) said.topics = {beat.topics->begin(), beat.topics->end()};
  if (beat.regex) said.regex = *beat.regex;
  said.client_id = beat.client_id;
  said.client_host = beat.client_host;
  said.classic.reset();
  return said;
}

bool says_everything(const ConsumerHeartbeat& beat) {
  return beat.epoch == kJoinEpoch ||
         (beat.rebalance_timeout_ms != -1 && (beat.topics || beat.regex) && beat.owned);
}

}  // namespace

void Coordinator::on(Step& step, RequestId id, ConsumerHeartbeat& beat) {
  if (beat.member_id.empty() && !beat.makes_own_id && beat.epoch == kJoinEpoch) {
    beat.member_id = beat.unique;
  }
  const AnyGroup asked{find_consumer(beat.group), find_group(beat.group)};
  if (auto refused = check_heartbeat(config_, asked, beat)) {
    return reply(
        step, id,
        ConsumerHeartbeatAnswer{.error = refused->code, .message = std::move(refused->message)});
  }
  if (beat.epoch < 0) return leave(step, id, beat);
  ConsumerGroup& group = open_consumer_group(step, beat.group);
  if (beat.epoch == kJoinEpoch && beat.instance_id) {
    replace_static(step, group, *beat.instance_id, beat.member_id);
  }
  const ConsumerMember* known = group.find(beat.member_id);
  const OwnedPartitions had = known ? known->now.assigned : OwnedPartitions{};
  const bool changed =
      subscribe(step, group, beat.member_id, updated(known ? known->said : Subscription{}, beat));
  refresh_epoch(step, group, resolve_regexes(step, group) || changed);
  refresh_target(step, group);
  reconcile_member(step, group, beat.member_id, beat.owned, changed);
  ConsumerMember& member = *group.find(beat.member_id);
  begin_session(step.now, group, member);
  ConsumerHeartbeatAnswer answer;
  answer.member_id = member.id;
  answer.epoch = member.now.epoch;
  answer.interval_ms =
      view_.heartbeat_interval_ms(group.id(), config_.consumer.heartbeat_interval_ms);
  if (says_everything(beat) || member.now.assigned != had) {
    answer.assignment = plain(member.now.assigned);
  }
  reply(step, id, std::move(answer));
}

// REQUIRES: check_group() refused nothing.
ConsumerGroup& Coordinator::open_consumer_group(Step& step, const std::string& group) {
  const ClassicGroup* classic = find(group);
  if (classic) upgrade(step, group);
  ConsumerGroup* found = find_consumer(group);
  return found ? *found : make_consumer_group(group);
}

// The place of a static member that is gone for a while, or was a classic one, goes to who comes
// with its instance id: what it had, and what it shall have.
void Coordinator::replace_static(Step& step, ConsumerGroup& group, const std::string& instance,
                                 const std::string& member) {
  const ConsumerMember* old = group.find_static(instance);
  if (!old) return;
  const std::string old_id = old->id;
  const Subscription said = old->said;
  const Partitions target = group.target(old_id);
  CurrentAssignment now = old->now;
  now.epoch = now.previous_epoch = kJoinEpoch;
  take_out(step, group.id(), old_id);
  write(step, SubscriptionRecord{group.id(), member, said});
  write(step, TargetRecord{group.id(), member, target});
  write(step, CurrentRecord{group.id(), member, std::move(now)});
}

bool Coordinator::subscribe(Step& step, ConsumerGroup& group, const std::string& member,
                            Subscription said) {
  const ConsumerMember* known = group.find(member);
  const Subscription before = known ? known->said : Subscription{};
  const bool changed = said.topics != before.topics || said.regex != before.regex;
  if (!known || said != before) {
    write(step, SubscriptionRecord{group.id(), member, std::move(said)});
  }
  if (group.regexes().contains(before.regex) && !group.subscribed_to_regex(before.regex)) {
    write(step, RegexRecord{group.id(), before.regex, std::nullopt});
  }
  return changed;
}

// Those that are new at once; all when topics came since, or when it was long ago. Whether one
// stands for other topics now.
bool Coordinator::resolve_regexes(Step& step, ConsumerGroup& group) {
  std::vector<std::string> due = group.unresolved();
  int64_t last_ms = 0;
  int64_t last_version = INT64_MAX;
  for (const auto& [regex, resolved] : group.regexes()) {
    last_ms = std::max(last_ms, resolved.at_ms);
    last_version = std::min(last_version, resolved.version);
  }
  const int64_t age_ms = step.now.wall.ms - last_ms;
  const bool stale = last_version < new_topics_version_ && age_ms > kRegexRefreshMinMs;
  if (stale || age_ms > kRegexRefreshMaxMs) {
    for (const auto& [regex, resolved] : group.regexes()) due.push_back(regex);
  }
  if (due.empty()) return false;
  bool changed = false;
  for (auto& [regex, topics] : match_topics(due, view_)) {
    const auto before = group.regexes().find(regex);
    changed |= before == group.regexes().end() || before->second.topics != topics;
    write(step,
          RegexRecord{group.id(), regex, ResolvedRegex{topics, view_.version(), step.now.wall.ms}});
  }
  return changed;
}

// It grows when who is there or what they want changed, or when the topics did.
void Coordinator::refresh_epoch(Step& step, ConsumerGroup& group, bool changed) {
  if (!changed && !group.topics_changed) return;
  const int64_t hash = metadata_hash(view_, group.topic_names());
  if (changed || hash != group.metadata_hash()) {
    write(step, EpochRecord{group.id(), GroupEpoch{group.epoch() + 1, hash}});
    ++stats_.consumer_rebalances;
  }
  group.topics_changed = false;
  if (group.has_old_topics()) write(step, TopicsRecord{group.id(), false});
}

// At most once in an interval, so that members that come together are assigned together: who asks
// sooner gets what was worked out last.
void Coordinator::refresh_target(Step& step, ConsumerGroup& group) {
  const TargetEpoch last = group.target_epoch();
  if (last.epoch >= group.epoch()) return;
  const int64_t next_ms = last.made_ms + view_.assignment_interval_ms(
                                             group.id(), config_.consumer.assignment_interval_ms);
  if (last.made_ms != 0 && step.now.wall.ms < next_ms) return;
  const auto assignor = group.preferred_assignor(config_.consumer.assignors);
  for (auto& [member, target] : assign_partitions(assignor, group.assignor_input(view_))) {
    TargetRecord record{group.id(), member, std::move(target)};
    if (group.before(record).value == record.value) continue;
    write(step, std::move(record));
  }
  write(step, TargetEpochRecord{group.id(), TargetEpoch{group.epoch(), step.now.wall.ms}});
}

void Coordinator::reconcile_member(Step& step, ConsumerGroup& group, const std::string& id,
                                   const std::optional<Partitions>& owned,
                                   bool subscription_changed) {
  ConsumerMember& member = *group.find(id);
  if (!subscription_changed && member.reconciled_to(group.target_epoch().epoch)) return;
  CurrentAssignment next = reconcile({group, view_, member, owned, subscription_changed});
  if (next == member.now) return;
  write(step, CurrentRecord{group.id(), id, std::move(next)});
  member.revoke_end = kMonoMax;
  time_revocation(step.now, group, member);
}

// The time to give up partitions runs while the member has to: not when it left for a while and has
// them no more. Classic members have times of their own, for coming to the rebalance.
void Coordinator::time_revocation(Now now, ConsumerGroup& group, ConsumerMember& member) {
  const bool must_give_up = !member.is_classic() && member.now.state == MemberState::unrevoked &&
                            member.now.epoch != kLeaveStaticEpoch;
  if (!must_give_up) {
    member.revoke_end = kMonoMax;
  } else if (member.revoke_end == kMonoMax) {
    member.revoke_end = now.mono + ms(member.said.rebalance_timeout_ms);
    arm(group, member.revoke_end);
  }
}

void Coordinator::leave(Step& step, RequestId id, const ConsumerHeartbeat& beat) {
  ConsumerGroup& group = *find_consumer(beat.group);
  ConsumerHeartbeatAnswer answer;
  answer.member_id = beat.member_id;
  answer.epoch = beat.epoch;
  if (beat.epoch == kLeaveEpoch) {
    fence(step, group, {beat.member_id});
    return reply(step, id, std::move(answer));
  }
  // It keeps its place and what it had until its session ends, and may commit nothing meanwhile.
  CurrentAssignment now = group.find(beat.member_id)->now;
  now.epoch = kLeaveStaticEpoch;
  now.revoking.clear();
  for (auto& [topic, partitions] : now.assigned) {
    for (auto& [partition, epoch] : partitions) epoch = 0;
  }
  write(step, CurrentRecord{beat.group, beat.member_id, std::move(now)});
  time_revocation(step.now, group, *group.find(beat.member_id));
  reply(step, id, std::move(answer));
}

void Coordinator::take_out(Step& step, const std::string& group, const std::string& member) {
  write(step, CurrentRecord{group, member, std::nullopt});
  write(step, TargetRecord{group, member, std::nullopt});
  write(step, SubscriptionRecord{group, member, std::nullopt});
}

// The group may be another one, or a classic one, afterwards.
void Coordinator::fence(Step& step, ConsumerGroup& group, const std::set<std::string>& members) {
  if (may_downgrade(config_, group, members)) return downgrade(step, group, members, true);
  for (const auto& member : members) take_out(step, group.id(), member);
  std::vector<std::string> unused;
  for (const auto& [regex, resolved] : group.regexes()) {
    if (!group.subscribed_to_regex(regex)) unused.push_back(regex);
  }
  for (const auto& regex : unused) write(step, RegexRecord{group.id(), regex, std::nullopt});
  const int64_t hash = metadata_hash(view_, group.topic_names());
  write(step, EpochRecord{group.id(), GroupEpoch{group.epoch() + 1, hash}});
  ++stats_.consumer_rebalances;
}

void Coordinator::fire(Step& step, ConsumerGroup& group) {
  std::set<std::string> overdue;
  for (const auto& [id, member] : group.members()) {
    if (member.deadline() <= step.now.mono) overdue.insert(id);
  }
  if (!overdue.empty()) fence(step, group, overdue);
}

void Coordinator::topics_changed(const std::vector<std::string>& topics, bool some_are_new) {
  if (some_are_new) new_topics_version_ = view_.version();
  for (auto& [name, entry] : groups_) {
    if (!entry.consumer || entry.consumer->topics_changed) continue;
    entry.consumer->topics_changed = std::ranges::any_of(
        topics, [&](const auto& topic) { return entry.consumer->subscribes(topic); });
  }
}

void Coordinator::on(Step& step, RequestId id, DescribeConsumerGroup& describe) {
  ConsumerGroupAnswer answer;
  const ConsumerGroup* group = find_consumer(describe.group);
  if (!group) {
    answer.error = KafkaCode::group_id_not_found;
    answer.message = "Group " + describe.group +
                     (find_group(describe.group) ? " is not a consumer group." : " not found.");
    return reply(step, id, std::move(answer));
  }
  answer.state = group->state_name();
  answer.epoch = group->epoch();
  answer.target_epoch = group->target_epoch().epoch;
  answer.assignor = group->preferred_assignor(config_.consumer.assignors);
  for (const auto& [member_id, member] : group->members()) {
    auto& out = answer.members.emplace_back();
    const auto& said = member.said;
    out.id = member_id;
    out.instance_id = said.instance_id;
    out.rack_id = said.rack_id;
    out.epoch = member.now.epoch;
    out.client_id = said.client_id;
    out.client_host = said.client_host;
    out.topics.assign(said.topics.begin(), said.topics.end());
    out.regex = said.regex;
    out.assignment = plain(member.now.assigned);
    for (auto& [topic, partitions] : plain(member.now.revoking)) {
      out.assignment[topic].insert(partitions.begin(), partitions.end());
    }
    out.target = group->target(member_id);
    out.is_classic = member.is_classic();
  }
  reply(step, id, std::move(answer));
}

// ---- the life of groups and their timers ----

ConsumerGroup& Coordinator::make_consumer_group(const std::string& name) {
  Entry& entry = groups_[name];
  if (entry.group) {  // of offsets alone, while the log is read
    disarm(*entry.group);
    entry.group.reset();
  }
  if (!entry.consumer) entry.consumer = std::make_unique<ConsumerGroup>(name, ++serials_);
  return *entry.consumer;
}

// Offsets that are left are those of a group without members.
void Coordinator::end_consumer_group(const std::string& group) {
  const std::string name = group;  // may be the group's own
  const auto found = groups_.find(name);
  if (found == groups_.end() || !found->second.consumer) return;
  disarm(*found->second.consumer);
  found->second.consumer.reset();
  if (found->second.offsets.empty()) {
    groups_.erase(found);
  } else {
    make_group(name, WallTime{-1});
  }
}

void Coordinator::write_all(Step& step, std::vector<ConsumerRecord> records) {
  for (auto& record : records) {
    std::visit([&](auto& r) { write(step, std::move(r)); }, record);
  }
}

void Coordinator::arm(ConsumerGroup& group, MonoTime when) {
  if (when >= group.armed) return;
  disarm(group);
  group.armed = when;
  consumer_timers_.emplace(std::pair(when, group.serial()), &group);
}

void Coordinator::disarm(ConsumerGroup& group) {
  if (group.armed == kMonoMax) return;
  consumer_timers_.erase(std::pair(std::exchange(group.armed, kMonoMax), group.serial()));
}

void Coordinator::begin_session(Now now, ConsumerGroup& group, ConsumerMember& member) {
  const int32_t length = member.is_classic() ? member.said.classic->session_timeout_ms
                                             : view_.session_timeout_ms(
                                                   group.id(), config_.consumer.session_timeout_ms);
  member.session_end = now.mono + ms(length);
  arm(group, member.session_end);
}

// After the log was read: also who had to give up partitions gets its whole time again.
void Coordinator::begin_sessions(Now now, ConsumerGroup& group) {
  for (auto& [id, member] : group.members()) {
    begin_session(now, group, member);
    time_revocation(now, group, member);
  }
}

ConsumerGroup* Coordinator::find_consumer(std::string_view group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.consumer.get();
}

const ConsumerGroup* Coordinator::find_consumer(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.consumer.get();
}

}  // namespace odradek::group
