// One shard's group coordinators: one for each partition of `__consumer_offsets` that the shard
// owns, and the way to the shard that has a group's.
//
// Owned by the BrokerShard; its shard only. Coordinators come and go with the topic's partitions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/types.h"
#include "reactor/metrics.h"
#include "reactor/task.h"
#include "reactor/wait.h"
#include "replication/group/cluster_view.h"
#include "replication/group/group_partition.h"
#include "replication/metadata/image.h"

namespace odradek::broker {

class BrokerShard;
struct RequestContext;

inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

// Which partition of `__consumer_offsets` keeps `group`: Java's String.hashCode() of it, as every
// Kafka broker and tool computes it. REQUIRES: UTF-8; partitions > 0.
int32_t partition_of_group(std::string_view group, int32_t partitions);

// The shard's image of the cluster, for its coordinators.
class ImageView : public group::ClusterView {
 public:
  explicit ImageView(BrokerShard& shard) : shard_(shard) {}
  std::optional<group::TopicFacts> find(std::string_view name) const override;
  std::optional<group::TopicFacts> find(const Uuid& id) const override;
  void for_each_name(const std::function<void(std::string_view)>& visit) const override;
  std::vector<std::string> racks(const Uuid& topic, int32_t partition) const override;
  int64_t version() const override;
  int32_t session_timeout_ms(std::string_view group, int32_t otherwise) const override;
  int32_t heartbeat_interval_ms(std::string_view group, int32_t otherwise) const override;
  int32_t assignment_interval_ms(std::string_view group, int32_t otherwise) const override;

 private:
  std::optional<int32_t> set_for(std::string_view group, std::string_view name) const;

  BrokerShard& shard_;
};

class GroupService {
 public:
  explicit GroupService(BrokerShard& shard);
  ~GroupService();
  GroupService(const GroupService&) = delete;
  GroupService& operator=(const GroupService&) = delete;

  // The topic's partitions of this shard are open: their coordinators begin to load.
  void open(const metadata::Topic& offsets_topic);
  // Before the topic's partitions go.
  reactor::Task<void> close(const metadata::Topic& offsets_topic);
  void topics_deleted(const std::vector<std::string>& topics);
  // Topics were made, grew or went: groups that assign them look again.
  void topics_changed(const std::vector<std::string>& topics, bool some_are_new);

  // NOT_COORDINATOR for a partition that is not here.
  reactor::Task<group::Answer> call(log::TopicPartition id, group::Request request);
  // What all coordinators of this shard list; the first error, if any.
  reactor::Task<group::ListAnswer> list();

  // Shows every group of this shard whose coordinator has loaded; may take several turns.
  reactor::Task<void> visit(std::function<void(const group::GroupFacts&)> visitor);

  // Refuses what waits for other members, now and from now on.
  void end_waits();
  reactor::Task<void> stop();

 private:
  reactor::Task<void> open_moved(log::TopicPartition id);
  reactor::Task<void> expire_now_and_then();
  group::CoordinatorStats stats() const;

  BrokerShard& shard_;
  ImageView view_;
  std::map<log::TopicPartition, std::unique_ptr<group::GroupPartition>> partitions_;
  group::CoordinatorStats gone_;  // of coordinators that went
  std::vector<reactor::MetricWatch> watches_;
  reactor::Event stopping_;
  reactor::Gate gate_;
  bool expiring_ = false;
};

// Asks the coordinator of `group`, on whatever shard it is. NOT_COORDINATOR while there is no
// `__consumer_offsets`: a client then asks FindCoordinator, which makes it.
reactor::Task<group::Answer> ask_coordinator(RequestContext& context, std::string_view group,
                                             group::Request request);

// The same, with the answer that belongs to this kind of request.
template <class AnswerType>
reactor::Task<AnswerType> ask(RequestContext& context, std::string_view group,
                              group::Request request) {
  auto answer = co_await ask_coordinator(context, group, std::move(request));
  co_return std::get<AnswerType>(std::move(answer));
}

}  // namespace odradek::broker
