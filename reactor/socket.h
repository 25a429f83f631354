// TCP sockets as tasks. A Socket belongs to one shard and one owner; receive and send may be in
// flight at once, one of each. Deadlines are the owner's: a timer that calls abort() ends both.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/result.h"
#include "reactor/driver.h"
#include "reactor/op.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::reactor {

// Bytes in one buffer of the shard's receive ring; given back when destroyed. Empty: end of stream.
class Received {
 public:
  Received() = default;
  Received(uint16_t id, BytesView bytes) : id_(id), bytes_(bytes), held_(true) {}
  Received(Received&& other) noexcept;
  Received& operator=(Received&& other) noexcept;
  ~Received() { release(); }
  BytesView bytes() const { return bytes_; }
  void release();

 private:
  uint16_t id_ = 0;
  BytesView bytes_;
  bool held_ = false;
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // Connects to a numeric address. Errc::timed_out after `deadline`.
  static Task<Result<Socket>> connect(SocketAddress address, SocketOptions options,
                                      MonoTime deadline);
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // Waits for data without owning a buffer meanwhile. Empty at the end of the stream.
  Task<Result<Received>> receive();
  // Straight into the caller's memory: whatever is there (0: end of stream), or all of `to`.
  Task<Result<size_t>> receive_some(MutableBytes to);
  // Fails with Errc::closed when the stream ends first.
  Task<Status> receive_exact(MutableBytes to);
  // Sends all parts; what they point to must live until this returns.
  Task<Status> send(std::vector<iovec> parts);
  Task<Status> send(BytesView bytes);

  // Ends the sending side; the peer still may send.
  void half_close();
  // Makes every receive and send in flight end soon, with an error or the end of the stream.
  void abort();
  Task<Status> close();
  SocketAddress peer() const;

 private:
  int fd_ = -1;
};

// Accepts connections with one multishot operation. stop() must have run before destruction.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // Binds and listens. Errc::exists with the address in the context when the port is taken.
  Status open(const ListenOptions& options, const SocketOptions& accepted);
  // The address bound, with the real port when 0 was asked for.
  SocketAddress address() const { return address_; }
  // The descriptor of the next connection; Errc::canceled after stop(). When descriptors run out
  // (EMFILE, ENFILE) it backs off and goes on. Give the descriptor to a Socket, on any shard.
  Task<Result<int>> accept();
  Task<void> stop();

 private:
  static void on_accept(Op& op);
  void arm();
  int fd_ = -1;
  SocketOptions accepted_;
  SocketAddress address_;
  Op op_;
  bool armed_ = false;
  bool stopping_ = false;
  int error_ = 0;
  std::deque<int> connections_;
  WaitList waiting_;
};

// All numeric addresses of `host`; resolved by the helper thread.
Task<Result<std::vector<SocketAddress>>> resolve(std::string host, uint16_t port);

}  // namespace odradek::reactor
