// The ids and counters of the log, each a type of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "reactor/base/strong.h"
#include "reactor/base/uuid.h"

namespace odradek::log {

using Offset = Strong<struct OffsetTag, int64_t>;            // of a record in a partition
using LeaderEpoch = Strong<struct LeaderEpochTag, int32_t>;  // -1: unknown
using PartitionId = Strong<struct PartitionIdTag, int32_t>;
using ProducerId = Strong<struct ProducerIdTag, int64_t>;  // -1: none
using ProducerEpoch = Strong<struct ProducerEpochTag, int16_t>;
using Generation = Strong<struct GenerationTag, uint32_t>;  // of a partition's log in one directory
using TopicId = Uuid;

// One partition of one topic, by id: what every private file of ours names a partition by.
struct TopicPartition {
  TopicId topic;
  PartitionId partition;
  auto operator<=>(const TopicPartition&) const = default;
  std::string to_string() const { return topic.to_string() + "-" + partition.to_string(); }
};

}  // namespace odradek::log

template <>
struct std::hash<odradek::log::TopicPartition> {
  size_t operator()(const odradek::log::TopicPartition& tp) const noexcept {
    return std::hash<odradek::Uuid>{}(tp.topic) * 31 + static_cast<size_t>(tp.partition.value);
  }
};
