// The broker as it ships, on a simulated machine, and clients beside it. A test tells a story to a
// connected client; at the end the broker must stop clean.
#pragma once

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <string>

#include "cmd/broker/broker.h"
#include "reactor/sim/world.h"
#include "tests/cmd/broker/client.h"
#include "tests/test.h"

namespace odradek::broker {

using reactor::Task;
using Properties = std::map<std::string, std::string, std::less<>>;
// Not a capturing lambda: it is a coroutine.
using Story = Task<void> (*)(Client& client);

class Cluster {
 public:
  explicit Cluster(Properties properties = {}, uint32_t shards = 1, uint64_t seed = 1)
      : world_(seed), properties_(std::move(properties)), shards_(shards) {
    properties_.try_emplace("listeners", "PLAINTEXT://10.0.0.1:9092");
    properties_.try_emplace("log.dirs", "/data");
    properties_.try_emplace("odradek.memory", std::to_string(std::max(64u, 32 * shards)) + "M");
    properties_.try_emplace("odradek.http.listeners", "");
    properties_["odradek.shards"] = std::to_string(shards);
    start();
  }
  ~Cluster() {
    if (world_.running(broker_)) stop();
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  reactor::sim::World& world() { return world_; }
  reactor::sim::NodeId broker() const { return broker_; }

  void start() {
    auto config = make_config(properties_, shards_, uint64_t{4} << 30);
    CHECK(config.has_value(), config.error());
    reactor::sim::NodeOptions node;
    node.name = "broker";
    node.address = Client::kHost;
    node.shards = shards_;
    node.arena_bytes = config->memory_bytes / shards_;
    broker_ = world_.start(node, [c = *config] { return serve_main(c); });
    // The lines of an earlier start are there too.
    const size_t before = world_.lines(broker_).size();
    const auto ready = world_.run_until([&] { return logged("ready in", before); }, 60s);
    CHECK(ready == reactor::sim::Run::done);
  }
  // SIGTERM; how long it took. Everything must have been given back.
  Duration stop() {
    const MonoTime begin = world_.now();
    world_.send_signal(broker_, SIGTERM);
    EXPECT(world_.run_until_exit(broker_) == reactor::sim::Run::done);
    EXPECT_EQ(world_.exit_code(broker_).value_or(-1), 0);
    EXPECT_EQ(world_.descriptors_left(broker_), 0u);
    if (world_.exit_code(broker_) != 0) world_.print_lines(broker_);
    return world_.now() - begin;
  }
  // Runs `story` on a connection of its own until it ends.
  void tell(Story story, uint16_t port = 9092) {
    const auto node = begin(story, port);
    const auto ended = world_.run_until_exit(node, std::chrono::minutes(30));
    EXPECT(ended == reactor::sim::Run::done);
    if (ended != reactor::sim::Run::done || !world_.running(broker_)) world_.print_lines(broker_);
    REQUIRE(world_.running(broker_));
  }
  // The same, beside what follows.
  reactor::sim::NodeId begin(Story story, uint16_t port = 9092) {
    reactor::sim::NodeOptions node;
    node.name = "client" + std::to_string(++clients_);
    return world_.start(node, [story, port] { return run_story(story, port); });
  }
  // Whether a line of the broker's, the first `from` left out, has `text` in it.
  bool logged(std::string_view text, size_t from = 0) const {
    const auto& lines = world_.lines(broker_);
    return std::any_of(lines.begin() + static_cast<ptrdiff_t>(from), lines.end(),
                       [text](const std::string& line) { return line.contains(text); });
  }

 private:
  static Task<int> run_story(Story story, uint16_t port) {
    Client client;
    co_await client.connect(port);
    co_await story(client);
    co_await client.close();
    co_return 0;
  }

  reactor::sim::World world_;
  Properties properties_;
  uint32_t shards_;
  reactor::sim::NodeId broker_{};
  int clients_ = 0;
};

}  // namespace odradek::broker
