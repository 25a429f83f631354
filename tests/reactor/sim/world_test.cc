// The world itself: the same seed is the same run, and the network carries bytes.
#include "reactor/sim/world.h"

#include <csignal>

#include "reactor/file.h"
#include "reactor/logger.h"
#include "reactor/socket.h"
#include "reactor/wait.h"
#include "tests/test.h"

namespace odradek::reactor::sim {
namespace {

constexpr uint16_t kPort = 9092;

template <class T>
T must(Result<T> result) {
  CHECK(result.has_value(), result.error());
  return std::move(*result);
}
void must(Status status) { CHECK(status.has_value(), status.error()); }

// One connection of an echo server that lives on shard `home` of its node.
Task<void> echo(int fd) {
  Socket socket(fd);
  for (;;) {
    Result<Received> received = co_await socket.receive();
    if (!received || received->bytes().empty()) break;
    if (!co_await socket.send(received->bytes())) break;
  }
  must(co_await socket.close());
}

// Accepts on shard 0, serves round-robin on all shards, appends a line to a file per connection.
Task<void> serve_one(int fd, uint32_t home, File& journal, uint64_t line) {
  co_await submit_to(ShardId(home), [fd] { return echo(fd); });
  std::vector<uint8_t> bytes(512, static_cast<uint8_t>('a' + line % 26));
  std::vector<iovec> parts{{bytes.data(), bytes.size()}};
  must(co_await journal.write_durable(parts, line * bytes.size()));
}

Task<void> stop_on_signal(Listener& listener) {
  const int number = co_await next_signal();
  log_info("signal {}", number);
  co_await listener.stop();
}

Task<int> echo_server() {
  OpenOptions create;
  create.write = create.create = true;
  File journal = must(co_await File::open("/journal", create));
  Listener listener;
  must(listener.open({"", kPort}, {}));
  Gate gate;
  gate.spawn("signals", stop_on_signal(listener));
  uint64_t line = 0;
  for (;;) {
    Result<int> fd = co_await listener.accept();
    if (!fd) break;
    const auto home = static_cast<uint32_t>(line % this_shard().shard_count());
    gate.spawn("echo", serve_one(*fd, home, journal, line++));
  }
  co_await gate.close();
  must(co_await journal.close());
  co_return static_cast<int>(line);
}

Task<Socket> connect_to(std::string host) {
  for (;;) {
    Result<Socket> socket = co_await Socket::connect({host, kPort}, {}, this_shard().now() + 5s);
    if (socket) co_return std::move(*socket);
    co_await sleep_for(1ms);
  }
}

Task<void> talk(std::string host, int rounds, size_t bytes) {
  Socket socket = co_await connect_to(host);
  for (int i = 0; i < rounds; ++i) {
    std::vector<uint8_t> out(bytes);
    for (auto& b : out) b = static_cast<uint8_t>(this_shard().random());
    std::vector<uint8_t> in(bytes);
    must(co_await socket.send(out));
    must(co_await socket.receive_exact(in));
    CHECK(in == out, i);
  }
  must(co_await socket.close());
}

Task<int> talkers(std::string host, int count, int rounds, size_t bytes) {
  Gate gate;
  for (int i = 0; i < count; ++i) gate.spawn("talk", talk(host, rounds, bytes));
  co_await gate.close();
  co_return 0;
}

struct Outcome {
  uint64_t hash;
  uint64_t events;
  int served;
  bool operator==(const Outcome&) const = default;
};

Outcome echo_run(uint64_t seed, uint32_t shards, uint32_t tasks_per_turn = 1) {
  World world(seed);
  NodeOptions server{.name = "server", .shards = shards, .requests_per_peer = 1};
  server.tasks_per_turn = tasks_per_turn;
  const NodeId broker = world.start(server, [] { return echo_server(); });
  const NodeId client = world.start(
      {.name = "client"}, [&world, broker] { return talkers(world.address(broker), 7, 20, 3000); });
  REQUIRE_EQ(world.run_until_exit(client), Run::done);
  REQUIRE_EQ(world.exit_code(client), 0);
  world.send_signal(broker, SIGTERM);
  REQUIRE_EQ(world.run_until_exit(broker), Run::done);
  EXPECT_EQ(world.descriptors_left(broker), 0);
  EXPECT_EQ(world.lines(broker).size(), 1);
  return {world.hash(), world.events(), world.exit_code(broker).value_or(-1)};
}

TEST_CASE("the same seed gives the same hash, another seed another") {
  for (uint32_t shards = 1; shards <= 4; ++shards) {
    const Outcome first = echo_run(42, shards);
    EXPECT_EQ(first.served, 7);
    EXPECT((first == echo_run(42, shards)));
    EXPECT_NE(first.hash, echo_run(43, shards).hash);
  }
}

TEST_CASE("an echo server serves its clients whatever the seed and the batch of tasks a turn") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    EXPECT_EQ(echo_run(seed, 1 + seed % 4, seed % 3 == 0 ? 1000 : 1).served, 7);
  }
}

}  // namespace
}  // namespace odradek::reactor::sim
