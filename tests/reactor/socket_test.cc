#include "reactor/socket.h"

#include "reactor/limits.h"
#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

using sim::NodeId;
using sim::Run;
using sim::World;
using sim::WorldOptions;

// A connected pair on one node.
struct Pair {
  Listener listener;
  Socket client;
  Socket server;
  Task<void> open() {
    must(listener.open({"127.0.0.1", 0}, {}));
    client = must(co_await Socket::connect(listener.address(), {}, this_shard().now() + 60s));
    server = Socket(must(co_await listener.accept()));
  }
  Task<void> close() {
    if (client.is_open()) must(co_await client.close());
    if (server.is_open()) must(co_await server.close());
    co_await listener.stop();
  }
};

std::vector<uint8_t> pattern(size_t bytes) {
  std::vector<uint8_t> out(bytes);
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(i * 31 + i / 251);
  return out;
}

Task<void> send_all(Socket& socket, std::vector<uint8_t> bytes) {
  std::vector<iovec> parts;
  for (size_t i = 0; i < bytes.size(); i += 10'000) {
    parts.push_back({bytes.data() + i, std::min<size_t>(10'000, bytes.size() - i)});
  }
  must(co_await socket.send(std::move(parts)));
  socket.half_close();
}

Task<void> streams() {
  Pair pair;
  co_await pair.open();
  EXPECT_EQ(pair.server.peer().host, "127.0.0.1");
  Gate gate;
  gate.spawn("send", send_all(pair.client, pattern(2'000'000)));
  std::vector<uint8_t> got(100'000);
  must(co_await pair.server.receive_exact(got));
  for (;;) {
    const Received piece = must(co_await pair.server.receive());
    if (piece.bytes().empty()) break;
    got.insert(got.end(), piece.bytes().begin(), piece.bytes().end());
  }
  EXPECT(got == pattern(2'000'000));
  must(co_await pair.server.send(as_bytes("bye")));  // the other half is still open
  std::vector<uint8_t> answer(3);
  must(co_await pair.client.receive_exact(answer));
  EXPECT(answer == text("bye"));
  co_await gate.close();
  co_await pair.close();
}
TEST_CASE("a stream arrives whole and in order, in whatever pieces, and ends at a half-close") {
  WorldOptions options;
  options.network.segment = 500'000;
  options.network.short_receive = 300'000;
  options.network.no_buffers = 100'000;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    in_world([] { return streams(); }, {}, seed, options);
  }
}

Task<void> send_and_note(Socket& socket, size_t bytes, bool& sent) {
  must(co_await socket.send(BytesView(pattern(bytes))));
  sent = true;
}
Task<void> back_pressure() {
  Pair pair;
  co_await pair.open();
  bool sent = false;
  Gate gate;
  gate.spawn("send", send_and_note(pair.client, 300'000, sent));
  co_await sleep_for(1s);
  EXPECT_FALSE(sent);
  std::vector<uint8_t> got(300'000);
  must(co_await pair.server.receive_exact(got));
  co_await gate.close();
  EXPECT(sent);
  co_await pair.close();
}
TEST_CASE("a sender waits for a receiver that does not read") {
  WorldOptions options;
  options.network.buffer_bytes = 64 * 1024;
  in_world([] { return back_pressure(); }, {}, 1, options);
}

Task<void> receive_and_note(Socket& socket, std::optional<bool>& ended) {
  const Result<Received> received = co_await socket.receive();
  ended = !received || received->bytes().empty();
}
Task<void> aborting() {
  Pair pair;
  co_await pair.open();
  std::optional<bool> client_ended;
  std::optional<bool> server_ended;
  Gate gate;
  gate.spawn("receive", receive_and_note(pair.client, client_ended));
  gate.spawn("receive", receive_and_note(pair.server, server_ended));
  co_await sleep_for(10ms);
  EXPECT_FALSE(client_ended);
  pair.client.abort();
  co_await gate.close();
  EXPECT(client_ended == true);
  EXPECT(server_ended == true);
  EXPECT_EQ(error_of(co_await pair.client.send(as_bytes("x"))), Errc::closed);
  co_await pair.close();
}
TEST_CASE("abort ends the receives of both sides") {
  in_world([] { return aborting(); });
}

Task<void> reset() {
  Pair pair;
  co_await pair.open();
  must(co_await pair.client.send(as_bytes("unread")));
  co_await sleep_for(1s);
  must(co_await pair.server.close());  // with bytes that nobody read
  co_await sleep_for(1s);
  EXPECT_EQ(error_of(co_await pair.client.receive()), Errc::closed);
  EXPECT_EQ(error_of(co_await pair.client.send(as_bytes("x"))), Errc::closed);
  co_await pair.close();
}
TEST_CASE("closing with unread bytes resets the peer") {
  in_world([] { return reset(); });
}

Task<void> stops() {
  Listener listener;
  must(listener.open({"", 9092}, {}));
  Listener second;
  EXPECT_EQ(error_of(second.open({"127.0.0.1", 9092}, {})), Errc::exists);
  co_await second.stop();
  co_await listener.stop();
  Listener third;
  must(third.open({"127.0.0.1", 9092}, {}));
  co_await third.stop();
}
TEST_CASE("a taken port is refused and free again after stop") {
  in_world([] { return stops(); });
}

Task<void> stop_later(Listener& listener) {
  co_await sleep_for(5ms);
  co_await listener.stop();
}
Task<void> accept_ends() {
  Listener listener;
  must(listener.open({"", 0}, {}));
  Gate gate;
  gate.spawn("stop", stop_later(listener));
  EXPECT_EQ(error_of(co_await listener.accept()), Errc::canceled);
  co_await gate.close();
}
TEST_CASE("stopping a listener ends whoever waits for a connection") {
  for (uint64_t seed = 1; seed <= 10; ++seed) in_world([] { return accept_ends(); }, {}, seed);
}

Task<void> accept_until_stopped(Listener& listener) {
  for (;;) {
    const Result<int> fd = co_await listener.accept();
    if (!fd) {
      EXPECT_EQ(error_of(fd), Errc::canceled);
      co_return;
    }
    Socket socket(*fd);
    co_await sleep_for(50us);  // others wait meanwhile
    must(co_await socket.close());
  }
}
Task<void> connect_and_close(SocketAddress to) {
  auto socket = co_await Socket::connect(to, {}, this_shard().now() + 5s);
  if (socket) must(co_await socket->close());
}
Task<void> stops_while_connections_come(Duration after) {
  Listener listener;
  must(listener.open({"127.0.0.1", 0}, {}));
  Gate gate;
  gate.spawn("accept", accept_until_stopped(listener));
  for (int i = 0; i < 16; ++i) gate.spawn("connect", connect_and_close(listener.address()));
  co_await sleep_for(after);
  co_await listener.stop();
  co_await gate.close();
}
TEST_CASE("a stop closes what waits to be accepted, and nobody accepts the listening socket") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const auto after = std::chrono::microseconds(seed * 5);
    in_world([after] { return stops_while_connections_come(after); }, {}, seed);
  }
}

Task<void> refused() {
  const auto nobody = co_await Socket::connect({"127.0.0.1", 1}, {}, this_shard().now() + 5s);
  EXPECT_EQ(error_of(nobody), Errc::io);
}
TEST_CASE("nobody listens: refused") {
  in_world([] { return refused(); });
}

Task<int> connect_once(std::string host, Duration limit) {
  const MonoTime start = this_shard().now();
  auto socket = co_await Socket::connect({host, 9092}, {}, start + limit);
  if (socket) {
    must(co_await socket->close());
    co_return 0;
  }
  EXPECT(this_shard().now() <= start + limit + 10ms);
  co_return socket.error().code == Errc::timed_out ? 1 : 2;
}
Task<int> sleep_then_end(Duration time) {
  co_await sleep_for(time);
  co_return 0;
}
TEST_CASE("a connect across a cut link ends at its deadline, and succeeds after the link heals") {
  World world(1);
  auto serve = []() -> Task<int> {
    Listener listener;
    must(listener.open({"", 9092}, {}));
    Socket socket(must(co_await listener.accept()));
    must(co_await socket.close());
    co_await listener.stop();
    co_return 0;
  };
  const NodeId server = world.start({.name = "server"}, serve);
  const NodeId client = world.start({.name = "client"}, [] { return sleep_then_end(1ms); });
  REQUIRE_EQ(world.run_until_exit(client), Run::done);
  world.cut(server, client);
  const auto connect = [host = world.address(server)] { return connect_once(host, 2s); };
  world.start({.name = "client"}, connect);
  REQUIRE_EQ(world.run_until_exit(client), Run::done);
  EXPECT_EQ(world.exit_code(client), 1);
  world.heal(server, client);
  world.start({.name = "client"}, connect);
  REQUIRE_EQ(world.run_until_exit(client), Run::done);
  EXPECT_EQ(world.exit_code(client), 0);
  EXPECT_EQ(world.run_until_exit(server), Run::done);
}

Task<void> resolving() {
  EXPECT_EQ(must(co_await resolve("localhost", 9092)).front().host, "127.0.0.1");
  EXPECT_EQ(must(co_await resolve("node", 9092)).front().host, "10.0.0.1");
  EXPECT_EQ(must(co_await resolve("1.2.3.4", 5)).front().port, 5);
  EXPECT_EQ(error_of(co_await resolve("no.such.host", 1)), Errc::not_found);
}
TEST_CASE("nodes are found by their names") {
  in_world([] { return resolving(); });
}

Task<void> crowd() {
  Listener listener;
  must(listener.open({"127.0.0.1", 0}, {}));
  std::vector<Socket> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(must(co_await Socket::connect(listener.address(), {}, kMonoMax)));
  }
  // Eight descriptors: three are standard, one listens, four connected; accepting needs one more.
  std::vector<Socket> servers;
  Gate gate;
  Result<int> fd = fail(Errc::io, "");
  struct Accept {
    static Task<void> run(Listener& listener, Result<int>& fd) { fd = co_await listener.accept(); }
  };
  gate.spawn("accept", Accept::run(listener, fd));
  co_await sleep_for(1s);
  EXPECT_FALSE(fd);
  must(co_await clients.back().close());
  clients.pop_back();
  co_await gate.close();
  EXPECT(fd);
  must(co_await Socket(must(std::move(fd))).close());
  for (Socket& client : clients) must(co_await client.close());
  co_await listener.stop();
}
TEST_CASE("accept backs off while descriptors are short and goes on afterwards") {
  in_world([] { return crowd(); }, {.descriptors_max = 8});
}

}  // namespace
}  // namespace odradek::reactor
