#include "cmd/broker/admin/group_metrics.h"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/broker/broker.h"
#include "cmd/broker/limits.h"
#include "reactor/shard.h"

namespace odradek::broker::admin {

namespace {

using enum reactor::MetricKind;
using reactor::MetricInfo;
using reactor::MetricsSnapshot;
using reactor::Task;

constexpr MetricInfo kGroups{gauge, "odradek_groups",
                             "Groups, by type and Kafka's name of the state"};
constexpr MetricInfo kMembers{gauge, "odradek_group_members", "Members of each group"};
constexpr MetricInfo kCommitted{gauge, "odradek_group_committed_offset",
                                "The offset that a group committed last of a partition"};
constexpr MetricInfo kLag{gauge, "odradek_group_lag",
                          "Offsets from what a group committed to the partition's high watermark"};
constexpr MetricInfo kLeftOut{gauge, "odradek_group_series_left_out",
                              "Groups and partitions of groups that are too many to be shown"};

using State = std::pair<std::string_view, std::string_view>;  // type, Kafka's name
// Shown with 0, too.
constexpr auto kStates = std::to_array<State>({{"classic", "Empty"},
                                               {"classic", "PreparingRebalance"},
                                               {"classic", "CompletingRebalance"},
                                               {"classic", "Stable"},
                                               {"consumer", "Empty"},
                                               {"consumer", "Assigning"},
                                               {"consumer", "Reconciling"},
                                               {"consumer", "Stable"}});

struct Committed {
  std::string group;
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
};

// What one shard's coordinators have, up to so many groups and partitions.
struct GroupsHere {
  std::map<State, int64_t> states;
  std::vector<std::pair<std::string, int64_t>> members;
  std::vector<Committed> offsets;
  int64_t left_out = 0;
};

void take(GroupsHere& here, const group::GroupFacts& group, size_t groups_max, size_t offsets_max) {
  ++here.states[{group.type, group.state}];
  if (here.members.size() >= groups_max) {
    ++here.left_out;
  } else {
    here.members.emplace_back(group.name, static_cast<int64_t>(group.members));
  }
  for (const auto& [topic, offsets] : group.offsets) {
    for (const auto& [partition, committed] : offsets) {
      if (here.offsets.size() >= offsets_max) {
        ++here.left_out;
      } else {
        here.offsets.push_back({std::string(group.name), topic, partition, committed.offset});
      }
    }
  }
}

Task<GroupsHere> groups_here(Broker& broker, size_t groups_max, size_t offsets_max) {
  GroupsHere here;
  co_await broker.local().groups().visit(
      [&](const group::GroupFacts& group) { take(here, group, groups_max, offsets_max); });
  co_return here;
}

// High watermarks, -1 for what is not there.
Task<std::vector<int64_t>> ends_here(Broker& broker, std::vector<log::TopicPartition> partitions) {
  std::vector<int64_t> ends;
  for (const log::TopicPartition& id : partitions) {
    const log::PartitionLog* log = broker.local().logs().find(id);
    ends.push_back(log ? log->high_watermark().value : -1);
    if (ends.size() % kPartitionsPerTurn == 0) co_await reactor::yield();
  }
  co_return ends;
}

// The end of the partition of each of `offsets`, -1 for those that are no more.
Task<std::vector<int64_t>> find_ends(Broker& broker, const std::vector<Committed>& offsets) {
  std::vector<int64_t> ends(offsets.size(), -1);
  struct Asked {
    std::vector<log::TopicPartition> partitions;
    std::vector<size_t> places;
  };
  std::map<uint32_t, Asked> by_shard;
  const auto image = broker.local().image().pin();
  for (size_t i = 0; i < offsets.size(); ++i) {
    const metadata::Topic* topic = image->find_topic(std::string_view(offsets[i].topic));
    if (!topic) continue;
    const log::TopicPartition id{topic->id(), log::PartitionId(offsets[i].partition)};
    Asked& asked = by_shard[broker.local().placement().owner(id).value];
    asked.partitions.push_back(id);
    asked.places.push_back(i);
    if (i % kPartitionsPerTurn == 0) co_await reactor::yield();
  }
  for (auto& [shard, asked] : by_shard) {
    const auto found = co_await reactor::submit_to(
        reactor::ShardId(shard), [&broker, partitions = std::move(asked.partitions)]() mutable {
          return ends_here(broker, std::move(partitions));
        });
    for (size_t i = 0; i < found.size(); ++i) ends[asked.places[i]] = found[i];
  }
  co_return ends;
}

void set(MetricsSnapshot& snapshot, const MetricInfo& info, std::string labels, int64_t value) {
  snapshot.families.at(info.name).samples[std::move(labels)].value += value;
}

Task<void> add_offsets(Broker& broker, std::vector<Committed> offsets, MetricsSnapshot& snapshot) {
  const auto ends = co_await find_ends(broker, offsets);
  for (size_t i = 0; i < offsets.size(); ++i) {
    const Committed& one = offsets[i];
    const std::string labels = reactor::metric_labels(
        {{"group", one.group}, {"topic", one.topic}, {"partition", std::to_string(one.partition)}});
    set(snapshot, kCommitted, labels, one.offset);
    if (ends[i] >= 0) set(snapshot, kLag, labels, ends[i] - one.offset);
    if (i % kPartitionsPerTurn == 0) co_await reactor::yield();
  }
}

}  // namespace

Task<void> add_group_metrics(Broker& broker, MetricsSnapshot& snapshot) {
  for (const MetricInfo* info : {&kGroups, &kMembers, &kCommitted, &kLag, &kLeftOut}) {
    snapshot.families[info->name].info = info;
  }
  if (broker.phase() != Broker::Phase::serving) co_return;
  const auto count = [&](const State& state, int64_t groups) {
    set(snapshot, kGroups, reactor::metric_labels({{"type", state.first}, {"state", state.second}}),
        groups);
  };
  for (const State& state : kStates) count(state, 0);
  size_t groups_left = kGroupSeriesMax;
  size_t offsets_left = kGroupSeriesMax;
  int64_t left_out = 0;
  for (uint32_t i = 0; i < broker.config().shards; ++i) {
    auto here =
        co_await reactor::submit_to(reactor::ShardId(i), [&broker, groups_left, offsets_left] {
          return groups_here(broker, groups_left, offsets_left);
        });
    for (const auto& [state, groups] : here.states) count(state, groups);
    for (const auto& [group, members] : here.members) {
      set(snapshot, kMembers, reactor::metric_labels({{"group", group}}), members);
    }
    groups_left -= here.members.size();
    offsets_left -= here.offsets.size();
    left_out += here.left_out;
    co_await add_offsets(broker, std::move(here.offsets), snapshot);
  }
  set(snapshot, kLeftOut, {}, left_out);
}

}  // namespace odradek::broker::admin
