#include "replication/group/reconciliation.h"

#include <algorithm>

namespace odradek::group {

namespace {

// Who says nothing of what it has is taken to have it still.
bool still_owns(const std::optional<Partitions>& owned, const OwnedPartitions& revoking) {
  if (!owned) return true;
  for (const auto& [topic, partitions] : *owned) {
    const auto found = revoking.find(topic);
    if (found == revoking.end()) continue;
    for (const int32_t partition : partitions) {
      if (found->second.contains(partition)) return true;
    }
  }
  return false;
}

CurrentAssignment moved_to(const CurrentAssignment& from, int32_t epoch, MemberState state,
                           OwnedPartitions assigned, OwnedPartitions revoking = {}) {
  return {epoch, from.epoch, state, std::move(assigned), std::move(revoking)};
}

// The target against what the member has.
struct Difference {
  OwnedPartitions kept;
  OwnedPartitions revoked;
  Partitions added;  // and free
  bool some_not_free = false;
};

Difference compare(const Reconciliation& input, const std::set<Uuid>& wanted) {
  Difference out;
  const auto& member = input.member;
  const Partitions& target = input.group.target(member.id);
  const auto shall_have = [&](const Uuid& topic, int32_t partition) {
    const auto found = target.find(topic);
    return wanted.contains(topic) && found != target.end() && found->second.contains(partition);
  };
  for (const auto& [topic, partitions] : member.now.assigned) {
    for (const auto& [partition, epoch] : partitions) {
      auto& side = shall_have(topic, partition) ? out.kept : out.revoked;
      side[topic][partition] = epoch;
    }
  }
  for (const auto& [topic, partitions] : target) {
    if (!wanted.contains(topic)) continue;
    const auto kept = out.kept.find(topic);
    for (const int32_t partition : partitions) {
      if (kept != out.kept.end() && kept->second.contains(partition)) continue;
      const std::string* owner = input.group.owner(topic, partition);
#ifndef ODRADEK_PLANT_TWO_OWNERS  // with it: a bug that the simulator must find
      if (owner && *owner != member.id) {
        out.some_not_free = true;
        continue;
      }
#endif
      out.added[topic].insert(partition);
    }
  }
  return out;
}

CurrentAssignment next(const Reconciliation& input, const std::set<Uuid>& wanted) {
  const CurrentAssignment& now = input.member.now;
  const int32_t target_epoch = input.group.target_epoch().epoch;
  Difference difference = compare(input, wanted);
  if (!difference.revoked.empty() && still_owns(input.owned, difference.revoked)) {
    return moved_to(now, now.epoch, MemberState::unrevoked, std::move(difference.kept),
                    std::move(difference.revoked));
  }
  for (const auto& [topic, partitions] : difference.added) {
    for (const int32_t partition : partitions) difference.kept[topic][partition] = target_epoch;
  }
  const auto state = difference.some_not_free ? MemberState::unreleased : MemberState::stable;
  return moved_to(now, target_epoch, state, std::move(difference.kept));
}

// Its target is not due yet, but what it no longer wants it gives up at once.
CurrentAssignment without_unwanted(const Reconciliation& input, const std::set<Uuid>& wanted) {
  const CurrentAssignment& now = input.member.now;
  OwnedPartitions assigned;
  OwnedPartitions revoking = now.revoking;
  bool changed = false;
  for (const auto& [topic, partitions] : now.assigned) {
    if (wanted.contains(topic)) {
      assigned[topic] = partitions;
    } else {
      changed = true;
      revoking[topic].insert(partitions.begin(), partitions.end());
    }
  }
  if (!changed) return now;
  if (still_owns(input.owned, revoking)) {
    return moved_to(now, now.epoch, MemberState::unrevoked, std::move(assigned),
                    std::move(revoking));
  }
  return moved_to(now, now.epoch, now.state, std::move(assigned), now.revoking);
}

}  // namespace

bool is_subset(const std::optional<Partitions>& owned, const OwnedPartitions& assigned) {
  if (!owned) return false;
  return std::ranges::all_of(*owned, [&](const auto& topic) {
    const auto found = assigned.find(topic.first);
    return found != assigned.end() && std::ranges::all_of(topic.second, [&](int32_t partition) {
             return found->second.contains(partition);
           });
  });
}

CurrentAssignment reconcile(const Reconciliation& input) {
  const CurrentAssignment& now = input.member.now;
  const auto wanted = input.group.topics_of(input.member, input.view);
  switch (now.state) {
    case MemberState::stable:
      if (now.epoch != input.group.target_epoch().epoch) return next(input, wanted);
      return input.subscription_changed ? without_unwanted(input, wanted) : now;
    case MemberState::unrevoked:
      if (!still_owns(input.owned, now.revoking)) return next(input, wanted);
      return input.subscription_changed ? without_unwanted(input, wanted) : now;
    case MemberState::unreleased:
    case MemberState::unknown: return next(input, wanted);
  }
  return now;
}

}  // namespace odradek::group
