// One request to the outside world: what the driver seam carries. Two drivers answer it, chosen at
// link time: reactor/uring (the kernel) and reactor/sim (virtual time and seeded faults).
//
// An Op belongs to whoever submits it, usually an awaiter in a coroutine frame, and must stay in
// place until its last completion: `on_done` with `more == false`. Everything it points to (paths,
// buffers, iovecs, results) must live as long.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <vector>

namespace odradek::reactor {

enum class OpCode : uint8_t {
  nop,
  // Files. `fd` unless a path is named.
  open,        // path, open_flags, mode -> a descriptor
  close,       // fd
  read,        // iov, offset -> bytes; may be short, 0 only at the end of the file
  write,       // iov, offset -> bytes; may be short
  write_sync,  // iov, offset -> bytes; so many are durable, and with them the size that finds them
  fdatasync,   // fd: data and the size that finds it
  fsync,       // fd, file or directory
  allocate,    // fd, offset, length, mode of fallocate(2): reserves space that reads as zeros
  truncate,    // fd, length
  rename,      // path -> path_to
  unlink,      // path
  remove_dir,  // path
  make_dir,    // path, mode
  stat,        // path -> *file_stat
  stat_fs,     // path -> *fs_stat
  list_dir,    // path -> *entries, in no order
  lock,  // fd: an exclusive POSIX record lock on the whole file, as a JVM takes; -EAGAIN when held
  // Sockets.
  accept,         // fd, multishot: each completion is a connection's descriptor
  connect,        // fd, address
  recv,           // fd, iov[0] -> bytes; one receive, 0 at the end of the stream
  recv_exact,     // fd, iov[0] -> bytes; all of it unless the stream ends
  recv_provided,  // fd -> bytes in a buffer of the shard's ring: `buffer_id`, `buffer`
  send,           // fd, iov -> bytes; all of it unless the connection fails
  resolve,        // path = host, path_to = port -> *addresses
  // Process.
  signal,  // -> the number of the next SIGINT or SIGTERM
};

struct FileStat {
  uint64_t size = 0;        // bytes
  uint64_t allocated = 0;   // bytes on disk
  int64_t modified_ms = 0;  // wall time
  bool directory = false;
};
struct FsStat {
  uint64_t total = 0;      // bytes
  uint64_t available = 0;  // bytes, to an unprivileged writer
  uint64_t type = 0;       // f_type of statfs(2)
};
struct DirEntry {
  std::string name;
  bool directory = false;
};
struct SocketAddress {
  std::string host;  // numeric, IPv4 or IPv6
  uint16_t port = 0;
};

struct Op {
  OpCode code = OpCode::nop;
  bool more = false;       // Written by the driver: further completions follow.
  bool in_flight = false;  // Written by the driver.
  int fd = -1;
  int open_flags = 0;
  uint32_t mode = 0;
  uint32_t iov_count = 0;
  const iovec* iov = nullptr;
  uint64_t offset = 0;
  uint64_t length = 0;
  const char* path = nullptr;
  const char* path_to = nullptr;
  SocketAddress address;  // connect
  FileStat* file_stat = nullptr;
  FsStat* fs_stat = nullptr;
  std::vector<DirEntry>* entries = nullptr;
  std::vector<SocketAddress>* addresses = nullptr;

  int32_t result = 0;      // Written by the driver: >= 0, or -errno.
  uint16_t buffer_id = 0;  // Written by the driver for recv_provided: give it back to the driver.
  uint8_t* buffer = nullptr;

  // Called on the submitting shard, inside Driver::enter(). Must only note the result and make
  // something ready; it must not submit or run long.
  void (*on_done)(Op& op) = nullptr;
  void* owner = nullptr;  // for whoever submitted it
  // For the driver.
  uint64_t driver_state = 0;
  alignas(8) uint8_t driver_space[64] = {};  // a msghdr or a sockaddr
};

}  // namespace odradek::reactor
