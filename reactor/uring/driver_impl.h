// The io_uring driver's own state. One ring a shard: SINGLE_ISSUER | DEFER_TASKRUN.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "reactor/driver.h"
#include "reactor/uring/offload.h"

namespace odradek::reactor {

struct Driver::Impl {
  io_uring ring{};
  bool ring_ready = false;
  // The receive ring: buffers that the kernel picks when data comes.
  io_uring_buf_ring* receive_ring = nullptr;
  uint8_t* receive_memory = nullptr;
  // Completions that were known at submit.
  std::vector<Op*> finished;
  // The helper thread's way back, and the wake of peers whose kernel has no MSG_RING for such
  // rings.
  OffloadHome home;
  uint64_t event_value = 0;
  bool event_armed = false;
  bool wake_by_event = false;
  Offload* offload = nullptr;
  int signal_fd = -1;
  uint8_t signal_info[128] = {};  // a signalfd_siginfo

  ~Impl();
  // Makes ring, receive ring and eventfd on the calling thread, which must be the shard's.
  Status open();

  io_uring_sqe* sqe();
  void submit(Op& op);
  void submit_path(Op& op);
  void submit_socket(Op& op);
  void submit_stat(Op& op);
  void finish_now(Op& op, int32_t result);
  void arm_event();
  void reap();
  void complete(Op& op, const io_uring_cqe& cqe);
  void take_offloaded();
  void run_finished();
};

// Makes a driver on the calling thread.
Result<std::unique_ptr<Driver>> open_uring_driver(Offload& offload, int signal_fd);

}  // namespace odradek::reactor
