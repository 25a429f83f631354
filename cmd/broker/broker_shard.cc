#include "cmd/broker/broker_shard.h"

#include <algorithm>

#include "cmd/broker/broker.h"
#include "cmd/broker/config_view.h"
#include "cmd/broker/connection.h"
#include "cmd/broker/limits.h"
#include "reactor/logger.h"
#include "reactor/shard.h"
#include "reactor/wait.h"

namespace odradek::broker {

using reactor::Task;

// A quarter of the arena for request bodies; at least one of the default max.message.bytes fits.
static uint64_t request_memory_of(uint64_t arena_bytes) {
  return std::max<uint64_t>(arena_bytes / 4, 4u << 20);
}

static uint64_t response_bytes_of(uint64_t arena_bytes) {
  return std::clamp<uint64_t>(arena_bytes / kResponseArenaDivisor, 1u << 20,
                              kResponseBytesPerConnection);
}

BrokerShard::BrokerShard(Broker& broker, const BrokerConfig& config,
                         const metadata::TopicDefaults& defaults)
    : broker_(broker),
      config_(config),
      static_defaults_(defaults),
      placement_(reactor::this_shard().shard_count()),
      request_memory_bytes_(request_memory_of(reactor::this_shard().arena().limit_bytes())),
      response_bytes_max_(response_bytes_of(reactor::this_shard().arena().limit_bytes())),
      request_memory_(request_memory_bytes_),
      requests_(reactor::this_shard().metrics(), std::chrono::milliseconds(config.slow_request_ms)),
      topic_defaults_(defaults),
      default_config_(metadata::effective_topic_config(nullptr, defaults)),
      fetch_sessions_(reactor::this_shard().id().value, kFetchSessionsMax),
      groups_(*this),
      quotas_(broker, config) {
  watch_memory();
}

void BrokerShard::watch_memory() {
  using enum reactor::MetricKind;
  static constexpr reactor::MetricInfo kLimit{gauge, "odradek_request_memory_limit_bytes",
                                              "Bytes of requests that a shard takes at once",
                                              reactor::MetricUnit::bytes};
  static constexpr reactor::MetricInfo kUsed{gauge, "odradek_request_memory_used_bytes",
                                             "Bytes of requests that a shard has at this moment",
                                             reactor::MetricUnit::bytes};
  static constexpr reactor::MetricInfo kSessions{gauge, "odradek_fetch_sessions",
                                                 "Incremental fetch sessions that are remembered"};
  auto& here = reactor::this_shard();
  const std::string labels = reactor::metric_labels({{"shard", std::to_string(here.id().value)}});
  const auto watch = [&](const reactor::MetricInfo& info, std::function<int64_t()> read) {
    watches_.push_back(here.metrics().watch(info, labels, std::move(read)));
  };
  watch(kLimit, [this] { return static_cast<int64_t>(request_memory_bytes_); });
  watch(kUsed, [this] {
    return static_cast<int64_t>(request_memory_bytes_ - request_memory_.available());
  });
  watch(kSessions, [this] { return static_cast<int64_t>(fetch_sessions_.size()); });
}

BrokerShard::~BrokerShard() = default;

Task<Status> BrokerShard::start(log::LogOptions options, log::LogStore* store) {
  CO_TRY_ASSIGN(logs_, co_await log::LogManager::start(std::move(options), store));
  co_return Status{};
}

const metadata::EffectiveTopicConfig& BrokerShard::topic_config(const log::TopicId& topic) const {
  const auto found = topic_configs_.find(topic);
  return found == topic_configs_.end() ? default_config_ : found->second;
}

Task<void> BrokerShard::open_partitions(const metadata::Topic* before,
                                        const metadata::Topic& after) {
  const auto& config = topic_config(after.id());
  std::vector<log::PartitionSpec> fresh;
  for (int32_t i = 0; i < after.partition_count(); ++i) {
    const log::PartitionId index(i);
    const log::TopicPartition id{after.id(), index};
    if (placement_.owner(id) != reactor::this_shard().id()) continue;
    const metadata::Partition& partition = *after.partition(index);
    if (log::PartitionLog* open = logs_->find(id)) {
      const metadata::Partition* was = before ? before->partition(index) : nullptr;
      if (!was || was->leader_epoch != partition.leader_epoch)
        open->begin_epoch(partition.leader_epoch);
      continue;
    }
    // Also one that was refused in an earlier image of this start.
    const bool known_before = !image_.ready() || (before && before->partition(index));
    fresh.push_back({id, after.name(), partition.leader_epoch, config.log, known_before});
  }
  for (size_t at = 0; at < fresh.size(); at += kPartitionsOpenedAtOnce) {
    reactor::Gate some;
    const size_t end = std::min(fresh.size(), at + kPartitionsOpenedAtOnce);
    for (size_t i = at; i < end; ++i) some.spawn("open partition", open_partition(fresh[i]));
    co_await some.close();
  }
}

Task<void> BrokerShard::open_partition(const log::PartitionSpec& spec) {
  const Status opened = co_await logs_->open_partition(spec);
  if (!opened) {
    reactor::log_error("partition {}-{} cannot be opened: {}", spec.topic_name,
                       spec.id.partition.to_string(), opened.error().to_string());
  }
}

Task<void> BrokerShard::drop_partitions(const metadata::Topic& topic) {
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    const log::TopicPartition id{topic.id(), log::PartitionId(i)};
    if (placement_.owner(id) != reactor::this_shard().id()) continue;
    const Status dropped = co_await logs_->delete_partition(id);
    if (!dropped) {
      reactor::log_error("partition {}-{} cannot be deleted: {}", topic.name(), i,
                         dropped.error().to_string());
    }
  }
  topic_configs_.erase(topic.id());
}

