#include "replication/group/uneven_assignor.h"

#include <algorithm>
#include <tuple>

namespace odradek::group {

namespace {

// A round in which all members of a topic want the same ends the work; where they overlap it may
// take more, and each about halves what is uneven.
constexpr int kRoundsMax = 16;
constexpr size_t kNobody = SIZE_MAX;

struct TopicState {
  Uuid id;
  std::vector<size_t> members;  // that want it, by index
  std::vector<size_t> owners;   // of each partition
  double share() const {
    return static_cast<double>(owners.size()) / static_cast<double>(members.size());
  }
};

class UnevenAssignor {
 public:
  explicit UnevenAssignor(const AssignorInput& input)
      : input_(input), loads_(input.members.size(), 0) {
    std::map<Uuid, TopicState> topics;
    for (size_t i = 0; i < input.members.size(); ++i) {
      for (const auto& id : input.members[i].topics) {
        TopicState& topic = topics[id];
        topic.id = id;
        topic.members.push_back(i);
        topic.owners.resize(static_cast<size_t>(input.partitions.at(id)), kNobody);
      }
    }
    for (auto& [id, topic] : topics) topics_.push_back(std::move(topic));
    // Those with most to give each member first; they are hardest to even out later.
    std::ranges::sort(topics_, [](const TopicState& a, const TopicState& b) {
      return std::tuple(-a.share(), a.members.size(), a.id) <
             std::tuple(-b.share(), b.members.size(), b.id);
    });
  }

  Targets run() {
    keep();
    for (auto& topic : topics_) hand_out(topic);
    bool moved = true;
    for (int round = 0; moved && round < kRoundsMax; ++round) {
      moved = false;
      for (auto& topic : topics_) moved |= even_out(topic);
    }
    return targets();
  }

 private:
  void keep() {
    for (auto& topic : topics_) {
      for (const size_t i : topic.members) {
        const auto had = input_.members[i].before.find(topic.id);
        if (had == input_.members[i].before.end()) continue;
        for (const int32_t partition : had->second) {
          const auto at = static_cast<size_t>(partition);
          if (at >= topic.owners.size() || topic.owners[at] != kNobody) continue;
          give(topic, at, i);
        }
      }
    }
  }

  void give(TopicState& topic, size_t partition, size_t to) {
    size_t& owner = topic.owners[partition];
    if (owner != kNobody) --loads_[owner];
    owner = to;
    ++loads_[to];
  }

  size_t least_loaded(const TopicState& topic) const {
    return *std::ranges::min_element(topic.members, {}, [this](size_t i) { return loads_[i]; });
  }

  void hand_out(TopicState& topic) {
    for (size_t i = 0; i < topic.owners.size(); ++i) {
      if (topic.owners[i] == kNobody) give(topic, i, least_loaded(topic));
    }
  }

  // The partition, of this topic, that the member with most gives away; kNobody when none has two
  // more than the one with least.
  size_t next_to_give(const TopicState& topic, size_t least) const {
    size_t best = kNobody;
    for (size_t i = 0; i < topic.owners.size(); ++i) {
      const size_t load = loads_[topic.owners[i]];
      if (load < loads_[least] + 2) continue;
      if (best == kNobody || load >= loads_[topic.owners[best]]) best = i;
    }
    return best;
  }

  bool even_out(TopicState& topic) {
    if (topic.members.size() < 2) return false;
    bool moved = false;
    for (;;) {
      const size_t least = least_loaded(topic);
      const size_t partition = next_to_give(topic, least);
      if (partition == kNobody) return moved;
      give(topic, partition, least);
      moved = true;
    }
  }

  Targets targets() const {
    Targets out;
    for (const auto& member : input_.members) out[member.id];
    for (const auto& topic : topics_) {
      for (size_t i = 0; i < topic.owners.size(); ++i) {
        const auto& owner = input_.members[topic.owners[i]].id;
        out[owner][topic.id].insert(static_cast<int32_t>(i));
      }
    }
    return out;
  }

  const AssignorInput& input_;
  std::vector<TopicState> topics_;
  std::vector<size_t> loads_;  // partitions of each member
};

}  // namespace

Targets assign_uneven(const AssignorInput& input) { return UnevenAssignor(input).run(); }

}  // namespace odradek::group
