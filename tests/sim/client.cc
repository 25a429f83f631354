#include "tests/sim/client.h"

#include "reactor/base/check.h"

namespace odradek::simulation {

using reactor::Task;

Connection::~Connection() { CHECK(!socket_.is_open()); }

Task<Status> Connection::open(reactor::SocketAddress broker, MonoTime deadline) {
  auto socket = co_await reactor::Socket::connect(std::move(broker), {}, deadline);
  if (!socket) co_return fail(std::move(socket).error());
  socket_ = std::move(*socket);
  gate_.spawn("client writer", write_loop());
  gate_.spawn("client reader", read_loop());
  co_return Status{};
}

Ticket Connection::enqueue(int32_t correlation, std::vector<uint8_t> request) {
  auto ticket = std::make_shared<Pending>();
  ticket->correlation = correlation;
  ticket->request = std::move(request);
  unsent_.push_back(ticket);
  to_write_.notify_all();
  return ticket;
}

void Connection::fail_all() {
  if (!broken_ && socket_.is_open()) socket_.abort();
  broken_ = true;
  to_write_.notify_all();
  answered_.notify_all();
}

Task<void> Connection::write_loop() {
  while (!broken_) {
    if (unsent_.empty()) {
      (void)co_await to_write_.wait();
      continue;
    }
    const Ticket next = unsent_.front();
    unsent_.pop_front();
    unanswered_.push_back(next);
    const Status sent = co_await socket_.send(BytesView(next->request));
    next->request.clear();
    if (!sent) fail_all();
  }
}

Task<void> Connection::read_loop() {
  while (!broken_) {
    uint8_t head[4];
    if (!co_await socket_.receive_exact(head)) break;
    const auto size = load_be<int32_t>(head);
    if (size < 4 || size > (64 << 20)) break;
    std::vector<uint8_t> frame(static_cast<size_t>(size));
    if (!co_await socket_.receive_exact(frame)) break;
    if (unanswered_.empty()) break;
    const Ticket ticket = unanswered_.front();
    unanswered_.pop_front();
    if (load_be<int32_t>(frame.data()) != ticket->correlation) break;
    ticket->frame = std::move(frame);
    ticket->answered = true;
    answered_.notify_all();
  }
  fail_all();
}

Task<bool> Connection::wait(Ticket ticket, MonoTime deadline) {
  while (!ticket->answered && !broken_) {
    if (!co_await answered_.wait(deadline)) fail_all();
  }
  co_return ticket->answered;
}

Task<void> Connection::close() {
  fail_all();
  co_await gate_.close();
  if (socket_.is_open()) (void)co_await socket_.close();
}

}  // namespace odradek::simulation