// This shard's share of what Kafka's cleaner threads have together.
static log::CompactionOptions compaction_options(const ConfigView& view, uint32_t shards) {
  log::CompactionOptions out;
  out.enabled = view.flag("log.cleaner.enable", true);
  out.threads =
      static_cast<uint32_t>(std::clamp<int64_t>(view.number("log.cleaner.threads", 1), 1, shards));
  const int64_t memory = view.number("log.cleaner.dedupe.buffer.size", 128 << 20);
  out.memory_bytes = static_cast<uint64_t>(std::max<int64_t>(memory, 0)) / shards;
  out.load_factor = view.real("log.cleaner.io.buffer.load.factor", out.load_factor);
  const double rate = view.real("log.cleaner.io.max.bytes.per.second", kUnlimitedRate);
  out.bytes_per_second = rate < kUnlimitedRate ? std::max(rate, 1.0) / shards : 0;
  const int64_t backoff_ms = view.number("log.cleaner.backoff.ms", 15'000);
  out.backoff = std::chrono::milliseconds(std::clamp<int64_t>(backoff_ms, 1, kBackoffMsMax));
  return out;
}

// True when what brokers may have set while they run differs: the defaults of all topics follow.
bool BrokerShard::note_defaults(const metadata::Image& last, const metadata::Image& image) {
  const std::string own = std::to_string(config_.node_id);
  bool changed = !image_.ready();
  metadata::Image::for_each_changed_config(
      last, image,
      [&](const metadata::ConfigResource& resource, const metadata::ConfigMap*,
          const metadata::ConfigMap*) {
        changed |= resource.type == metadata::ResourceType::broker &&
                   (resource.name.empty() || resource.name == own);
      });
  if (!changed) return false;
  const ConfigView view(config_, image);
  topic_defaults_ = metadata::with_dynamic_defaults(static_defaults_, view.cluster(), view.own());
  producer_id_expiration_ms_ = view.number("producer.id.expiration.ms", kProducerIdExpirationMs);
  default_config_ = effective(nullptr);
  logs_->configure_compaction(compaction_options(view, config_.shards));
  const double rate = view.real("replica.alter.log.dirs.io.max.bytes.per.second", 0);
  logs_->configure_moves(rate > 0 ? std::max(rate, 1.0) / config_.shards : 0);
  return true;
}

metadata::EffectiveTopicConfig BrokerShard::effective(const metadata::ConfigMap* set) const {
  auto out = metadata::effective_topic_config(set, topic_defaults_);
  out.log.producer_id_expiration_ms = producer_id_expiration_ms_;
  return out;
}

void BrokerShard::configure(const metadata::Image& image, const metadata::Topic& topic) {
  auto& config = topic_configs_[topic.id()];
  config = effective(image.find_configs(metadata::ResourceType::topic, topic.name()));
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    logs_->configure_partition({topic.id(), log::PartitionId(i)}, config.log);
  }
}

