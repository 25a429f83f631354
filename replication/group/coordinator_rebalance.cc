// Rebalances: waiting for members, generations, assignments, sessions. Traps 57 and 58.
#include <algorithm>
#include <chrono>
#include <utility>

#include "replication/group/coordinator.h"
#include "replication/group/limits.h"

namespace odradek::group {

namespace {

Duration ms(int32_t count) { return std::chrono::milliseconds(count); }

JoinAnswer joined(const ClassicGroup& group, const std::string& member) {
  JoinAnswer answer;
  answer.generation = group.generation();
  answer.protocol_type = group.protocol_type();
  answer.protocol = group.protocol();
  answer.leader = group.leader().value_or("");
  answer.member_id = member;
  if (group.is_leader(member)) answer.members = group.roster();
  return answer;
}

JoinAnswer gone() {
  JoinAnswer answer;
  answer.error = KafkaCode::unknown_member_id;
  return answer;
}

SyncAnswer assigned_to(const ClassicGroup& group, const Member& member) {
  return {KafkaCode::none, group.protocol_type(), group.protocol(), member.assignment};
}

bool differ(const std::optional<std::string>& said, const std::optional<std::string>& have) {
  return said && have && *said != *have;
}

}  // namespace

// A member waits with one request: an earlier one is of a connection that it gave up.
void Coordinator::park(Step& step, RequestId id, ClassicGroup& group, Member& member) {
  if (const auto earlier = group.take_join(member)) {
    JoinAnswer answer;
    answer.error = KafkaCode::rebalance_in_progress;
    answer.member_id = member.id;
    reply_now(step, *earlier, std::move(answer));
  }
  group.park_join(member, id);
}

void Coordinator::rebalance_or_complete(Step& step, ClassicGroup& group) {
  if (group.in(State::preparing_rebalance)) {
    complete_join_if_all_came(step, group);
  } else {
    begin_rebalance(step, group);
  }
}

void Coordinator::begin_rebalance(Step& step, ClassicGroup& group) {
  refuse_syncs(step, group, KafkaCode::rebalance_in_progress);
  group.sync_end = kMonoMax;
  const bool first = group.in(State::empty);
  ++stats_.classic_rebalances;
  group.begin_rebalance(step.now.wall);
  group.rebalance_is_first = first;
  if (first) {
    // More members are likely to come: they get a little time, and more when some do.
    group.joined_meanwhile = false;
    group.delay_ms = config_.initial_delay_ms;
    group.delay_left_ms = std::max(group.rebalance_timeout_ms() - config_.initial_delay_ms, 0);
    group.rebalance_end = step.now.mono + ms(group.delay_ms);
  } else if (group.all_joined()) {
    return complete_join(step, group);
  } else {
    group.rebalance_end = step.now.mono + ms(group.rebalance_timeout_ms());
  }
  arm(group, group.rebalance_end);
}

// The first delay runs to its end whoever has come.
void Coordinator::complete_join_if_all_came(Step& step, ClassicGroup& group) {
  if (group.in(State::preparing_rebalance) && group.all_joined() &&
      group.previous_state() != State::empty) {
    complete_join(step, group);
  }
}

void Coordinator::end_first_delay(Step& step, ClassicGroup& group) {
  if (!group.joined_meanwhile || group.delay_left_ms == 0) return complete_join(step, group);
  group.joined_meanwhile = false;
  const int32_t delay = std::min(config_.initial_delay_ms, group.delay_left_ms);
  group.delay_left_ms = std::max(group.delay_left_ms - group.delay_ms, 0);
  group.delay_ms = delay;
  group.rebalance_end = step.now.mono + ms(delay);
  arm(group, group.rebalance_end);
}

// Dynamic members that did not come back are out; static ones keep their place.
void Coordinator::complete_join(Step& step, ClassicGroup& group) {
  group.rebalance_end = kMonoMax;
  group.rebalance_is_first = false;
  std::vector<std::string> missing;
  for (const auto& [id, member] : group.members()) {
    if (!member.join && !member.instance_id) missing.push_back(id);
  }
  for (const auto& id : missing) group.remove(id);
  if (!group.elect_leader() && !group.members().empty()) {
    // Nobody came back, but static members have their session yet.
    group.rebalance_end =
        step.now.mono + std::max<Duration>(ms(group.rebalance_timeout_ms()), kRebalanceRetryMin);
    return arm(group, group.rebalance_end);
  }
  group.begin_generation(step.now.wall);
  if (group.in(State::empty)) {
    step.out.records.emplace_back(group.record());
    return;
  }
  for (auto& [id, member] : group.members()) {
    group.to_sync.insert(id);
    const auto parked = group.take_join(member);
    begin_session(step, group, member);
    member.is_new = false;
    if (parked) reply_now(step, *parked, joined(group, id));
  }
  group.sync_end = step.now.mono + ms(group.rebalance_timeout_ms());
  arm(group, group.sync_end);
}

void Coordinator::refuse_syncs(Step& step, ClassicGroup& group, KafkaCode error) {
  for (auto& [id, member] : group.members()) {
    if (group.in(State::completing_rebalance)) member.assignment.clear();
    const auto parked = std::exchange(member.sync, std::nullopt);
    if (!parked) continue;
    reply_now(step, *parked, SyncAnswer{.error = error});
    begin_session(step, group, member);
  }
}

void Coordinator::asked_to_sync(ClassicGroup& group, std::string_view member) {
  if (const auto at = group.to_sync.find(member); at != group.to_sync.end()) {
    group.to_sync.erase(at);
  }
  if (group.to_sync.empty()) group.sync_end = kMonoMax;
}

void Coordinator::end_sync_wait(Step& step, ClassicGroup& group) {
  group.sync_end = kMonoMax;
  if (group.to_sync.empty()) return;
  const std::vector<std::string> late(group.to_sync.begin(), group.to_sync.end());
  for (const auto& id : late) group.remove(id);
  group.to_sync.clear();
  begin_rebalance(step, group);
}

void Coordinator::on(Step& step, RequestId id, SyncGroup& sync) {
  const auto refuse_with = [&](KafkaCode error) {
    reply_now(step, id, SyncAnswer{.error = error});
  };
  if (sync.group.empty()) return refuse_with(KafkaCode::invalid_group_id);
  if (auto* consumers = find_consumer(sync.group)) return this->sync(step, id, *consumers, sync);
  ClassicGroup* group = find_group(sync.group);
  if (!group) return refuse_with(KafkaCode::unknown_member_id);
  const KafkaCode error = group->check(sync.who);
  if (error != KafkaCode::none) return refuse_with(error);
  if (sync.generation != group->generation()) return refuse_with(KafkaCode::illegal_generation);
  if (differ(sync.protocol_type, group->protocol_type()) ||
      differ(sync.protocol, group->protocol())) {
    return refuse_with(KafkaCode::inconsistent_group_protocol);
  }
  Member& member = *group->find(sync.who.member_id);
  switch (group->state()) {
    case State::empty: return refuse_with(KafkaCode::unknown_member_id);
    case State::preparing_rebalance: return refuse_with(KafkaCode::rebalance_in_progress);
    case State::stable:
      asked_to_sync(*group, member.id);
      begin_session(step, *group, member);
      return reply_now(step, id, assigned_to(*group, member));
    case State::completing_rebalance: break;
  }
  if (member.sync) {
    reply_now(step, *member.sync, SyncAnswer{.error = KafkaCode::rebalance_in_progress});
  }
  member.sync = id;
  asked_to_sync(*group, member.id);
  if (!group->is_leader(member.id)) return;
  Assigned assigned{group->id(), group->generation(), member.id, {}};
  for (auto& a : sync.assignments) assigned.assignments[a.member_id] = std::move(a.bytes);
  step.out.records.emplace_back(group->record(assigned.assignments));
  step.pending.assigned = std::move(assigned);
}

// Durable. When the group went on meanwhile, nobody waits for it any more.
void Coordinator::assign(Step& step, Assigned& assigned) {
  ClassicGroup* group = find_group(assigned.group);
  if (!group || !group->in(State::completing_rebalance) ||
      group->generation() != assigned.generation) {
    return;
  }
  group->become_stable(step.now.wall);
  for (auto& [id, member] : group->members()) {
    const auto found = assigned.assignments.find(id);
    member.assignment = found == assigned.assignments.end() ? Bytes() : found->second;
    const auto parked = std::exchange(member.sync, std::nullopt);
    if (!parked) continue;
    begin_session(step, *group, member);
    reply_now(step, *parked, assigned_to(*group, member));
  }
}

void Coordinator::refuse_assigned(Step& step, Assigned& assigned, KafkaCode error) {
  ClassicGroup* group = find_group(assigned.group);
  if (!group || !group->in(State::completing_rebalance) ||
      group->generation() != assigned.generation) {
    return;
  }
  refuse_syncs(step, *group, error);
  begin_rebalance(step, *group);
}

void Coordinator::on(Step& step, RequestId id, Heartbeat& heartbeat) {
  const auto answer = [&](KafkaCode error) { reply_now(step, id, HeartbeatAnswer{error}); };
  if (heartbeat.group.empty()) return answer(KafkaCode::invalid_group_id);
  if (auto* consumers = find_consumer(heartbeat.group)) {
    return this->heartbeat(step, id, *consumers, heartbeat);
  }
  ClassicGroup* group = find_group(heartbeat.group);
  if (!group) return answer(KafkaCode::unknown_member_id);
  const KafkaCode error = group->check(heartbeat.who);
  if (error != KafkaCode::none) return answer(error);
  if (heartbeat.generation != group->generation()) return answer(KafkaCode::illegal_generation);
  if (group->in(State::empty)) return answer(KafkaCode::unknown_member_id);
  begin_session(step, *group, *group->find(heartbeat.who.member_id));
  answer(group->in(State::preparing_rebalance) ? KafkaCode::rebalance_in_progress
                                               : KafkaCode::none);
}

// Answers what the member waits for and takes it out; no effect on who is none.
void Coordinator::drop_member(Step& step, ClassicGroup& group, const std::string& id) {
  if (Member* member = group.find(id)) {
    if (const auto parked = group.take_join(*member)) reply_now(step, *parked, gone());
    if (const auto parked = std::exchange(member->sync, std::nullopt)) {
      reply_now(step, *parked, SyncAnswer{.error = KafkaCode::unknown_member_id});
    }
  }
  group.remove(id);
}

KafkaCode Coordinator::remove_identity(Step& step, ClassicGroup& group, const Identity& who) {
  std::string id = who.member_id;
  if (id.empty()) {
    // An administrator removes a static member by its instance alone.
    const std::string* found = who.instance_id ? group.static_member(*who.instance_id) : nullptr;
    if (!found) return KafkaCode::unknown_member_id;
    id = *found;
  } else if (!group.is_pending(id)) {
    const KafkaCode error = group.check(who);
    if (error != KafkaCode::none) return error;
  }
  drop_member(step, group, id);
  return KafkaCode::none;
}

void Coordinator::on(Step& step, RequestId id, LeaveGroup& leave) {
  if (auto* consumers = find_consumer(leave.group)) return this->leave(step, id, *consumers, leave);
  LeaveAnswer answer;
  ClassicGroup* group = find_group(leave.group);
  if (leave.group.empty()) answer.error = KafkaCode::invalid_group_id;
  for (const auto& who : leave.members) {
    answer.members.push_back(group ? remove_identity(step, *group, who)
                                   : KafkaCode::unknown_member_id);
  }
  const bool left = std::ranges::find(answer.members, KafkaCode::none) != answer.members.end();
  if (group && left && !group->in(State::empty)) rebalance_or_complete(step, *group);
  reply(step, id, std::move(answer));
}

void Coordinator::expire_members(Step& step, ClassicGroup& group) {
  std::vector<std::string> overdue;
  for (const auto& [id, until] : group.pending()) {
    if (until <= step.now.mono) overdue.push_back(id);
  }
  for (const auto& [id, member] : group.members()) {
    if (member.deadline() <= step.now.mono) overdue.push_back(id);
  }
  for (const auto& id : overdue) {
    const bool was_member = group.find(id) != nullptr;
    drop_member(step, group, id);
    if (group.in(State::preparing_rebalance)) {
      complete_join_if_all_came(step, group);
    } else if (was_member && !group.in(State::empty)) {
      begin_rebalance(step, group);
    }
  }
}

void Coordinator::fire(Step& step, ClassicGroup& group) {
  expire_members(step, group);
  if (group.rebalance_end <= step.now.mono) {
    if (group.rebalance_is_first) {
      end_first_delay(step, group);
    } else {
      complete_join(step, group);
    }
  }
  if (group.sync_end <= step.now.mono) end_sync_wait(step, group);
}

}  // namespace odradek::group
