#include "cmd/broker/known_properties.h"

#include <algorithm>
#include <array>

#include "replication/metadata/topic_configs.h"

namespace odradek::broker {

namespace {

constexpr auto kActs = std::to_array<std::string_view>({
    "advertised.listeners",
    "auto.create.topics.enable",
    "broker.id",
    "broker.rack",
    "cluster.id",
    "connections.max.idle.ms",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "default.replication.factor",
    "delete.topic.enable",
    "fetch.max.bytes",
    "group.consumer.assignment.interval.ms",
    "group.consumer.assignors",
    "group.consumer.heartbeat.interval.ms",
    "group.consumer.max.assignment.interval.ms",
    "group.consumer.max.heartbeat.interval.ms",
    "group.consumer.max.session.timeout.ms",
    "group.consumer.max.size",
    "group.consumer.migration.policy",
    "group.consumer.min.assignment.interval.ms",
    "group.consumer.min.heartbeat.interval.ms",
    "group.consumer.min.session.timeout.ms",
    "group.consumer.session.timeout.ms",
    "group.coordinator.rebalance.protocols",
    "group.initial.rebalance.delay.ms",
    "group.max.session.timeout.ms",
    "group.max.size",
    "group.min.session.timeout.ms",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.cleaner.backoff.ms",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.enable",
    "log.cleaner.io.buffer.load.factor",
    "log.cleaner.io.max.bytes.per.second",
    "log.dir",
    "log.dirs",
    "log.retention.check.interval.ms",
    "max.connections",
    "metadata.log.dir",
    "metadata.log.max.record.bytes.between.snapshots",
    "metadata.log.max.snapshot.interval.ms",
    "node.id",
    "num.partitions",
    "offset.metadata.max.bytes",
    "offsets.retention.check.interval.ms",
    "offsets.retention.minutes",
    "offsets.topic.num.partitions",
    "offsets.topic.segment.bytes",
    "process.roles",
    "producer.id.expiration.ms",
    "socket.listen.backlog.size",
    "socket.receive.buffer.bytes",
    "socket.request.max.bytes",
    "socket.send.buffer.bytes",
    "odradek.durability",
    "odradek.http.listeners",
    "odradek.memory",
    "odradek.shards",
    "odradek.slow.request.ms",
    "security.inter.broker.protocol",
    "sasl.enabled.mechanisms",
    "quota.window.num",
    "quota.window.size.seconds",
    "controller.quota.window.num",
    "controller.quota.window.size.seconds",
});

// Set in common files; their subject is elsewhere here (threads, replication, coordinators to
// come). Of SASL only when a broker renews its own ticket: nobody is let in by it.
constexpr auto kIdle = std::to_array<std::string_view>({
    "auto.leader.rebalance.enable",
    "background.threads",
    "broker.heartbeat.interval.ms",
    "broker.id.generation.enable",
    "broker.session.timeout.ms",
    "controlled.shutdown.enable",
    "controller.quorum.append.linger.ms",
    "controller.quorum.election.backoff.max.ms",
    "controller.quorum.election.timeout.ms",
    "controller.quorum.fetch.timeout.ms",
    "controller.quorum.request.timeout.ms",
    "controller.quorum.retry.backoff.ms",
    "group.coordinator.threads",
    "initial.broker.registration.timeout.ms",
    "leader.imbalance.check.interval.seconds",
    "leader.imbalance.per.broker.percentage",
    "log.cleaner.io.buffer.size",
    "log.cleaner.threads",
    "log.flush.offset.checkpoint.interval.ms",
    "log.flush.start.offset.checkpoint.interval.ms",
    "max.connection.creation.rate",
    "max.connections.per.ip",
    "max.connections.per.ip.overrides",
    "max.incremental.fetch.session.cache.slots",
    "metadata.log.segment.bytes",
    "metadata.log.segment.ms",
    "metadata.max.retention.bytes",
    "metadata.max.retention.ms",
    "metadata.max.idle.interval.ms",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.alter.log.dirs.threads",
    "num.replica.fetchers",
    "offsets.commit.timeout.ms",
    "offsets.load.buffer.size",
    "offsets.topic.compression.codec",
    "offsets.topic.replication.factor",
    "producer.id.expiration.check.interval.ms",
    "queued.max.request.bytes",
    "queued.max.requests",
    "replica.fetch.backoff.ms",
    "replica.fetch.max.bytes",
    "replica.fetch.min.bytes",
    "replica.fetch.response.max.bytes",
    "replica.fetch.wait.max.ms",
    "replica.high.watermark.checkpoint.interval.ms",
    "replica.lag.time.max.ms",
    "replica.selector.class",
    "replica.socket.receive.buffer.bytes",
    "replica.socket.timeout.ms",
    "request.timeout.ms",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.ticket.renew.window.factor",
    "server.max.startup.time.ms",
    "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.num.partitions",
    "share.coordinator.state.topic.replication.factor",
    "socket.connection.setup.timeout.max.ms",
    "socket.connection.setup.timeout.ms",
    "transaction.max.timeout.ms",
    "transaction.partition.verification.enable",
    "transaction.state.log.load.buffer.size",
    "transaction.state.log.min.isr",
    "transaction.state.log.num.partitions",
    "transaction.state.log.replication.factor",
    "transaction.state.log.segment.bytes",
    "transactional.id.expiration.ms",
    "unstable.api.versions.enable",
    "unstable.feature.versions.enable",
    "zookeeper.connect",
    "zookeeper.connection.timeout.ms",
});

constexpr auto kDangerousPrefixes = std::to_array<std::string_view>({
    "ssl.",
    "sasl.",
    "listener.name.",
    "security.providers",
    "delegation.token.",
    "authorizer.",
    "super.users",
    "allow.everyone",
    "principal.builder.class",
    "connections.max.reauth.ms",
    "create.topic.policy.class.name",
    "alter.config.policy.class.name",
    "client.quota.callback.class",
    "early.start.listeners",
    "remote.log.index.",
    "remote.log.manager.",
    "remote.log.metadata.",
    "remote.log.reader.",
    "remote.log.storage.",
    "password.encoder.",
});

bool is_topic_default(std::string_view name) {
  for (const auto& def : metadata::topic_config_defs()) {
    if (std::ranges::find(def.synonyms, name) != def.synonyms.end()) return true;
  }
  return false;
}

}  // namespace

PropertyKind property_kind(std::string_view name) {
  if (std::ranges::find(kActs, name) != kActs.end() || is_topic_default(name)) {
    return PropertyKind::acts;
  }
  if (std::ranges::find(kIdle, name) != kIdle.end()) return PropertyKind::idle;
  for (const auto prefix : kDangerousPrefixes) {
    if (name.starts_with(prefix)) return PropertyKind::dangerous;
  }
  return PropertyKind::unknown;
}

}  // namespace odradek::broker
