// Committed offsets, and groups as a whole: listing, describing, removing, expiring (KIP-211).
// Traps 60 to 63.
#include <algorithm>

#include "replication/group/consumer_checks.h"
#include "replication/group/coordinator_records.h"

namespace odradek::group {

namespace {

// Java counts a string in UTF-16 units.
size_t utf16_length(std::string_view text) {
  size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

// An offset of a topic that had this name before.
bool is_of_another(const Uuid& committed, const Uuid& asked) {
  return !committed.is_zero() && !asked.is_zero() && committed != asked;
}

}  // namespace

void Coordinator::store(const OffsetRecord& record) {
  const auto found = groups_.find(record.group);
  if (found == groups_.end()) return;
  auto& topics = found->second.offsets;
  if (record.value) {
    topics[record.topic][record.partition] = *record.value;
    return;
  }
  const auto topic = topics.find(record.topic);
  if (topic == topics.end()) return;
  topic->second.erase(record.partition);
  if (topic->second.empty()) topics.erase(topic);
}

void Coordinator::set_offset(Step& step, const std::string& group, const std::string& topic,
                             int32_t partition, std::optional<CommittedOffset> value) {
  OffsetRecord before{group, topic, partition, std::nullopt};
  const auto& topics = groups_[group].offsets;
  if (const auto at = topics.find(topic); at != topics.end()) {
    const auto found = at->second.find(partition);
    if (found != at->second.end()) before.value = found->second;
  }
  step.pending.undo.push_back(UndoOffset{std::move(before)});
  OffsetRecord record{group, topic, partition, std::move(value)};
  store(record);
  step.out.records.emplace_back(std::move(record));
}

// none, or the error of the whole request. The order of the checks is Kafka's (trap 60).
KafkaCode Coordinator::check_commit(Step& step, const OffsetCommit& commit) {
  if (const auto* consumers = find_consumer(commit.group)) {
    return group::check_commit(*consumers, commit);
  }
  ClassicGroup* group = find_group(commit.group);
  if (!group) {
    if (commit.generation < 0) {
      make_group(commit.group, step.now.wall);
      step.pending.undo.push_back(UndoCreation{commit.group});
      return KafkaCode::none;
    }
    return commit.knows_group_errors ? KafkaCode::group_id_not_found
                                     : KafkaCode::illegal_generation;
  }
  const bool empty = group->in(State::empty);
  if (commit.generation < 0 && empty) return KafkaCode::none;
  const auto& who = commit.who;
  if (commit.generation >= 0 || !who.member_id.empty() || who.instance_id) {
    const KafkaCode error = group->check(who);
    if (error != KafkaCode::none) return error;
#ifndef ODRADEK_PLANT_STALE_GENERATION  // with it: a bug that the simulator must find
    if (commit.generation != group->generation()) return KafkaCode::illegal_generation;
#endif
  } else if (!empty) {
    return KafkaCode::unknown_member_id;
  }
  if (group->in(State::completing_rebalance)) return KafkaCode::rebalance_in_progress;
  // A commit is a sign of life.
  if (Member* member = group->find(who.member_id)) begin_session(step, *group, *member);
  return KafkaCode::none;
}

void Coordinator::on(Step& step, RequestId id, OffsetCommit& commit) {
  OffsetCommitAnswer answer;
  const KafkaCode error = check_commit(step, commit);
  answer.errors.assign(commit.offsets.size(), error);
  for (size_t i = 0; error == KafkaCode::none && i < commit.offsets.size(); ++i) {
    auto& asked = commit.offsets[i];
    if (utf16_length(asked.metadata) > static_cast<size_t>(config_.metadata_max)) {
      answer.errors[i] = KafkaCode::offset_metadata_too_large;
      continue;
    }
    CommittedOffset value;
    value.offset = asked.offset;
    value.leader_epoch = asked.leader_epoch;
    value.metadata = std::move(asked.metadata);
    value.commit_ms = asked.timestamp_ms == -1 ? step.now.wall.ms : asked.timestamp_ms;
    if (commit.retention_ms != -1) value.expire_ms = step.now.wall.ms + commit.retention_ms;
    value.topic_id = asked.topic_id;
    set_offset(step, commit.group, asked.topic, asked.partition, std::move(value));
    ++stats_.offset_commits;
  }
  if (step.out.records.empty()) {
    // Nothing was kept, so nothing may stay: a group that this made is none.
    for (auto& change : step.pending.undo) undo(change, step.now);
    step.pending.undo.clear();
  }
  reply(step, id, std::move(answer));
}

void Coordinator::on(Step& step, RequestId id, OffsetFetch& fetch) {
  static const std::map<std::string, Offsets, std::less<>> kNothing;
  const auto found = groups_.find(fetch.group);
  const auto& have = found == groups_.end() ? kNothing : found->second.offsets;
  OffsetFetchAnswer answer;
  if (const auto* consumers = find_consumer(fetch.group)) {
    answer.error = check_fetch(*consumers, fetch);
  }
  if (answer.error != KafkaCode::none) return reply(step, id, std::move(answer));
  const auto tell = [](int32_t index, const CommittedOffset& c) {
    return OffsetFetchAnswer::Partition{index, c.offset, c.leader_epoch, c.metadata};
  };
  if (!fetch.topics) {
    for (const auto& [name, offsets] : have) {
      auto& topic = answer.topics.emplace_back(OffsetFetchAnswer::Topic{name, {}});
      for (const auto& [index, c] : offsets) topic.partitions.push_back(tell(index, c));
    }
    return reply(step, id, std::move(answer));
  }
  for (auto& wanted : *fetch.topics) {
    auto& topic = answer.topics.emplace_back(OffsetFetchAnswer::Topic{wanted.name, {}});
    const auto at = have.find(wanted.name);
    for (const int32_t index : wanted.partitions) {
      const CommittedOffset* c = nullptr;
      if (at != have.end() && at->second.contains(index)) c = &at->second.at(index);
      if (c && is_of_another(c->topic_id, wanted.id)) c = nullptr;
      topic.partitions.push_back(c ? tell(index, *c)
                                   : OffsetFetchAnswer::Partition{index, -1, -1, ""});
    }
  }
  reply(step, id, std::move(answer));
}

void Coordinator::on(Step& step, RequestId id, OffsetDelete& removal) {
  OffsetDeleteAnswer answer;
  const auto refuse_with = [&](KafkaCode error) {
    answer.error = error;
    reply(step, id, std::move(answer));
  };
  if (removal.group.empty()) return refuse_with(KafkaCode::invalid_group_id);
  const auto found = groups_.find(removal.group);
  if (found == groups_.end()) return refuse_with(KafkaCode::group_id_not_found);
  const Entry& entry = found->second;
  // Only consumers say to which topics they listen.
  if (entry.group && !entry.group->in(State::empty) && !entry.group->is_consumer()) {
    return refuse_with(KafkaCode::non_empty_group);
  }
  for (const auto& [topic, partition] : removal.partitions) {
    if (entry.subscribes(topic)) {
      answer.errors.push_back(KafkaCode::group_subscribed_to_topic);
      continue;
    }
    answer.errors.push_back(KafkaCode::none);
    const auto at = found->second.offsets.find(topic);
    if (at == found->second.offsets.end() || !at->second.contains(partition)) continue;
    set_offset(step, removal.group, topic, partition, std::nullopt);
  }
  reply(step, id, std::move(answer));
}

void Coordinator::on(Step& step, RequestId id, DescribeGroup& describe) {
  DescribeAnswer answer;
  const ClassicGroup* group = find_group(describe.group);
  if (!group) {
    answer.error = KafkaCode::group_id_not_found;
    answer.is_of_other_type = find_consumer(describe.group) != nullptr;
    answer.state = "Dead";
    return reply(step, id, std::move(answer));
  }
  answer.state = state_name(group->state());
  answer.protocol_type = group->protocol_type().value_or("");
  const bool stable = group->in(State::stable);
  if (stable) answer.protocol = group->protocol().value_or("");
  for (const auto& [member_id, member] : group->members()) {
    answer.members.push_back({member_id, member.instance_id, member.client_id, member.client_host,
                              stable ? member.metadata(answer.protocol) : Bytes(),
                              member.assignment});
  }
  reply(step, id, std::move(answer));
}

void Coordinator::on(Step& step, RequestId id, ListGroups&) {
  ListAnswer answer;
  for (const auto& [name, entry] : groups_) {
    if (entry.consumer) {
      answer.groups.push_back(
          {name, std::string(kConsumerProtocol), std::string(entry.consumer->state_name()), false});
    } else {
      answer.groups.push_back({name, entry.group->protocol_type().value_or(""),
                               std::string(state_name(entry.group->state())), true});
    }
  }
  reply(step, id, std::move(answer));
}

void Coordinator::visit(const std::function<void(const GroupFacts&)>& visitor) const {
  for (const auto& [name, entry] : groups_) {
    if (entry.consumer) {
      const ConsumerGroup& group = *entry.consumer;
      visitor({name, "consumer", group.state_name(), group.members().size(), entry.offsets});
    } else {
      const ClassicGroup& group = *entry.group;
      visitor({name, "classic", state_name(group.state()), group.members().size(), entry.offsets});
    }
  }
}

void Coordinator::on(Step& step, RequestId id, DeleteGroup& removal) {
  DeleteAnswer answer;
  const auto found = groups_.find(removal.group);
  if (found == groups_.end()) {
    answer.error = KafkaCode::group_id_not_found;
  } else if (!found->second.is_empty()) {
    answer.error = KafkaCode::non_empty_group;
  } else {
    remove_group(step, removal.group);
  }
  reply(step, id, answer);
}

// Offsets first, each with its tombstone, then the group. REQUIRES: it has no members.
void Coordinator::remove_group(Step& step, const std::string& group) {
  Entry& entry = groups_.find(group)->second;
  while (!entry.offsets.empty()) {
    const auto& [topic, offsets] = *entry.offsets.begin();
    set_offset(step, group, std::string(topic), offsets.begin()->first, std::nullopt);
  }
  if (entry.consumer) return write_all(step, entry.consumer->tombstones());
  disarm(*entry.group);
  step.out.records.emplace_back(GroupRecord{group, std::nullopt});
  step.pending.undo.push_back(UndoRemoval{std::move(entry.group)});
  groups_.erase(group);
}

void Coordinator::undo(Undo& change, Now now) {
  if (const auto* offset = std::get_if<UndoOffset>(&change)) {
    store(offset->before);
  } else if (auto* removal = std::get_if<UndoRemoval>(&change)) {
    // A new group of this name may have members by now; the old one had none.
    Entry& entry = groups_[removal->group->id()];
    if (entry.consumer || (entry.group && !entry.group->has_nothing())) return;
    if (entry.group) disarm(*entry.group);
    entry.group = std::move(removal->group);
    arm(*entry.group, entry.group->next_deadline());
  } else if (const auto* creation = std::get_if<UndoCreation>(&change)) {
    const auto found = groups_.find(creation->group);
    if (found == groups_.end() || !found->second.offsets.empty()) return;
    if (!found->second.group) return;
    ClassicGroup& group = *found->second.group;
    if (!group.has_nothing()) return;
    disarm(group);
    groups_.erase(found);
  } else if (const auto* record = std::get_if<UndoRecord>(&change)) {
    undo_record(record->before, now);
  } else if (const auto* replaced = std::get_if<UndoStatic>(&change)) {
    ClassicGroup* group = find_group(replaced->group);
    Member* member = group ? group->find(replaced->id) : nullptr;
    if (!member || member->join || member->sync) return;
    Member& old = group->replace(replaced->id, replaced->before.id);
    group->update(old, replaced->before.protocols, replaced->before.rebalance_timeout_ms,
                  replaced->before.session_timeout_ms);
  }
}

// A classic group that has members by now stays what it is.
void Coordinator::undo_record(const ConsumerRecord& before, Now now) {
  std::visit(
      [&](const auto& record) {
        const ClassicGroup* classic = find_group(record.group);
        if (classic && !classic->members().empty()) return;
        apply_consumer(record);
        ConsumerGroup* group = find_consumer(record.group);
        if (!group) return;
        if (group->is_unwritten()) return end_consumer_group(record.group);
        group->topics_changed = true;
        if constexpr (requires { record.member; }) {
          ConsumerMember* member = group->find(record.member);
          if (!member) return;
          if (member->session_end == kMonoMax) begin_session(now, *group, *member);
          time_revocation(now, *group, *member);
        }
      },
      before);
}

Effects Coordinator::topics_deleted(const Gone& gone, Now now) {
  Step step{.now = now};
  for (auto& [name, entry] : groups_) drop_gone(step, name, entry, gone);
  return finish(step);
}

void Coordinator::drop_gone(Step& step, const std::string& name, const Entry& entry,
                            const Gone& gone) {
  std::vector<std::pair<std::string, int32_t>> lost;
  for (const auto& [topic, offsets] : entry.offsets) {
    for (const auto& [partition, c] : offsets) {
      if (gone(topic, c.topic_id)) lost.emplace_back(topic, partition);
    }
  }
  for (const auto& [topic, partition] : lost) {
    set_offset(step, name, topic, partition, std::nullopt);
  }
}

// From when an offset's retention counts depends on who uses it. Whether none is left.
bool Coordinator::expire_offsets(Step& step, const std::string& name, Entry& entry) {
  if (entry.consumer) return expire_offsets_by_commit(step, name, entry);
  const ClassicGroup& group = *entry.group;
  const bool by_state = !group.is_simple() && group.in(State::empty);
  const bool by_commit = group.is_simple() || (group.is_consumer() && group.knows_subscriptions() &&
                                               group.in(State::stable));
  if (entry.offsets.empty()) return true;
  if (!by_state && !by_commit) return false;
  std::vector<std::pair<std::string, int32_t>> over;
  for (const auto& [topic, offsets] : entry.offsets) {
    if (group.subscribes(topic)) continue;
    for (const auto& [partition, c] : offsets) {
#ifdef ODRADEK_PLANT_EXPIRY_FROM_COMMIT  // a bug that the simulator must find
      const bool since_state = false;
#else
      const bool since_state = by_state && group.state_since_ms() != -1;
#endif
      const int64_t since = since_state ? group.state_since_ms() : c.commit_ms;
      const int64_t end = c.expire_ms != -1 ? c.expire_ms : since + config_.retention_ms;
      if (step.now.wall.ms >= end) over.emplace_back(topic, partition);
    }
  }
  for (const auto& [topic, partition] : over) {
    set_offset(step, group.id(), topic, partition, std::nullopt);
  }
  stats_.offset_expirations += over.size();
  return entry.offsets.empty();
}

// In a group of the consumer protocol each offset counts by itself.
bool Coordinator::expire_offsets_by_commit(Step& step, const std::string& name, Entry& entry) {
  std::vector<std::pair<std::string, int32_t>> over;
  for (const auto& [topic, offsets] : entry.offsets) {
    if (entry.subscribes(topic)) continue;
    for (const auto& [partition, c] : offsets) {
      const int64_t end = c.expire_ms != -1 ? c.expire_ms : c.commit_ms + config_.retention_ms;
      if (step.now.wall.ms >= end) over.emplace_back(topic, partition);
    }
  }
  for (const auto& [topic, partition] : over) {
    set_offset(step, name, topic, partition, std::nullopt);
  }
  stats_.offset_expirations += over.size();
  return entry.offsets.empty();
}

Effects Coordinator::expire(std::optional<std::string>& from, size_t groups_max, const Gone& gone,
                            Now now) {
  Step step{.now = now};
  auto at = groups_.lower_bound(from.value_or(""));
  for (size_t i = 0; i < groups_max && at != groups_.end(); ++i) {
    const std::string name = at->first;
    Entry& entry = (at++)->second;
    drop_gone(step, name, entry, gone);
    const bool nothing_left = expire_offsets(step, name, entry);
    const bool awaited = entry.group && !entry.group->pending().empty();
    if (nothing_left && entry.is_empty() && !awaited) remove_group(step, name);
  }
  from.reset();
  if (at != groups_.end()) from = at->first;
  return finish(step);
}

}  // namespace odradek::group
