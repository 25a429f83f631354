#include "cmd/broker/group_service.h"

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/config_view.h"
#include "cmd/broker/group_configs.h"
#include "cmd/broker/request.h"
#include "reactor/shard.h"

namespace odradek::broker {

using group::GroupPartition;
using reactor::Task;

namespace {

using enum reactor::MetricKind;
using reactor::MetricInfo;

constexpr MetricInfo kCommits{counter, "odradek_group_offset_commits_total",
                              "Offsets that groups committed, one each partition"};
constexpr MetricInfo kExpirations{counter, "odradek_group_offset_expirations_total",
                                  "Committed offsets that went because nobody used them"};
constexpr MetricInfo kRebalances{counter, "odradek_group_rebalances_total",
                                 "Rebalances of groups, by type of the group"};

// One code point of `text` at `at`, which moves behind it; a byte that is no UTF-8 stands for
// itself.
uint32_t next_code_point(std::string_view text, size_t& at) {
  const auto first = static_cast<uint8_t>(text[at++]);
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  uint32_t code = more == 0 ? first : first & (0x3fu >> more);
  for (int i = 0; i < more && at < text.size(); ++i) {
    code = (code << 6) | (static_cast<uint8_t>(text[at++]) & 0x3fu);
  }
  return code;
}

}  // namespace

int32_t partition_of_group(std::string_view group, int32_t partitions) {
  uint32_t hash = 0;
  for (size_t at = 0; at < group.size();) {
    const uint32_t code = next_code_point(group, at);
    if (code >= 0x10000) {  // a pair of UTF-16 units
      hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
      hash = hash * 31 + (0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      hash = hash * 31 + code;
    }
  }
  const auto as_signed = static_cast<int32_t>(hash);
  const int32_t positive = as_signed == INT32_MIN ? 0 : std::abs(as_signed);
  return positive % partitions;
}

static std::optional<group::TopicFacts> facts(const metadata::Topic* topic) {
  if (!topic) return std::nullopt;
  return group::TopicFacts{topic->name(), topic->id(), topic->partition_count()};
}

std::optional<group::TopicFacts> ImageView::find(std::string_view name) const {
  return facts(shard_.image().current().find_topic(name));
}

std::optional<group::TopicFacts> ImageView::find(const Uuid& id) const {
  return facts(shard_.image().current().find_topic(id));
}

void ImageView::for_each_name(const std::function<void(std::string_view)>& visit) const {
  shard_.image().current().for_each_topic(
      [&visit](const metadata::Topic& topic) { visit(topic.name()); });
}

std::vector<std::string> ImageView::racks(const Uuid& topic, int32_t partition) const {
  std::vector<std::string> out;
  const auto& image = shard_.image().current();
  const metadata::Partition* found = image.find_partition({topic, log::PartitionId(partition)});
  if (!found) return out;
  for (const NodeId replica : found->replicas) {
    const metadata::Broker* broker = image.find_broker(replica);
    if (broker && broker->rack) out.push_back(*broker->rack);
  }
  return out;
}

int64_t ImageView::version() const { return shard_.image().current().number().value; }

std::optional<int32_t> ImageView::set_for(std::string_view group, std::string_view name) const {
  const auto* set = shard_.image().current().find_configs(metadata::ResourceType::group, group);
  return group_number(name, set, shard_.config());
}

int32_t ImageView::session_timeout_ms(std::string_view group, int32_t otherwise) const {
  return set_for(group, "consumer.session.timeout.ms").value_or(otherwise);
}

int32_t ImageView::heartbeat_interval_ms(std::string_view group, int32_t otherwise) const {
  return set_for(group, "consumer.heartbeat.interval.ms").value_or(otherwise);
}

int32_t ImageView::assignment_interval_ms(std::string_view group, int32_t otherwise) const {
  if (const auto set = set_for(group, "consumer.assignment.interval.ms")) return *set;
  const ConfigView view(shard_.config(), shard_.image().current());
  return static_cast<int32_t>(view.number("group.consumer.assignment.interval.ms", otherwise));
}

GroupService::GroupService(BrokerShard& shard) : shard_(shard), view_(shard) {
  const auto watch = [this](const MetricInfo& info, std::string labels,
                            uint64_t group::CoordinatorStats::* field) {
    watches_.push_back(reactor::this_shard().metrics().watch(
        info, std::move(labels), [this, field] { return static_cast<int64_t>(stats().*field); }));
  };
  using Stats = group::CoordinatorStats;
  const auto type = [](std::string_view name) { return reactor::metric_labels({{"type", name}}); };
  watch(kCommits, {}, &Stats::offset_commits);
  watch(kExpirations, {}, &Stats::offset_expirations);
  watch(kRebalances, type("classic"), &Stats::classic_rebalances);
  watch(kRebalances, type("consumer"), &Stats::consumer_rebalances);
}

group::CoordinatorStats GroupService::stats() const {
  group::CoordinatorStats sum = gone_;
  for (const auto& [id, partition] : partitions_) sum += partition->coordinator().stats();
  return sum;
}

GroupService::~GroupService() { CHECK(partitions_.empty(), partitions_.size()); }

void GroupService::open(const metadata::Topic& topic) {
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    const log::TopicPartition id{topic.id(), log::PartitionId(i)};
    if (shard_.placement().owner(id) != reactor::this_shard().id()) continue;
    if (partitions_.contains(id)) continue;
    if (!shard_.logs().find(id)) {
      const bool on_its_way = shard_.logs().future_of(id) && !stopping_.is_set();
      if (on_its_way) gate_.spawn("open coordinator", open_moved(id));
      continue;
    }
    auto partition = std::make_unique<GroupPartition>(
        shard_.logs(), id, topic.name() + "-" + std::to_string(i), shard_.config().groups, view_,
        [this](std::string_view name, const Uuid& topic_id) {
          const metadata::Topic* now = shard_.image().current().find_topic(name);
          return !now || (!topic_id.is_zero() && now->id() != topic_id);
        });
    partition->start();
    partitions_.emplace(id, std::move(partition));
  }
  if (!partitions_.empty() && !std::exchange(expiring_, true)) {
    gate_.spawn("offset expiry", expire_now_and_then(), reactor::TaskClass::background);
  }
}

Task<void> GroupService::open_moved(log::TopicPartition id) {
  co_await shard_.logs().wait_handed_over(id);
  const metadata::Topic* topic = shard_.image().current().find_topic(id.topic);
  if (topic && shard_.logs().find(id) && !stopping_.is_set()) open(*topic);
}

Task<void> GroupService::close(const metadata::Topic& topic) {
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    const auto found = partitions_.find({topic.id(), log::PartitionId(i)});
    if (found == partitions_.end()) continue;
    const auto gone = std::move(found->second);
    partitions_.erase(found);
    co_await gone->stop();
    gone_ += gone->coordinator().stats();
  }
}

