// One group of the consumer protocol (KIP-848): what its members subscribed to, what each shall
// have and what each has. Its state is what the log says of it and nothing else: it changes by
// apply() alone, with the same records after a restart as before. Beside that only times, which
// begin anew with a restart. Owned by one Coordinator.
//
//   group epoch    grows when members, subscriptions or topics change
//   target epoch   the group epoch for which it was last worked out what each member shall have
//   member epoch   the target epoch that the member has been brought to
//
//   empty --a member joins--> assigning --target epoch = group epoch--> reconciling
//     ^                           ^                                         | all members have
//     +--the last member leaves   +--the group epoch grows-- stable <-------+ what they shall
//
// INVARIANT: a partition has one owner: the member that has it or has not yet given it up.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/time.h"
#include "replication/group/assignors.h"
#include "replication/group/cluster_view.h"
#include "replication/group/logged.h"

namespace odradek::group {

inline constexpr int32_t kJoinEpoch = 0;
inline constexpr int32_t kLeaveEpoch = -1;
inline constexpr int32_t kLeaveStaticEpoch = -2;  // it will come back (KIP-345)

struct ConsumerMember {
  std::string id;
  Subscription said;
  CurrentAssignment now;
  // Times at which what is named ends; kMonoMax: not running.
  MonoTime session_end = kMonoMax;
  MonoTime revoke_end = kMonoMax;  // it has to give up partitions in time
  MonoTime join_end = kMonoMax;    // a classic member has to come to the rebalance
  MonoTime sync_end = kMonoMax;    // a classic member has to ask for what it got

  bool is_classic() const { return said.classic.has_value(); }
  bool is_static() const { return said.instance_id.has_value(); }
  bool reconciled_to(int32_t epoch) const {
    return now.state == MemberState::stable && now.epoch == epoch;
  }
  MonoTime deadline() const;
};

class ConsumerGroup {
 public:
  enum class State : uint8_t { empty, assigning, reconciling, stable };
  using Members = std::map<std::string, ConsumerMember, std::less<>>;

  // `serial` orders groups whose timers end at the same moment.
  ConsumerGroup(std::string id, uint64_t serial) : id_(std::move(id)), serial_(serial) {}

  const std::string& id() const { return id_; }
  uint64_t serial() const { return serial_; }
  int32_t epoch() const { return epoch_.epoch; }
  int64_t metadata_hash() const { return epoch_.metadata_hash; }
  const TargetEpoch& target_epoch() const { return target_epoch_; }
  State state() const;
  std::string_view state_name() const;  // Kafka's

  Members& members() { return members_; }
  const Members& members() const { return members_; }
  ConsumerMember* find(std::string_view member);
  const ConsumerMember* find(std::string_view member) const;
  // The member that has this instance id; null for none.
  ConsumerMember* find_static(std::string_view instance);
  const ConsumerMember* find_static(std::string_view instance) const;
  // What `member` shall have; empty when nothing was worked out for it.
  const Partitions& target(std::string_view member) const;
  // Who has this partition or has not yet given it up; null for nobody.
  const std::string* owner(const Uuid& topic, int32_t partition) const;

  const std::map<std::string, ResolvedRegex, std::less<>>& regexes() const { return regexes_; }
  bool subscribed_to_regex(std::string_view regex) const { return regex_users_.contains(regex); }
  // Regular expressions that a member wants and that were not looked up.
  std::vector<std::string> unresolved() const;
  bool subscribes(std::string_view topic) const;
  // All names that members want, by themselves or by a regular expression; ascending.
  std::vector<std::string> topic_names() const;
  // The topics that a member wants and that exist.
  std::set<Uuid> topics_of(const ConsumerMember& member, const ClusterView& view) const;
  AssignorInput assignor_input(const ClusterView& view) const;
  // The assignor that most members ask for, of those that are `offered`; the first without any.
  std::string_view preferred_assignor(const std::vector<std::string>& offered) const;

  bool all_classic_but(const std::set<std::string>& these) const;
  // Whether a classic member with these protocols fits those that are here (the protocol type of
  // consumers is the caller's business).
  bool supports(const std::vector<Protocol>& protocols) const;
  // What a classic member waits for is still another member's.
  bool waits_for_others(const ConsumerMember& member) const;

  // Records of this group, in the log's order or as they are written.
  void apply(const SubscriptionRecord& record);
  void apply(const EpochRecord& record) { epoch_ = record.value.value_or(GroupEpoch{}); }
  void apply(const TopicsRecord& record) { old_topics_ = record.present; }
  void apply(const TargetEpochRecord& record) {
    target_epoch_ = record.value.value_or(TargetEpoch{});
  }
  void apply(const TargetRecord& record);
  void apply(const CurrentRecord& record);
  void apply(const RegexRecord& record);
  // The record that says of the same thing what is so now: what undoes `record`.
  SubscriptionRecord before(const SubscriptionRecord& record) const;
  EpochRecord before(const EpochRecord& record) const { return {record.group, epoch_}; }
  TopicsRecord before(const TopicsRecord& record) const { return {record.group, old_topics_}; }
  TargetEpochRecord before(const TargetEpochRecord& record) const {
    return {record.group, target_epoch_};
  }
  TargetRecord before(const TargetRecord& record) const;
  CurrentRecord before(const CurrentRecord& record) const;
  RegexRecord before(const RegexRecord& record) const;
  // What removes the group from the log: the epoch's tombstone last.
  std::vector<ConsumerRecord> tombstones() const;
  // There is nothing of it in the log.
  bool is_unwritten() const;
  // What Kafka before 4.1 wrote of its topics is in the log.
  bool has_old_topics() const { return old_topics_; }

  MonoTime next_deadline() const;  // looks at all members

  // Written by the coordinator.
  MonoTime armed = kMonoMax;   // its one place in the coordinator's timers
  bool topics_changed = true;  // since the hash was last compared

 private:
  void count(const Subscription& said, int by);
  void set_owner(const OwnedPartitions& partitions, const std::string& member);
  void drop_owner(const OwnedPartitions& partitions, const std::string& member);

  // Fixed at construction.
  std::string id_;
  uint64_t serial_;
  // Written by apply().
  GroupEpoch epoch_;
  TargetEpoch target_epoch_;
  bool old_topics_ = false;
  Members members_;
  std::map<std::string, Partitions, std::less<>> targets_;
  std::map<std::string, ResolvedRegex, std::less<>> regexes_;
  // Follow from the members.
  std::map<std::string, std::string, std::less<>> static_members_;  // by instance id
  std::map<std::string, int, std::less<>> topic_users_;             // by name, but for regexes
  std::map<std::string, int, std::less<>> regex_users_;
  std::map<Uuid, std::map<int32_t, std::string>> owners_;
};

}  // namespace odradek::group
