// One group of the classic protocol (KIP-62, KIP-134, KIP-345, KIP-394): its members, what they
// support, and where it stands in a rebalance. Knows who waits for an answer but answers nobody:
// that is coordinator.h. Owned by one Coordinator.
//
//              first member joins                          a member joins, leaves, fails
//      empty ----------------------> preparing_rebalance <------------------------+
//        ^                                |    ^                                  |
//        |   nobody came back             |    | a member joins, leaves, fails    |
//        +--------------------------------+    |                                  |
//                     all came back, or time   v    the leader's assignment       |
//                     is over                completing_rebalance --------> stable
//
// INVARIANT: in preparing_rebalance nobody waits for an assignment; in the others nobody waits for
// a rebalance to end. The leader is a member whenever there are members.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/time.h"
#include "replication/group/logged.h"
#include "replication/group/requests.h"

namespace odradek::group {

enum class State : uint8_t { empty, preparing_rebalance, completing_rebalance, stable };
// Kafka's names: "Empty", "PreparingRebalance", "CompletingRebalance", "Stable".
std::string_view state_name(State state);

inline constexpr std::string_view kConsumerProtocol = "consumer";

struct Member {
  std::string id;
  std::optional<std::string> instance_id;  // of a static member
  std::string client_id;
  std::string client_host;
  int32_t rebalance_timeout_ms = 0;
  int32_t session_timeout_ms = 0;
  std::vector<Protocol> protocols;
  Bytes assignment;
  bool is_new = false;            // never took part in a whole rebalance
  std::optional<RequestId> join;  // parked until the rebalance ends; set by ClassicGroup only
  std::optional<RequestId> sync;  // parked until the leader's assignment is durable
  MonoTime session_end = kMonoMax;

  // What it said of itself for `protocol`; empty when it does not support it.
  const Bytes& metadata(std::string_view protocol) const;
  // Waiting for a rebalance keeps a member alive, unless it is its first.
  MonoTime deadline() const { return !is_new && (join || sync) ? kMonoMax : session_end; }
};

class ClassicGroup {
 public:
  // `serial` orders groups whose timers end at the same moment.
  ClassicGroup(std::string id, uint64_t serial, WallTime now)
      : id_(std::move(id)), serial_(serial), state_since_ms_(now.ms) {}
  // As the log has it: empty or stable.
  ClassicGroup(std::string id, uint64_t serial, const LoggedGroup& logged);

  const std::string& id() const { return id_; }
  uint64_t serial() const { return serial_; }
  State state() const { return state_; }
  State previous_state() const { return previous_state_; }
  bool in(State state) const { return state_ == state; }
  int64_t state_since_ms() const { return state_since_ms_; }
  int32_t generation() const { return generation_; }
  const std::optional<std::string>& protocol_type() const { return protocol_type_; }
  const std::optional<std::string>& protocol() const { return protocol_; }
  const std::optional<std::string>& leader() const { return leader_; }
  bool is_leader(std::string_view member) const { return leader_ && *leader_ == member; }
  // Of consumers that manage their offsets here without ever being members.
  bool is_simple() const { return !protocol_type_; }
  // Offsets alone make it a group.
  bool has_nothing() const { return is_simple() && members_.empty() && pending_.empty(); }
  bool is_consumer() const { return protocol_type_ == kConsumerProtocol; }

  std::map<std::string, Member, std::less<>>& members() { return members_; }
  const std::map<std::string, Member, std::less<>>& members() const { return members_; }
  Member* find(std::string_view member);
  // The member that has this instance id now; null for none.
  const std::string* static_member(std::string_view instance) const;
  bool is_pending(std::string_view member) const { return pending_.contains(member); }
  size_t joining_count() const { return joining_; }
  // none, UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID: whether `who` is a member as it says.
  KafkaCode check(const Identity& who) const;