Task<void> GroupService::visit(std::function<void(const group::GroupFacts&)> visitor) {
  std::vector<log::TopicPartition> ids;
  for (const auto& [id, partition] : partitions_) ids.push_back(id);
  for (const auto& id : ids) {
    const auto found = partitions_.find(id);
    if (found == partitions_.end() || !found->second->active()) continue;
    found->second->coordinator().visit(visitor);
    co_await reactor::yield();
  }
}

void GroupService::topics_deleted(const std::vector<std::string>& topics) {
  for (auto& [id, partition] : partitions_) partition->topics_deleted(topics);
}

void GroupService::topics_changed(const std::vector<std::string>& topics, bool some_are_new) {
  for (auto& [id, partition] : partitions_) partition->topics_changed(topics, some_are_new);
}

Task<void> GroupService::expire_now_and_then() {
  const auto interval = std::chrono::milliseconds(shard_.config().offsets_check_ms);
  while (!co_await stopping_.wait(reactor::this_shard().now() + interval)) {
    for (auto& [id, partition] : partitions_) partition->begin_expiry();
  }
}

Task<group::Answer> GroupService::call(log::TopicPartition id, group::Request request) {
  const auto found = partitions_.find(id);
  if (found == partitions_.end()) {
    co_return group::refusal(request, KafkaCode::not_coordinator);
  }
  co_return co_await found->second->call(std::move(request));
}

Task<group::ListAnswer> GroupService::list() {
  group::ListAnswer all;
  std::vector<log::TopicPartition> ids;
  for (const auto& [id, partition] : partitions_) ids.push_back(id);
  for (const auto& id : ids) {
    auto answer = std::get<group::ListAnswer>(co_await call(id, group::ListGroups{}));
    if (all.error == KafkaCode::none) all.error = answer.error;
    std::ranges::move(answer.groups, std::back_inserter(all.groups));
  }
  co_return all;
}

void GroupService::end_waits() {
  for (auto& [id, partition] : partitions_) partition->end_parked();
}

Task<void> GroupService::stop() {
  stopping_.set();
  co_await gate_.close();
  for (auto& [id, partition] : partitions_) co_await partition->stop();
  partitions_.clear();
}

Task<group::Answer> ask_coordinator(RequestContext& context, std::string_view group,
                                    group::Request request) {
  const metadata::Topic* topic = context.shard.image().current().find_topic(kOffsetsTopic);
  if (!topic) co_return group::refusal(request, KafkaCode::not_coordinator);
  const int32_t index = partition_of_group(group, topic->partition_count());
  const log::TopicPartition id{topic->id(), log::PartitionId(index)};
  const reactor::ShardId owner = context.shard.placement().owner(id);
  Broker* broker = &context.shard.broker();
  const bool parks = std::holds_alternative<group::JoinGroup>(request) ||
                     std::holds_alternative<group::SyncGroup>(request);
  auto there = [broker, id, request = std::move(request)]() mutable {
    return broker->local().groups().call(id, std::move(request));
  };
  // What waits for other members may not use up the places of what waits for nobody.
  if (parks) co_return co_await reactor::submit_reserved(owner, std::move(there));
  co_return co_await reactor::submit_to(owner, std::move(there));
}

}  // namespace odradek::broker
