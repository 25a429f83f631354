// Socket calls of the io_uring driver: preparing operations, and what needs no ring.
#pragma once

#include <liburing.h>

#include <cstdint>

#include "reactor/op.h"

namespace odradek::reactor {

// The address or message header lives in op.driver_space until the completion.
void prepare_connect(io_uring_sqe& entry, Op& op);
void prepare_send(io_uring_sqe& entry, Op& op);
// An exclusive POSIX record lock on the whole file; 0 or -errno. Never waits.
int32_t lock_whole_file(int fd);

}  // namespace odradek::reactor