  // A member id was given out; it has until `deadline` to come with it (KIP-394).
  void add_pending(const std::string& member, MonoTime deadline) { pending_[member] = deadline; }
  // The first member gives the group its protocol type and leads. REQUIRES: no such member.
  Member& add(Member member, std::string_view protocol_type);
  // Also a pending one. Who waited for an answer is the caller's business, before.
  void remove(std::string_view member);
  void update(Member& member, std::vector<Protocol> protocols, int32_t rebalance_timeout_ms,
              int32_t session_timeout_ms);
  // Gives the place of `old` (instance, assignment, lead) to a member of a new id, for the same
  // instance. REQUIRES: `old` is a static member and waits for nothing.
  Member& replace(std::string_view old, const std::string& id);
  void park_join(Member& member, RequestId request);
  std::optional<RequestId> take_join(Member& member);

  // Whether a member with this type and these protocols can work with those that are there.
  bool supports(std::string_view protocol_type, const std::vector<Protocol>& protocols) const;
  // The vote of all members over what all support. REQUIRES: there are members.
  std::string select_protocol() const;
  bool all_joined() const { return members_.size() == joining_ && pending_.empty(); }
  int32_t rebalance_timeout_ms() const;  // the longest of all members
  // Whether somebody who waits for the rebalance leads, after giving such a one the lead.
  bool elect_leader();
  void begin_rebalance(WallTime now);
  // Generation + 1: completing with members, else empty.
  void begin_generation(WallTime now);
  void become_stable(WallTime now) { enter(State::stable, now); }
  // It was a consumer group: its members go on in this generation. REQUIRES: there are members.
  void take_over(int32_t generation, WallTime now);

  // Whether offsets of `topic` are in use by members; also when that cannot be known.
  bool subscribes(std::string_view topic) const;
  bool knows_subscriptions() const { return subscribed_.has_value(); }
  // As the log keeps it, with these assignments; members without one have none.
  GroupRecord record(const std::map<std::string, Bytes, std::less<>>& assignments) const;
  GroupRecord record() const;  // with those it has
  std::vector<JoinAnswer::Member> roster() const;

  // When something of this group is due next; looks at all members.
  MonoTime next_deadline() const;

  // Written by the coordinator. Times at which what is named ends; kMonoMax: not running.
  MonoTime armed = kMonoMax;          // its one place in the coordinator's timers
  MonoTime rebalance_end = kMonoMax;  // of the wait for members to join
  MonoTime sync_end = kMonoMax;       // of the wait for members to ask for their assignment
  bool rebalance_is_first = false;    // group.initial.rebalance.delay.ms runs
  bool joined_meanwhile = false;      // since that delay began
  int32_t delay_ms = 0;               // its last step
  int32_t delay_left_ms = 0;          // that it can still be extended by
  std::set<std::string, std::less<>> to_sync;  // have joined and not yet asked for an assignment
  std::map<std::string, MonoTime, std::less<>>& pending() { return pending_; }

 private:
  void enter(State state, WallTime now);
  void count(const Member& member, int by);
  void note_subscriptions();

  // Fixed at construction.
  std::string id_;
  uint64_t serial_;
  // Written by begin_rebalance(), begin_generation() and become_stable().
  State state_ = State::empty;
  State previous_state_ = State::empty;
  int64_t state_since_ms_ = -1;
  int32_t generation_ = 0;
  std::optional<std::string> protocol_;
  std::optional<std::set<std::string, std::less<>>> subscribed_;  // absent: not known
  // Written by add(), remove(), replace(), update().
  std::optional<std::string> protocol_type_;
  std::optional<std::string> leader_;
  std::map<std::string, Member, std::less<>> members_;
  std::map<std::string, std::string, std::less<>> static_members_;  // by instance id
  std::map<std::string, MonoTime, std::less<>> pending_;            // until when
  std::map<std::string, size_t, std::less<>> supporters_;           // of each protocol
  size_t joining_ = 0;                                              // members with a parked join
};

}  // namespace odradek::group
