#include "cmd/broker/broker.h"

#include <algorithm>

#include "cmd/broker/banner.h"
#include "cmd/broker/client_metrics_configs.h"
#include "cmd/broker/config_view.h"
#include "cmd/broker/connection.h"
#include "cmd/broker/group_configs.h"
#include "cmd/broker/limits.h"
#include "reactor/file.h"
#include "reactor/logger.h"
#include "reactor/runtime.h"
#include "reactor/shard.h"
#include "reactor/wait.h"
#include "replication/metadata/meta_properties.h"

namespace odradek::broker {

using reactor::ShardId;
using reactor::Task;

Broker::Broker(BrokerConfig config) : config_(std::move(config)) {}

Broker::~Broker() {
  for (const BrokerShard* shard : shards_) CHECK(shard == nullptr);
}

BrokerShard& Broker::local() { return *shards_[reactor::this_shard().id().value]; }

static log::LogOptions log_options(const BrokerConfig& config) {
  log::LogOptions options;
  options.directories = config.log_directories;
  options.durability = config.durability;
  // The tail in memory bounds what recovery has to scan; both are shares of the budget.
  // Each log directory of each shard has a WAL of its own, which takes the largest message whole.
  const uint64_t least = config.shards * config.log_directories.size() * (4ull << 20);
  options.wal_bytes = std::max(std::min<uint64_t>(config.memory_bytes / 4, 256ull << 20), least);
  if (config.wal_bytes != 0) options.wal_bytes = config.wal_bytes;
  options.retention_interval = std::chrono::milliseconds(config.retention_check_ms);
  options.cache_bytes = config.memory_bytes / 4 / config.shards;
  return options;
}

namespace {

Task<Status> start_shard(Broker& broker, const BrokerConfig& config,
                         const metadata::TopicDefaults& defaults, log::LogStore* store,
                         BrokerShard** out) {
  auto shard = std::make_unique<BrokerShard>(broker, config, defaults);
  CO_TRY(co_await shard->start(log_options(config), store));
  *out = shard.release();
  co_return Status{};
}

Task<void> free_shard(BrokerShard* shard) {
  delete shard;
  co_return;
}

Task<void> end_waits(BrokerShard* shard) {
  shard->end_waits();
  co_return;
}

Task<void> adopt_on(Broker& broker, int fd, const Listener& listener) {
  broker.local().adopt(fd, listener);
  co_return;
}

// A process that was just killed may hold its port for some milliseconds more.
Task<Status> bind(reactor::Listener& socket, const reactor::ListenOptions& options,
                  const reactor::SocketOptions& accepted) {
  const MonoTime give_up = reactor::this_shard().precise_now() + kBindDeadline;
  for (;;) {
    Status opened = socket.open(options, accepted);
    const bool taken = !opened && opened.error().code == Errc::exists;
    if (!taken || reactor::this_shard().precise_now() >= give_up) co_return opened;
    co_await reactor::sleep_for(kBindRetry);
  }
}

std::vector<metadata::Endpoint> endpoints(const std::vector<Listener>& listeners, bool controller) {
  std::vector<metadata::Endpoint> out;
  for (const Listener& l : listeners) {
    if (l.controller == controller)
      out.push_back({l.name, l.advertised_host, l.advertised_port, 0});
  }
  return out;
}

}  // namespace

Task<Status> Broker::start_logs() {
  // Looks at all log directories before it makes or changes one.
  CO_TRY_ASSIGN(store_, co_await log::LogStore::open(log_options(config_)));
  CO_TRY(co_await lock_metadata());
  shards_.assign(config_.shards, nullptr);
  for (uint32_t i = 0; i < config_.shards; ++i) {
    BrokerShard** out = &shards_[i];
    log::LogStore* store = store_.get();
    CO_TRY(co_await reactor::submit_reserved(ShardId(i), [this, store, out] {
      return start_shard(*this, config_, defaults_, store, out);
    }));
  }
  co_return Status{};
}

// A log directory is locked by the store. A second descriptor of its lock file would, closed, give
// that lock back.
Task<Status> Broker::lock_metadata() {
  const std::string& directory = config_.metadata_directory;
  CO_TRY(co_await reactor::make_directories(directory));
  if (std::ranges::find(config_.log_directories, directory) != config_.log_directories.end()) {
    co_return Status{};
  }
  CO_TRY_ASSIGN(metadata_lock_, co_await log::DirectoryLock::take(directory));
  co_return Status{};
}

Task<Status> Broker::start_metadata() {
  metadata::FormatOptions format;
  format.directories = {config_.metadata_directory};
  for (const auto& d : config_.log_directories) {
    const bool other = d != config_.metadata_directory;
    if (other && !store_->offline(d)) format.directories.push_back(d);
  }
  format.node_id = NodeId(config_.node_id);
  format.cluster_id = config_.cluster_id;
  CO_TRY_ASSIGN(const auto formatted, co_await metadata::format_directories(std::move(format)));
  cluster_id_ = formatted.front().properties.cluster_id;

  metadata::ControllerOptions options;
  options.log.directory = config_.metadata_directory;
  options.log.node_id = NodeId(config_.node_id);
  options.log.cluster_id = cluster_id_;
  options.log.directory_id = formatted.front().properties.directory_id;
  options.log.static_voters = config_.properties.contains("controller.quorum.voters");
  options.controller_endpoints = endpoints(config_.listeners, true);
  options.log.controller_endpoints = options.controller_endpoints;
  options.broker_endpoints = endpoints(config_.listeners, false);
  options.rack = config_.rack;
  for (const auto& d : config_.log_directories) {
    for (const auto& f : formatted) {
      if (f.path == d) options.log_directory_ids.push_back(f.properties.directory_id);
    }
  }
  options.partitions_default = config_.partitions_default;
  options.replication_factor_default = config_.replication_factor_default;
  options.topic_defaults = defaults_;
  options.group_fault = [this](const metadata::ConfigMap& set) {
    return group_configs_fault(set, config_);
  };
  options.client_metrics_fault = &client_metrics_fault;
  options.snapshot_every_bytes = config_.metadata_snapshot_bytes;
  options.snapshot_every_ms = config_.metadata_snapshot_ms;
  CO_TRY_ASSIGN(controller_,
                co_await metadata::Controller::start(
                    std::move(options), [this](const auto* image) { return publish(image); }));
  kraft_version_ = controller_->log().voters().kraft_version;
  if (!store_->clean() && co_await controller_->bump_leader_epochs() != KafkaCode::none) {
    co_return fail(Errc::io, "new leader epochs could not be written after the unclean stop");
  }
  warn_of_strangers();
  co_return Status{};
}

// A partition's directory that the metadata does not know is reported and left alone.
void Broker::warn_of_strangers() {
  for (const auto& found : store_->found()) {
    if (controller_->image().find_partition(found.id)) continue;
    reactor::log_warning("{}/{}-{}: the cluster's metadata knows no such partition; left untouched",
                         found.directory, found.topic_name, found.id.partition.value);
  }
}

Task<log::Offset> Broker::publish(const metadata::Image* image) {
  log::Offset in_use = image->number();
  for (uint32_t i = 0; i < config_.shards; ++i) {
    const log::Offset there = co_await reactor::submit_reserved(
        ShardId(i), [this, image] { return local().install(image); });
    in_use = std::min(in_use, there);
  }
  co_return in_use;
}

Task<void> Broker::connection_ended() {
  --connections_open_;
  told_of_full_ = false;
  co_return;
}

// max.connections may be set while the broker runs.
int64_t Broker::connections_max() {
  return ConfigView(config_, local().image().current())
      .number("max.connections", config_.connections_max);
}

// One warning until there is room again: a storm of clients is not to be a storm of lines.
Task<void> Broker::turn_away(int fd) {
  if (!std::exchange(told_of_full_, true)) {
    reactor::log_warning("max.connections={} are open: further ones are closed", connections_max());
  }
  const Status closed = co_await reactor::Socket(fd).close();
  if (!closed) reactor::log_warning("a connection was not closed: {}", closed.error().to_string());
}

// Its address opened more connections than it may (KIP-612): as with Kafka this one stays open for
// the time that brings the rate down, is not read, and is closed then. It is none of
// max.connections, which would serve nobody else meanwhile; those that stay open have a bound of
// their own, and beyond it they are closed at once.
Task<void> Broker::close_later(int fd, int32_t throttle_ms) {
  local().quotas().count_throttle(QuotaKind::connection, throttle_ms);
  if (connections_held_ < kConnectionsHeldMax) {
    ++connections_held_;
    const MonoTime until = reactor::this_shard().now() + std::chrono::milliseconds(throttle_ms);
    co_await stopping_.wait(until);
    --connections_held_;
  }
  const Status closed = co_await reactor::Socket(fd).close();
  if (!closed) reactor::log_warning("a connection was not closed: {}", closed.error().to_string());
}

Task<void> Broker::accept_loop(Bound& bound) {
  for (;;) {
    const auto fd = co_await bound.socket.accept();
    if (!fd) co_return;
    if (const int32_t throttle_ms = local().quotas().connect(*fd); throttle_ms > 0) {
      accepting_.spawn("throttled connection", close_later(*fd, throttle_ms));
      continue;
    }
    if (connections_open_ >= connections_max()) {
      metrics_->connections_refused.add();
      co_await turn_away(*fd);
      continue;
    }
    ++connections_open_;
    metrics_->connections_accepted.add();
    const ShardId to(next_shard_++ % config_.shards);
    const Listener* listener = &bound.listener;
    co_await reactor::submit_reserved(
        to, [this, number = *fd, listener] { return adopt_on(*this, number, *listener); });
  }
}

Task<Status> Broker::open_listeners() {
  for (const Listener& listener : config_.listeners) {
    auto bound = std::make_unique<Bound>();
    bound->listener = listener;
    reactor::ListenOptions options;
    options.port = listener.port;
    options.backlog = config_.listen_backlog;
    if (!listener.host.empty()) {
      CO_TRY_ASSIGN(const auto addresses, co_await reactor::resolve(listener.host, listener.port));
      options.host = addresses.front().host;
    }
    reactor::SocketOptions sockets;
    sockets.send_buffer_bytes = config_.send_buffer_bytes;
    sockets.receive_buffer_bytes = config_.receive_buffer_bytes;
    CO_TRY(co_await bind(bound->socket, options, sockets));
    bound_.push_back(std::move(bound));
  }
  co_return Status{};
}

// Serves at once: who waits for the broker sees it start. A port that nobody asked for and somebody
// else has does not stop it.
Task<Status> Broker::open_http() {
  if (!config_.http) co_return Status{};
  http_ = std::make_unique<admin::AdminServer>(*this);
  reactor::ListenOptions options;
  options.port = config_.http->port;
  if (!config_.http->host.empty()) {
    CO_TRY_ASSIGN(const auto addresses,
                  co_await reactor::resolve(config_.http->host, options.port));
    options.host = addresses.front().host;
  }
  Status opened = co_await bind(http_->listener(), options, {});
  if (opened) {
    config_.http->port = http_->listener().address().port;
    http_->start();
  } else if (config_.http->by_default && opened.error().code == Errc::exists) {
    reactor::log_warning("no HTTP: {}; set odradek.http.listeners to another port, or to nothing",
                         opened.error().context);
    config_.http.reset();
    opened = {};
  } else {
    opened = fail(opened.error().code, "odradek.http.listeners: " + opened.error().context);
  }
  co_return opened;
}

Task<Status> Broker::start() {
  const uint64_t key_low = reactor::this_shard().random();
  quota_names_ = log::KeyHasher(key_low, reactor::this_shard().random());
  metrics_ = std::make_unique<BrokerMetrics>(*this);
  CO_TRY_ASSIGN(defaults_, metadata::topic_defaults(config_.properties));
  // Ports first: nothing is touched when one is taken. Clients are let in at the end.
  CO_TRY(co_await open_listeners());
  for (size_t i = 0; i < bound_.size(); ++i) {
    Listener& listener = config_.listeners[i];
    const uint16_t port = bound_[i]->socket.address().port;
    if (listener.port == 0) listener.port = port;
    if (listener.advertised_port == 0) listener.advertised_port = port;
    bound_[i]->listener = listener;
  }
  CO_TRY(co_await open_http());
  CO_TRY(co_await start_logs());
  CO_TRY(co_await start_metadata());
  for (auto& bound : bound_) {
    accepting_.spawn("accept", accept_loop(*bound), reactor::TaskClass::completion);
  }
  phase_ = Phase::serving;
  co_return Status{};
}

Task<Status> Broker::stop() {
  phase_ = Phase::stopping;
  for (auto& bound : bound_) co_await bound->socket.stop();
  stopping_.set();
  co_await accepting_.close();
  Status result;
  const auto note = [&result](Status status) {
    if (result && !status) result = std::move(status);
  };
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    BrokerShard* shard = shards_[i];
    if (shard) co_await reactor::submit_reserved(ShardId(i), [shard] { return end_waits(shard); });
  }
  // First all stop serving, then they go: a request of one may still be running on another.
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    BrokerShard* shard = shards_[i];
    if (!shard) continue;
    co_await reactor::submit_reserved(ShardId(i), [shard] { return shard->close_connections(); });
  }
  // Its pages ask the logs.
  if (http_) co_await http_->stop();
  http_.reset();
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    BrokerShard* shard = shards_[i];
    if (shard)
      note(co_await reactor::submit_reserved(ShardId(i), [shard] { return shard->stop_logs(); }));
  }
  if (controller_) note(co_await controller_->stop());
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    BrokerShard* shard = std::exchange(shards_[i], nullptr);
    if (!shard) continue;
    co_await reactor::submit_reserved(ShardId(i), [shard] { return free_shard(shard); });
  }
  controller_.reset();
  metrics_.reset();
  // Each directory that was stopped well gets its mark, whatever became of another.
  if (store_) note(co_await store_->close());
  store_.reset();
  if (metadata_lock_.held()) note(co_await metadata_lock_.close());
  co_return result;
}

Task<int> serve_main(BrokerConfig config) {
  const MonoTime begin = reactor::this_shard().precise_now();
  Broker broker(std::move(config));
  const Status started = co_await broker.start();
  int exit_code = 0;
  if (!started) {
    reactor::log_error("cannot start: {}", started.error().to_string());
    exit_code = 1;
  } else {
    print_banner(broker, reactor::this_shard().precise_now() - begin);
    const int signal = co_await reactor::next_signal();
    reactor::log_info("signal {}: draining connections and closing the logs", signal);
    reactor::exit_on_next_signal();
  }
  const Status ended = co_await broker.stop();
  if (!ended) {
    reactor::log_error("the stop was not clean: {}", ended.error().to_string());
    exit_code = exit_code == 0 ? 2 : exit_code;
  } else if (exit_code == 0) {
    reactor::log_info("stopped clean");
  }
  co_return exit_code;
}

}  // namespace odradek::broker
