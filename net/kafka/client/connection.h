// One connection to a Kafka broker. Requests go out in the order of post() and may overlap; answers
// come back in that order. Whoever posts holds a Ticket for his answer. When anything goes wrong
// (the end of the stream, a deadline, an answer to another question) the connection is broken as a
// whole, as with every Kafka client: what was under way may have been done or not.
//
// Owned by one task on one core. Bounds: an answer by `answer_bytes_max`, requests by whoever posts
// (in_flight()). close() must have run before destruction; it waits for all tickets.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "net/kafka/api.h"
#include "net/kafka/client/limits.h"
#include "net/kafka/messages/request_header.h"
#include "net/kafka/messages/response_header.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "reactor/socket.h"
#include "reactor/wait.h"

namespace odradek::client {

class Connection;

// The right to one answer. Without a connection: empty, or moved from.
class Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)), correlation_(other.correlation_) {}
  Ticket& operator=(Ticket&& other) noexcept {
    if (this == &other) return *this;
    drop();
    connection_ = std::exchange(other.connection_, nullptr);
    correlation_ = other.correlation_;
    return *this;
  }
  ~Ticket() { drop(); }
  // Gives the right up: the answer is thrown away when it comes.
  void drop();
  explicit operator bool() const { return connection_ != nullptr; }

 private:
  friend class Connection;
  Ticket(Connection* connection, int32_t correlation)
      : connection_(connection), correlation_(correlation) {}
  Connection* connection_ = nullptr;
  int32_t correlation_ = 0;
};

// A decoded answer and the bytes that it views: the message lives as long as the reply.
template <class Message>
struct Reply {
  std::vector<uint8_t> frame;
  wire::Scratch scratch;
  Message message;
};

// `frame`: an answer without its size. Errc::malformed when it is not a Message and nothing else.
template <class Message>
Result<Reply<Message>> decode_reply(std::vector<uint8_t> frame, int16_t version) {
  Reply<Message> reply;
  reply.frame = std::move(frame);
  wire::Reader reader(BytesView(reply.frame), reply.scratch);
  const kafka::ApiInfo* api = kafka::find_api(Message::api_key);
  kafka::ResponseHeader header;
  using kafka::decode;
  TRY(decode(reader, api->response_header_version(version), header));
  TRY(decode(reader, version, reply.message));
  if (reader.remaining() != 0) return fail(Errc::malformed, "bytes after the answer");
  return reply;
}

class Connection {
 public:
  explicit Connection(std::string client_id, size_t answer_bytes_max = kAnswerBytesMax)
      : client_id_(std::move(client_id)), answer_bytes_max_(answer_bytes_max) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Connects. Once.
  reactor::Task<Status> open(reactor::SocketAddress broker, MonoTime deadline);
  bool usable() const { return socket_.is_open() && !broken_; }
  // Breaks the connection: every wait for an answer ends now.
  void abort();
  // abort(), then waits until all tickets are gone. Their owners let go of them by themselves.
  reactor::Task<void> close();

  // Queues a request; its bytes are copied. REQUIRES: usable() was true on this turn, or the ticket
  // never gets an answer.
  template <class Request>
  Ticket post(int16_t version, const Request& request) {
    return enqueue(encode_frame(version, request), true);
  }
  // The same for a request that is never answered (Produce with acks=0). The ticket is for
  // wait_sent().
  template <class Request>
  Ticket post_unanswered(int16_t version, const Request& request) {
    return enqueue(encode_frame(version, request), false);
  }
  // The answer as it came, without its size. Errc::closed when the connection broke first. A
  // deadline that passes breaks it and is Errc::timed_out.
  reactor::Task<Result<std::vector<uint8_t>>> wait(Ticket ticket, MonoTime deadline);
  // The same, decoded.
  template <class Message>
  reactor::Task<Result<Reply<Message>>> answer(Ticket ticket, int16_t version, MonoTime deadline) {
    CO_TRY_ASSIGN(auto frame, co_await wait(std::move(ticket), deadline));
    co_return decode_reply<Message>(std::move(frame), version);
  }
  // One request and its answer.
  template <class Message, class Request>
  reactor::Task<Result<Reply<Message>>> call(int16_t version, Request request, MonoTime deadline) {
    if (!usable()) co_return fail(Errc::closed, "not connected");
    co_return co_await answer<Message>(post(version, request), version, deadline);
  }
  // Requests without an answer, and bytes of requests that are not sent yet.
  size_t in_flight() const { return unsent_.size() + unanswered_.size(); }
  size_t unsent_bytes() const { return unsent_bytes_; }
  // Waits until all that was posted is with the kernel. Errors as of wait().
  reactor::Task<Status> wait_sent(Ticket ticket, MonoTime deadline);

 private:
  friend class Ticket;
  struct Unsent {
    int32_t correlation = 0;
    std::vector<uint8_t> frame;
    bool answered = true;
  };
  template <class Request>
  std::vector<uint8_t> encode_frame(int16_t version, const Request& request) {
    kafka::RequestHeader header;
    header.request_api_key = Request::api_key;
    header.request_api_version = version;
    header.correlation_id = ++correlation_;
    header.client_id = client_id_;
    wire::Writer out;
    out.integer(int32_t{0});
    using kafka::encode;
    encode(out, kafka::find_api(Request::api_key)->request_header_version(version), header);
    encode(out, version, request);
    out.patch_int32(0, static_cast<int32_t>(out.size() - 4));
    return out.copy();
  }
  Ticket enqueue(std::vector<uint8_t> frame, bool answered);
  void drop(int32_t correlation);
  bool accept(std::vector<uint8_t> frame);
  reactor::Task<void> write_loop();
  reactor::Task<void> read_loop();

  // Fixed at construction.
  std::string client_id_;
  size_t answer_bytes_max_;

  reactor::Socket socket_;
  reactor::Gate gate_;
  reactor::WaitList to_write_;
  reactor::WaitList changed_;  // an answer came, something was sent, a ticket went, or it broke
  std::deque<Unsent> unsent_;
  size_t unsent_bytes_ = 0;
  std::deque<int32_t> unanswered_;
  std::map<int32_t, std::vector<uint8_t>> answers_;  // not yet taken
  std::map<int32_t, bool> tickets_;                  // held now
  int32_t correlation_ = 0;
  bool broken_ = false;
};

}  // namespace odradek::client
