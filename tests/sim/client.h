// A Kafka client's connection in the simulated world: requests go out in the order of post(),
// answers come back in that order and are matched by correlation id. Whoever posts waits for his
// own ticket; when anything goes wrong (the end of the stream, a deadline, an answer to another
// question) the connection is broken as a whole, as with every Kafka client.
//
// Belongs to one task's shard. close() must have run before destruction.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "net/kafka/api.h"
#include "net/kafka/messages/request_header.h"
#include "net/kafka/messages/response_header.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "reactor/socket.h"
#include "reactor/wait.h"

namespace odradek::simulation {

// One request that waits for its answer.
struct Pending {
  int32_t correlation = 0;
  std::vector<uint8_t> frame;    // the answer without its size
  std::vector<uint8_t> request;  // until it is sent
  bool answered = false;
};
using Ticket = std::shared_ptr<Pending>;

// A decoded answer and what it views.
template <class Message>
struct Reply {
  std::vector<uint8_t> frame;
  wire::Scratch scratch;
  Message message;
};

class Connection {
 public:
  explicit Connection(std::string client_id) : client_id_(std::move(client_id)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  reactor::Task<Status> open(reactor::SocketAddress broker, MonoTime deadline);
  bool usable() const { return socket_.is_open() && !broken_; }
  reactor::Task<void> close();

  // Queues a request. REQUIRES: usable() was true on this turn, or the ticket never gets an answer.
  template <class Request>
  Ticket post(int16_t version, const Request& request) {
    return post_frame(Request::api_key, version, [&](wire::Writer& out) {
      using kafka::encode;  // and what is declared later, by its argument
      encode(out, version, request);
    });
  }
  // True when the answer is there. False breaks the connection, if it was not broken before.
  reactor::Task<bool> wait(Ticket ticket, MonoTime deadline);
  // Errc::malformed when the answer is not a Message and nothing but a Message.
  template <class Message>
  static Result<std::unique_ptr<Reply<Message>>> decode(Ticket ticket, int16_t version) {
    auto reply = std::make_unique<Reply<Message>>();
    reply->frame = std::move(ticket->frame);
    wire::Reader reader(BytesView(reply->frame), reply->scratch);
    const kafka::ApiInfo* api = kafka::find_api(Message::api_key);
    kafka::ResponseHeader header;
    using kafka::decode;  // and what is declared later, by its argument
    TRY(decode(reader, api->response_header_version(version), header));
    TRY(decode(reader, version, reply->message));
    if (reader.remaining() != 0) return fail(Errc::malformed, "bytes after the answer");
    return reply;
  }
  // One request and its answer.
  template <class Message, class Request>
  reactor::Task<Result<std::unique_ptr<Reply<Message>>>> call(int16_t version, Request request,
                                                              MonoTime deadline) {
    if (!usable()) co_return fail(Errc::closed, "not connected");
    const Ticket ticket = post(version, request);
    if (!co_await wait(ticket, deadline)) co_return fail(Errc::closed, "no answer");
    co_return decode<Message>(ticket, version);
  }

 private:
  template <class Encode>
  Ticket post_frame(int16_t key, int16_t version, Encode&& encode) {
    kafka::RequestHeader header;
    header.request_api_key = key;
    header.request_api_version = version;
    header.correlation_id = ++correlation_;
    header.client_id = client_id_;
    wire::Writer out;
    out.integer(int32_t{0});
    kafka::encode(out, kafka::find_api(key)->request_header_version(version), header);
    encode(out);
    out.patch_int32(0, static_cast<int32_t>(out.size() - 4));
    return enqueue(header.correlation_id, out.copy());
  }
  Ticket enqueue(int32_t correlation, std::vector<uint8_t> request);
  reactor::Task<void> write_loop();
  reactor::Task<void> read_loop();
  void fail_all();

  std::string client_id_;
  reactor::Socket socket_;
  reactor::Gate gate_;
  reactor::WaitList to_write_;
  reactor::WaitList answered_;
  std::deque<Ticket> unsent_;
  std::deque<Ticket> unanswered_;
  int32_t correlation_ = 0;
  bool broken_ = false;
};

}  // namespace odradek::simulation
