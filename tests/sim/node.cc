#include "tests/sim/node.h"

#include <fmt/format.h>

#include <csignal>

#include "cmd/broker/banner.h"
#include "reactor/base/check.h"
#include "reactor/logger.h"
#include "reactor/runtime.h"

namespace odradek::simulation {

using reactor::Task;

// serve_main(), but for errands.
Task<int> BrokerNode::main(BrokerNode& node, broker::BrokerConfig config) {
  broker::Broker broker(std::move(config));
  const Status started = co_await broker.start();
  if (started) {
    broker::print_banner(broker, Duration{});
    node.ready_ = true;
    node.stage_.broker_up_since = node.stage_.world.now();
    node.stage_.oracle.recovered(broker.clean_start());
    node.check_damage();
    while (co_await reactor::next_signal() != SIGTERM) {
      for (const Errand& errand : std::exchange(node.errands_, {})) {
        co_await errand(broker);
        ++node.errands_done_;
      }
    }
  } else {
    reactor::log_error("cannot start: {}", started.error().to_string());
    node.stage_.oracle.fail("I1", "the broker does not start: " + started.error().to_string());
  }
  const Status ended = co_await broker.stop();
  if (!ended) reactor::log_error("the stop was not clean: {}", ended.error().to_string());
  co_return started&& ended ? 0 : 1;
}

void BrokerNode::check_damage() {
  for (const std::string& line : stage_.world.lines(id_)) {
    if (line.find(" is quarantined: ") == line.npos) continue;
    stage_.oracle.fail("I1", "acknowledged data is lost: " + line);
    return;
  }
}

void BrokerNode::start(const BrokerOptions& options) {
  auto properties = options.properties;
  properties["listeners"] = "PLAINTEXT://0.0.0.0:9092";
  properties["advertised.listeners"] = "PLAINTEXT://10.0.0.1:9092";
  properties["node.id"] = "1";
  properties.try_emplace("odradek.http.listeners", "");
  std::string directories = "/data0";
  for (uint32_t i = 1; i < options.log_directories; ++i) directories += fmt::format(",/data{}", i);
  properties["log.dirs"] = directories;
  properties["odradek.shards"] = std::to_string(options.shards);
  properties["odradek.durability"] = options.written ? "written" : "flushed";
  const uint64_t memory = std::max(options.shards * options.shard_memory_bytes, uint64_t{64} << 20);
  properties["odradek.memory"] = std::to_string(memory);
  auto config = broker::make_config(std::move(properties), options.shards, uint64_t{4} << 30);
  CHECK(config.has_value(), config.error().to_string());
  config->wal_bytes = options.wal_bytes * options.shards * options.log_directories;
  reactor::sim::NodeOptions node;
  node.name = "broker";
  node.address = "10.0.0.1";
  node.shards = options.shards;
  node.arena_bytes = memory / options.shards;
  node.requests_per_peer = options.requests_per_peer;
  node.tasks_per_turn = options.tasks_per_turn;
  started_ = true;
  ready_ = false;
  errands_.clear();
  id_ = stage_.world.start(node, [this, shared = *config] { return main(*this, shared); });
}

void BrokerNode::stop_clean() {
  stage_.oracle.stopping();
  stage_.world.send_signal(id_, SIGTERM);
  const auto ended = stage_.world.run_until_exit(id_, std::chrono::minutes(2));
  stage_.oracle.expect(ended == reactor::sim::Run::done, "I17", "the broker does not stop");
  if (stage_.oracle.violation()) return;
  stage_.oracle.stopping();  // what was under way was answered
  const int code = stage_.world.exit_code(id_).value_or(-1);
  stage_.oracle.expect(code == 0, "I15", fmt::format("the stop ended with exit code {}", code));
  const uint32_t left = stage_.world.descriptors_left(id_);
  stage_.oracle.expect(left == 0, "I15", fmt::format("{} descriptors left open", left));
}

void BrokerNode::run(Errand errand) {
  errands_.push_back(std::move(errand));
  stage_.world.send_signal(id_, kRunErrand);
}

}  // namespace odradek::simulation
