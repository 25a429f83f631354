// Operations of the driver seam on io_uring. user_data is the Op's address; small numbers are the
// driver's own.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "reactor/base/check.h"
#include "reactor/limits.h"
#include "reactor/uring/driver_impl.h"
#include "reactor/uring/sockets.h"

namespace odradek::reactor {

namespace {

constexpr uint64_t kIgnored = 1;   // a cancel's own completion, a wake
constexpr uint64_t kEvent = 2;     // the eventfd
constexpr uint64_t kWakeSent = 3;  // a MSG_RING that failed: the low 8 bits above hold nothing
constexpr uint64_t kOwnMax = 4095;
constexpr int kReceiveGroup = 0;

uint64_t tag(Op& op) { return reinterpret_cast<uint64_t>(&op); }

}  // namespace

io_uring_sqe* Driver::Impl::sqe() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  if (!entry) {
    const int n = io_uring_submit(&ring);
    CHECK(n >= 0, n);
    entry = io_uring_get_sqe(&ring);
    CHECK(entry != nullptr);
  }
  return entry;
}

void Driver::Impl::finish_now(Op& op, int32_t result) {
  op.result = result;
  finished.push_back(&op);
}

void Driver::Impl::submit_stat(Op& op) {
  auto* buffer = new struct statx;
  op.driver_state = reinterpret_cast<uint64_t>(buffer);
  io_uring_sqe* entry = sqe();
  io_uring_prep_statx(entry, AT_FDCWD, op.path, 0, STATX_BASIC_STATS, buffer);
  io_uring_sqe_set_data64(entry, tag(op));
}

void Driver::Impl::submit_path(Op& op) {
  io_uring_sqe* entry = sqe();
  switch (op.code) {
    case OpCode::open:
      io_uring_prep_openat(entry, AT_FDCWD, op.path, op.open_flags, op.mode);
      break;
    case OpCode::rename:
      io_uring_prep_renameat(entry, AT_FDCWD, op.path, AT_FDCWD, op.path_to, 0);
      break;
    case OpCode::unlink: io_uring_prep_unlinkat(entry, AT_FDCWD, op.path, 0); break;
    case OpCode::remove_dir: io_uring_prep_unlinkat(entry, AT_FDCWD, op.path, AT_REMOVEDIR); break;
    case OpCode::make_dir: io_uring_prep_mkdirat(entry, AT_FDCWD, op.path, op.mode); break;
    default: CHECK(false, op.code);
  }
  io_uring_sqe_set_data64(entry, tag(op));
}

