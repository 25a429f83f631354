#include "cmd/broker/broker_config.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "cmd/broker/known_properties.h"
#include "reactor/limits.h"
#include "replication/group/assignors.h"

namespace odradek::broker {

namespace {

using Properties = std::map<std::string, std::string, std::less<>>;

constexpr int64_t kMillisecondsMax = INT64_MAX / 4'000'000;
constexpr uint64_t kMemoryMin = 64ull << 20;
// The default: a quarter of RAM or of the cgroup's limit, and at most this for each shard.
constexpr uint64_t kMemoryShareDefault = 4;
constexpr uint64_t kMemoryDefaultPerShard = 1ull << 30;
// A shard's arena is cut in slabs of 2 MiB, each for one of nine block sizes: with less than this
// the sizes take each other's slabs away.
constexpr uint64_t kMemoryPerShardMin = 32ull << 20;

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    if (!part.empty()) parts.emplace_back(part);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return parts;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

std::unexpected<Error> bad(std::string_view name, std::string_view value, std::string_view why) {
  return fail(Errc::invalid,
              std::string(name) + "=" + std::string(value) + ": " + std::string(why));
}

// Reads properties into fields; the first failure stays.
class Reading {
 public:
  explicit Reading(const Properties& properties) : properties_(properties) {}
  const Properties& properties() const { return properties_; }
  std::optional<std::string> text(std::string_view name) const {
    const auto found = properties_.find(name);
    if (found == properties_.end()) return std::nullopt;
    return found->second;
  }
  template <class T>
  void number(std::string_view name, T& out, int64_t low, int64_t high) {
    const auto value = text(name);
    if (!value || !status_) return;
    int64_t parsed = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), parsed);
    if (error != std::errc() || end != value->data() + value->size()) {
      status_ = bad(name, *value, "not a whole number");
    } else if (parsed < low || parsed > high) {
      status_ =
          bad(name, *value, "must be from " + std::to_string(low) + " to " + std::to_string(high));
    } else {
      out = static_cast<T>(parsed);
    }
  }
  void boolean(std::string_view name, bool& out) {
    const auto value = text(name);
    if (!value || !status_) return;
    const std::string word = upper(*value);
    if (word != "TRUE" && word != "FALSE") {
      status_ = bad(name, *value, "must be true or false");
    } else {
      out = word == "TRUE";
    }
  }
  Status& status() { return status_; }

 private:
  const Properties& properties_;
  Status status_;
};

// NAME://host:port, [v6], or an empty host.
Result<Listener> parse_endpoint(std::string_view property, std::string_view entry) {
  const size_t scheme = entry.find("://");
  const size_t colon = entry.rfind(':');
  if (scheme == std::string_view::npos || colon <= scheme + 2) {
    return bad(property, entry, "a listener is NAME://host:port");
  }
  Listener out;
  out.name = upper(entry.substr(0, scheme));
  std::string_view host = entry.substr(scheme + 3, colon - scheme - 3);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.host = host;
  const std::string_view port = entry.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return bad(property, entry, "the port must be from 0 to 65535");
  }
  return out;
}

// listener.security.protocol.map; names that are not in it must be protocols themselves.
Status check_protocol(const Reading& reading, const std::string& name, bool controller) {
  std::string protocol = name;
  for (const auto& entry : split(reading.text("listener.security.protocol.map").value_or(""))) {
    const size_t colon = entry.find(':');
    if (colon != std::string::npos && upper(entry.substr(0, colon)) == name) {
      protocol = upper(entry.substr(colon + 1));
    }
  }
  if (protocol == "PLAINTEXT" || (protocol == name && controller)) return {};
  if (protocol == "SSL" || protocol == "SASL_PLAINTEXT" || protocol == "SASL_SSL") {
    return fail(Errc::invalid,
                "listener " + name + " asks for " + protocol +
                    ", which is not supported yet; without it the data would be open "
                    "to everybody: use a PLAINTEXT listener on a trusted network");
  }
  return fail(
      Errc::invalid,
      "listener " + name + " has no security protocol: add it to listener.security.protocol.map");
}

