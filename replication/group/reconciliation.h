// How a member comes from what it has to what it shall have: first it gives up what it shall not
// have, and says so; then it gets what is free; what another member still has it gets later.
//
//   stable ---(must give up)---> unrevoked ---(said it did)---+
//     |                                                       v
//     +---(all that it shall have is free)------> stable <----+----> unreleased (some is not free)
//
// Pure. KIP-848, "Assignment Process"; assignment epochs as in KIP-1251.
#pragma once

#include <optional>
#include <set>

#include "replication/group/consumer_group.h"

namespace odradek::group {

struct Reconciliation {
  const ConsumerGroup& group;
  const ClusterView& view;
  const ConsumerMember& member;
  // What the member says it has; absent: it said nothing.
  const std::optional<Partitions>& owned;
  // Topics that it no longer wants go even when its target is the same.
  bool subscription_changed = false;
};

// What the member has from now on; what it had when it can go no further.
CurrentAssignment reconcile(const Reconciliation& input);

// Whether all that `owned` names is in `assigned`; not when nothing was said.
bool is_subset(const std::optional<Partitions>& owned, const OwnedPartitions& assigned);

}  // namespace odradek::group