void Driver::Impl::submit_socket(Op& op) {
  io_uring_sqe* entry = sqe();
  switch (op.code) {
    case OpCode::accept:
      io_uring_prep_multishot_accept(entry, op.fd, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case OpCode::connect: prepare_connect(*entry, op); break;
    case OpCode::recv:
      io_uring_prep_recv(entry, op.fd, op.iov->iov_base, op.iov->iov_len, 0);
      break;
    case OpCode::recv_exact:
      io_uring_prep_recv(entry, op.fd, op.iov->iov_base, op.iov->iov_len, MSG_WAITALL);
      break;
    case OpCode::recv_provided:
      io_uring_prep_recv(entry, op.fd, nullptr, kReceiveBufferBytes, 0);
      entry->flags |= IOSQE_BUFFER_SELECT;
      entry->buf_group = kReceiveGroup;
      break;
    case OpCode::send: prepare_send(*entry, op); break;
    default: CHECK(false, op.code);
  }
  io_uring_sqe_set_data64(entry, tag(op));
}

void Driver::Impl::submit(Op& op) {
  op.in_flight = true;
  op.more = false;
  switch (op.code) {
    case OpCode::nop: return finish_now(op, 0);
    case OpCode::lock: return finish_now(op, lock_whole_file(op.fd));
    case OpCode::truncate:
    case OpCode::list_dir:
    case OpCode::stat_fs:
    case OpCode::resolve: return offload->submit(op, home);
    case OpCode::stat: return submit_stat(op);
    case OpCode::open:
    case OpCode::rename:
    case OpCode::unlink:
    case OpCode::remove_dir:
    case OpCode::make_dir: return submit_path(op);
    case OpCode::accept:
    case OpCode::connect:
    case OpCode::recv:
    case OpCode::recv_exact:
    case OpCode::recv_provided:
    case OpCode::send: return submit_socket(op);
    default: break;
  }
  io_uring_sqe* entry = sqe();
  switch (op.code) {
    case OpCode::close: io_uring_prep_close(entry, op.fd); break;
    case OpCode::read: io_uring_prep_readv(entry, op.fd, op.iov, op.iov_count, op.offset); break;
    case OpCode::write: io_uring_prep_writev(entry, op.fd, op.iov, op.iov_count, op.offset); break;
    case OpCode::write_sync:
      // One operation, so that the device may write through its cache (FUA), and no worker thread
      // as for every fsync.
      io_uring_prep_writev2(entry, op.fd, op.iov, op.iov_count, op.offset, RWF_DSYNC);
      break;
    case OpCode::fdatasync: io_uring_prep_fsync(entry, op.fd, IORING_FSYNC_DATASYNC); break;
    case OpCode::fsync: io_uring_prep_fsync(entry, op.fd, 0); break;
    case OpCode::allocate:
      io_uring_prep_fallocate(entry, op.fd, static_cast<int>(op.mode),
                              static_cast<off_t>(op.offset), static_cast<off_t>(op.length));
      break;
    case OpCode::signal:
      io_uring_prep_read(entry, signal_fd, signal_info, sizeof(signalfd_siginfo), 0);
      break;
    default: CHECK(false, op.code);
  }
  io_uring_sqe_set_data64(entry, tag(op));
}

void Driver::Impl::arm_event() {
  if (event_armed) return;
  event_armed = true;
  io_uring_sqe* entry = sqe();
  io_uring_prep_read(entry, home.event_fd, &event_value, sizeof event_value, 0);
  io_uring_sqe_set_data64(entry, kEvent);
}

static void finish_stat(Op& op) {
  auto* buffer = reinterpret_cast<struct statx*>(op.driver_state);
  if (op.result == 0) {
    op.file_stat->size = buffer->stx_size;
    op.file_stat->allocated = buffer->stx_blocks * 512;
    op.file_stat->modified_ms =
        buffer->stx_mtime.tv_sec * 1000 + buffer->stx_mtime.tv_nsec / 1000000;
    op.file_stat->directory = S_ISDIR(buffer->stx_mode);
  }
  delete buffer;
}

void Driver::Impl::complete(Op& op, const io_uring_cqe& cqe) {
  op.result = cqe.res;
  op.more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  op.in_flight = op.more;
  if (op.code == OpCode::stat) finish_stat(op);
  if (op.code == OpCode::signal && op.result > 0) {
    signalfd_siginfo info;
    std::memcpy(&info, signal_info, sizeof info);
    op.result = static_cast<int32_t>(info.ssi_signo);
  }
  if (cqe.flags & IORING_CQE_F_BUFFER) {
    op.buffer_id = static_cast<uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    op.buffer = receive_memory + size_t{op.buffer_id} * kReceiveBufferBytes;
    if (op.result <= 0) {
      io_uring_buf_ring_add(receive_ring, op.buffer, kReceiveBufferBytes, op.buffer_id,
                            io_uring_buf_ring_mask(kReceiveBufferCount), 0);
      io_uring_buf_ring_advance(receive_ring, 1);
    }
  }
  op.on_done(op);
}

void Driver::Impl::reap() {
  io_uring_cqe* entries[64];
  for (;;) {
    const unsigned count = io_uring_peek_batch_cqe(&ring, entries, 64);
    for (unsigned i = 0; i < count; ++i) {
      const io_uring_cqe cqe = *entries[i];
      if (cqe.user_data == kEvent) {
        event_armed = false;
        take_offloaded();
      } else if (cqe.user_data == kWakeSent) {
        wake_by_event =
            true;  // this kernel cannot message such a ring: the eventfd does it from now on
      } else if (cqe.user_data > kOwnMax) {
        complete(*reinterpret_cast<Op*>(cqe.user_data), cqe);
      }
    }
    io_uring_cq_advance(&ring, count);
    if (count < 64) return;
  }
}

void Driver::Impl::take_offloaded() {
  std::deque<Op*> done;
  {
    const std::lock_guard lock(home.mutex);
    done.swap(home.done);
  }
  for (Op* op : done) finished.push_back(op);
}

void Driver::Impl::run_finished() {
  for (size_t i = 0; i < finished.size(); ++i) {
    Op& op = *finished[i];
    op.in_flight = false;
    op.on_done(op);
  }
  finished.clear();
}

Driver::Driver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Driver::~Driver() = default;

void Driver::submit(Op& op) { impl_->submit(op); }

void Driver::cancel(Op& op) {
  if (!op.in_flight) return;
  io_uring_sqe* entry = impl_->sqe();
  io_uring_prep_cancel64(entry, tag(op), 0);
  io_uring_sqe_set_data64(entry, kIgnored);
}

void Driver::enter(MonoTime deadline) {
  impl_->arm_event();
  const MonoTime now = deadline == MonoTime::min() ? MonoTime::max() : mono_now();
  if (!impl_->finished.empty() || deadline <= now) {
    const int n = io_uring_submit_and_get_events(&impl_->ring);
    CHECK(n >= 0 || n == -EINTR || n == -EBUSY || n == -EAGAIN, n);
  } else {
    __kernel_timespec limit{};
    const int64_t ns = deadline == kMonoMax ? 0 : (deadline - now).count();
    limit.tv_sec = ns / 1'000'000'000;
    limit.tv_nsec = ns % 1'000'000'000;
    io_uring_cqe* first = nullptr;
    const int n = io_uring_submit_and_wait_timeout(
        &impl_->ring, &first, 1, deadline == kMonoMax ? nullptr : &limit, nullptr);
    CHECK(n >= 0 || n == -EINTR || n == -ETIME || n == -EBUSY || n == -EAGAIN, n);
  }
  impl_->reap();
  impl_->run_finished();
}

// From a peer's thread: only `from` is touched here, and this driver's descriptors.
void Driver::wake(Driver& from) {
  Impl& sender = from.impl();
  if (sender.wake_by_event) {
    const uint64_t one = 1;
    CHECK(::write(impl_->home.event_fd, &one, sizeof one) == sizeof one, errno);
    return;
  }
  io_uring_sqe* entry = sender.sqe();
  io_uring_prep_msg_ring(entry, impl_->ring.ring_fd, 0, kIgnored, 0);
  io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
  io_uring_sqe_set_data64(entry, kWakeSent);
}

MonoTime Driver::mono_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return MonoTime(Duration(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec));
}

WallTime Driver::wall_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return WallTime{int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000};
}

uint64_t Driver::random_u64() {
  uint64_t value = 0;
  CHECK(::getrandom(&value, sizeof value, 0) == sizeof value, errno);
  return value;
}

void Driver::return_buffer(uint16_t buffer_id) {
  CHECK(buffer_id < kReceiveBufferCount, buffer_id);
  io_uring_buf_ring_add(
      impl_->receive_ring, impl_->receive_memory + size_t{buffer_id} * kReceiveBufferBytes,
      kReceiveBufferBytes, buffer_id, io_uring_buf_ring_mask(kReceiveBufferCount), 0);
  io_uring_buf_ring_advance(impl_->receive_ring, 1);
}

bool Driver::write_log_line(std::string line) {
  return impl_->offload->write_line(std::move(line));
}

}  // namespace odradek::reactor
