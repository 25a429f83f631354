#include "net/http/server.h"

#include "net/http/limits.h"
#include "reactor/runtime.h"
#include "reactor/shard.h"
#include "reactor/sim/world.h"
#include "tests/test.h"

namespace odradek::http {
namespace {

using reactor::Task;

constexpr uint16_t kPort = 9644;

Task<Response> say(Request request) {
  Response response;
  response.content_type = "text/plain";
  if (request.path == "/slow") co_await reactor::sleep_for(5s);
  if (request.path == "/large") {
    response.body.assign(size_t{4} << 20, 'x');
  } else {
    response.body = request.method + " " + request.path + "\n";
  }
  co_return response;
}

Task<int> serve_until_signal() {
  Server server([](Request request) { return say(std::move(request)); });
  CHECK(server.listener().open({.port = kPort}, {}).has_value());
  server.start();
  (void)co_await reactor::next_signal();
  co_await server.stop();
  co_return 0;
}

// A peer that sends text and keeps what comes back.
struct Peer {
  reactor::Socket socket;
  std::string heard;

  Task<void> connect() {
    auto made = co_await reactor::Socket::connect({"10.0.0.1", kPort}, {}, kMonoMax);
    CHECK(made.has_value());
    socket = std::move(*made);
  }
  Task<void> send(std::string text) {
    const Status sent = co_await socket.send(as_bytes(text));
    (void)sent;
  }
  // Listens until `count` bytes or the end of the stream; whether the stream ended.
  Task<bool> hear(size_t count = SIZE_MAX) {
    while (heard.size() < count) {
      const auto got = co_await socket.receive();
      if (!got || got->bytes().empty()) co_return true;
      heard.append(as_text(got->bytes()));
    }
    co_return false;
  }
  Task<void> close() { CHECK((co_await socket.close()).has_value()); }
};

// Sends `text`, hears the answers to the end of the stream.
Task<void> exchange(std::string text, std::string& heard) {
  Peer peer;
  co_await peer.connect();
  co_await peer.send(std::move(text));
  co_await peer.hear();
  heard = peer.heard;
  co_await peer.close();
}

using Story = std::function<Task<void>()>;
Task<int> run_story(Story story) {
  co_await story();
  co_return 0;
}

// A server on a machine of its own, and a client's story beside it.
void beside_server(Story story, uint64_t seed = 1) {
  reactor::sim::World world(seed);
  const auto server =
      world.start({.name = "server", .address = "10.0.0.1"}, [] { return serve_until_signal(); });
  const auto client = world.start({.name = "client"}, [=] { return run_story(story); });
  REQUIRE_EQ(world.run_until_exit(client, std::chrono::minutes(30)), reactor::sim::Run::done);
  world.send_signal(server, 15);
  REQUIRE_EQ(world.run_until_exit(server), reactor::sim::Run::done);
  EXPECT_EQ(world.descriptors_left(server), 0u);
}
std::string answer_to(const std::string& text) {
  std::string heard;
  beside_server([&] { return exchange(text, heard); });
  return heard;
}

TEST_CASE("a request is answered, and the connection ends when the peer asks for it") {
  const std::string heard = answer_to("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT(heard.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT(heard.find("Content-Length: 7\r\n") != std::string::npos);
  EXPECT(heard.find("Connection: close\r\n") != std::string::npos);
  EXPECT(heard.ends_with("\r\n\r\nGET /x\n"));
}

TEST_CASE("requests of one connection are answered in order") {
  const std::string heard =
      answer_to("GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
  const size_t first = heard.find("GET /slow\n");
  const size_t second = heard.find("GET /b\n");
  REQUIRE(first != std::string::npos);
  REQUIRE(second != std::string::npos);
  EXPECT(first < second);
}

TEST_CASE("HEAD is GET without the body, with the length that it would have") {
  const std::string heard = answer_to("HEAD /x HTTP/1.0\r\n\r\n");
  EXPECT(heard.find("Content-Length: 7\r\n") != std::string::npos);
  EXPECT(heard.ends_with("\r\n\r\n"));
}

TEST_CASE("what is no request gets a JSON error, and the connection ends") {
  const std::string heard = answer_to("hello\r\n\r\n");
  EXPECT(heard.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT(heard.find("{\"error\":{\"status\":400") != std::string::npos);
}

TEST_CASE("the answer to too large a request arrives although most of it is never read") {
  const std::string heard =
      answer_to("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(300'000, 'a') + "\r\n\r\n");
  EXPECT(heard.starts_with("HTTP/1.1 431 "));
}

Task<void> say_nothing(std::string begin, Duration& took) {
  Peer peer;
  co_await peer.connect();
  const MonoTime at = reactor::this_shard().precise_now();
  co_await peer.send(std::move(begin));
  co_await peer.hear();
  took = reactor::this_shard().precise_now() - at;
  co_await peer.close();
}
TEST_CASE("who is slow to ask, or idle, is left") {
  Duration slow{};
  beside_server([&] { return say_nothing("GET / HT", slow); });
  EXPECT(slow >= kRequestDeadline - 1s);
  EXPECT(slow < kRequestDeadline + 5s);
  Duration idle{};
  beside_server([&] { return say_nothing("GET / HTTP/1.1\r\nHost: h\r\n\r\n", idle); });
  EXPECT(idle >= kIdleDeadline - 1s);
  EXPECT(idle < kIdleDeadline + 5s);
}

Task<void> never_reads() {
  Peer peer;
  co_await peer.connect();
  for (int i = 0; i < 20; ++i) co_await peer.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  co_await reactor::sleep_for(kSendDeadline + kIdleDeadline);
  co_await peer.close();
}
TEST_CASE("who does not read its answers is left") {
  beside_server([] { return never_reads(); });
}

Task<void> too_many(uint64_t& refused) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (size_t i = 0; i < kConnectionsMax + 3; ++i) {
    peers.push_back(std::make_unique<Peer>());
    co_await peers.back()->connect();
    co_await peers.back()->send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await peers.back()->hear(15);
    if (peers.back()->heard.starts_with("HTTP/1.1 503")) ++refused;
  }
  for (auto& peer : peers) co_await peer->close();
}
TEST_CASE("more connections than the bound are answered with 503 and closed") {
  uint64_t refused = 0;
  beside_server([&] { return too_many(refused); });
  EXPECT_EQ(refused, 3);
}

Task<void> keeps_open() {
  Peer peer;
  co_await peer.connect();
  co_await peer.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  co_await peer.hear(15);
  co_await peer.close();
}
TEST_CASE("every order of events ends well") {
  for (uint64_t seed = 1; seed <= 30; ++seed) beside_server([] { return keeps_open(); }, seed);
}

}  // namespace
}  // namespace odradek::http
