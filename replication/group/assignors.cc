#include "replication/group/assignors.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "replication/group/uneven_assignor.h"

namespace odradek::group {

namespace {

using Member = AssignorInput::Member;
struct Place {
  Uuid topic;
  int32_t partition = 0;
};

// All members want the same topics: each gets its share, and what is left over stays with who has
// it, or goes to the last ones.
class EvenAssignor {
 public:
  explicit EvenAssignor(const AssignorInput& input) : input_(input) {}

  Targets run() {
    const auto& topics = input_.members.front().topics;
    int32_t total = 0;
    for (const auto& topic : topics) total += input_.partitions.at(topic);
    take_stock();
    const auto members = static_cast<int32_t>(input_.members.size());
    int32_t extras = total % members;
    std::vector<std::pair<std::string, int32_t>> below_quota;
    for (int32_t i = 0; i < members; ++i) {
      const Member& member = input_.members[static_cast<size_t>(i)];
      bool takes_extra = extras > 0;
      const int32_t quota = total / members + (takes_extra ? 1 : 0);
      int32_t left = keep(member, had_[static_cast<size_t>(i)], quota);
      if (left > 0 && takes_extra && members - i > extras) {
        takes_extra = false;  // there are others for it
        --left;
      }
      if (left > 0) below_quota.emplace_back(member.id, left);
      if (takes_extra) --extras;
    }
    hand_out(below_quota);
    return std::move(out_);
  }

 private:
  // A target may name what does not exist, or give one partition to two: the leader of a classic
  // group wrote it, or the topic was made anew since. Who comes first has it.
  void take_stock() {
    std::map<Uuid, std::set<int32_t>> owned;
    for (const auto& member : input_.members) {
      Partitions& had = had_.emplace_back();
      for (const auto& [topic, partitions] : member.before) {
        if (!member.topics.contains(topic)) continue;
        const int32_t count = input_.partitions.at(topic);
        for (const int32_t i : partitions) {
          if (i < 0 || i >= count || !owned[topic].insert(i).second) continue;
          had[topic].insert(i);
        }
      }
    }
    for (const auto& topic : input_.members.front().topics) {
      for (int32_t i = 0; i < input_.partitions.at(topic); ++i) {
        if (!owned[topic].contains(i)) unassigned_.push_back({topic, i});
      }
    }
  }

  // What the member had stays as far as its quota goes. How much of the quota is left.
  int32_t keep(const Member& member, const Partitions& had, int32_t quota) {
    Partitions& kept = out_[member.id];
    for (const auto& [topic, partitions] : had) {
      for (const int32_t partition : partitions) {
        if (quota > 0) {
          --quota;
          kept[topic].insert(partition);
        } else {
          unassigned_.push_back({topic, partition});
        }
      }
    }
    return quota;
  }

  void hand_out(const std::vector<std::pair<std::string, int32_t>>& below_quota) {
    size_t next = 0;
    for (const auto& [member, quota] : below_quota) {
      for (int32_t i = 0; i < quota && next < unassigned_.size(); ++i, ++next) {
        out_[member][unassigned_[next].topic].insert(unassigned_[next].partition);
      }
    }
    CHECK(next == unassigned_.size(), next, unassigned_.size());
  }

  const AssignorInput& input_;
  Targets out_;
  std::vector<Partitions> had_;  // by member
  std::vector<Place> unassigned_;
};

bool all_want_the_same(const AssignorInput& input) {
  return std::ranges::all_of(
      input.members, [&](const Member& m) { return m.topics == input.members.front().topics; });
}

Targets assign_uniform(const AssignorInput& input) {
  if (all_want_the_same(input)) return EvenAssignor(input).run();
  return assign_uneven(input);
}

// ---- range ----

bool before_in_range(const Member* a, const Member* b) {
  if (a->instance_id && b->instance_id) return *a->instance_id < *b->instance_id;
  if (a->instance_id.has_value() != b->instance_id.has_value()) return a->instance_id.has_value();
  return a->id < b->id;
}

Targets assign_range(const AssignorInput& input) {
  Targets out;
  std::map<Uuid, std::vector<const Member*>> wanting;
  std::vector<const Member*> sorted;
  for (const auto& member : input.members) {
    sorted.push_back(&member);
    out[member.id];
  }
  std::ranges::sort(sorted, before_in_range);
  for (const Member* member : sorted) {
    for (const auto& topic : member->topics) wanting[topic].push_back(member);
  }
  for (const auto& [topic, members] : wanting) {
    const int32_t total = input.partitions.at(topic);
    const auto count = static_cast<int32_t>(members.size());
    int32_t extras = total % count;
    int32_t next = 0;
    for (const Member* member : members) {
      const int32_t end = next + total / count + (extras-- > 0 ? 1 : 0);
      for (; next < end; ++next) out[member->id][topic].insert(next);
    }
  }
  return out;
}

}  // namespace

Targets assign_partitions(std::string_view name, const AssignorInput& input) {
  if (input.members.empty()) return {};
  CHECK(name == kUniform || name == kRange);
  return name == kRange ? assign_range(input) : assign_uniform(input);
}

}  // namespace odradek::group
