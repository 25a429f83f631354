// What is asked of a group of the consumer protocol and cannot be: Kafka's reasons, in Kafka's
// order. Pure, and asked before anything changes, so what is not refused can be carried out.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "replication/group/classic_group.h"
#include "replication/group/consumer_group.h"
#include "replication/group/effects.h"

namespace odradek::group {

// The group of a name, as it is now: one of the two, or neither.
struct AnyGroup {
  const ConsumerGroup* consumer = nullptr;
  const ClassicGroup* classic = nullptr;
};

struct Refusal {
  KafkaCode code = KafkaCode::none;
  std::string message;  // for people
};
// Whether a heartbeat can be carried out: a join, a word of a member, its leaving.
std::optional<Refusal> check_heartbeat(const Config& config, const AnyGroup& group,
                                       const ConsumerHeartbeat& beat);

// none, or what the whole request is refused with.
KafkaCode check_commit(const ConsumerGroup& group, const OffsetCommit& commit);
KafkaCode check_fetch(const ConsumerGroup& group, const OffsetFetch& fetch);

// Members of the classic protocol in a consumer group.
KafkaCode check_join(const Config& config, const ConsumerGroup& group, const JoinGroup& join);
KafkaCode check_classic(const ConsumerGroup& group, const Identity& who);
// Whether the group becomes a classic one when these leave.
bool may_downgrade(const Config& config, const ConsumerGroup& group,
                   const std::set<std::string>& leaving);

}  // namespace odradek::group
