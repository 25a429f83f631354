// What the network does to connections when links and machines fail.
#include <csignal>

#include "reactor/logger.h"
#include "reactor/socket.h"
#include "tests/reactor/support.h"

namespace odradek::reactor::sim {
namespace {

constexpr uint16_t kPort = 9092;

Task<void> count_bytes(int fd, uint64_t& bytes) {
  Socket socket(fd);
  for (;;) {
    const Result<Received> received = co_await socket.receive();
    if (!received || received->bytes().empty()) break;
    bytes += received->bytes().size();
  }
  must(co_await socket.close());
}

Task<int> sink(uint64_t& bytes) {
  Listener listener;
  must(listener.open({"", kPort}, {}));
  Gate gate;
  for (;;) {
    const Result<int> fd = co_await listener.accept();
    if (!fd) break;
    gate.spawn("count", count_bytes(*fd, bytes));
  }
  co_await gate.close();
  co_return 0;
}

// Sends a byte every 10 ms, `count` times; the exit code is the kind of error, 0 for none.
Task<int> drip(std::string host, int count) {
  auto socket = co_await Socket::connect({host, kPort}, {}, kMonoMax);
  if (!socket) co_return 100;
  Status sent;
  for (int i = 0; i < count && sent; ++i) {
    sent = co_await socket->send(as_bytes("x"));
    co_await sleep_for(10ms);
  }
  must(co_await socket->close());
  co_return sent ? 0 : static_cast<int>(sent.error().code) + 1;
}

struct Link {
  explicit Link(uint64_t seed, int count = 1000) : world(seed) {
    server = world.start({.name = "server"}, [this] { return sink(bytes); });
    client = world.start({.name = "client"},
                         [this, count] { return drip(world.address(server), count); });
    world.run_for(1s);
    REQUIRE(bytes > 50);
  }
  int client_code() {
    REQUIRE_EQ(world.run_until_exit(client), Run::done);
    return world.exit_code(client).value();
  }
  uint64_t bytes = 0;
  World world;
  NodeId server;
  NodeId client;
};
constexpr int kTimedOut = static_cast<int>(Errc::timed_out) + 1;
constexpr int kClosed = static_cast<int>(Errc::closed) + 1;

TEST_CASE("nothing passes a cut link, and everything arrives after it heals in time") {
  Link link(1);
  link.world.cut(link.server, link.client);
  link.world.run_for(1s);
  const uint64_t before = link.bytes;
  link.world.run_for(5s);
  EXPECT_EQ(link.bytes, before);
  link.world.heal_all();
  EXPECT_EQ(link.client_code(), 0);
  link.world.run_for(5s);
  EXPECT_EQ(link.bytes, 1000);
}

TEST_CASE("a link cut for too long ends the connection with a time-out") {
  Link link(2, 100'000);
  link.world.cut(link.client, link.server, false);
  EXPECT_EQ(link.client_code(), kTimedOut);
}

TEST_CASE("a link cut one way still carries the other way") {
  Link link(3);
  const uint64_t before = link.bytes;
  link.world.cut(link.server, link.client, false);
  link.world.run_for(1s);
  EXPECT(link.bytes > before + 50);
}

TEST_CASE("a machine without power is silent: its peer times out, or is reset once it is back") {
  Link silent(4, 100'000);
  silent.world.crash(silent.server, DiskOutcome::all_lost);
  EXPECT_EQ(silent.client_code(), kTimedOut);
  Link back(5, 100'000);
  back.world.crash(back.server, DiskOutcome::all_lost);
  back.world.run_for(2s);
  back.world.start({.name = "server"}, [&back] { return sink(back.bytes); });
  EXPECT_EQ(back.client_code(), kClosed);
}

TEST_CASE("a killed process's connections are closed by its kernel") {
  Link link(6, 100'000);
  const MonoTime before = link.world.now();
  link.world.kill(link.server);
  EXPECT_EQ(link.client_code(), kClosed);
  EXPECT(link.world.now() < before + 1s);
}

TEST_CASE("connections can be reset from outside") {
  Link link(7, 100'000);
  link.world.reset_connections(link.server, link.client);
  EXPECT_EQ(link.client_code(), kClosed);
}

TEST_CASE("a paused node resumes where it was") {
  Link link(8);
  const uint64_t before = link.bytes;
  link.world.pause(link.client, 5s);
  link.world.run_for(4s);
  EXPECT(link.bytes <= before + 2);
  EXPECT_EQ(link.client_code(), 0);
}

Task<int> wall_clock_lines() {
  log_info("before");
  co_await sleep_for(1h);
  log_warning("after");
  co_return 0;
}
TEST_CASE("a stepped wall clock moves time stamps and no timer") {
  World world(9);
  const NodeId node = world.start({}, [] { return wall_clock_lines(); });
  world.run_for(1min);
  world.step_wall(node, -3'600'000 * 24);
  REQUIRE_EQ(world.run_until_exit(node, 2h), Run::done);
  EXPECT(world.now() < MonoTime(1h + 1s));
  REQUIRE_EQ(world.lines(node).size(), 2);
  EXPECT(world.lines(node)[0].starts_with("2026-01-01T00:00:00.000Z INFO  [0] before"));
  EXPECT(world.lines(node)[1].starts_with("2025-12-31T01:00:00."));
}

}  // namespace
}  // namespace odradek::reactor::sim
