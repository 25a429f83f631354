// The group coordinator for one partition of `__consumer_offsets`: who is in which group, which
// generation holds, which offsets are committed. A pure state machine: every input is a call with
// the time as an argument, and what is to be done comes back as Effects; no task, no clock, no
// socket, no disk. Whoever runs it (group_partition.h) appends the records, answers, and reports
// back.
//
// The commit rule. An input changes the state at once and may want records in the log, as one
// append under a Ticket. What was answered from the state after it is held back until that append
// is durable (committed), so nobody ever learns what a crash could take back. When the append fails
// (failed), it and all behind it are undone in reverse order and what they held is refused. Answers
// that say nothing of the log (a parked JoinGroup, a heartbeat) are not held.
//
// An assignment of a group is different, as in Kafka: it counts once its record is durable; until
// then the group stays in completing_rebalance, and what happened to the group meanwhile wins.
//
// Owned by one GroupPartition; one shard. Bounds: group.max.size members a group, a record's size,
// one entry a group in the timers. INVARIANT: tickets end in the order they were given.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reactor/base/time.h"
#include "replication/group/classic_group.h"
#include "replication/group/cluster_view.h"
#include "replication/group/consumer_group.h"
#include "replication/group/effects.h"
#include "replication/group/facts.h"
#include "replication/group/undo.h"

namespace odradek::group {

class Coordinator {
 public:
  // `view` outlives it.
  Coordinator(const Config& config, const ClusterView& view) : config_(config), view_(view) {}

  // Takes over a record of the log, in the log's order. Before loaded() only.
  void replay(LoggedRecord record);
  // All was replayed: the sessions of all members begin anew.
  Effects loaded(Now now);

  // Replies come at once, after committed(), or, for JoinGroup and SyncGroup, with any later input.
  // REQUIRES: `id` was not used before; loaded().
  Effects request(RequestId id, Request request, Now now);
  // The append of `ticket` and all before it are durable.
  Effects committed(Ticket ticket, Now now);
  // The append of `first` and all tickets behind it did not reach the log and will not.
  Effects failed(Ticket first, KafkaCode error, Now now);
  // To be called when next_timer() has come.
  Effects timers_due(Now now);
  // Offsets of topics that are no more go. `gone` is asked with a name and the id that the topic
  // had when the offset was committed (zero: not known).
  using Gone = std::function<bool(std::string_view topic, const Uuid& id)>;
  Effects topics_deleted(const Gone& gone, Now now);
  // Topics were made, grew or went; groups find out what it means to them with their next
  // heartbeat.
  void topics_changed(const std::vector<std::string>& topics, bool some_are_new);
  // KIP-211 for some groups from `from` on; `from` becomes the next one, absent when all were seen.
  // With them go offsets whose topics are `gone`: topics_deleted() may have failed, or a commit
  // come behind it.
  Effects expire(std::optional<std::string>& from, size_t groups_max, const Gone& gone, Now now);

  MonoTime next_timer() const;
  size_t group_count() const { return groups_.size(); }
  const CoordinatorStats& stats() const { return stats_; }
  // All groups, by name.
  void visit(const std::function<void(const GroupFacts&)>& visitor) const;
  // For tests; null when there is none.
  const ClassicGroup* find(std::string_view group) const;
  const ConsumerGroup* find_consumer(std::string_view group) const;

 private:
  using Offsets = std::map<int32_t, CommittedOffset>;  // by partition
  struct Entry {                                       // one of the two is there
    std::unique_ptr<ClassicGroup> group;
    std::unique_ptr<ConsumerGroup> consumer;
    std::map<std::string, Offsets, std::less<>> offsets;  // by topic
    bool is_empty() const;                                // without members
    bool subscribes(std::string_view topic) const;
  };
  // An assignment that counts once it is durable.
  struct Assigned {
    std::string group;
    int32_t generation = 0;
    std::string leader;
    std::map<std::string, Bytes, std::less<>> assignments;
  };
  // An append on its way.
  struct Pending {
    Ticket ticket{0};
    std::vector<Effects::Reply> held;
    std::vector<Undo> undo;
    std::optional<Assigned> assigned;
  };
  // One input, while it is worked on.
  struct Step {
    Now now;
    Effects out;
    Pending pending;
  };

