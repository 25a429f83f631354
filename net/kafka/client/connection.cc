#include "net/kafka/client/connection.h"

#include "reactor/base/check.h"
#include "reactor/shard.h"

namespace odradek::client {

using reactor::Task;

void Ticket::drop() {
  if (connection_) std::exchange(connection_, nullptr)->drop(correlation_);
}

Connection::~Connection() { CHECK(!socket_.is_open() && tickets_.empty(), tickets_.size()); }

Task<Status> Connection::open(reactor::SocketAddress broker, MonoTime deadline) {
  CHECK(!socket_.is_open() && !broken_);
  auto socket = co_await reactor::Socket::connect(std::move(broker), {}, deadline);
  if (!socket) co_return fail(std::move(socket).error());
  socket_ = std::move(*socket);
  gate_.spawn("client writer", write_loop());
  gate_.spawn("client reader", read_loop());
  co_return Status{};
}

Ticket Connection::enqueue(std::vector<uint8_t> frame, bool answered) {
  unsent_bytes_ += frame.size();
  unsent_.push_back({correlation_, std::move(frame), answered});
  to_write_.notify_all();
  tickets_.emplace(correlation_, true);
  return Ticket(this, correlation_);
}

void Connection::drop(int32_t correlation) {
  tickets_.erase(correlation);
  answers_.erase(correlation);
  changed_.notify_all();
}

void Connection::abort() {
  if (!broken_ && socket_.is_open()) socket_.abort();
  broken_ = true;
  to_write_.notify_all();
  changed_.notify_all();
}

Task<void> Connection::write_loop() {
  while (!broken_) {
    if (unsent_.empty()) {
      (void)co_await to_write_.wait();
      continue;
    }
    const Unsent next = std::move(unsent_.front());
    unsent_.pop_front();
    if (next.answered) unanswered_.push_back(next.correlation);
    const Status sent = co_await socket_.send(BytesView(next.frame));
    unsent_bytes_ -= next.frame.size();
    if (!sent) abort();
    changed_.notify_all();
  }
}

// False for an answer to another question than the oldest.
bool Connection::accept(std::vector<uint8_t> frame) {
  if (unanswered_.empty() || load_be<int32_t>(frame.data()) != unanswered_.front()) return false;
  const int32_t correlation = unanswered_.front();
  unanswered_.pop_front();
  if (tickets_.contains(correlation)) answers_.emplace(correlation, std::move(frame));
  changed_.notify_all();
  return true;
}

Task<void> Connection::read_loop() {
  while (!broken_) {
    uint8_t head[4];
    if (!co_await socket_.receive_exact(head)) break;
    const auto size = load_be<int32_t>(head);
    if (size < 4 || static_cast<size_t>(size) > answer_bytes_max_) break;
    std::vector<uint8_t> frame(static_cast<size_t>(size));
    if (!co_await socket_.receive_exact(frame)) break;
    if (!accept(std::move(frame))) break;
  }
  abort();
}

Task<Result<std::vector<uint8_t>>> Connection::wait(Ticket ticket, MonoTime deadline) {
  CHECK(ticket.connection_ == this);
  for (;;) {
    const auto at = answers_.find(ticket.correlation_);
    if (at != answers_.end()) co_return std::move(at->second);
    if (broken_) co_return fail(Errc::closed, "the connection broke before the answer came");
    if (reactor::this_shard().now() >= deadline) {
      abort();
      co_return fail(Errc::timed_out, "no answer in time");
    }
    (void)co_await changed_.wait(deadline);
  }
}

Task<Status> Connection::wait_sent(Ticket ticket, MonoTime deadline) {
  CHECK(ticket.connection_ == this);
  while (!broken_ && unsent_bytes_ > 0) {
    if (co_await changed_.wait(deadline)) continue;
    abort();
    co_return fail(Errc::timed_out, "the broker does not read");
  }
  if (broken_) co_return fail(Errc::closed, "the connection broke");
  co_return Status{};
}

Task<void> Connection::close() {
  abort();
  co_await gate_.close();
  while (!tickets_.empty()) (void)co_await changed_.wait();
  if (socket_.is_open()) (void)co_await socket_.close();
}

}  // namespace odradek::client
