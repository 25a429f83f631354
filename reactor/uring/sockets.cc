#include "reactor/uring/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "reactor/base/check.h"
#include "reactor/uring/driver_impl.h"

namespace odradek::reactor {

namespace {

union AnyAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};
static_assert(sizeof(AnyAddress) <= sizeof(Op::driver_space));
static_assert(sizeof(msghdr) <= sizeof(Op::driver_space));

// False when `host` is not a numeric address. Empty: every interface, IPv6 and IPv4.
bool to_address(const std::string& host, uint16_t port, AnyAddress& out, socklen_t& length) {
  std::memset(&out, 0, sizeof out);
  if (::inet_pton(AF_INET, host.c_str(), &out.v4.sin_addr) == 1) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(port);
    length = sizeof out.v4;
    return true;
  }
  if (host.empty() || ::inet_pton(AF_INET6, host.c_str(), &out.v6.sin6_addr) == 1) {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(port);
    length = sizeof out.v6;
    return true;
  }
  return false;
}

SocketAddress from_address(const AnyAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
    return {text, ntohs(address.v4.sin_port)};
  }
  if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)) {
    ::inet_ntop(AF_INET, address.v6.sin6_addr.s6_addr + 12, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text);
  }
  return {text, ntohs(address.v6.sin6_port)};
}

std::string printed(const ListenOptions& options) {
  return (options.host.empty() ? "*" : options.host) + ":" + std::to_string(options.port);
}

void set_int(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

void prepare_connect(io_uring_sqe& entry, Op& op) {
  AnyAddress address;
  socklen_t length = 0;
  CHECK(to_address(op.address.host, op.address.port, address, length), op.address.host);
  std::memcpy(op.driver_space, &address, sizeof address);
  io_uring_prep_connect(&entry, op.fd, reinterpret_cast<sockaddr*>(op.driver_space), length);
}

void prepare_send(io_uring_sqe& entry, Op& op) {
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(op.iov);
  header.msg_iovlen = op.iov_count;
  std::memcpy(op.driver_space, &header, sizeof header);
  io_uring_prep_sendmsg(&entry, op.fd, reinterpret_cast<msghdr*>(op.driver_space),
                        MSG_NOSIGNAL | MSG_WAITALL);
}

int32_t lock_whole_file(int fd) {
  struct flock range{};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return ::fcntl(fd, F_SETLK, &range) == 0 ? 0 : -errno;
}

Result<int> Driver::open_socket(bool ipv6) {
  const int fd = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(errno_error(errno, "socket"));
  return fd;
}

void Driver::set_socket_options(int fd, const SocketOptions& options) {
  set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (options.send_buffer_bytes > 0) {
    set_int(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.send_buffer_bytes));
  }
  if (options.receive_buffer_bytes > 0) {
    set_int(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.receive_buffer_bytes));
  }
  if (options.congestion_cubic) ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

static Result<int> bind_and_listen(int fd, const ListenOptions& options, const AnyAddress& address,
                                   socklen_t length) {
  set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.any.sa_family == AF_INET6) {
    set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.host.empty() ? 0 : 1);
  }
  if (::bind(fd, &address.any, length) != 0) {
    const int error = errno;
    if (error == EADDRINUSE) return fail(Errc::exists, "the address is in use by another process");
    return fail(errno_error(error, "bind"));
  }
  if (::listen(fd, options.backlog) != 0) return fail(errno_error(errno, "listen"));
  return fd;
}

Result<int> Driver::listen(const ListenOptions& options, const SocketOptions& socket) {
  AnyAddress address;
  socklen_t length = 0;
  if (!to_address(options.host, options.port, address, length)) {
    return fail(Errc::invalid, "listen " + printed(options) + ": not a numeric address");
  }
  auto opened = open_socket(address.any.sa_family == AF_INET6);
  if (!opened && options.host.empty()) {  // a machine without IPv6
    to_address("0.0.0.0", options.port, address, length);
    opened = open_socket(false);
  }
  TRY_ASSIGN(const int fd, std::move(opened));
  set_socket_options(fd, socket);  // accepted sockets inherit the congestion control
  auto listening = bind_and_listen(fd, options, address, length);
  if (listening) return listening;
  ::close(fd);
  return fail(listening.error().code,
              "listen " + printed(options) + ": " + listening.error().context);
}

static Result<SocketAddress> address_of(int fd, int (*call)(int, sockaddr*, socklen_t*),
                                        const char* name) {
  AnyAddress address;
  socklen_t length = sizeof address;
  if (call(fd, &address.any, &length) != 0) return fail(errno_error(errno, name));
  return from_address(address);
}

Result<SocketAddress> Driver::local_address(int fd) {
  return address_of(fd, ::getsockname, "getsockname");
}
Result<SocketAddress> Driver::peer_address(int fd) {
  return address_of(fd, ::getpeername, "getpeername");
}

void Driver::shutdown_socket(int fd, bool both_ways) {
  ::shutdown(fd, both_ways ? SHUT_RDWR : SHUT_WR);  // a socket already gone is as good
}

}  // namespace odradek::reactor
