// Who leads the metadata log, and what of it is committed: consensus as a pure function
// step(input) -> effects. No task, no clock, no socket, no file: whoever owns the machine (the
// metadata shard's RaftDriver) carries the effects out, in order, and reports back with further
// inputs.
//
// It is reduced to a quorum of one: the only voter elects itself into a new epoch at every start,
// and what is durable here is committed. Inputs and effects are those that a quorum of several
// needs, so callers stay when votes and fetches are added as further inputs and `Send` as a further
// effect.
//
//   unattached --start--> candidate --state_saved--> leader --stopped/failed--> resigned
//
// INVARIANT: an epoch is led only after it is on stable storage; it is never led twice.
// INVARIANT: the commit offset never passes what is durable on a majority, and never moves back.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "log/types.h"
#include "replication/quorum/types.h"

namespace odradek::quorum {

// What must survive a crash, in Kafka's `quorum-state` file.
struct HardState {
  log::LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  Voter voted;  // id -1: nobody
  bool operator==(const HardState&) const = default;
};

struct Config {
  Voter self;
  std::vector<Voter> voters;
};

// What the log held when it was opened.
struct LogEnd {
  log::Offset end{0};               // one past the last durable record
  log::LeaderEpoch last_epoch{-1};  // of the last record, -1 when the log is empty
};

// Inputs.
struct Start {};
struct StateSaved {  // the HardState of this epoch is on stable storage
  log::LeaderEpoch epoch;
};
struct Appended {  // records below `end` have their place in the local log; not durable yet
  log::Offset end;
};
struct Durable {  // records below `end` are on stable storage
  log::Offset end;
};
struct Failed {};  // the local log took an error: it may not lead
struct Stopping {};
using Input = std::variant<Start, StateSaved, Appended, Durable, Failed, Stopping>;

// Effects, to be carried out in this order.
struct SaveState {  // then input StateSaved
  HardState state;
};
// This node leads `epoch`: append a LeaderChange control batch at `at` before any other record.
struct Lead {
  log::LeaderEpoch epoch;
  log::Offset at;
  std::vector<Voter> voters;
  std::vector<Voter> granted;
};
struct Commit {  // records below `end` are committed: apply them, answer who waits for them
  log::Offset end;
};
struct Resign {  // nothing may be appended any more
  std::string reason;
};
using Effect = std::variant<SaveState, Lead, Commit, Resign>;
using Effects = std::vector<Effect>;

enum class Role : uint8_t { unattached, candidate, leader, resigned };

class Quorum {
 public:
  // `saved` is the newest HardState on stable storage. REQUIRES: config.self is the one voter.
  Quorum(Config config, HardState saved, LogEnd log);

  // The one way in. Pure: the same inputs after the same construction give the same effects.
  Effects step(const Input& input);

  Role role() const { return role_; }
  // True once this node leads and its first record of the epoch is committed: reads of the image
  // are then the newest there are.
  bool ready() const { return role_ == Role::leader && committed_ > epoch_start_; }
  log::LeaderEpoch epoch() const { return state_.epoch; }
  NodeId leader() const { return state_.leader; }
  log::Offset committed() const { return committed_; }
  const std::vector<Voter>& voters() const { return config_.voters; }

 private:
  void on(const Start&, Effects& out);
  void on(const StateSaved& saved, Effects& out);
  void on(const Appended& appended, Effects& out);
  void on(const Durable& durable, Effects& out);
  void on(const Failed&, Effects& out);
  void on(const Stopping&, Effects& out);

  // Fixed at construction.
  Config config_;
  // Written by step().
  Role role_ = Role::unattached;
  HardState state_;
  LogEnd log_;
  log::Offset epoch_start_{0};
  log::Offset appended_{0};
  log::Offset committed_{0};
};

// One line each, for transcripts and logs.
std::string to_string(const Input& input);
std::string to_string(const Effect& effect);

}  // namespace odradek::quorum