  void replay(const GroupRecord& logged);
  Effects finish(Step& step);
  void reply(Step& step, RequestId id, Answer answer);  // held back until all before is durable
  void reply_now(Step& step, RequestId id, Answer answer);

  // Requests.
  void on(Step& step, RequestId id, JoinGroup& join);
  void on(Step& step, RequestId id, SyncGroup& sync);
  void on(Step& step, RequestId id, Heartbeat& heartbeat);
  void on(Step& step, RequestId id, LeaveGroup& leave);
  void on(Step& step, RequestId id, OffsetCommit& commit);
  void on(Step& step, RequestId id, OffsetFetch& fetch);
  void on(Step& step, RequestId id, OffsetDelete& removal);
  void on(Step& step, RequestId id, DescribeGroup& describe);
  void on(Step& step, RequestId id, ListGroups& list);
  void on(Step& step, RequestId id, DeleteGroup& removal);
  void on(Step& step, RequestId id, ConsumerHeartbeat& beat);
  void on(Step& step, RequestId id, DescribeConsumerGroup& describe);

  // JoinGroup: coordinator_join.cc
  void join_classic(Step& step, RequestId id, JoinGroup& join);
  bool has_room(const ClassicGroup& group, const std::string& member) const;
  void join_new(Step& step, RequestId id, ClassicGroup& group, JoinGroup& join);
  void join_known(Step& step, RequestId id, ClassicGroup& group, JoinGroup& join);
  void rejoin(Step& step, RequestId id, ClassicGroup& group, Member& member, JoinGroup& join);
  void add_member(Step& step, RequestId id, ClassicGroup& group, const std::string& member,
                  JoinGroup& join);
  void update_member(Step& step, RequestId id, ClassicGroup& group, Member& member,
                     JoinGroup& join);
  void replace_static(Step& step, RequestId id, ClassicGroup& group, const std::string& member,
                      JoinGroup& join);
  void keep_static(Step& step, RequestId id, ClassicGroup& group, Member& member,
                   const JoinGroup& join, const std::optional<std::string>& leader_before);

  // Rebalances: coordinator_rebalance.cc
  void park(Step& step, RequestId id, ClassicGroup& group, Member& member);
  void rebalance_or_complete(Step& step, ClassicGroup& group);
  void begin_rebalance(Step& step, ClassicGroup& group);
  void complete_join_if_all_came(Step& step, ClassicGroup& group);
  void complete_join(Step& step, ClassicGroup& group);
  void end_first_delay(Step& step, ClassicGroup& group);
  void end_sync_wait(Step& step, ClassicGroup& group);
  void asked_to_sync(ClassicGroup& group, std::string_view member);
  void assign(Step& step, Assigned& assigned);
  void refuse_assigned(Step& step, Assigned& assigned, KafkaCode error);
  void refuse_syncs(Step& step, ClassicGroup& group, KafkaCode error);
  void drop_member(Step& step, ClassicGroup& group, const std::string& member);
  void expire_members(Step& step, ClassicGroup& group);
  void fire(Step& step, ClassicGroup& group);
  KafkaCode remove_identity(Step& step, ClassicGroup& group, const Identity& who);

  // Offsets and life of groups: coordinator_offsets.cc
  KafkaCode check_commit(Step& step, const OffsetCommit& commit);
  void set_offset(Step& step, const std::string& group, const std::string& topic, int32_t partition,
                  std::optional<CommittedOffset> value);
  void remove_group(Step& step, const std::string& group);
  void drop_gone(Step& step, const std::string& name, const Entry& entry, const Gone& gone);
  bool expire_offsets(Step& step, const std::string& name, Entry& entry);
  bool expire_offsets_by_commit(Step& step, const std::string& name, Entry& entry);
  void undo(Undo& change, Now now);
  void undo_record(const ConsumerRecord& before, Now now);
  void store(const OffsetRecord& record);

