#include "replication/group/classic_group.h"

#include <algorithm>

#include "net/kafka/messages/consumer_protocol_subscription.h"
#include "net/wire/reader.h"
#include "reactor/base/check.h"

namespace odradek::group {

namespace {

// The topics of a ConsumerProtocolSubscription; absent when it is none. Read as its version 0,
// which every version begins with.
std::optional<std::set<std::string, std::less<>>> topics_of(const Bytes& subscription) {
  wire::Scratch scratch;
  wire::Reader reader(BytesView(subscription), scratch);
  const auto version = reader.integer<int16_t>("version");
  if (!reader.ok() || version < 0) return std::nullopt;
  kafka::ConsumerProtocolSubscription decoded;
  if (!kafka::decode(reader, 0, decoded)) return std::nullopt;
  return std::set<std::string, std::less<>>(decoded.topics.begin(), decoded.topics.end());
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::empty: return "Empty";
    case State::preparing_rebalance: return "PreparingRebalance";
    case State::completing_rebalance: return "CompletingRebalance";
    case State::stable: return "Stable";
  }
  return "Dead";
}

const Bytes& Member::metadata(std::string_view protocol) const {
  static const Bytes kNone;
  const auto found = std::ranges::find(protocols, protocol, &Protocol::name);
  return found == protocols.end() ? kNone : found->metadata;
}

ClassicGroup::ClassicGroup(std::string id, uint64_t serial, const LoggedGroup& logged)
    : id_(std::move(id)), serial_(serial), state_since_ms_(logged.state_ms) {
  state_ = logged.members.empty() ? State::empty : State::stable;
  previous_state_ = state_;
  generation_ = logged.generation;
  for (const auto& m : logged.members) {
    Member member;
    member.id = m.id;
    member.instance_id = m.instance_id;
    member.client_id = m.client_id;
    member.client_host = m.client_host;
    member.rebalance_timeout_ms =
        m.rebalance_timeout_ms == -1 ? m.session_timeout_ms : m.rebalance_timeout_ms;
    member.session_timeout_ms = m.session_timeout_ms;
    member.protocols = {{logged.protocol.value_or(""), m.subscription}};
    member.assignment = m.assignment;
    remove(m.id);  // named twice: the last one counts, as in Kafka
    add(std::move(member), logged.protocol_type);
  }
  if (!logged.protocol_type.empty()) protocol_type_ = logged.protocol_type;
  protocol_ = logged.protocol;
  if (logged.leader && find(*logged.leader)) leader_ = logged.leader;
  note_subscriptions();
}

Member* ClassicGroup::find(std::string_view member) {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : &found->second;
}

const std::string* ClassicGroup::static_member(std::string_view instance) const {
  const auto found = static_members_.find(instance);
  return found == static_members_.end() ? nullptr : &found->second;
}

KafkaCode ClassicGroup::check(const Identity& who) const {
  if (who.instance_id) {
    const std::string* now = static_member(*who.instance_id);
    if (!now) return KafkaCode::unknown_member_id;
    if (*now != who.member_id) return KafkaCode::fenced_instance_id;
  }
  return members_.contains(who.member_id) ? KafkaCode::none : KafkaCode::unknown_member_id;
}

void ClassicGroup::count(const Member& member, int by) {
  for (const auto& protocol : member.protocols) {
    size_t& supporters = supporters_[protocol.name];
    supporters += static_cast<size_t>(by);
    if (supporters == 0) supporters_.erase(protocol.name);
  }
}

Member& ClassicGroup::add(Member member, std::string_view protocol_type) {
  CHECK(!member.join && !member.sync);
  if (members_.empty()) protocol_type_ = protocol_type;
  pending_.erase(member.id);
  if (member.instance_id) static_members_[*member.instance_id] = member.id;
  if (!leader_) leader_ = member.id;
  count(member, 1);
  const auto [at, added] = members_.emplace(member.id, std::move(member));
  CHECK(added);
  return at->second;
}

void ClassicGroup::remove(std::string_view member) {
  if (const auto at = pending_.find(member); at != pending_.end()) pending_.erase(at);
  if (const auto at = to_sync.find(member); at != to_sync.end()) to_sync.erase(at);
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  count(found->second, -1);
  if (found->second.join) --joining_;
  const auto& instance = found->second.instance_id;
  if (instance && static_members_[*instance] == member) static_members_.erase(*instance);
  const bool led = is_leader(member);
  members_.erase(found);
  if (!led) return;
  leader_.reset();
  if (!members_.empty()) leader_ = members_.begin()->first;
}

void ClassicGroup::update(Member& member, std::vector<Protocol> protocols,
                          int32_t rebalance_timeout_ms, int32_t session_timeout_ms) {
  count(member, -1);
  member.protocols = std::move(protocols);
  count(member, 1);
  member.rebalance_timeout_ms = rebalance_timeout_ms;
  member.session_timeout_ms = session_timeout_ms;
}

Member& ClassicGroup::replace(std::string_view old, const std::string& id) {
  auto node = members_.extract(members_.find(old));
  Member& member = node.mapped();
  CHECK(member.instance_id && !member.join && !member.sync);
  static_members_[*member.instance_id] = id;
  if (is_leader(old)) leader_ = id;
  member.id = id;
  node.key() = id;
  return members_.insert(std::move(node)).position->second;
}

void ClassicGroup::park_join(Member& member, RequestId request) {
  if (!member.join) ++joining_;
  member.join = request;
}

std::optional<RequestId> ClassicGroup::take_join(Member& member) {
  if (member.join) --joining_;
  return std::exchange(member.join, std::nullopt);
}

bool ClassicGroup::supports(std::string_view protocol_type,
                            const std::vector<Protocol>& protocols) const {
  if (in(State::empty)) return !protocol_type.empty() && !protocols.empty();
  if (protocol_type_ != protocol_type) return false;
  return std::ranges::any_of(protocols, [this](const Protocol& protocol) {
    const auto found = supporters_.find(protocol.name);
    return (found == supporters_.end() ? 0 : found->second) == members_.size();
  });
}

std::string ClassicGroup::select_protocol() const {
  CHECK(!members_.empty());
  std::map<std::string_view, size_t> votes;
  for (const auto& [id, member] : members_) {
    for (const auto& protocol : member.protocols) {
      if (supporters_.find(protocol.name)->second != members_.size()) continue;
      ++votes[protocol.name];
      break;
    }
  }
  CHECK(!votes.empty());
  return std::string(
      std::ranges::max_element(votes, {}, [](const auto& v) { return v.second; })->first);
}

int32_t ClassicGroup::rebalance_timeout_ms() const {
  int32_t longest = 0;
  for (const auto& [id, member] : members_) {
    longest = std::max(longest, member.rebalance_timeout_ms);
  }
  return longest;
}

bool ClassicGroup::elect_leader() {
  if (!leader_) return false;
  if (members_.find(*leader_)->second.join) return true;
  const auto found =
      std::ranges::find_if(members_, [](const auto& m) { return m.second.join.has_value(); });
  if (found == members_.end()) return false;
  leader_ = found->first;
  return true;
}

void ClassicGroup::enter(State state, WallTime now) {
  previous_state_ = state_;
  state_ = state;
  state_since_ms_ = now.ms;
}

void ClassicGroup::begin_rebalance(WallTime now) { enter(State::preparing_rebalance, now); }

void ClassicGroup::begin_generation(WallTime now) {
  ++generation_;
  to_sync.clear();
  if (members_.empty()) {
    protocol_.reset();
    enter(State::empty, now);
  } else {
    protocol_ = select_protocol();
    enter(State::completing_rebalance, now);
  }
  note_subscriptions();
}

void ClassicGroup::take_over(int32_t generation, WallTime now) {
  generation_ = generation;
  protocol_ = select_protocol();
  become_stable(now);
  previous_state_ = State::stable;
  note_subscriptions();
}

void ClassicGroup::note_subscriptions() {
  subscribed_.reset();
  if (!is_consumer()) return;
  std::set<std::string, std::less<>> all;
  for (const auto& [id, member] : members_) {
    if (!protocol_) return;
    auto topics = topics_of(member.metadata(*protocol_));
    if (!topics) return;
    all.merge(*topics);
  }
  subscribed_ = std::move(all);
}

bool ClassicGroup::subscribes(std::string_view topic) const {
  if (subscribed_) return subscribed_->contains(topic);
  return is_consumer();
}

GroupRecord ClassicGroup::record(
    const std::map<std::string, Bytes, std::less<>>& assignments) const {
  GroupRecord record{id_, LoggedGroup{}};
  auto& value = *record.value;
  value.protocol_type = protocol_type_.value_or("");
  value.generation = generation_;
  value.protocol = protocol_;
  value.leader = leader_;
  value.state_ms = state_since_ms_;
  for (const auto& [id, member] : members_) {
    auto& out = value.members.emplace_back();
    out.id = id;
    out.instance_id = member.instance_id;
    out.client_id = member.client_id;
    out.client_host = member.client_host;
    out.rebalance_timeout_ms = member.rebalance_timeout_ms;
    out.session_timeout_ms = member.session_timeout_ms;
    out.subscription = member.metadata(protocol_.value_or(""));
    if (const auto found = assignments.find(id); found != assignments.end()) {
      out.assignment = found->second;
    }
  }
  return record;
}

GroupRecord ClassicGroup::record() const {
  std::map<std::string, Bytes, std::less<>> assignments;
  for (const auto& [id, member] : members_) assignments[id] = member.assignment;
  return record(assignments);
}

std::vector<JoinAnswer::Member> ClassicGroup::roster() const {
  std::vector<JoinAnswer::Member> out;
  for (const auto& [id, member] : members_) {
    out.push_back({id, member.instance_id, member.metadata(protocol_.value_or(""))});
  }
  return out;
}

MonoTime ClassicGroup::next_deadline() const {
  MonoTime next = std::min(rebalance_end, sync_end);
  for (const auto& [id, until] : pending_) next = std::min(next, until);
  for (const auto& [id, member] : members_) next = std::min(next, member.deadline());
  return next;
}

}  // namespace odradek::group
