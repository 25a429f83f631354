// Which shard owns a partition: round-robin per topic, from a start that the topic's id picks. The
// one place that knows; callers ask, and a shard that no longer owns answers `moved`.
#pragma once

#include <cstdint>
#include <functional>

#include "log/types.h"
#include "reactor/mailbox.h"

namespace odradek::broker {

class Placement {
 public:
  explicit Placement(uint32_t shard_count) : shard_count_(shard_count) {}
  reactor::ShardId owner(const log::TopicPartition& id) const {
    const uint64_t start = std::hash<Uuid>{}(id.topic) >> 32;
    return reactor::ShardId(
        static_cast<uint32_t>((start + static_cast<uint32_t>(id.partition.value)) % shard_count_));
  }

 private:
  uint32_t shard_count_;
};

}  // namespace odradek::broker
