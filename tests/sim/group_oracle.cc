#include "tests/sim/group_oracle.h"

#include <fmt/format.h>

#include <algorithm>

namespace odradek::simulation {

void GroupOracle::assigned(int32_t generation, int32_t partition, const std::string& owner) {
  const auto [at, first] = owners_.try_emplace({generation, partition}, owner);
  if (!first && at->second != owner) {
    oracle_.fail("I12", fmt::format("generation {}, partition {}: owned by {} and by {}",
                                    generation, partition, at->second, owner));
  }
  generation_ = std::max(generation_, generation);
}

void GroupOracle::committed(const Asked& asked, int32_t generation, int32_t partition,
                            int64_t offset) {
  if (generation < asked.generation) {
    oracle_.fail("I12", fmt::format("partition {}: a commit of generation {} was taken when {} was "
                                    "known",
                                    partition, generation, asked.generation));
  }
  ++commits_;
  auto& floor = floor_[partition];
  floor = std::max(floor, offset);
}

void GroupOracle::fetched(const Asked& asked, int32_t partition, int64_t offset) {
  const auto at = asked.floor.find(partition);
  if (at == asked.floor.end() || offset >= at->second) return;
  oracle_.fail("I12", fmt::format("partition {}: committed {} was acknowledged, {} is there",
                                  partition, at->second, offset));
}

}  // namespace odradek::simulation
