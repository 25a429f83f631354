// The broker: owns everything, starts and stops it in order.
//
//   start: ports and HTTP -> directories and logs -> metadata and its first image -> partitions ->
//          clients
//   stop:  listeners -> connections drained -> logs destaged and closed -> metadata -> clean marker
//
// Lives on shard 0. Its BrokerShards live on their shards; the vector of their addresses is fixed
// after start and shared read-only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cmd/broker/admin/admin_server.h"
#include "cmd/broker/broker_config.h"
#include "cmd/broker/broker_metrics.h"
#include "cmd/broker/broker_shard.h"
#include "log/directory.h"
#include "log/key_hash.h"
#include "log/log_manager.h"
#include "reactor/socket.h"
#include "reactor/task.h"
#include "replication/metadata/controller.h"
#include "replication/metadata/topic_configs.h"

namespace odradek::broker {

class Broker {
 public:
  explicit Broker(BrokerConfig config);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // After an error nothing runs; the error says what to change.
  reactor::Task<Status> start();
  // Ends within kDrainDeadline plus what the logs need. Leaves the clean marker when all went well.
  reactor::Task<Status> stop();

  const BrokerConfig& config() const { return config_; }
  // The part of the calling shard.
  BrokerShard& local();
  BrokerShard& on(reactor::ShardId id) { return *shards_[id.value]; }
  // REQUIRES: called on shard 0.
  metadata::Controller& controller() { return *controller_; }
  const std::string& cluster_id() const { return cluster_id_; }
  // Of the metadata quorum (KIP-853): 1 when its voters stand in the log. Fixed by start().
  int16_t kraft_version() const { return kraft_version_; }
  // For the names of quotas' accounts. Fixed by start(), before there is metadata.
  const log::KeyHasher& quota_names() const { return quota_names_; }
  // REQUIRES: called on shard 0, once for each connection that was given to a shard.
  reactor::Task<void> connection_ended();
  // Whether every log directory was left by a clean stop. REQUIRES: start() ended well.
  bool clean_start() const { return store_->clean(); }

  enum class Phase : uint8_t { starting, serving, stopping };
  Phase phase() const { return phase_; }
  uint32_t connections_open() const { return connections_open_; }
  // The newest metadata; null while there is none.
  const metadata::Image* image() const { return controller_ ? &controller_->image() : nullptr; }

 private:
  struct Bound {
    Listener listener;
    reactor::Listener socket;
  };
  reactor::Task<Status> start_logs();
  reactor::Task<Status> lock_metadata();
  reactor::Task<Status> start_metadata();
  reactor::Task<Status> open_listeners();
  reactor::Task<Status> open_http();
  reactor::Task<log::Offset> publish(const metadata::Image* image);
  reactor::Task<void> accept_loop(Bound& bound);
  reactor::Task<void> turn_away(int fd);
  reactor::Task<void> close_later(int fd, int32_t throttle_ms);
  void warn_of_strangers();
  int64_t connections_max();

  BrokerConfig config_;
  metadata::TopicDefaults defaults_;
  std::string cluster_id_;
  int16_t kraft_version_ = 0;
  log::KeyHasher quota_names_{0, 0};
  std::unique_ptr<log::LogStore> store_;
  log::DirectoryLock metadata_lock_;  // when metadata.log.dir is none of log.dirs
  std::vector<BrokerShard*> shards_;  // each owned by its shard; made in start(), freed in stop()
  std::unique_ptr<metadata::Controller> controller_;
  std::vector<std::unique_ptr<Bound>> bound_;
  reactor::Gate accepting_;
  uint32_t next_shard_ = 0;
  uint32_t connections_open_ = 0;
  uint32_t connections_held_ = 0;  // by a quota, unserved; not among those that are open
  bool told_of_full_ = false;
  reactor::Event stopping_;  // ends what is held back
  Phase phase_ = Phase::starting;
  std::unique_ptr<BrokerMetrics> metrics_;    // made in start(), freed in stop()
  std::unique_ptr<admin::AdminServer> http_;  // null: it is off
};

// What `odradek serve` runs on shard 0: starts a broker, prints the banner, waits for a signal,
// drains.
reactor::Task<int> serve_main(BrokerConfig config);

}  // namespace odradek::broker
