// JoinGroup (KIP-134, KIP-345, KIP-389, KIP-394, KIP-559, KIP-814): traps 56, 57 and 59.
#include <chrono>
#include <set>

#include "replication/group/coordinator.h"
#include "replication/group/limits.h"

namespace odradek::group {

namespace {

JoinAnswer join_error(KafkaCode error, std::string member_id) {
  JoinAnswer answer;
  answer.error = error;
  answer.member_id = std::move(member_id);
  return answer;
}

// What the group is now, for one member; the roster is for the leader.
JoinAnswer current_generation(const ClassicGroup& group, const std::string& member,
                              bool with_roster) {
  JoinAnswer answer;
  answer.generation = group.generation();
  answer.protocol_type = group.protocol_type();
  answer.protocol = group.protocol();
  answer.leader = group.leader().value_or("");
  answer.member_id = member;
  if (with_roster) answer.members = group.roster();
  return answer;
}

// A protocol that is named twice counts once, as it was first said.
void drop_repeated(std::vector<Protocol>& protocols) {
  std::set<std::string> seen;
  std::vector<Protocol> kept;
  for (auto& protocol : protocols) {
    if (!seen.insert(protocol.name).second) continue;
    kept.push_back(std::move(protocol));
  }
  protocols = std::move(kept);
}

}  // namespace

// How many may be in a group counts those who are waiting for the rebalance, while there is one:
// who does not come back to it is out.
bool Coordinator::has_room(const ClassicGroup& group, const std::string& member) const {
  const auto most = static_cast<size_t>(config_.members_max);
  const auto found = group.members().find(member);
  const bool known = found != group.members().end();
  switch (group.state()) {
    case State::empty: return true;
    case State::preparing_rebalance:
      return (known && found->second.join) || group.joining_count() < most;
    case State::completing_rebalance:
    case State::stable: return known || group.members().size() < most;
  }
  return false;
}

void Coordinator::on(Step& step, RequestId id, JoinGroup& join) {
  if (join.group.empty()) {
    return reply_now(step, id, join_error(KafkaCode::invalid_group_id, join.who.member_id));
  }
  if (join.session_timeout_ms < config_.session_timeout_min_ms ||
      join.session_timeout_ms > config_.session_timeout_max_ms) {
    return reply_now(step, id, join_error(KafkaCode::invalid_session_timeout, join.who.member_id));
  }
  drop_repeated(join.protocols);
  join.rebalance_timeout_ms = std::max(join.rebalance_timeout_ms, 0);
  if (ConsumerGroup* consumers = find_consumer(join.group)) {
    if (!consumers->members().empty()) return this->join(step, id, *consumers, join);
    if (!join.who.member_id.empty()) {
      return reply_now(step, id, join_error(KafkaCode::unknown_member_id, join.who.member_id));
    }
    write_all(step, consumers->tombstones());
  }
  join_classic(step, id, join);
}

void Coordinator::join_classic(Step& step, RequestId id, JoinGroup& join) {
  const bool unknown = join.who.member_id.empty();
  ClassicGroup* group = find_group(join.group);
  if (!group && !unknown) {
    return reply_now(step, id, join_error(KafkaCode::unknown_member_id, join.who.member_id));
  }
  const bool says_nothing = join.protocol_type.empty() || join.protocols.empty();
  if (!group && says_nothing) {
    return reply_now(step, id, join_error(KafkaCode::inconsistent_group_protocol, ""));
  }
  if (!group) group = &make_group(join.group, step.now.wall);
  if (!has_room(*group, join.who.member_id)) {
    drop_member(step, *group, join.who.member_id);
    complete_join_if_all_came(step, *group);
    return reply_now(step, id, join_error(KafkaCode::group_max_size_reached, ""));
  }
  if (!group->supports(join.protocol_type, join.protocols)) {
    return reply_now(step, id,
                     join_error(KafkaCode::inconsistent_group_protocol, join.who.member_id));
  }
  if (unknown) {
    join_new(step, id, *group, join);
  } else {
    join_known(step, id, *group, join);
  }
}

void Coordinator::join_new(Step& step, RequestId id, ClassicGroup& group, JoinGroup& join) {
  const std::string& stem = join.who.instance_id ? *join.who.instance_id : join.client_id;
  const std::string member = stem + "-" + join.unique;
  if (join.who.instance_id) {
    if (group.static_member(*join.who.instance_id)) {
      return replace_static(step, id, group, member, join);
    }
  } else if (join.knows_member_id) {
    const MonoTime until = step.now.mono + std::chrono::milliseconds(join.session_timeout_ms);
    group.add_pending(member, until);
    arm(group, until);
    return reply_now(step, id, join_error(KafkaCode::member_id_required, member));
  }
  add_member(step, id, group, member, join);
}

void Coordinator::join_known(Step& step, RequestId id, ClassicGroup& group, JoinGroup& join) {
  const std::string member_id = join.who.member_id;
  if (group.is_pending(member_id)) {
    // Ids are given out ahead to dynamic members only.
    join.who.instance_id.reset();
    return add_member(step, id, group, member_id, join);
  }
  const KafkaCode error = group.check(join.who);
  if (error != KafkaCode::none) return reply_now(step, id, join_error(error, member_id));
  rejoin(step, id, group, *group.find(member_id), join);
}

void Coordinator::rejoin(Step& step, RequestId id, ClassicGroup& group, Member& member,
                         JoinGroup& join) {
  const bool same = member.protocols == join.protocols;
  const bool leads = group.is_leader(member.id);
  switch (group.state()) {
    case State::empty:
      return reply_now(step, id, join_error(KafkaCode::unknown_member_id, member.id));
    case State::preparing_rebalance: return update_member(step, id, group, member, join);
    case State::completing_rebalance:
      // It may just not have got its answer.
      if (!same) return update_member(step, id, group, member, join);
      return reply_now(step, id, current_generation(group, member.id, leads));
    case State::stable:
      // The leader asks for a rebalance when it wants other assignments.
      if (leads || !same) return update_member(step, id, group, member, join);
      return reply_now(step, id, current_generation(group, member.id, false));
  }
}

void Coordinator::add_member(Step& step, RequestId id, ClassicGroup& group,
                             const std::string& member, JoinGroup& join) {
  Member fresh;
  fresh.id = member;
  fresh.instance_id = join.who.instance_id;
  fresh.client_id = join.client_id;
  fresh.client_host = join.client_host;
  fresh.rebalance_timeout_ms = join.rebalance_timeout_ms;
  fresh.session_timeout_ms = join.session_timeout_ms;
  fresh.protocols = std::move(join.protocols);
  fresh.is_new = true;
  const bool first_delay_runs =
      group.in(State::preparing_rebalance) && group.previous_state() == State::empty;
  if (first_delay_runs) group.joined_meanwhile = true;
  Member& added = group.add(std::move(fresh), join.protocol_type);
  park(step, id, group, added);
  begin_session(step, group, added, kNewMemberJoinMax);
  rebalance_or_complete(step, group);
}

void Coordinator::update_member(Step& step, RequestId id, ClassicGroup& group, Member& member,
                                JoinGroup& join) {
  group.update(member, std::move(join.protocols), join.rebalance_timeout_ms,
               join.session_timeout_ms);
  park(step, id, group, member);
  rebalance_or_complete(step, group);
}

// A static member came back without its id: it is the same member under a new id, and who still
// goes by the old one is fenced (KIP-345).
void Coordinator::replace_static(Step& step, RequestId id, ClassicGroup& group,
                                 const std::string& member_id, JoinGroup& join) {
  const std::string old_id = *group.static_member(*join.who.instance_id);
  Member& old = *group.find(old_id);
  if (const auto parked = group.take_join(old)) {
    reply_now(step, *parked, join_error(KafkaCode::fenced_instance_id, old_id));
  }
  if (const auto parked = std::exchange(old.sync, std::nullopt)) {
    reply_now(step, *parked, SyncAnswer{.error = KafkaCode::fenced_instance_id});
  }
  asked_to_sync(group, old_id);
  const Member before = old;
  const auto leader_before = group.leader();
  Member& member = group.replace(old_id, member_id);
  member.client_id = join.client_id;
  member.client_host = join.client_host;
  group.update(member, join.protocols, join.rebalance_timeout_ms, join.session_timeout_ms);
  begin_session(step, group, member);
  if (group.in(State::stable) && group.select_protocol() == group.protocol()) {
    step.pending.undo.push_back(UndoStatic{group.id(), before, member_id});
    return keep_static(step, id, group, member, join, leader_before);
  }
  park(step, id, group, member);
  rebalance_or_complete(step, group);
}

// Nothing changes for the others: no rebalance. The new id is in the log before it is told.
void Coordinator::keep_static(Step& step, RequestId id, ClassicGroup& group, Member& member,
                              const JoinGroup& join,
                              const std::optional<std::string>& leader_before) {
  const bool leads = group.is_leader(member.id);
  JoinAnswer answer = current_generation(group, member.id, leads && join.knows_skip);
  if (join.knows_skip) {
    answer.skip_assignment = leads;
  } else {
    // An older client that saw itself lead would assign; it is told of the leader before.
    answer.leader = leader_before.value_or("");
  }
  step.out.records.emplace_back(group.record());
  reply(step, id, std::move(answer));
}

}  // namespace odradek::group
