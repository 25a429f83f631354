// What all clients of one run share: the world, the oracle, the topics, and when it is over. It
// lives outside of the simulated machines, as the test does.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <string>

#include "reactor/base/prng.h"
#include "reactor/op.h"
#include "reactor/shard.h"
#include "reactor/sim/world.h"
#include "tests/sim/consumer_oracle.h"
#include "tests/sim/group_oracle.h"
#include "tests/sim/oracle.h"
#include "tests/sim/quotas.h"

namespace odradek::simulation {

struct Stage {
  explicit Stage(uint64_t seed, reactor::sim::WorldOptions options = {})
      : world(seed, options),
        oracle([this] { return world.now(); }),
        groups(oracle),
        consumers(oracle) {}

  reactor::sim::World world;
  Oracle oracle;
  GroupOracle groups;
  ConsumerOracle consumers;
  std::deque<TopicFacts> topics;  // references stay valid
  reactor::SocketAddress broker{"10.0.0.1", 9092};
  bool producing_done = false;  // consumers stop when they have caught up
  bool churn_done = false;      // no more topics come and go
  bool hold = false;            // clients that obey it ask nothing now
  MonoTime broker_up_since{};   // its last start was done then
  // The default of all brokers that was acknowledged last, and the one asked for last.
  std::string default_acked;
  std::string default_asked;
  QuotaFacts quotas;
  uint64_t relocations = 0;  // moves to another log directory that were begun
  uint64_t throttled = 0;    // answers to clients over their quotas
  bool trace = false;
  // What happens, to standard error, when somebody asked for it.
  template <class Text>
  void say(Text&& text) const {
    if (!trace) return;
    const double ms = static_cast<double>(world.now().time_since_epoch() / 1us) / 1000;
    fmt::print(stderr, "{:>12.3f} ms  {}\n", ms, text());
  }
  uint64_t rebuilt_producers = 0;  // in `written` mode, after batches were taken back
  uint64_t fetched_batches_bytes = 0;
};

// The configuration a client is started with.
struct ProducerOptions {
  std::string name;
  uint64_t seed = 0;
  uint32_t batches = 100;  // to be acknowledged, or given up
  bool idempotent = true;
  uint32_t requests_in_flight = 5;
  uint32_t value_bytes_max = 2'000;
  uint32_t large_bytes = 0;  // now and then a batch of this
  int16_t acks = -1;
  int16_t version = 12;  // of Produce
  Duration think{};      // at most, between requests
  Duration request_timeout = 5s;
};
struct ConsumerOptions {
  std::string name;
  uint64_t seed = 0;
  bool sessions = true;
  int16_t version = 17;
  int32_t bytes_max = 1 << 20;
  int32_t partition_bytes_max = 1 << 20;
};

// Mains of client nodes. They end when all is done.
reactor::Task<int> produce_main(Stage& stage, ProducerOptions options);
reactor::Task<int> consume_main(Stage& stage, ConsumerOptions options);

}  // namespace odradek::simulation
