#include "tests/sim/consumer_oracle.h"

#include <fmt/format.h>

#include <algorithm>

namespace odradek::simulation {

void ConsumerOracle::says(const std::string& member, const std::set<int32_t>& has) {
  for (const auto& [partition, owner] : owners_) {
    if (owner == member && !has.contains(partition)) released_.insert(partition);
  }
}

void ConsumerOracle::heard(const std::string& member, MonoTime sent) {
  auto& last = alive_[member];
  last = std::max(last, sent);
}

void ConsumerOracle::told(const std::string& member, int32_t partition, MonoTime now) {
  const auto found = owners_.find(partition);
  if (found != owners_.end() && found->second != member) {
    const bool alive = now < alive_[found->second] + kConsumerSession;
    if (alive && !released_.contains(partition)) {
      oracle_.fail("I12", fmt::format("partition {}: given to {} while {} had it", partition,
                                      member, found->second));
    }
    ++moves_;
  }
  owners_[partition] = member;
  released_.erase(partition);
}

void ConsumerOracle::committed(const Asked& asked, const std::string& member, int32_t partition,
                               int64_t offset) {
  const auto owner = asked.owners.find(partition);
  if (owner != asked.owners.end() && owner->second != member) {
    oracle_.fail("I12", fmt::format("partition {}: a commit of {} was taken when {} had it",
                                    partition, member, owner->second));
  }
  ++commits_;
  auto& floor = floor_[partition];
  floor = std::max(floor, offset);
}

void ConsumerOracle::fetched(const Asked& asked, int32_t partition, int64_t offset) {
  const auto at = asked.floor.find(partition);
  if (at == asked.floor.end() || offset >= at->second) return;
  oracle_.fail("I12", fmt::format("consumers, partition {}: committed {} was acknowledged, {} is "
                                  "there",
                                  partition, at->second, offset));
}

}  // namespace odradek::simulation
