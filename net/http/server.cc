#include "net/http/server.h"

#include <fmt/format.h>

#include <ctime>
#include <vector>

#include "net/http/limits.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::http {

using reactor::MetricKind;
using reactor::Task;

namespace {

constexpr reactor::MetricInfo kRequests{MetricKind::counter, "odradek_http_requests_total",
                                        "HTTP requests answered, by status"};
constexpr reactor::MetricInfo kOpen{MetricKind::gauge, "odradek_http_connections",
                                    "HTTP connections that are open"};

std::string http_date(WallTime now) {
  const std::time_t seconds = now.ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const size_t n = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, n};
}

std::string head_of(const Response& response, bool keep_alive) {
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\nDate: {}\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
      response.status, reason_of(response.status), response.content_type, response.body.size(),
      keep_alive ? "keep-alive" : "close", http_date(reactor::this_shard().wall_now()));
  for (const auto& [name, value] : response.headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  return head + "\r\n";
}

}  // namespace

// One peer. Every wait for it has a deadline, kept by one timer that ends the socket.
class Server::Connection {
 public:
  Connection(Server& server, int fd)
      : server_(server), socket_(fd), alarm_(*this), closing_(server.stopping_) {}

  Task<void> run();
  // Ends it: at once if it waits for a request, else when the answer is sent.
  void stop() {
    closing_ = true;
    if (!serving_) return socket_.abort();
    if (alarm_.armed()) arm(kLingerDeadline);
  }

 private:
  struct Alarm : reactor::Timer {
    explicit Alarm(Connection& owner)
        : Timer([](Timer& t) { static_cast<Alarm&>(t).connection.socket_.abort(); }),
          connection(owner) {}
    Connection& connection;
  };
  void arm(Duration limit) {
    auto& shard = reactor::this_shard();
    shard.timers().cancel(alarm_);
    shard.timers().arm(alarm_, shard.now() + limit);
  }
  Task<std::optional<Request>> read();
  Task<bool> send(Response response, bool head_only, bool keep_alive);
  Task<bool> answer(Request request);
  Task<void> refuse(Response response);

  Server& server_;
  reactor::Socket socket_;
  Alarm alarm_;
  RequestParser parser_;
  bool serving_ = false;
  bool closing_ = false;
};

// The next request; absent when the peer left, was too slow, or sent none (parser_.error()).
Task<std::optional<Request>> Server::Connection::read() {
  bool begun = parser_.begun();
  arm(begun ? kRequestDeadline : kIdleDeadline);
  for (;;) {
    if (auto request = parser_.next()) co_return request;
    if (parser_.error()) co_return std::nullopt;
    auto got = co_await socket_.receive();
    if (!got || got->bytes().empty()) co_return std::nullopt;
    parser_.feed(got->bytes());
    if (!std::exchange(begun, true)) arm(kRequestDeadline);
  }
}

// False when the peer does not take it.
Task<bool> Server::Connection::send(Response response, bool head_only, bool keep_alive) {
  server_.count(response.status);
  const std::string head = head_of(response, keep_alive);
  if (head_only) response.body.clear();
  std::vector<iovec> parts{{const_cast<char*>(head.data()), head.size()}};
  if (!response.body.empty()) parts.push_back({response.body.data(), response.body.size()});
  arm(closing_ ? kLingerDeadline : kSendDeadline);
  const Status sent = co_await socket_.send(std::move(parts));
  co_return sent.has_value();
}

// Tells what is wrong and hears the rest out for a moment: a socket closed on unread bytes would
// reset the connection and take the answer with it.
Task<void> Server::Connection::refuse(Response response) {
  if (!co_await send(std::move(response), false, false)) co_return;
  socket_.half_close();
  arm(kLingerDeadline);
  for (size_t heard = 0; heard < kLingerBytesMax;) {
    const auto got = co_await socket_.receive();
    if (!got || got->bytes().empty()) break;
    heard += got->bytes().size();
  }
}

// False: the connection ends.
Task<bool> Server::Connection::answer(Request request) {
  const bool head_only = request.method == "HEAD";
  const bool keep_alive = request.keep_alive;
  if (head_only) request.method = "GET";
  reactor::this_shard().timers().cancel(alarm_);  // a handler bounds its own time
  Response response = co_await server_.handler_(std::move(request));
  const bool go_on = keep_alive && !closing_;
  const bool sent = co_await send(std::move(response), head_only, go_on);
  co_return sent&& go_on;
}

Task<void> Server::Connection::run() {
  if (server_.connections_.size() > kConnectionsMax) {
    co_await refuse(error_response(503, "too many connections are open"));
    closing_ = true;
  }
  while (!closing_) {
    auto request = co_await read();
    if (!request) break;
    serving_ = true;
    const bool go_on = co_await answer(std::move(*request));
    serving_ = false;
    if (!go_on) break;
  }
  if (parser_.error()) co_await refuse(*parser_.error());
  reactor::this_shard().timers().cancel(alarm_);
  const Status closed = co_await socket_.close();
  if (!closed) reactor::log_warning("http: {}", closed.error().to_string());
}

Server::Server(Handler handler) : handler_(std::move(handler)) {
  auto& metrics = reactor::this_shard().metrics();
  metrics.declare(kRequests);
  open_watch_ =
      metrics.watch(kOpen, "", [this] { return static_cast<int64_t>(connections_.size()); });
}

Server::~Server() { CHECK(connections_.empty(), connections_.size()); }

void Server::count(int status) {
  const std::string labels = reactor::metric_labels({{"status", std::to_string(status)}});
  reactor::this_shard().metrics().counter(kRequests, labels).add();
}

Task<void> Server::serve(int fd) {
  Connection connection(*this, fd);
  connections_.insert(&connection);
  co_await connection.run();
  connections_.erase(&connection);
}

Task<void> Server::accept_loop() {
  for (;;) {
    const auto fd = co_await listener_.accept();
    if (!fd) co_return;
    gate_.spawn("http", serve(*fd), reactor::TaskClass::background);
  }
}

void Server::start() { gate_.spawn("http accept", accept_loop(), reactor::TaskClass::background); }

Task<void> Server::stop() {
  stopping_ = true;
  co_await listener_.stop();
  for (Connection* connection : connections_) connection->stop();
  co_await gate_.close();
}

}  // namespace odradek::http
