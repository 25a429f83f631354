// What a cluster consists of, as plain values: brokers, controllers, partitions, configs. The image
// (image.h) holds them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/types.h"
#include "reactor/base/uuid.h"
#include "replication/quorum/types.h"

namespace odradek::metadata {

// Where a node listens. Names are as in `listeners`; the protocol is Kafka's SecurityProtocol id.
struct Endpoint {
  std::string listener;
  std::string host;
  uint16_t port = 0;
  int16_t security_protocol = 0;  // 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
  bool operator==(const Endpoint&) const = default;
};

struct FeatureRange {
  std::string name;
  int16_t min = 0;
  int16_t max = 0;
  bool operator==(const FeatureRange&) const = default;
};

struct Broker {
  NodeId id{-1};
  int64_t epoch = -1;  // offset of its registration record
  Uuid incarnation;
  std::vector<Endpoint> endpoints;
  std::vector<FeatureRange> features;
  std::optional<std::string> rack;
  bool fenced = true;
  bool in_controlled_shutdown = false;
  std::vector<Uuid> log_directories;
  std::optional<std::vector<Uuid>> cordoned_directories;  // absent until the broker reported them

  // Null when it has no such listener.
  const Endpoint* endpoint(std::string_view listener) const;
  bool active() const { return !fenced && !in_controlled_shutdown; }
};

struct ControllerNode {
  NodeId id{-1};
  Uuid incarnation;
  bool zk_migration_ready = false;
  std::vector<Endpoint> endpoints;
  std::vector<FeatureRange> features;
};

struct Partition {
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  std::vector<NodeId> removing;
  std::vector<NodeId> adding;
  std::vector<Uuid> directories;         // one a replica
  std::vector<NodeId> eligible_leaders;  // KIP-966
  std::vector<NodeId> last_known_eligible;
  NodeId leader = kNoNode;
  int8_t leader_recovery_state = 0;
  log::LeaderEpoch leader_epoch{-1};
  int32_t partition_epoch = -1;

  bool has_replica(NodeId node) const;
};

// Kafka's ConfigResource types.
enum class ResourceType : int8_t {
  topic = 2,
  broker = 4,  // name "": the default of the whole cluster
  broker_logger = 8,
  client_metrics = 16,
  group = 32,
};
struct ConfigResource {
  ResourceType type = ResourceType::topic;
  std::string name;
  auto operator<=>(const ConfigResource&) const = default;
};
// The same, not owned: to look one up.
struct ConfigResourceView {
  ResourceType type = ResourceType::topic;
  std::string_view name;
  friend bool operator==(const ConfigResource& a, const ConfigResourceView& b) {
    return a.type == b.type && a.name == b.name;
  }
};
struct ConfigResourceHash {
  size_t operator()(const ConfigResource& resource) const {
    return (*this)(ConfigResourceView{resource.type, resource.name});
  }
  size_t operator()(const ConfigResourceView& resource) const {
    return std::hash<std::string_view>{}(resource.name) * 31 + static_cast<size_t>(resource.type);
  }
};
struct StringHash {
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using ConfigMap = std::map<std::string, std::string, std::less<>>;

// Whom a client quota applies to: the name of each type of part; no name: the default of that type.
// By type, which is the order in which Kafka tells them.
using QuotaEntity = std::map<std::string, std::optional<std::string>, std::less<>>;
struct QuotaEntityHash {
  size_t operator()(const QuotaEntity& entity) const {
    size_t hash = entity.size();
    for (const auto& [type, name] : entity) {
      hash = hash * 31 + std::hash<std::string_view>{}(type);
      hash = hash * 31 + (name ? std::hash<std::string_view>{}(*name) : 7);
    }
    return hash;
  }
};
using QuotaValues = std::map<std::string, double, std::less<>>;  // by key

// A record of a kind that nothing here reads yet (ACLs, SCRAM ...): kept, so that a
// snapshot of ours loses nothing of a log that Kafka wrote.
struct CarriedRecord {
  std::vector<uint8_t> bytes;  // as in the log
};

}  // namespace odradek::metadata
