// Making a ring, and saying why it cannot be made.
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "reactor/base/check.h"
#include "reactor/limits.h"
#include "reactor/uring/driver_impl.h"

namespace odradek::reactor {

static int read_number(const char* path, int otherwise) {
  std::FILE* file = std::fopen(path, "re");
  if (!file) return otherwise;
  int value = otherwise;
  if (std::fscanf(file, "%d", &value) != 1) value = otherwise;
  std::fclose(file);
  return value;
}

static std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "unknown";
}

// What forbids the ring, and what to change: told from the errno and from what the system shows.
static Error ring_error(int error) {
  const int disabled = read_number("/proc/sys/kernel/io_uring_disabled", 0);
  if (disabled == 2 || (disabled == 1 && error == EPERM)) {
    return Error(Errc::unsupported,
                 "io_uring is switched off: sysctl kernel.io_uring_disabled is " +
                     std::to_string(disabled) +
                     "; set it to 0 (sysctl -w kernel.io_uring_disabled=0)" +
                     (disabled == 1 ? " or put this user into kernel.io_uring_group" : ""));
  }
  switch (error) {
    case ENOSYS:
    case EPERM:
    case EACCES:
      return Error(
          Errc::unsupported,
          "io_uring is forbidden here (" + std::string("errno ") + std::to_string(error) +
              "), most likely by a container's seccomp profile: allow io_uring_setup, "
              "io_uring_enter and io_uring_register (docker: --security-opt seccomp=PROFILE)");
    case EINVAL:
      return Error(Errc::unsupported, "this kernel (" + kernel_release() +
                                          ") lacks io_uring features that are needed "
                                          "(SINGLE_ISSUER, DEFER_TASKRUN): use Linux 6.1 or newer");
    case ENOMEM:
      return Error(Errc::unsupported,
                   "io_uring: not enough lockable memory: raise the limit (ulimit -l, systemd "
                   "LimitMEMLOCK=) to 64 MiB or more, or use fewer shards");
    case EMFILE:
    case ENFILE:
      return Error(Errc::unsupported, "io_uring: out of file descriptors: raise ulimit -n");
    default: return errno_error(error, "io_uring_setup");
  }
}

Driver::Impl::~Impl() {
  if (ring_ready) io_uring_queue_exit(&ring);
  if (home.event_fd >= 0) ::close(home.event_fd);
  if (receive_ring) ::munmap(receive_ring, kReceiveBufferCount * sizeof(io_uring_buf));
  if (receive_memory) ::munmap(receive_memory, kReceiveBufferCount * kReceiveBufferBytes);
}

static void* map_pages(size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  CHECK(memory != MAP_FAILED, bytes, errno);
  return memory;
}

Status Driver::Impl::open() {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE;
  params.cq_entries = kRingEntries * 4;
  const int error = io_uring_queue_init_params(kRingEntries, &ring, &params);
  if (error < 0) return fail(ring_error(-error));
  ring_ready = true;
  io_uring_register_ring_fd(&ring);  // saves a descriptor look-up a call; fine without

  home.event_fd = ::eventfd(0, EFD_CLOEXEC);
  if (home.event_fd < 0) return fail(errno_error(errno, "eventfd"));

  receive_memory = static_cast<uint8_t*>(map_pages(kReceiveBufferCount * kReceiveBufferBytes));
  receive_ring =
      static_cast<io_uring_buf_ring*>(map_pages(kReceiveBufferCount * sizeof(io_uring_buf)));
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uint64_t>(receive_ring);
  registration.ring_entries = kReceiveBufferCount;
  registration.bgid = 0;
  const int registered = io_uring_register_buf_ring(&ring, &registration, 0);
  if (registered < 0) return fail(ring_error(-registered));
  io_uring_buf_ring_init(receive_ring);
  for (size_t i = 0; i < kReceiveBufferCount; ++i) {
    io_uring_buf_ring_add(receive_ring, receive_memory + i * kReceiveBufferBytes,
                          kReceiveBufferBytes, static_cast<uint16_t>(i),
                          io_uring_buf_ring_mask(kReceiveBufferCount), static_cast<int>(i));
  }
  io_uring_buf_ring_advance(receive_ring, kReceiveBufferCount);
  return {};
}

Result<std::unique_ptr<Driver>> open_uring_driver(Offload& offload, int signal_fd) {
  auto impl = std::make_unique<Driver::Impl>();
  impl->offload = &offload;
  impl->signal_fd = signal_fd;
  TRY(impl->open());
  return std::make_unique<Driver>(std::move(impl));
}

}  // namespace odradek::reactor
