// What the broker as a whole tells of itself: connections, cluster, process. Registered on shard 0;
// owned by the Broker.
#pragma once

#include <vector>

#include "reactor/metrics.h"

namespace odradek::broker {

class Broker;

class BrokerMetrics {
 public:
  // `broker` outlives this.
  explicit BrokerMetrics(Broker& broker);
  // Written by the accept loop.
  reactor::Counter& connections_accepted;
  reactor::Counter& connections_refused;

 private:
  std::vector<reactor::MetricWatch> watches_;
};

}  // namespace odradek::broker