Status read_listeners(Reading& reading, BrokerConfig& config) {
  const std::string text = reading.text("listeners").value_or("PLAINTEXT://127.0.0.1:9092");
  std::set<std::string> controllers;
  for (const auto& name : split(reading.text("controller.listener.names").value_or(""))) {
    controllers.insert(upper(name));
  }
  for (const auto& entry : split(text)) {
    TRY_ASSIGN(Listener listener, parse_endpoint("listeners", entry));
    listener.controller = controllers.contains(listener.name);
    TRY(check_protocol(reading, listener.name, listener.controller));
    for (const auto& other : config.listeners) {
      if (other.name == listener.name) return bad("listeners", text, "a name stands there twice");
      if (listener.port != 0 && other.port == listener.port && other.host == listener.host) {
        return bad("listeners", text, "two listeners share an address");
      }
    }
    listener.advertised_host = listener.host;
    listener.advertised_port = listener.port;
    config.listeners.push_back(std::move(listener));
  }
  const auto between = reading.text("inter.broker.listener.name");
  if (between && std::ranges::find(config.listeners, upper(*between), &Listener::name) ==
                     config.listeners.end()) {
    return bad("inter.broker.listener.name", *between, "no listener has this name");
  }
  const auto clients = std::ranges::count(config.listeners, false, &Listener::controller);
  if (clients == 0) return bad("listeners", text, "no listener for clients is among them");
  return {};
}

Status read_advertised(Reading& reading, BrokerConfig& config) {
  for (const auto& entry : split(reading.text("advertised.listeners").value_or(""))) {
    TRY_ASSIGN(const Listener advertised, parse_endpoint("advertised.listeners", entry));
    const auto found = std::ranges::find(config.listeners, advertised.name, &Listener::name);
    if (found == config.listeners.end()) {
      return bad("advertised.listeners", entry, "no listener has this name");
    }
    if (advertised.host.empty() || advertised.host == "0.0.0.0" || advertised.host == "::") {
      return bad("advertised.listeners", entry,
                 "clients cannot connect to this address: name the host");
    }
    found->advertised_host = advertised.host;
    found->advertised_port = advertised.port;
  }
  for (auto& listener : config.listeners) {
    const auto& host = listener.advertised_host;
    if (host != "0.0.0.0" && host != "::") continue;
    if (!listener.controller) {
      return bad("advertised.listeners", listener.name + "://" + host,
                 "clients cannot connect to this meta-address, which listeners names: set "
                 "advertised.listeners to the address that they can use");
    }
    listener.advertised_host.clear();
  }
  return {};
}

Status read_directories(Reading& reading, BrokerConfig& config) {
  auto text = reading.text("log.dirs");
  if (!text) text = reading.text("log.dir");
  config.log_directories = split(text.value_or("odradek-data"));
  if (config.log_directories.empty()) return bad("log.dirs", *text, "names no directory");
  for (auto& directory : config.log_directories) {
    while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  }
  const std::set<std::string> distinct(config.log_directories.begin(),
                                       config.log_directories.end());
  if (distinct.size() != config.log_directories.size()) {
    return bad("log.dirs", *text, "a directory stands there twice");
  }
  config.metadata_directory =
      reading.text("metadata.log.dir").value_or(config.log_directories.front());
  return {};
}

// One node is what there is: a configuration for several would lose its replication silently.
Status check_single_node(const Reading& reading, const BrokerConfig& config) {
  constexpr std::string_view kVoters = "controller.quorum.voters";
  constexpr std::string_view kServers = "controller.quorum.bootstrap.servers";
  const auto voters = split(reading.text(kVoters).value_or(""));
  for (const std::string_view name : {kVoters, kServers}) {
    if (split(reading.text(name).value_or("")).size() > 1) {
      return bad(name, *reading.text(name),
                 "several controllers are not supported yet: name this node alone");
    }
  }
  if (voters.size() == 1 && !voters.front().starts_with(std::to_string(config.node_id) + "@")) {
    return bad(kVoters, voters.front(), "this node is not the voter it names");
  }
  const auto roles = split(reading.text("process.roles").value_or(""));
  const std::set<std::string> distinct(roles.begin(), roles.end());
  if (!roles.empty() && distinct != std::set<std::string>{"broker", "controller"}) {
    return bad("process.roles", *reading.text("process.roles"),
               "a single node has both: broker,controller");
  }
  for (const std::string_view name : {"default.replication.factor", "min.insync.replicas"}) {
    const auto value = reading.text(name);
    if (value && *value != "1") return bad(name, *value, "one node holds one replica: set it to 1");
  }
  return {};
}

