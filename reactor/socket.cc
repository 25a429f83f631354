#include "reactor/socket.h"

#include <cerrno>

#include "reactor/limits.h"
#include "reactor/submit.h"

namespace odradek::reactor {

static constexpr Duration kBackOff = 20ms;  // when descriptors or receive buffers run out

Received::Received(Received&& other) noexcept
    : id_(other.id_), bytes_(other.bytes_), held_(std::exchange(other.held_, false)) {
  other.bytes_ = {};
}

Received& Received::operator=(Received&& other) noexcept {
  if (this != &other) {
    release();
    id_ = other.id_;
    bytes_ = std::exchange(other.bytes_, {});
    held_ = std::exchange(other.held_, false);
  }
  return *this;
}

void Received::release() {
  if (!std::exchange(held_, false)) return;
  bytes_ = {};
  this_shard().driver().return_buffer(id_);
}

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  CHECK(fd_ < 0, fd_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

Socket::~Socket() { CHECK(fd_ < 0, fd_); }

namespace {
// Cancels an Op when its time is up.
struct Deadline {
  explicit Deadline(Op& target) : op(&target) {}
  Op* op;
  Timer timer{[](Timer& t) {
    auto* self =
        reinterpret_cast<Deadline*>(reinterpret_cast<char*>(&t) - offsetof(Deadline, timer));
    this_shard().driver().cancel(*self->op);
  }};
};
}  // namespace

Task<Result<Socket>> Socket::connect(SocketAddress address, SocketOptions options,
                                     MonoTime deadline) {
  const std::string where = address.host + ":" + std::to_string(address.port);
  Driver& driver = this_shard().driver();
  CO_TRY_ASSIGN(const int fd, driver.open_socket(address.host.find(':') != std::string::npos));
  driver.set_socket_options(fd, options);
  Socket socket(fd);
  Op op;
  op.code = OpCode::connect;
  op.fd = fd;
  op.address = std::move(address);
  Deadline limit(op);
  if (deadline != kMonoMax) this_shard().timers().arm(limit.timer, deadline);
  const int32_t n = co_await run(op);
  this_shard().timers().cancel(limit.timer);
  if (n == 0) co_return socket;
  CO_TRY(co_await socket.close());
  if (n == -ECANCELED) co_return fail(Errc::timed_out, "connect " + where);
  co_return fail(errno_error(-n, "connect " + where));
}

Task<Result<Received>> Socket::receive() {
  for (;;) {
    Op op;
    op.code = OpCode::recv_provided;
    op.fd = fd_;
    const int32_t n = co_await run(op);
    if (n > 0) co_return Received(op.buffer_id, BytesView(op.buffer, static_cast<size_t>(n)));
    if (n == 0) co_return Received();
    if (n == -ENOBUFS) {
      co_await sleep_for(1ms);
      continue;
    }
    if (n == -EINTR || n == -EAGAIN) continue;
    co_return fail(errno_error(-n, "receive"));
  }
}

Task<Result<size_t>> Socket::receive_some(MutableBytes to) {
  for (;;) {
    iovec part{to.data(), to.size()};
    Op op;
    op.code = OpCode::recv;
    op.fd = fd_;
    op.iov = &part;
    op.iov_count = 1;
    const int32_t n = co_await run(op);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n < 0) co_return fail(errno_error(-n, "receive"));
    co_return static_cast<size_t>(n);
  }
}

Task<Status> Socket::receive_exact(MutableBytes to) {
  size_t done = 0;
  while (done < to.size()) {
    iovec part{to.data() + done, to.size() - done};
    Op op;
    op.code = OpCode::recv_exact;
    op.fd = fd_;
    op.iov = &part;
    op.iov_count = 1;
    const int32_t n = co_await run(op);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n < 0) co_return fail(errno_error(-n, "receive"));
    if (n == 0) co_return fail(Errc::closed, "receive: the stream ended");
    done += static_cast<size_t>(n);
  }
  co_return Status{};
}

Task<Status> Socket::send(BytesView bytes) {
  return send({iovec{const_cast<uint8_t*>(bytes.data()), bytes.size()}});
}

