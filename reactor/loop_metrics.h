// What a shard tells of itself: its loop, mail, memory and log lines. Made by the Shard.
#pragma once

#include <vector>

#include "reactor/metrics.h"

namespace odradek::reactor {

class Shard;

class LoopMetrics {
 public:
  // Registers in shard.metrics(). `shard` outlives this.
  explicit LoopMetrics(Shard& shard);

 private:
  std::vector<MetricWatch> watches_;
};

}  // namespace odradek::reactor
