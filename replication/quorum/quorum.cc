#include "replication/quorum/quorum.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace odradek::quorum {

Quorum::Quorum(Config config, HardState saved, LogEnd log)
    : config_(std::move(config)), state_(saved), log_(log), appended_(log.end) {
  CHECK(config_.voters.size() == 1, config_.voters.size());
  CHECK(config_.voters[0].id == config_.self.id, config_.voters[0].id, config_.self.id);
}

Effects Quorum::step(const Input& input) {
  Effects out;
  std::visit([&](const auto& one) { on(one, out); }, input);
  return out;
}

// A vote for oneself in an epoch above every epoch that was ever seen: in the state that was saved
// and in the log, either of which may be the older one after a crash between the two writes.
void Quorum::on(const Start&, Effects& out) {
  CHECK(role_ == Role::unattached, role_);
  role_ = Role::candidate;
  state_.epoch = std::max(state_.epoch, log_.last_epoch) + 1;
  state_.leader = config_.self.id;
  state_.voted = Voter{};
  out.push_back(SaveState{state_});
}

void Quorum::on(const StateSaved& saved, Effects& out) {
  if (role_ != Role::candidate) return;
  CHECK(saved.epoch == state_.epoch, saved.epoch, state_.epoch);
  role_ = Role::leader;
  epoch_start_ = log_.end;
  out.push_back(Lead{state_.epoch, log_.end, config_.voters, {config_.self}});
}

void Quorum::on(const Appended& appended, Effects&) {
  CHECK(role_ == Role::leader, role_);
  CHECK(appended.end >= appended_, appended.end, appended_);
  appended_ = appended.end;
}

// One voter is its own majority. What earlier epochs left is committed with the first record of
// this one, never by itself (Raft, figure 8).
void Quorum::on(const Durable& durable, Effects& out) {
  if (role_ != Role::leader) return;
  CHECK(durable.end <= appended_, durable.end, appended_);
  if (durable.end <= committed_ || durable.end <= epoch_start_) return;
  committed_ = durable.end;
  out.push_back(Commit{committed_});
}

void Quorum::on(const Failed&, Effects& out) {
  if (role_ == Role::resigned) return;
  role_ = Role::resigned;
  state_.leader = kNoNode;
  out.push_back(Resign{"the metadata log took an error"});
}

void Quorum::on(const Stopping&, Effects& out) {
  if (role_ == Role::resigned) return;
  role_ = Role::resigned;
  state_.leader = kNoNode;
  out.push_back(Resign{"stopping"});
}

namespace {
std::string voters_text(const std::vector<Voter>& voters) {
  std::string text;
  for (const Voter& voter : voters) text += (text.empty() ? "" : ",") + voter.id.to_string();
  return "{" + text + "}";
}

struct InputText {
  std::string operator()(const Start&) const { return "start"; }
  std::string operator()(const StateSaved& x) const {
    return "state_saved epoch=" + x.epoch.to_string();
  }
  std::string operator()(const Appended& x) const { return "appended end=" + x.end.to_string(); }
  std::string operator()(const Durable& x) const { return "durable end=" + x.end.to_string(); }
  std::string operator()(const Failed&) const { return "failed"; }
  std::string operator()(const Stopping&) const { return "stopping"; }
};

struct EffectText {
  std::string operator()(const SaveState& x) const {
    return "save_state epoch=" + x.state.epoch.to_string() +
           " leader=" + x.state.leader.to_string() + " voted=" + x.state.voted.id.to_string();
  }
  std::string operator()(const Lead& x) const {
    return "lead epoch=" + x.epoch.to_string() + " at=" + x.at.to_string() +
           " voters=" + voters_text(x.voters) + " granted=" + voters_text(x.granted);
  }
  std::string operator()(const Commit& x) const { return "commit end=" + x.end.to_string(); }
  std::string operator()(const Resign& x) const { return "resign: " + x.reason; }
};
}  // namespace

std::string to_string(const Input& input) { return std::visit(InputText{}, input); }
std::string to_string(const Effect& effect) { return std::visit(EffectText{}, effect); }

}  // namespace odradek::quorum
