#include "reactor/wait.h"

#include <utility>

#include "reactor/shard.h"

namespace odradek::reactor {

void WaitNode::on_timeout(Timer& timer) {
  auto* node =
      reinterpret_cast<WaitNode*>(reinterpret_cast<char*>(&timer) - offsetof(WaitNode, timer));
  node->list->wake(*node, false);
}

void WaitList::add(WaitNode& node, MonoTime deadline) {
  node.list = this;
  node.previous = last_;
  (last_ ? last_->next : first_) = &node;
  last_ = &node;
  if (deadline != kMonoMax) this_shard().timers().arm(node.timer, deadline);
}

void WaitList::remove(WaitNode& node) {
  (node.previous ? node.previous->next : first_) = node.next;
  (node.next ? node.next->previous : last_) = node.previous;
  node.next = node.previous = nullptr;
}

void WaitList::wake(WaitNode& node, bool notified) {
  remove(node);
  node.notified = notified;
  Shard& shard = this_shard();
  shard.timers().cancel(node.timer);
  shard.make_ready(node.handle, node.task_class, node.name);
}

void WaitList::notify_one() {
  if (first_) wake(*first_, true);
}

void WaitList::notify_all() {
  while (first_) wake(*first_, true);
}

// A coroutine that owns itself: its frame goes when it ends.
struct Gate::Detached {
  struct promise_type {
    const char* name = "task";
    TaskClass task_class = TaskClass::request;
    static void* operator new(size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept { free_frame(frame, bytes); }
    Detached get_return_object() {
      return Detached{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() noexcept { CHECK(false && "an exception left a task"); }
  };
  std::coroutine_handle<promise_type> handle;
};

Gate::Detached Gate::run(Gate& gate, Task<void> task, const char* name, TaskClass task_class) {
  co_await std::move(task);
  task = {};  // the task's frame goes before the owner of the gate may
  if (--gate.running_ == 0) gate.drained_.notify_all();
}

void Gate::spawn(const char* name, Task<void> task, TaskClass task_class) {
  CHECK(!closed_, name);
  ++running_;
  Detached detached = run(*this, std::move(task), name, task_class);
  detached.handle.promise().name = name;
  detached.handle.promise().task_class = task_class;
  this_shard().make_ready(detached.handle, task_class, name);
}

Task<void> Gate::close() {
  closed_ = true;
  while (running_ > 0) co_await drained_.wait();
}

Task<void> sleep_until(MonoTime when) {
  WaitList nobody;
  co_await nobody.wait(when);
}

Task<void> sleep_for(Duration duration) { return sleep_until(this_shard().now() + duration); }

void YieldAwaiter::suspend(std::coroutine_handle<> handle, TaskClass task_class, const char* name) {
  this_shard().make_ready(handle, task_class, name);
}

}  // namespace odradek::reactor