  // Groups of the consumer protocol: coordinator_consumer.cc
  ConsumerGroup& open_consumer_group(Step& step, const std::string& group);
  void leave(Step& step, RequestId id, const ConsumerHeartbeat& beat);
  void replace_static(Step& step, ConsumerGroup& group, const std::string& instance,
                      const std::string& member);
  // Whether what the member wants is different now.
  bool subscribe(Step& step, ConsumerGroup& group, const std::string& member, Subscription said);
  bool resolve_regexes(Step& step, ConsumerGroup& group);
  void refresh_epoch(Step& step, ConsumerGroup& group, bool changed);
  void refresh_target(Step& step, ConsumerGroup& group);
  void reconcile_member(Step& step, ConsumerGroup& group, const std::string& member,
                        const std::optional<Partitions>& owned, bool subscription_changed);
  void time_revocation(Now now, ConsumerGroup& group, ConsumerMember& member);
  void take_out(Step& step, const std::string& group, const std::string& member);
  void fence(Step& step, ConsumerGroup& group, const std::set<std::string>& members);
  void fire(Step& step, ConsumerGroup& group);
  void fire_consumers(Step& step);

  // Between the protocols: coordinator_migration.cc
  void upgrade(Step& step, const std::string& group);
  void downgrade(Step& step, ConsumerGroup& group, const std::set<std::string>& leaving,
                 bool rebalance);
  void join(Step& step, RequestId id, ConsumerGroup& group, JoinGroup& join);
  void sync(Step& step, RequestId id, ConsumerGroup& group, const SyncGroup& sync);
  void heartbeat(Step& step, RequestId id, ConsumerGroup& group, const Heartbeat& heartbeat);
  void leave(Step& step, RequestId id, ConsumerGroup& group, const LeaveGroup& leave);
  void expect_join(Step& step, ConsumerGroup& group, ConsumerMember& member);

  // Records of groups of the consumer protocol, which are their state.
  template <class Record>
  void write(Step& step, Record record);
  void write_all(Step& step, std::vector<ConsumerRecord> records);
  template <class Record>
  void apply_consumer(const Record& record);
  ConsumerGroup& make_consumer_group(const std::string& group);
  void end_consumer_group(const std::string& group);

  // Timers.
  void arm(ClassicGroup& group, MonoTime when);
  void disarm(ClassicGroup& group);
  void begin_session(Step& step, ClassicGroup& group, Member& member, Duration length);
  void begin_session(Step& step, ClassicGroup& group, Member& member);
  void arm(ConsumerGroup& group, MonoTime when);
  void disarm(ConsumerGroup& group);
  void begin_session(Now now, ConsumerGroup& group, ConsumerMember& member);
  void begin_sessions(Now now, ConsumerGroup& group);

  ClassicGroup* find_group(std::string_view group);
  ConsumerGroup* find_consumer(std::string_view group);
  ClassicGroup& make_group(const std::string& group, WallTime now);

  // Fixed at construction.
  const Config config_;
  const ClusterView& view_;
  // Written by every input.
  std::map<std::string, Entry, std::less<>> groups_;
  CoordinatorStats stats_;
  uint64_t serials_ = 0;
  Ticket last_ticket_{0};
  std::deque<Pending> pending_;  // by ticket
  // Every group with something due, once; by time, then serial.
  std::map<std::pair<MonoTime, uint64_t>, ClassicGroup*> timers_;
  std::map<std::pair<MonoTime, uint64_t>, ConsumerGroup*> consumer_timers_;
  int64_t new_topics_version_ = -1;  // of the cluster, when it last got a topic
};

}  // namespace odradek::group