Result<uint64_t> parse_bytes(std::string_view name, const std::string& value) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const std::string unit = upper(std::string_view(end, value.data() + value.size()));
  const int shift = unit.empty()                   ? 0
                    : unit == "K" || unit == "KIB" ? 10
                    : unit == "M" || unit == "MIB" ? 20
                    : unit == "G" || unit == "GIB" ? 30
                                                   : -1;
  if (error != std::errc() || shift < 0 || number > UINT64_MAX >> shift) {
    return bad(name, value, "a number of bytes, or one with K, M or G");
  }
  return number << shift;
}

// http://host:port, at most one; unset: the default.
Status read_http(const Reading& reading, BrokerConfig& config) {
  constexpr std::string_view kName = "odradek.http.listeners";
  const auto text = reading.text(kName);
  config.http = HttpListener{.host = "127.0.0.1"};
  if (!text) return {};
  const auto entries = split(*text);
  config.http.reset();
  if (entries.empty()) return {};
  if (entries.size() > 1) return bad(kName, *text, "one address is served at most");
  TRY_ASSIGN(const Listener listener, parse_endpoint(kName, entries.front()));
  if (listener.name != "HTTP")
    return bad(kName, *text, "must be http://host:port, or empty for none");
  config.http = HttpListener{listener.host, listener.port, false};
  return {};
}

Status read_own(Reading& reading, BrokerConfig& config, uint32_t cores, uint64_t memory_bytes) {
  config.cores = cores;
  config.shards = cores <= 2 ? 1 : std::min(cores, reactor::kShardsMax);
  reading.number("odradek.shards", config.shards, 1, reactor::kShardsMax);
  const std::string durability = reading.text("odradek.durability").value_or("flushed");
  if (durability != "flushed" && durability != "written") {
    return bad("odradek.durability", durability, "must be flushed or written");
  }
  config.durability = durability == "written" ? log::Durability::written : log::Durability::flushed;
  config.memory_bytes =
      std::min(memory_bytes / kMemoryShareDefault, config.shards * kMemoryDefaultPerShard);
  const uint64_t least = std::max(kMemoryMin, config.shards * kMemoryPerShardMin);
  config.memory_bytes = std::max(config.memory_bytes, least);
  if (const auto text = reading.text("odradek.memory")) {
    TRY_ASSIGN(config.memory_bytes, parse_bytes("odradek.memory", *text));
    if (config.memory_bytes < least) {
      return bad("odradek.memory", *text,
                 "must be at least " + std::to_string(least >> 20) + "M with " +
                     std::to_string(config.shards) + " shards");
    }
    if (config.memory_bytes > memory_bytes)
      return bad("odradek.memory", *text, "more than there is");
  }
  return {};
}

