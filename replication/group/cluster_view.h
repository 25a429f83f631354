// What the coordinator must know of the cluster to assign partitions: which topics there are. Given
// by whoever runs the coordinator, asked while it works on one input and never kept: what changes
// between two inputs comes as Coordinator::topics_changed().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/uuid.h"

namespace odradek::group {

struct TopicFacts {
  std::string name;
  Uuid id;
  int32_t partitions = 0;
};

class ClusterView {
 public:
  virtual ~ClusterView() = default;
  // Absent when there is no such topic.
  virtual std::optional<TopicFacts> find(std::string_view name) const = 0;
  virtual std::optional<TopicFacts> find(const Uuid& id) const = 0;
  virtual void for_each_name(const std::function<void(std::string_view)>& visit) const = 0;
  // The racks of the brokers that have a replica, in no order.
  virtual std::vector<std::string> racks(const Uuid& topic, int32_t partition) const = 0;
  // Grows with every change.
  virtual int64_t version() const = 0;
  // consumer.*.ms as it is now, set for the group or for the broker while it runs; `otherwise` when
  // it is not.
  virtual int32_t session_timeout_ms(std::string_view group, int32_t otherwise) const {
    return otherwise;
  }
  virtual int32_t heartbeat_interval_ms(std::string_view group, int32_t otherwise) const {
    return otherwise;
  }
  virtual int32_t assignment_interval_ms(std::string_view group, int32_t otherwise) const {
    return otherwise;
  }
};

// What a group's topics are, in one number that differs when they do: Kafka's own (XXH3 over ids,
// names, partitions and racks), so that a group moves between brokers without a rebalance. Names
// without a topic count for nothing; 0 when there is none. `names` in ascending order.
int64_t metadata_hash(const ClusterView& view, const std::vector<std::string>& names);

}  // namespace odradek::group
