// A raw client in the simulated world: requests as bytes or messages, answers in the order of the
// stream. It knows nothing of what a good client does: the tests send what a bad one may send, too.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/kafka/api.h"
#include "net/kafka/messages/request_header.h"
#include "net/kafka/messages/response_header.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "reactor/shard.h"
#include "reactor/socket.h"
#include "reactor/timer.h"

namespace odradek::broker {

using Bytes = std::vector<uint8_t>;

// A decoded answer and what it views.
template <class Message>
struct Reply {
  Bytes frame;
  wire::Scratch scratch;
  int32_t correlation_id = 0;
  Message message;
};
template <class Message>
using Answered = std::unique_ptr<Reply<Message>>;

class Client {
 public:
  static constexpr const char* kHost = "10.0.0.1";

  Client() : timer_(*this) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { CHECK(!socket_.is_open()); }

  reactor::Task<void> connect(uint16_t port = 9092) {
    auto socket =
        co_await reactor::Socket::connect({kHost, port}, {}, reactor::this_shard().now() + 60s);
    CHECK(socket.has_value(), socket.error());
    socket_ = std::move(*socket);
  }
  reactor::Task<void> close() {
    if (socket_.is_open()) CHECK((co_await socket_.close()).has_value());
  }
  reactor::Socket& socket() { return socket_; }

  // A whole frame of `request`, size included.
  template <class Request>
  Bytes encoded(int16_t version, const Request& request) {
    const auto* api = kafka::find_api(Request::api_key);
    kafka::RequestHeader header;
    header.request_api_key = Request::api_key;
    header.request_api_version = version;
    header.correlation_id = ++correlation_;
    header.client_id = client_id;
    wire::Writer out;
    out.integer(int32_t{0});
    kafka::encode(out, api->request_header_version(version), header);
    kafka::encode(out, version, request);
    out.patch_int32(0, static_cast<int32_t>(out.size() - 4));
    return out.copy();
  }
  // False when the broker has closed the connection.
  reactor::Task<bool> send(Bytes bytes) {
    co_return (co_await socket_.send(BytesView(bytes))).has_value();
  }
  // Sends a request and does not wait for its answer; false when the broker has closed.
  template <class Request>
  reactor::Task<bool> post(int16_t version, Request request) {
    const Bytes bytes = encoded(version, request);
    co_return (co_await socket_.send(BytesView(bytes))).has_value();
  }
  // The next answer without its size; nothing when the broker closes first or after `limit`.
  reactor::Task<std::optional<Bytes>> frame(Duration limit = 60s) {
    auto& timers = reactor::this_shard().timers();
    timers.arm(timer_, reactor::this_shard().now() + limit);
    uint8_t head[4];
    std::optional<Bytes> out;
    if (co_await socket_.receive_exact(head)) {
      out.emplace(static_cast<size_t>(load_be<int32_t>(head)));
      if (!co_await socket_.receive_exact(*out)) out.reset();
    }
    timers.cancel(timer_);
    co_return out;
  }
  // True when the broker closes within `limit`, having sent nothing.
  reactor::Task<bool> closed(Duration limit = 60s) {
    const MonoTime end = reactor::this_shard().now() + limit;
    auto& timers = reactor::this_shard().timers();
    timers.arm(timer_, end);
    uint8_t head[1];
    const auto got = co_await socket_.receive_some(head);
    timers.cancel(timer_);
    co_return (!got || *got == 0) && reactor::this_shard().precise_now() < end;
  }
  template <class Message>
  static Answered<Message> decoded(Bytes frame, int16_t version) {
    auto reply = std::make_unique<Reply<Message>>();
    reply->frame = std::move(frame);
    wire::Reader reader(BytesView(reply->frame), reply->scratch);
    kafka::ResponseHeader header;
    const auto* api = kafka::find_api(Message::api_key);
    CHECK(kafka::decode(reader, api->response_header_version(version), header).has_value());
    const Status body = kafka::decode(reader, version, reply->message);
    CHECK(body.has_value(), body.error());
    CHECK(reader.remaining() == 0, reader.remaining());
    reply->correlation_id = header.correlation_id;
    return reply;
  }
  template <class Message>
  reactor::Task<Answered<Message>> next(int16_t version) {
    auto bytes = co_await frame();
    CHECK(bytes.has_value());  // the broker closed the connection
    co_return decoded<Message>(std::move(*bytes), version);
  }
  // One request and its answer; the test aborts when the broker closes instead.
  template <class Message, class Request>
  reactor::Task<Answered<Message>> call(int16_t version, Request request) {
    co_await post(version, std::move(request));
    co_return co_await next<Message>(version);
  }

  int32_t last_correlation() const { return correlation_; }
  std::string client_id = "tester";

 private:
  struct Alarm : reactor::Timer {
    explicit Alarm(Client& owner)
        : Timer([](Timer& t) { static_cast<Alarm&>(t).client.socket_.abort(); }), client(owner) {}
    Client& client;
  };
  reactor::Socket socket_;
  int32_t correlation_ = 0;
  Alarm timer_;
};

}  // namespace odradek::broker
