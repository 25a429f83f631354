// The simulated machine that runs the broker: cmd/broker as it ships, with the configuration of a
// small server.properties, on a node of the world.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cmd/broker/broker.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

struct BrokerOptions {
  uint32_t shards = 1;
  bool written = false;
  uint64_t wal_bytes = 0;  // of one shard in one directory; 0: the broker's own choice
  uint64_t shard_memory_bytes = uint64_t{32} << 20;
  uint32_t requests_per_peer = reactor::kRequestsInFlightPerPeer;
  uint32_t tasks_per_turn = 1;
  uint32_t log_directories = 1;
  std::map<std::string, std::string, std::less<>> properties;
};

// Work that a test gives to the running broker: sent by signal, so that it runs as one of its
// tasks.
using Errand = std::function<reactor::Task<void>(broker::Broker&)>;

class BrokerNode {
 public:
  static constexpr int kRunErrand = 10;

  explicit BrokerNode(Stage& stage) : stage_(stage) {}
  void start(const BrokerOptions& options);
  // SIGTERM, and waits for its end. What is not clean is a violation.
  void stop_clean();
  void run(Errand errand);  // returns at once; see errands_done()
  uint32_t errands_done() const { return errands_done_; }
  reactor::sim::NodeId id() const { return id_; }
  bool running() const { return started_ && stage_.world.running(id_); }
  bool ready() const { return ready_; }  // the banner was printed

 private:
  static reactor::Task<int> main(BrokerNode& node, broker::BrokerConfig config);
  // Nobody damages this disk at rest: what the broker takes for damage it lost itself.
  void check_damage();

  Stage& stage_;
  reactor::sim::NodeId id_{};
  bool started_ = false;
  bool ready_ = false;
  std::vector<Errand> errands_;
  uint32_t errands_done_ = 0;
};

}  // namespace odradek::simulation
