// One shard's part of the broker: its image of the cluster, its logs, its connections and fetch
// sessions. Created, used and destroyed on its shard only; other shards reach it by messages.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "cmd/broker/broker_config.h"
#include "cmd/broker/fetch_session.h"
#include "cmd/broker/fetch_wait.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/placement.h"
#include "cmd/broker/quotas/quotas.h"
#include "cmd/broker/request_metrics.h"
#include "log/log_manager.h"
#include "reactor/task.h"
#include "reactor/wait.h"
#include "replication/metadata/controller.h"
#include "replication/metadata/image.h"
#include "replication/metadata/topic_configs.h"

namespace odradek::broker {

class Broker;
class Connection;

class BrokerShard {
 public:
  BrokerShard(Broker& broker, const BrokerConfig& config, const metadata::TopicDefaults& defaults);
  ~BrokerShard();
  BrokerShard(const BrokerShard&) = delete;
  BrokerShard& operator=(const BrokerShard&) = delete;

  // Starts this shard's LogManager. Afterwards install() opens partitions.
  reactor::Task<Status> start(log::LogOptions options, log::LogStore* store);
  // Makes `image` current: opens what is new here, begins epochs, deletes what went, applies
  // configs. Returns the smallest image number still in use on this shard.
  reactor::Task<log::Offset> install(const metadata::Image* image);
  // Serves a connection that the acceptor gave to this shard.
  void adopt(int fd, const Listener& listener);
  // Ends long polls and waits for other group members here, those to come included. On all shards
  // before close_connections() on any: a fetch of one may wait on another.
  void end_waits();
  // Answers what was read and closes all connections, within kDrainDeadline.
  reactor::Task<void> close_connections();
  // Destages and closes the logs. REQUIRES: no shard serves connections any more.
  reactor::Task<Status> stop_logs();

  Broker& broker() { return broker_; }
  const BrokerConfig& config() const { return config_; }
  metadata::ShardImage& image() { return image_; }
  log::LogManager& logs() { return *logs_; }
  const Placement& placement() const { return placement_; }
  FetchSessionCache& fetch_sessions() { return fetch_sessions_; }
  FetchWaits& fetch_waits() { return fetch_waits_; }
  GroupService& groups() { return groups_; }
  Quotas& quotas() { return quotas_; }
  bool stopping() const { return stopping_; }
  size_t connection_count() const { return connections_.size(); }
  // The connections, in the order they came. Good until the next await.
  const std::map<uint64_t, Connection*>& connections() const { return connections_; }
  RequestMetrics& requests() { return requests_; }
  // What a topic's configuration means for its log and for produce requests.
  const metadata::EffectiveTopicConfig& topic_config(const log::TopicId& topic) const;
  // What a topic has when it sets nothing: this broker's properties, as they were set while it
  // runs.
  const metadata::TopicDefaults& topic_defaults() const { return topic_defaults_; }

  // Units are bytes of request frames on this shard.
  reactor::Semaphore& request_memory() { return request_memory_; }
  uint64_t request_memory_bytes() const { return request_memory_bytes_; }
  // What one connection may have of answers that its peer has not read, and so one fetch.
  uint64_t response_bytes_max() const { return response_bytes_max_; }

  // The next producer id of this shard's block; a new block comes from the controller.
  reactor::Task<Result<int64_t>> next_producer_id();

 private:
  reactor::Task<void> serve(int fd, const Listener& listener);
  bool note_defaults(const metadata::Image& last, const metadata::Image& image);
  metadata::EffectiveTopicConfig effective(const metadata::ConfigMap* set) const;
  void configure(const metadata::Image& image, const metadata::Topic& topic);
  reactor::Task<void> open_partitions(const metadata::Topic* before, const metadata::Topic& after);
  reactor::Task<void> open_partition(const log::PartitionSpec& spec);
  reactor::Task<void> drop_partitions(const metadata::Topic& topic);
  void watch_memory();

  // Fixed at construction.
  Broker& broker_;
  const BrokerConfig& config_;
  const metadata::TopicDefaults& static_defaults_;
  Placement placement_;
  uint64_t request_memory_bytes_;
  uint64_t response_bytes_max_;
  reactor::Semaphore request_memory_;
  RequestMetrics requests_;
  std::vector<reactor::MetricWatch> watches_;
  // Written by install() only.
  metadata::ShardImage image_;
  std::unordered_map<log::TopicId, metadata::EffectiveTopicConfig> topic_configs_;
  metadata::TopicDefaults topic_defaults_;
  int64_t producer_id_expiration_ms_ = kProducerIdExpirationMs;
  metadata::EffectiveTopicConfig default_config_;
  std::unique_ptr<log::LogManager> logs_;

  FetchSessionCache fetch_sessions_;
  FetchWaits fetch_waits_;
  GroupService groups_;
  Quotas quotas_;
  std::map<uint64_t, Connection*> connections_;  // in the order they came
  uint64_t connections_taken_ = 0;
  reactor::Gate connection_gate_;
  bool stopping_ = false;
  // Producer ids: [next, end) are this shard's to give.
  int64_t producer_id_next_ = 0;
  int64_t producer_id_end_ = 0;
  reactor::Semaphore producer_id_turn_{1};
};

}  // namespace odradek::broker
