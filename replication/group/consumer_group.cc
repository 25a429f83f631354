#include "replication/group/consumer_group.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace odradek::group {

namespace {

void count_one(std::map<std::string, int, std::less<>>& users, const std::string& name, int by) {
  int& number = users[name];
  number += by;
  CHECK(number >= 0, number);
  if (number == 0) users.erase(name);
}

}  // namespace

MonoTime ConsumerMember::deadline() const {
  return std::min({session_end, revoke_end, join_end, sync_end});
}

ConsumerGroup::State ConsumerGroup::state() const {
  if (members_.empty()) return State::empty;
  if (epoch_.epoch > target_epoch_.epoch) return State::assigning;
  const bool all = std::ranges::all_of(
      members_, [this](const auto& m) { return m.second.reconciled_to(target_epoch_.epoch); });
  return all ? State::stable : State::reconciling;
}

std::string_view ConsumerGroup::state_name() const {
  switch (state()) {
    case State::empty: return "Empty";
    case State::assigning: return "Assigning";
    case State::reconciling: return "Reconciling";
    case State::stable: return "Stable";
  }
  return "Dead";
}

ConsumerMember* ConsumerGroup::find(std::string_view member) {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : &found->second;
}

const ConsumerMember* ConsumerGroup::find(std::string_view member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : &found->second;
}

ConsumerMember* ConsumerGroup::find_static(std::string_view instance) {
  const auto found = static_members_.find(instance);
  return found == static_members_.end() ? nullptr : find(found->second);
}

const ConsumerMember* ConsumerGroup::find_static(std::string_view instance) const {
  const auto found = static_members_.find(instance);
  return found == static_members_.end() ? nullptr : find(found->second);
}

const Partitions& ConsumerGroup::target(std::string_view member) const {
  static const Partitions kNone;
  const auto found = targets_.find(member);
  return found == targets_.end() ? kNone : found->second;
}

const std::string* ConsumerGroup::owner(const Uuid& topic, int32_t partition) const {
  const auto found = owners_.find(topic);
  if (found == owners_.end()) return nullptr;
  const auto at = found->second.find(partition);
  return at == found->second.end() ? nullptr : &at->second;
}

std::vector<std::string> ConsumerGroup::unresolved() const {
  std::vector<std::string> out;
  for (const auto& [regex, users] : regex_users_) {
    if (!regexes_.contains(regex)) out.push_back(regex);
  }
  return out;
}

bool ConsumerGroup::subscribes(std::string_view topic) const {
  if (topic_users_.contains(topic)) return true;
  return std::ranges::any_of(
      regexes_, [topic](const auto& regex) { return regex.second.topics.contains(topic); });
}

std::vector<std::string> ConsumerGroup::topic_names() const {
  std::set<std::string_view> names;
  for (const auto& [name, users] : topic_users_) names.insert(name);
  for (const auto& [regex, resolved] : regexes_) {
    names.insert(resolved.topics.begin(), resolved.topics.end());
  }
  return {names.begin(), names.end()};
}

std::set<Uuid> ConsumerGroup::topics_of(const ConsumerMember& member,
                                        const ClusterView& view) const {
  std::set<Uuid> out;
  const auto take = [&](const auto& names) {
    for (const auto& name : names) {
      if (const auto topic = view.find(std::string_view(name))) out.insert(topic->id);
    }
  };
  take(member.said.topics);
  const auto resolved = regexes_.find(member.said.regex);
  if (resolved != regexes_.end()) take(resolved->second.topics);
  return out;
}

AssignorInput ConsumerGroup::assignor_input(const ClusterView& view) const {
  AssignorInput input;
  for (const auto& name : topic_names()) {
    if (const auto topic = view.find(std::string_view(name))) {
      input.partitions[topic->id] = topic->partitions;
    }
  }
  for (const auto& [id, member] : members_) {
    input.members.push_back({id, member.said.instance_id, topics_of(member, view), target(id)});
  }
  return input;
}

std::string_view ConsumerGroup::preferred_assignor(const std::vector<std::string>& offered) const {
  CHECK(!offered.empty());
  const std::string* best = nullptr;
  ptrdiff_t best_votes = 0;
  for (const auto& name : offered) {
    const auto votes = std::ranges::count_if(
        members_, [&name](const auto& m) { return m.second.said.assignor == name; });
    if (votes <= best_votes) continue;
    best = &name;
    best_votes = votes;
  }
  return best ? *best : offered.front();
}

bool ConsumerGroup::all_classic_but(const std::set<std::string>& these) const {
  return std::ranges::all_of(members_, [&these](const auto& m) {
    return m.second.is_classic() || these.contains(m.first);
  });
}

bool ConsumerGroup::supports(const std::vector<Protocol>& protocols) const {
  return std::ranges::any_of(protocols, [this](const Protocol& wanted) {
    return std::ranges::all_of(members_, [&wanted](const auto& m) {
      const auto& classic = m.second.said.classic;
      return !classic || std::ranges::find(classic->protocols, wanted.name, &Protocol::name) !=
                             classic->protocols.end();
    });
  });
}