Task<log::Offset> BrokerShard::install(const metadata::Image* image) {
  static const metadata::Image kNothing;
  struct Change {
    const metadata::Topic* before;
    const metadata::Topic* after;
  };
  const metadata::Image& last = image_.ready() ? image_.current() : kNothing;
  std::vector<Change> changes;
  metadata::Image::for_each_changed_topic(last, *image, [&](const auto* before, const auto* after) {
    changes.push_back({before, after});
  });
  std::vector<const metadata::Topic*> reconfigured;
  const auto note = [&](const metadata::Topic& topic) { reconfigured.push_back(&topic); };
  if (note_defaults(last, *image)) {
    image->for_each_topic(note);
  } else {
    for (const Change& c : changes) {
      if (c.after) note(*c.after);
    }
    metadata::Image::for_each_changed_config(
        last, *image,
        [&](const metadata::ConfigResource& resource, const metadata::ConfigMap*,
            const metadata::ConfigMap*) {
          if (resource.type != metadata::ResourceType::topic) return;
          const metadata::Topic* topic = image->find_topic(std::string_view(resource.name));
          if (topic) note(*topic);
        });
  }
  for (size_t i = 0; i < reconfigured.size(); ++i) {
    configure(*image, *reconfigured[i]);
    if (i % kTopicsPerTurn == kTopicsPerTurn - 1) co_await reactor::yield();
  }
  // What is new opens before anybody can see it here; what went is hidden before its logs go. The
  // old image stays valid until this returns.
  for (const Change& c : changes) {
    if (c.after) co_await open_partitions(c.before, *c.after);
  }
  if (metadata::Image::quotas_differ(last, *image)) quotas_.install(*image);
  const log::Offset in_use = image_.install(image);
  std::vector<std::string> deleted;
  std::vector<std::string> changed;
  bool some_are_new = false;
  for (const Change& c : changes) {
    changed.push_back(c.after ? c.after->name() : c.before->name());
    some_are_new |= !c.before;
    if (c.after && c.after->name() == kOffsetsTopic) groups_.open(*c.after);
    if (!c.after) deleted.push_back(c.before->name());
  }
  if (!changed.empty()) groups_.topics_changed(changed, some_are_new);
  if (!deleted.empty()) groups_.topics_deleted(deleted);
  for (const Change& c : changes) {
    if (c.after) continue;
    if (c.before->name() == kOffsetsTopic) co_await groups_.close(*c.before);
    co_await drop_partitions(*c.before);
  }
  co_return in_use;
}

Task<void> BrokerShard::serve(int fd, const Listener& listener) {
  auto connection = std::make_unique<Connection>(*this, reactor::Socket(fd), listener);
  const uint64_t number = ++connections_taken_;
  connections_.emplace(number, connection.get());
  if (stopping_) connection->abort();
  co_await connection->run();
  connections_.erase(number);
  connection.reset();
  Broker* broker = &broker_;
  co_await reactor::submit_reserved(reactor::ShardId(0),
                                    [broker] { return broker->connection_ended(); });
}

void BrokerShard::adopt(int fd, const Listener& listener) {
  connection_gate_.spawn("connection", serve(fd, listener));
}

static Task<void> abort_later(std::map<uint64_t, Connection*>& connections, reactor::Event& done) {
  const MonoTime deadline = reactor::this_shard().now() + kDrainDeadline;
  if (co_await done.wait(deadline)) co_return;
  for (const auto& [number, connection] : connections) connection->abort();
}

void BrokerShard::end_waits() {
  stopping_ = true;
  fetch_waits_.stop();
  groups_.end_waits();
}

Task<void> BrokerShard::close_connections() {
  end_waits();
  for (const auto& [number, connection] : connections_) connection->drain();
  reactor::Event closed;
  reactor::Gate watch;
  watch.spawn("drain deadline", abort_later(connections_, closed));
  co_await connection_gate_.close();
  closed.set();
  co_await watch.close();
}

Task<Status> BrokerShard::stop_logs() {
  co_await quotas_.stop();
  co_await groups_.stop();
  if (!logs_) co_return Status{};
  const Status stopped = co_await logs_->stop();
  logs_.reset();
  co_return stopped;
}

Task<Result<int64_t>> BrokerShard::next_producer_id() {
  co_await producer_id_turn_.acquire(1);
  if (producer_id_next_ == producer_id_end_) {
    Broker* broker = &broker_;
    const auto block = co_await reactor::submit_to(
        reactor::ShardId(0), [broker] { return broker->controller().allocate_producer_ids(); });
    if (block.code != KafkaCode::none) {
      producer_id_turn_.release(1);
      co_return fail(Errc::overloaded, "no producer ids to be had");
    }
    producer_id_next_ = block.first;
    producer_id_end_ = block.first + block.count;
  }
  const int64_t id = producer_id_next_++;
  producer_id_turn_.release(1);
  co_return id;
}

}  // namespace odradek::broker
