// What the client knows of the cluster: brokers, topics, leaders. Filled from Metadata answers,
// topic by topic; out of date at any time, which brokers then say.
//
// Owned by the Client, one core. Bounds: the topics that were asked for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/kafka/client/endpoint.h"
#include "net/kafka/messages/metadata_response.h"
#include "reactor/base/uuid.h"

namespace odradek::client {

struct Partition {
  int32_t index = 0;
  int16_t error = 0;
  int32_t leader = -1;  // node id; -1: none now
  int32_t leader_epoch = -1;
  std::vector<int32_t> replicas;
  std::vector<int32_t> in_sync;
  std::vector<int32_t> offline;
};

struct Topic {
  std::string name;
  Uuid id;  // zero from brokers before Kafka 2.8
  int16_t error = 0;
  bool internal = false;
  std::vector<Partition> partitions;  // by index

  // The partition with `index`, null when the topic has none such.
  const Partition* partition(int32_t index) const;
};

struct Broker {
  Endpoint endpoint;
  std::string rack;
};

class Metadata {
 public:
  // Takes brokers and every topic that the answer names, errors included.
  void take(const kafka::MetadataResponse& answer);
  void forget(std::string_view topic);

  // Null when not known. Valid until the next take().
  const Topic* topic(std::string_view name) const;
  const Topic* topic(const Uuid& id) const;
  const std::map<std::string, Topic, std::less<>>& topics() const { return topics_; }
  const std::map<int32_t, Broker>& brokers() const { return brokers_; }
  int32_t controller() const { return controller_; }  // -1: unknown
  const std::string& cluster_id() const { return cluster_id_; }

 private:
  std::map<std::string, Topic, std::less<>> topics_;
  std::map<Uuid, std::string> names_;
  std::map<int32_t, Broker> brokers_;
  int32_t controller_ = -1;
  std::string cluster_id_;
};

}  // namespace odradek::client