bool ConsumerGroup::waits_for_others(const ConsumerMember& member) const {
  if (member.now.state != MemberState::unreleased) return false;
  for (const auto& [topic, partitions] : target(member.id)) {
    for (const int32_t partition : partitions) {
      const std::string* who = owner(topic, partition);
      if (who && *who != member.id) return true;
    }
  }
  return false;
}

// ---- records ----

void ConsumerGroup::count(const Subscription& said, int by) {
  for (const auto& topic : said.topics) count_one(topic_users_, topic, by);
  if (!said.regex.empty()) count_one(regex_users_, said.regex, by);
}

void ConsumerGroup::apply(const SubscriptionRecord& record) {
  if (ConsumerMember* old = find(record.member)) {
    count(old->said, -1);
    const auto& instance = old->said.instance_id;
    if (instance && static_members_[*instance] == record.member) static_members_.erase(*instance);
    if (!record.value) {
      drop_owner(old->now.assigned, record.member);
      drop_owner(old->now.revoking, record.member);
      members_.erase(record.member);
      return;
    }
  }
  if (!record.value) return;
  ConsumerMember& member = members_[record.member];
  member.id = record.member;
  member.said = *record.value;
  count(member.said, 1);
  if (member.said.instance_id) static_members_[*member.said.instance_id] = record.member;
}

SubscriptionRecord ConsumerGroup::before(const SubscriptionRecord& record) const {
  SubscriptionRecord out{record.group, record.member, std::nullopt};
  if (const ConsumerMember* member = find(record.member)) out.value = member->said;
  return out;
}

void ConsumerGroup::apply(const TargetRecord& record) {
  if (record.value) {
    targets_[record.member] = *record.value;
  } else {
    targets_.erase(record.member);
  }
}

TargetRecord ConsumerGroup::before(const TargetRecord& record) const {
  TargetRecord out{record.group, record.member, std::nullopt};
  const auto found = targets_.find(record.member);
  if (found != targets_.end()) out.value = found->second;
  return out;
}

void ConsumerGroup::set_owner(const OwnedPartitions& partitions, const std::string& member) {
  for (const auto& [topic, indexes] : partitions) {
    for (const auto& [index, epoch] : indexes) owners_[topic][index] = member;
  }
}

void ConsumerGroup::drop_owner(const OwnedPartitions& partitions, const std::string& member) {
  for (const auto& [topic, indexes] : partitions) {
    const auto found = owners_.find(topic);
    if (found == owners_.end()) continue;
    for (const auto& [index, epoch] : indexes) {
      const auto at = found->second.find(index);
      if (at != found->second.end() && at->second == member) found->second.erase(at);
    }
    if (found->second.empty()) owners_.erase(found);
  }
}

// A compacted log may have what a member has before what it said.
void ConsumerGroup::apply(const CurrentRecord& record) {
  if (!record.value && !find(record.member)) return;
  ConsumerMember& member = members_[record.member];
  member.id = record.member;
  drop_owner(member.now.assigned, record.member);
  drop_owner(member.now.revoking, record.member);
  member.now = record.value.value_or(CurrentAssignment{});
  set_owner(member.now.assigned, record.member);
  set_owner(member.now.revoking, record.member);
}

CurrentRecord ConsumerGroup::before(const CurrentRecord& record) const {
  CurrentRecord out{record.group, record.member, std::nullopt};
  if (const ConsumerMember* member = find(record.member)) out.value = member->now;
  return out;
}

void ConsumerGroup::apply(const RegexRecord& record) {
  if (record.value) {
    regexes_[record.regex] = *record.value;
  } else {
    regexes_.erase(record.regex);
  }
}

RegexRecord ConsumerGroup::before(const RegexRecord& record) const {
  RegexRecord out{record.group, record.regex, std::nullopt};
  const auto found = regexes_.find(record.regex);
  if (found != regexes_.end()) out.value = found->second;
  return out;
}

bool ConsumerGroup::is_unwritten() const {
  return members_.empty() && targets_.empty() && regexes_.empty() && epoch_ == GroupEpoch{};
}

std::vector<ConsumerRecord> ConsumerGroup::tombstones() const {
  std::vector<ConsumerRecord> out;
  for (const auto& [id, member] : members_) out.push_back(CurrentRecord{id_, id, std::nullopt});
  for (const auto& [id, target] : targets_) out.push_back(TargetRecord{id_, id, std::nullopt});
  out.push_back(TargetEpochRecord{id_, std::nullopt});
  for (const auto& [id, member] : members_) {
    out.push_back(SubscriptionRecord{id_, id, std::nullopt});
  }
  for (const auto& [regex, resolved] : regexes_) {
    out.push_back(RegexRecord{id_, regex, std::nullopt});
  }
  if (old_topics_) out.push_back(TopicsRecord{id_, false});
  out.push_back(EpochRecord{id_, std::nullopt});
  return out;
}

MonoTime ConsumerGroup::next_deadline() const {
  MonoTime next = kMonoMax;
  for (const auto& [id, member] : members_) next = std::min(next, member.deadline());
  return next;
}

}  // namespace odradek::group
