// The world itself: the same seed is the same run, and the network carries bytes.
#include "reactor/sim/world.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "reactor/logger.h"
#include "reactor/runtime.h"
#include "reactor/socket.h"
#include "tests/reactor/support.h"

namespace odradek::reactor::sim {
namespace {

constexpr uint16_t kPort = 9092;

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

Outcome echo_run(uint64_t seed, uint32_t shards, uint32_t tasks_per_turn = 1,
                 const WorldOptions& options = {}) {
  World world(seed, options);
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

TEST_CASE("an echo server serves its clients under every mix of trouble that a swarm draws") {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    WorldOptions options = swarm_options(seed);
    options.network.reset = 0;                                     // these clients do not come back
    EXPECT(echo_run(seed, 1 + seed % 4, 1, options).served >= 7);  // a slow connect is tried again
  }
}

// True when `task`, run in a world, aborts the process.
bool aborts(Task<void> (*task)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGABRT, SIGSEGV}) ::signal(signal, SIG_DFL);  // not doctest's
    std::freopen("/dev/null", "w", stderr);
    World(1).run([task] { return task(); });
    ::_exit(0);
  }
  int status = 0;
  REQUIRE_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

Task<void> asks_nothing() { co_return; }
Task<void> asks_time() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  co_return;
}
Task<void> asks_chrono() {
  const auto now = std::chrono::steady_clock::now();
  CHECK(now.time_since_epoch().count() != 0);
  co_return;
}
Task<void> leaves_a_receive() {
  Listener listener;
  must(listener.open({"", kPort}, {}));
  Op op;
  op.code = OpCode::close;
  op.fd = 3;
  Op* accept = new Op;  // never comes to an end
  accept->code = OpCode::accept;
  accept->fd = 3;
  accept->on_done = [](Op&) {};
  this_shard().driver().submit(*accept);
  co_await sleep_for(1ms);
  co_await reactor::run(op);
}
TEST_CASE("a task that reads a real clock, or closes under an operation, aborts the run") {
  EXPECT_FALSE(aborts(asks_nothing));
  EXPECT(aborts(asks_time));
  EXPECT(aborts(asks_chrono));
  EXPECT(aborts(leaves_a_receive));
}

Task<int> journal_forever() {
  File file = must(co_await File::open("/journal", to_write()));
  must(co_await sync_directory("/"));
  std::vector<uint8_t> block(4096, 'j');
  for (uint64_t i = 0;; ++i) {
    std::vector<iovec> parts{{block.data(), block.size()}};
    must(co_await file.write_durable(parts, i * block.size()));
  }
}

TEST_CASE("a crash can be asked for at the completion of an operation of one kind") {
  World world(3);
  const NodeId node = world.start({}, [] { return journal_forever(); });
  uint64_t written = 0;
  const auto tenth = [&written](const Step& step) {
    return step.kind == StepKind::complete && step.op->code == OpCode::write_sync &&
           ++written == 10;
  };
  world.crash_when(node, tenth, DiskOutcome::all_lost);
  REQUIRE_EQ(world.run_until_exit(node), Run::done);
  EXPECT(world.crashed(node));
  // The tenth was durable although nobody was told.
  EXPECT_EQ(world.disk(node).contents("/journal").value().size(), 10 * 4096);
}

uint64_t crashing_run(uint64_t seed) {
  World world(seed);
  for (uint32_t life = 1; life <= 5; ++life) {
    const NodeId node = world.start({.shards = life}, [] { return journal_forever(); });
    world.crash_at(node, world.steps(node) + 50 * life + seed % 37,
                   kDiskOutcomes[(seed + life) % 4]);
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
  }
  return world.hash();
}
TEST_CASE("a run with crashes and restarts is as repeatable as one without") {
  for (uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(crashing_run(seed), crashing_run(seed));
}

Task<int> reports_itself() {
  const bool as_told = usable_cores() == 3 && usable_memory() == 1 << 20;
  co_return as_told ? co_await next_signal() : -1;
}
TEST_CASE("a node has the cores, the memory and the signals it is given") {
  World world(1);
  const NodeId node =
      world.start({.cores = 3, .memory_bytes = 1 << 20}, [] { return reports_itself(); });
  EXPECT_EQ(world.run_until_exit(node, 10s), Run::stuck);
  world.send_signal(node, SIGINT);
  EXPECT_EQ(world.run_until_exit(node), Run::done);
  EXPECT_EQ(world.exit_code(node), SIGINT);
}

}  // namespace
}  // namespace odradek::reactor::sim
