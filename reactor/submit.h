// Awaiting one Op: submits it, suspends, resumes through the ready queue with the result.
#pragma once

#include <coroutine>

#include "reactor/op.h"
#include "reactor/shard.h"

namespace odradek::reactor {

// Lives in the awaiting frame, which is why that frame must not be destroyed while it waits.
class OpAwaiter {
 public:
  explicit OpAwaiter(Op& op) : op_(op) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    waiting_.handle = handle;
    waiting_.name = handle.promise().name;
    op_.driver_state = 0;
    op_.owner = &waiting_;
    op_.on_done = [](Op& op) {
      if (op.more) return;
      auto* w = static_cast<Waiting*>(op.owner);
      this_shard().make_ready(w->handle, TaskClass::completion, w->name);
    };
    this_shard().driver().submit(op_);
  }
  int32_t await_resume() const noexcept { return op_.result; }

 private:
  struct Waiting {
    std::coroutine_handle<> handle;
    const char* name = "";
  };
  Op& op_;
  Waiting waiting_;
};

// Submits `op` and waits for its last completion; returns op.result (>= 0, or -errno).
inline OpAwaiter run(Op& op) { return OpAwaiter(op); }

}  // namespace odradek::reactor
