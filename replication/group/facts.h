// What a coordinator tells of itself to those who only look: metrics.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "replication/group/logged.h"

namespace odradek::group {

// How often something happened since the coordinator began. What an append that failed took back
// was counted, too.
struct CoordinatorStats {
  uint64_t offset_commits = 0;       // one each partition
  uint64_t offset_expirations = 0;   // KIP-211
  uint64_t classic_rebalances = 0;   // begun
  uint64_t consumer_rebalances = 0;  // group epochs

  CoordinatorStats& operator+=(const CoordinatorStats& other) {
    offset_commits += other.offset_commits;
    offset_expirations += other.offset_expirations;
    classic_rebalances += other.classic_rebalances;
    consumer_rebalances += other.consumer_rebalances;
    return *this;
  }
};

// One group, as long as nothing is asked of its coordinator.
struct GroupFacts {
  std::string_view name;
  std::string_view type;   // "classic", "consumer"
  std::string_view state;  // Kafka's name of it
  size_t members = 0;
  // By topic and partition.
  const std::map<std::string, std::map<int32_t, CommittedOffset>, std::less<>>& offsets;
};

}  // namespace odradek::group
