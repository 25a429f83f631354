// The driver: the one way by which broker code reaches the kernel, the clocks and the random
// source. Declared here once; defined in reactor/uring/ and in reactor/sim/, and chosen at link
// time, so that the broker that is simulated is the broker that ships. One driver a shard; only its
// shard calls it, but for wake().
#pragma once

#include <memory>
#include <string>

#include "reactor/base/result.h"
#include "reactor/base/time.h"
#include "reactor/op.h"

namespace odradek::reactor {

struct ListenOptions {
  std::string host;  // numeric IPv4 or IPv6, or empty for all interfaces
  uint16_t port = 0;
  int backlog = 511;
};
struct SocketOptions {
  uint32_t send_buffer_bytes = 0;     // 0: the kernel's own
  uint32_t receive_buffer_bytes = 0;  // 0: the kernel's own
  bool congestion_cubic = false;      // TCP_CONGESTION=cubic where the kernel allows it
};

class Driver {
 public:
  struct Impl;
  explicit Driver(std::unique_ptr<Impl> impl);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Stages `op`; it reaches the kernel at the next enter() at the latest.
  void submit(Op& op);
  // Asks that `op` end early. It still completes, with -ECANCELED or with what it had done.
  void cancel(Op& op);
  // Enters the kernel once: submits what is staged, waits for a completion, a wake() or `deadline`
  // (a deadline in the past only polls), and calls on_done of everything that completed.
  void enter(MonoTime deadline);
  // Makes the enter() of this driver return. Callable from any shard: `from` is the caller's
  // driver.
  void wake(Driver& from);

  MonoTime mono_now();
  WallTime wall_now();
  uint64_t random_u64();  // unpredictable in production, seeded in simulation

  // Gives a buffer of recv_provided back to the shard's ring.
  void return_buffer(uint16_t buffer_id);
  // Sockets that need no waiting. Descriptors are closed with OpCode::close.
  Result<int> listen(const ListenOptions& options, const SocketOptions& socket);
  Result<int> open_socket(bool ipv6);
  Result<SocketAddress> local_address(int fd);
  Result<SocketAddress> peer_address(int fd);
  void set_socket_options(int fd, const SocketOptions& options);
  // Half-close (send side) or full shutdown; receives and sends in flight on `fd` then end.
  void shutdown_socket(int fd, bool both_ways);

  // One line for the operator, without its newline. Never blocks: false when the queue was full.
  bool write_log_line(std::string line);

  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace odradek::reactor