void read_numbers(Reading& reading, BrokerConfig& config) {
  constexpr int64_t kIntMax = 0x7fffffff;
  reading.number("broker.id", config.node_id, 0, kIntMax);
  reading.number("node.id", config.node_id, 0, kIntMax);
  reading.number("num.partitions", config.partitions_default, 1, kIntMax);
  reading.number("default.replication.factor", config.replication_factor_default, 1, 32767);
  reading.boolean("auto.create.topics.enable", config.auto_create_topics);
  reading.boolean("delete.topic.enable", config.delete_topics);
  reading.number("socket.request.max.bytes", config.request_bytes_max, 1024, kIntMax);
  reading.number("socket.listen.backlog.size", config.listen_backlog, 1, 65535);
  reading.number("connections.max.idle.ms", config.connections_idle_ms_max, -1, INT64_MAX);
  // Negative: never. What a clock of nanoseconds cannot count is never, too.
  auto& idle = config.connections_idle_ms_max;
  idle = idle < 0 ? kMillisecondsMax : std::min(idle, kMillisecondsMax);
  reading.number("odradek.slow.request.ms", config.slow_request_ms, -1, kMillisecondsMax);
  reading.number("max.connections", config.connections_max, 1, kIntMax);
  reading.number("fetch.max.bytes", config.fetch_bytes_max, 1024, kIntMax);
  reading.number("quota.window.num", config.quota_windows, 1, INT32_MAX);
  reading.number("quota.window.size.seconds", config.quota_window_seconds, 1, INT32_MAX);
  reading.number("controller.quota.window.num", config.mutation_windows, 1, INT32_MAX);
  reading.number("controller.quota.window.size.seconds", config.mutation_window_seconds, 1,
                 INT32_MAX);
  reading.number("log.retention.check.interval.ms", config.retention_check_ms, 1,
                 INT64_MAX / 1000000);
  reading.number("metadata.log.max.record.bytes.between.snapshots", config.metadata_snapshot_bytes,
                 1, INT64_MAX);
  reading.number("metadata.log.max.snapshot.interval.ms", config.metadata_snapshot_ms, 0,
                 INT64_MAX / 1000000);
  int64_t buffer = 0;
  // Kafka's default of 100 KiB is set in every sample file; here -1 and the sample's own number
  // leave the kernel's autotuning, which is faster on every path.
  reading.number("socket.send.buffer.bytes", buffer, -1, kIntMax);
  if (buffer > 102'400) config.send_buffer_bytes = static_cast<uint32_t>(buffer);
  buffer = 0;
  reading.number("socket.receive.buffer.bytes", buffer, -1, kIntMax);
  if (buffer > 102'400) config.receive_buffer_bytes = static_cast<uint32_t>(buffer);
}

// One of group.consumer.*.ms with its bounds, which are properties too.
void read_bounded(Reading& reading, std::string_view what, int32_t& out, int32_t low,
                  int32_t high) {
  constexpr std::string_view kPrefix = "group.consumer.";
  const auto named = [&](std::string_view word) {
    return std::string(kPrefix) + std::string(word) + std::string(what);
  };
  reading.number(named("min."), low, 0, 0x7fffffff);
  reading.number(named("max."), high, low, 0x7fffffff);
  reading.number(named(""), out, low, high);
}

// By Kafka's names of them, or those of its classes.
void read_assignors(Reading& reading, group::ConsumerConfig& config) {
  constexpr std::string_view kName = "group.consumer.assignors";
  const auto text = reading.text(kName);
  if (!text) return;
  config.assignors.clear();
  for (const auto& entry : split(*text)) {
    const std::string_view name = std::string_view(entry).substr(entry.rfind('.') + 1);
    const auto known = name == "UniformAssignor" ? group::kUniform
                       : name == "RangeAssignor" ? group::kRange
                                                 : name;
    if (known != group::kUniform && known != group::kRange) {
      reading.status() = bad(kName, entry, "only uniform and range are known here");
      return;
    }
    config.assignors.emplace_back(known);
  }
  if (config.assignors.empty()) reading.status() = bad(kName, *text, "names no assignor");
}

void read_migration(Reading& reading, group::ConsumerConfig& config) {
  constexpr std::string_view kName = "group.consumer.migration.policy";
  const std::string policy = upper(reading.text(kName).value_or("bidirectional"));
  config.upgrades = policy == "BIDIRECTIONAL" || policy == "UPGRADE";
  config.downgrades = policy == "BIDIRECTIONAL" || policy == "DOWNGRADE";
  if (config.upgrades || config.downgrades || policy == "DISABLED") return;
  reading.status() = bad(kName, policy, "must be bidirectional, upgrade, downgrade or disabled");
}

void read_consumer_groups(Reading& reading, BrokerConfig& config) {
  auto& groups = config.groups.consumer;
  read_bounded(reading, "session.timeout.ms", groups.session_timeout_ms, 45'000, 60'000);
  read_bounded(reading, "heartbeat.interval.ms", groups.heartbeat_interval_ms, 5'000, 15'000);
  read_bounded(reading, "assignment.interval.ms", groups.assignment_interval_ms, 0, 15'000);
  reading.number("group.consumer.max.size", groups.members_max, 1, 0x7fffffff);
  read_assignors(reading, groups);
  read_migration(reading, groups);
  constexpr std::string_view kProtocols = "group.coordinator.rebalance.protocols";
  const auto text = reading.text(kProtocols);
  if (!text) return;
  const auto protocols = split(upper(*text));
  config.consumer_protocol = std::ranges::find(protocols, "CONSUMER") != protocols.end();
  if (std::ranges::find(protocols, "CLASSIC") == protocols.end()) {
    reading.status() = bad(kProtocols, *text, "the classic protocol cannot be disabled");
  }
}

void read_groups(Reading& reading, BrokerConfig& config) {
  constexpr int64_t kIntMax = 0x7fffffff;
  auto& groups = config.groups;
  reading.number("group.min.session.timeout.ms", groups.session_timeout_min_ms, 0, kIntMax);
  reading.number("group.max.session.timeout.ms", groups.session_timeout_max_ms, 0, kIntMax);
  reading.number("group.initial.rebalance.delay.ms", groups.initial_delay_ms, 0, kIntMax);
  reading.number("group.max.size", groups.members_max, 1, kIntMax);
  reading.number("offset.metadata.max.bytes", groups.metadata_max, 0, kIntMax);
  int64_t minutes = groups.retention_ms / 60'000;
  reading.number("offsets.retention.minutes", minutes, 1, kIntMax);
  groups.retention_ms = minutes * 60'000;
  reading.number("offsets.retention.check.interval.ms", config.offsets_check_ms, 1,
                 INT64_MAX / 1000000);
  reading.number("offsets.topic.num.partitions", config.offsets_partitions, 1, kIntMax);
  reading.number("offsets.topic.segment.bytes", config.offsets_segment_bytes, 1, kIntMax);
}

Status sort_names(const Reading& reading, BrokerConfig& config) {
  for (const auto& [name, value] : reading.properties()) {
    switch (property_kind(name)) {
      case PropertyKind::acts: break;
      case PropertyKind::idle: config.ignored.push_back(name); break;
      case PropertyKind::unknown: config.unknown.push_back(name); break;
      case PropertyKind::dangerous:
        return bad(
            name, "...",
            "security, policies and plug-ins are not supported yet, and ignoring this property "
            "could expose or lose data: remove it to start without");
    }
  }
  const auto mechanisms = reading.text("sasl.enabled.mechanisms");
  if (mechanisms) config.ignored.push_back("sasl.enabled.mechanisms");
  return {};
}

}  // namespace

void name_host(BrokerConfig& config, const std::string& host) {
  for (Listener& listener : config.listeners) {
    if (listener.advertised_host.empty()) listener.advertised_host = host;
  }
}

Result<BrokerConfig> make_config(Properties properties, uint32_t cores, uint64_t memory_bytes) {
  BrokerConfig config;
  Reading reading(properties);
  TRY(sort_names(reading, config));
  read_numbers(reading, config);
  read_groups(reading, config);
  read_consumer_groups(reading, config);
  TRY(reading.status());
  TRY(read_listeners(reading, config));
  TRY(read_advertised(reading, config));
  TRY(read_directories(reading, config));
  TRY(check_single_node(reading, config));
  TRY(read_own(reading, config, cores, memory_bytes));
  TRY(read_http(reading, config));
  TRY(reading.status());
  config.rack = reading.text("broker.rack");
  config.cluster_id = reading.text("cluster.id");
  config.properties = std::move(properties);
  return config;
}

}  // namespace odradek::broker
