// The broker's configuration: Kafka's server.properties under Kafka's names, and a few of our own
// (odradek.*). Read once at start; the same for all shards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/partition_log.h"
#include "reactor/base/result.h"
#include "replication/group/effects.h"

namespace odradek::broker {

// One entry of `listeners` with its counterpart in `advertised.listeners`.
struct Listener {
  std::string name;             // as in `listeners`, upper case
  std::string host;             // to bind; empty: every interface
  uint16_t port = 0;            // to bind; 0: any free one
  std::string advertised_host;  // what clients are told; empty until name_host()
  uint16_t advertised_port = 0;
  bool controller = false;  // in controller.listener.names: no client is told of it
};

// The address of metrics, health and the JSON view.
struct HttpListener {
  std::string host;        // empty: every interface
  uint16_t port = 9644;    // 0: any free one
  bool by_default = true;  // nobody asked for it: a taken port is a warning then
};

struct BrokerConfig {
  // Everything that was set, by name: for DescribeConfigs and for topic defaults.
  std::map<std::string, std::string, std::less<>> properties;
  // What was read from them.
  int32_t node_id = 1;
  std::optional<std::string> rack;
  std::vector<Listener> listeners;
  std::vector<std::string> log_directories;
  std::string metadata_directory;
  std::optional<std::string> cluster_id;  // only when the caller insists on one
  uint32_t shards = 1;
  uint32_t cores = 1;  // usable by this process, before shards were pinned to them
  uint64_t memory_bytes = 0;
  uint64_t wal_bytes = 0;  // of all shards together; 0: a share of the memory
  log::Durability durability = log::Durability::flushed;
  int32_t partitions_default = 1;
  int16_t replication_factor_default = 1;
  bool auto_create_topics = true;
  bool delete_topics = true;
  uint32_t request_bytes_max = 104'857'600;  // socket.request.max.bytes
  uint32_t send_buffer_bytes = 0;            // socket.send.buffer.bytes, 0: the kernel's
  uint32_t receive_buffer_bytes = 0;
  int32_t listen_backlog = 511;
  // odradek.http.listeners: where the HTTP server listens; none: it is off.
  std::optional<HttpListener> http;
  int64_t slow_request_ms = 500;              // odradek.slow.request.ms; -1: none is slow
  int64_t connections_idle_ms_max = 600'000;  // connections.max.idle.ms
  uint32_t connections_max = 0x7fffffff;
  uint64_t fetch_bytes_max = 57'671'680;        // fetch.max.bytes
  int64_t quota_windows = 11;                   // quota.window.num
  int64_t quota_window_seconds = 1;             // quota.window.size.seconds
  int64_t mutation_windows = 11;                // controller.quota.window.num
  int64_t mutation_window_seconds = 1;          // controller.quota.window.size.seconds
  int64_t retention_check_ms = 300'000;         // log.retention.check.interval.ms
  uint64_t metadata_snapshot_bytes = 20 << 20;  // metadata.log.max.record.bytes.between.snapshots
  int64_t metadata_snapshot_ms = 3'600'000;     // metadata.log.max.snapshot.interval.ms
  group::Config groups;                         // group.*, offsets.retention.minutes, ...
  bool consumer_protocol = true;                // group.coordinator.rebalance.protocols
  int32_t offsets_partitions = 50;              // offsets.topic.num.partitions
  int32_t offsets_segment_bytes = 104'857'600;  // offsets.topic.segment.bytes
  int64_t offsets_check_ms = 600'000;           // offsets.retention.check.interval.ms
  // Properties that are known, were set, and do nothing here: named in one warning.
  std::vector<std::string> ignored;
  // Names that nobody knows: a warning too, as Kafka does.
  std::vector<std::string> unknown;
};

// The text of a Java properties file: comments, continuation lines, escapes. Later entries win.
Result<std::map<std::string, std::string, std::less<>>> parse_properties(std::string_view text);

// Turns properties into a configuration. Errc::invalid names the property, its value, and what to
// do; that includes what would expose or lose data if it were ignored (TLS or SASL listeners,
// authorizers, policies, several nodes). `cores` and `memory_bytes` are the machine's.
Result<BrokerConfig> make_config(std::map<std::string, std::string, std::less<>> properties,
                                 uint32_t cores, uint64_t memory_bytes);

// Listeners without a host, and controllers' on a meta-address, are advertised under `host`: the
// machine's canonical name, as Kafka does.
void name_host(BrokerConfig& config, const std::string& host);

}  // namespace odradek::broker
