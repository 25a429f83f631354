#include "replication/group/coordinator.h"

#include <algorithm>
#include <chrono>

#include "reactor/base/check.h"
#include "replication/group/coordinator_records.h"
#include "replication/group/limits.h"

namespace odradek::group {

bool Coordinator::Entry::is_empty() const {
  return consumer ? consumer->members().empty() : group->in(State::empty);
}

bool Coordinator::Entry::subscribes(std::string_view topic) const {
  return consumer ? consumer->subscribes(topic) : group->subscribes(topic);
}

void Coordinator::replay(LoggedRecord record) {
  if (const auto* offset = std::get_if<OffsetRecord>(&record)) {
    if (offset->value && !groups_.contains(offset->group)) {
      make_group(offset->group, WallTime{offset->value->commit_ms});
    }
    store(*offset);
  } else if (const auto* logged = std::get_if<GroupRecord>(&record)) {
    replay(*logged);
  } else {
    std::visit(
        [this](const auto& r) {
          if constexpr (requires { ConsumerRecord(r); }) apply_consumer(r);
        },
        record);
  }
}

void Coordinator::replay(const GroupRecord& logged) {
  if (logged.value) {
    Entry& entry = groups_[logged.group];
    entry.consumer.reset();
    entry.group = std::make_unique<ClassicGroup>(logged.group, ++serials_, *logged.value);
    return;
  }
  const auto found = groups_.find(logged.group);
  if (found == groups_.end() || !found->second.group) return;
  // What is left are the offsets of a group that goes on as another kind.
  found->second.group.reset();
  if (found->second.offsets.empty()) {
    groups_.erase(found);
  } else {
    make_group(logged.group, WallTime{-1});
  }
}

Effects Coordinator::loaded(Now now) {
  Step step{.now = now};
  new_topics_version_ = view_.version();
  for (auto& [id, entry] : groups_) {
    if (entry.consumer) {
      begin_sessions(now, *entry.consumer);
      continue;
    }
    ClassicGroup& group = *entry.group;
    for (auto& [member_id, member] : group.members()) begin_session(step, group, member);
    const bool too_large = group.members().size() > static_cast<size_t>(config_.members_max);
    if (too_large) begin_rebalance(step, group);
  }
  return finish(step);
}

Effects Coordinator::request(RequestId id, Request request, Now now) {
  Step step{.now = now};
  std::visit([&](auto& r) { on(step, id, r); }, request);
  return finish(step);
}

Effects Coordinator::finish(Step& step) {
  Effects& out = step.out;
  if (!out.records.empty()) {
    last_ticket_ = Ticket(last_ticket_.value + 1);
    out.ticket = step.pending.ticket = last_ticket_;
    pending_.push_back(std::move(step.pending));
    return std::move(out);
  }
  CHECK(step.pending.undo.empty() && !step.pending.assigned);
  auto& held = pending_.empty() ? out.replies : pending_.back().held;
  std::ranges::move(step.pending.held, std::back_inserter(held));
  return std::move(out);
}

void Coordinator::reply(Step& step, RequestId id, Answer answer) {
  step.pending.held.push_back({id, std::move(answer)});
}

void Coordinator::reply_now(Step& step, RequestId id, Answer answer) {
  step.out.replies.push_back({id, std::move(answer)});
}

Effects Coordinator::committed(Ticket ticket, Now now) {
  Step step{.now = now};
  CHECK(ticket <= last_ticket_, ticket, last_ticket_);
  while (!pending_.empty() && pending_.front().ticket <= ticket) {
    Pending done = std::move(pending_.front());
    pending_.pop_front();
    std::ranges::move(done.held, std::back_inserter(step.out.replies));
    if (done.assigned) assign(step, *done.assigned);
  }
  return finish(step);
}

Effects Coordinator::failed(Ticket first, KafkaCode error, Now now) {
  Step step{.now = now};
  std::vector<Assigned> assigned;
  while (!pending_.empty() && pending_.back().ticket >= first) {
    Pending lost = std::move(pending_.back());
    pending_.pop_back();
    while (!lost.undo.empty()) {
      undo(lost.undo.back(), now);
      lost.undo.pop_back();
    }
    for (auto& held : lost.held) {
      refuse(held.answer, error);
      step.out.replies.push_back(std::move(held));
    }
    if (lost.assigned) assigned.push_back(std::move(*lost.assigned));
  }
  for (auto& a : assigned) refuse_assigned(step, a, error);
  return finish(step);
}

Effects Coordinator::timers_due(Now now) {
  Step step{.now = now};
  std::vector<std::string> due;
  for (const auto& [key, group] : timers_) {
    if (key.first > now.mono) break;
    due.push_back(group->id());
  }
  for (const auto& id : due) {
    ClassicGroup* group = find_group(id);
    if (!group) continue;
    disarm(*group);
    fire(step, *group);
    // It may have become another kind of group.
    group = find_group(id);
    if (group) arm(*group, group->next_deadline());
  }
  fire_consumers(step);
  return finish(step);
}

void Coordinator::fire_consumers(Step& step) {
  std::vector<std::string> due;
  for (const auto& [key, group] : consumer_timers_) {
    if (key.first > step.now.mono) break;
    due.push_back(group->id());
  }
  for (const auto& id : due) {
    ConsumerGroup* group = find_consumer(id);
    if (!group) continue;
    disarm(*group);
    fire(step, *group);
    group = find_consumer(id);
    if (group) arm(*group, group->next_deadline());
  }
}

MonoTime Coordinator::next_timer() const {
  MonoTime next = kMonoMax;
  if (!timers_.empty()) next = timers_.begin()->first.first;
  if (!consumer_timers_.empty()) next = std::min(next, consumer_timers_.begin()->first.first);
  return next;
}

void Coordinator::arm(ClassicGroup& group, MonoTime when) {
  if (when >= group.armed) return;
  disarm(group);
  group.armed = when;
  timers_.emplace(std::pair(when, group.serial()), &group);
}

void Coordinator::disarm(ClassicGroup& group) {
  if (group.armed == kMonoMax) return;
  timers_.erase(std::pair(std::exchange(group.armed, kMonoMax), group.serial()));
}

// A later end than the one before costs nothing: the timer that runs finds it when it fires.
void Coordinator::begin_session(Step& step, ClassicGroup& group, Member& member, Duration length) {
  member.session_end = step.now.mono + length;
  arm(group, member.session_end);
}

void Coordinator::begin_session(Step& step, ClassicGroup& group, Member& member) {
  begin_session(step, group, member, std::chrono::milliseconds(member.session_timeout_ms));
}

ClassicGroup* Coordinator::find_group(std::string_view group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.group.get();
}

const ClassicGroup* Coordinator::find(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.group.get();
}

ClassicGroup& Coordinator::make_group(const std::string& group, WallTime now) {
  auto& entry = groups_[group];
  if (!entry.group) entry.group = std::make_unique<ClassicGroup>(group, ++serials_, now);
  return *entry.group;
}

}  // namespace odradek::group