Task<Status> Socket::send(std::vector<iovec> parts) {
  size_t first = 0;
  while (first < parts.size()) {
    if (parts[first].iov_len == 0) {
      ++first;
      continue;
    }
    Op op;
    op.code = OpCode::send;
    op.fd = fd_;
    op.iov = parts.data() + first;
    op.iov_count = static_cast<uint32_t>(std::min(parts.size() - first, kIovecsMax));
    const int32_t n = co_await run(op);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n <= 0) co_return fail(errno_error(n == 0 ? EPIPE : -n, "send"));
    size_t sent = static_cast<size_t>(n);
    while (first < parts.size() && sent >= parts[first].iov_len) sent -= parts[first++].iov_len;
    if (sent == 0) continue;
    parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + sent;
    parts[first].iov_len -= sent;
  }
  co_return Status{};
}

void Socket::half_close() { this_shard().driver().shutdown_socket(fd_, false); }
void Socket::abort() {
  if (fd_ >= 0) this_shard().driver().shutdown_socket(fd_, true);
}

Task<Status> Socket::close() {
  Op op;
  op.code = OpCode::close;
  op.fd = std::exchange(fd_, -1);
  const int32_t n = co_await run(op);
  if (n < 0) co_return fail(errno_error(-n, "close a socket"));
  co_return Status{};
}

SocketAddress Socket::peer() const {
  auto address = this_shard().driver().peer_address(fd_);
  return address ? std::move(*address) : SocketAddress{"unknown", 0};
}

Listener::~Listener() { CHECK(fd_ < 0 && !armed_, fd_); }

Status Listener::open(const ListenOptions& options, const SocketOptions& accepted) {
  CHECK(fd_ < 0, fd_);
  Driver& driver = this_shard().driver();
  TRY_ASSIGN(fd_, driver.listen(options, accepted));
  accepted_ = accepted;
  TRY_ASSIGN(address_, driver.local_address(fd_));
  return {};
}

void Listener::on_accept(Op& op) {
  auto& self = *static_cast<Listener*>(op.owner);
  if (op.result >= 0) {
    self.connections_.push_back(op.result);
  } else {
    self.error_ = -op.result;
  }
  if (!op.more) self.armed_ = false;
  self.waiting_.notify_all();
}

void Listener::arm() {
  op_ = Op{};
  op_.code = OpCode::accept;
  op_.fd = fd_;
  op_.owner = this;
  op_.on_done = &Listener::on_accept;
  armed_ = true;
  error_ = 0;
  this_shard().driver().submit(op_);
}

Task<Result<int>> Listener::accept() {
  for (;;) {
    // First: what is left belongs to stop(), the listening socket among it.
    if (stopping_) co_return fail(Errc::canceled, "the listener stopped");
    if (!connections_.empty()) {
      const int fd = connections_.front();
      connections_.pop_front();
      this_shard().driver().set_socket_options(fd, accepted_);
      co_return fd;
    }
    if (!armed_ && error_ != 0) {
      // EMFILE, ENFILE, ENOMEM and whatever a single connection died of: later ones may do.
      error_ = 0;
      co_await sleep_for(kBackOff);
      continue;
    }
    if (!armed_) arm();
    co_await waiting_.wait();
  }
}

Task<void> Listener::stop() {
  stopping_ = true;
  if (armed_) this_shard().driver().cancel(op_);
  while (armed_) co_await waiting_.wait();
  waiting_.notify_all();
  if (fd_ >= 0) {
    connections_.push_back(std::exchange(fd_, -1));
    while (!connections_.empty()) {
      Socket socket(connections_.front());
      connections_.pop_front();
      const Status closed = co_await socket.close();
      CHECK(closed.has_value());
    }
  }
}

Task<Result<std::vector<SocketAddress>>> resolve(std::string host, uint16_t port) {
  std::vector<SocketAddress> addresses;
  const std::string service = std::to_string(port);
  Op op;
  op.code = OpCode::resolve;
  op.path = host.c_str();
  op.path_to = service.c_str();
  op.addresses = &addresses;
  const int32_t n = co_await run(op);
  if (n < 0) co_return fail(errno_error(-n, "resolve " + host));
  co_return addresses;
}

}  // namespace odradek::reactor
