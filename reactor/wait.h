// Waiting on one shard: lists of suspended tasks, and what is built from them. All of it is used by
// the owning shard only; wakes go through the ready queue. Every wait takes a deadline (kMonoMax:
// whoever owns the object promises to notify at stop).
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "reactor/base/check.h"
#include "reactor/base/time.h"
#include "reactor/task.h"
#include "reactor/timer.h"

namespace odradek::reactor {

// A suspended task in a list. Lives in the awaiter, in the coroutine's frame.
struct WaitNode {
  WaitNode() : timer(&WaitNode::on_timeout) {}
  WaitNode* next = nullptr;
  WaitNode* previous = nullptr;
  class WaitList* list = nullptr;
  std::coroutine_handle<> handle;
  const char* name = nullptr;
  TaskClass task_class = TaskClass::request;
  uint64_t units = 0;     // for Semaphore
  bool notified = false;  // false after a resume: the deadline passed
  Timer timer;

  static void on_timeout(Timer& timer);
  template <class P>
  void capture(std::coroutine_handle<P> h) {
    handle = h;
    name = h.promise().name;
    task_class = h.promise().task_class;
  }
};

class WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  ~WaitList() { CHECK(first_ == nullptr); }

  struct Awaiter {
    WaitList& list;
    MonoTime deadline;
    WaitNode node{};
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      node.capture(handle);
      list.add(node, deadline);
    }
    bool await_resume() const noexcept { return node.notified; }
  };
  // Waits for a notify; false when `deadline` passed first.
  [[nodiscard]] Awaiter wait(MonoTime deadline = kMonoMax) { return Awaiter{*this, deadline}; }

  void notify_one();
  void notify_all();
  bool empty() const { return first_ == nullptr; }
  WaitNode* front() { return first_; }
  // For primitives built on this one.
  void add(WaitNode& node, MonoTime deadline);
  void remove(WaitNode& node);
  void wake(WaitNode& node, bool notified);

 private:
  WaitNode* first_ = nullptr;
  WaitNode* last_ = nullptr;
};

// A level: waiters pass while it is set.
class Event {
 public:
  void set() {
    set_ = true;
    waiters_.notify_all();
  }
  void reset() { set_ = false; }
  bool is_set() const { return set_; }
  // True when set, false when `deadline` passed first.
  Task<bool> wait(MonoTime deadline = kMonoMax) {
    if (set_) co_return true;
    co_return co_await waiters_.wait(deadline);
  }

 private:
  bool set_ = false;
  WaitList waiters_;
};

// Counted units, handed out first come first served.
class Semaphore {
 public:
  explicit Semaphore(uint64_t units) : available_(units) {}
  uint64_t available() const { return available_; }
  bool try_acquire(uint64_t units) {
    if (!waiters_.empty() || available_ < units) return false;
    available_ -= units;
    return true;
  }
  struct Awaiter {
    Semaphore& semaphore;
    uint64_t units;
    MonoTime deadline;
    WaitNode node{};
    bool await_ready() { return node.notified = semaphore.try_acquire(units); }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) {
      node.capture(handle);
      node.units = units;
      semaphore.waiters_.add(node, deadline);
    }
    bool await_resume() {
      // Who gave up may have stood before others whom the units are enough for.
      if (!node.notified) semaphore.serve();
      return node.notified;
    }
  };
  // True with `units` taken; false when `deadline` passed first (nothing taken).
  [[nodiscard]] Awaiter acquire(uint64_t units, MonoTime deadline = kMonoMax) {
    return Awaiter{*this, units, deadline};
  }
  void release(uint64_t units) {
    available_ += units;
    serve();
  }

 private:
  void serve() {
    while (!waiters_.empty() && waiters_.front()->units <= available_) {
      available_ -= waiters_.front()->units;
      waiters_.wake(*waiters_.front(), true);
    }
  }

  uint64_t available_;
  WaitList waiters_;
};

// Background work of one owner: spawn() starts tasks, close() waits for all of them. The destructor
// CHECKs that close() ran (or that nothing was ever spawned).
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { CHECK(running_ == 0, running_); }
  // Starts `task` through the ready queue. `name` has static storage. REQUIRES: close() was not
  // called.
  void spawn(const char* name, Task<void> task, TaskClass task_class = TaskClass::request);
  bool closed() const { return closed_; }
  size_t running() const { return running_; }
  // Refuses new tasks and returns when the last one ended. The owner makes them end.
  Task<void> close();

 private:
  struct Detached;
  static Detached run(Gate& gate, Task<void> task, const char* name, TaskClass task_class);
  size_t running_ = 0;
  bool closed_ = false;
  WaitList drained_;
};

// Suspends until `when`.
Task<void> sleep_until(MonoTime when);
Task<void> sleep_for(Duration duration);

// Lets other ready tasks run; loops over unbounded data await it.
struct YieldAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    suspend(handle, handle.promise().task_class, handle.promise().name);
  }
  void await_resume() const noexcept {}
  static void suspend(std::coroutine_handle<> handle, TaskClass task_class, const char* name);
};
inline YieldAwaiter yield() { return {}; }

}  // namespace odradek::reactor
