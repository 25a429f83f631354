// Retention of committed offsets (KIP-211), from outside: what a group uses stays; what it no
// longer uses stays for the retention and is gone soon after. Whoever commits tells it what it
// knows.
//
// What it knows are bounds: a member was there when a heartbeat that was answered well was sent,
// and is gone when its leave was answered or its session is over, which a restart begins anew.
// So there is a time before which an offset must be there and one from which it must not.
// For `flushed` mode, and for groups that have at most one member.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "reactor/base/time.h"
#include "tests/sim/oracle.h"

namespace odradek::simulation {

enum class GroupKind : uint8_t { simple, classic, consumer };
const char* group_kind_name(GroupKind kind);

inline constexpr Duration kOffsetsRetention = 60s;  // offsets.retention.minutes=1

// One group, known to one client.
class ExpiringOffsets {
 public:
  ExpiringOffsets(Oracle& oracle, std::string name, GroupKind kind, Duration session)
      : oracle_(oracle), name_(std::move(name)), kind_(kind), session_(session) {}

  // `topic`'s offset will be asked to be this.
  void asked(const std::string& topic, int64_t offset) { topics_[topic].asked = offset; }
  // And was acknowledged by the commit sent at `sent`.
  void acked(const std::string& topic, int64_t offset, MonoTime sent, MonoTime heard);

  // Somebody may be in the group from now on.
  void entering() { free_by_ = kMonoMax; }
  // A request of its member, sent at `sent`, was answered well. `since`: it has been in the group,
  // with this subscription, since then.
  void member_there(MonoTime sent, MonoTime since);
  // From now on the member does not subscribe to `topic`.
  void dropped(const std::string& topic) { topics_[topic].dropped = true; }
  // There is no member at `by`, unless the broker restarts.
  void left(MonoTime by) { free_by_ = by; }

  // A fetch that was sent at `sent` found `offset`; -1: none. `up_since`: the broker's last start.
  // Whether there is one.
  bool fetched(const std::string& topic, int64_t offset, MonoTime sent, MonoTime heard,
               MonoTime up_since);

 private:
  struct Topic {
    int64_t asked = -1;
    int64_t acked = -1;
    MonoTime sent{};   // of the commit
    MonoTime heard{};  // its answer
    MonoTime used{};   // a member was there and subscribed
    bool dropped = false;
  };
  MonoTime keep_until(const Topic& topic) const;
  MonoTime gone_by(const Topic& topic, MonoTime up_since) const;

  Oracle& oracle_;
  // Fixed at construction.
  std::string name_;
  GroupKind kind_;
  Duration session_;

  std::map<std::string, Topic> topics_;
  MonoTime free_by_{};
  MonoTime stable_since_ = kMonoMax;
};

}  // namespace odradek::simulation
