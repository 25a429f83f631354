// Task<T>: a lazy, move-only coroutine. It starts when awaited, runs on the shard that awaits it,
// and resumes its awaiter when it ends. Everything that waits for the outside (an Op, a timer, a
// mailbox, a wait list) is resumed through the shard's ready queue, never from inside a completion.
//
// Frames come from the shard's pool. A Task destroyed before it was awaited never ran.
// Parameters must be values, or references to objects that outlive the task (HOUSE-STYLE,
// Coroutines).
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "reactor/base/check.h"

namespace odradek::reactor {

// Which ready tasks run first. A task takes the class of whoever awaits it.
enum class TaskClass : uint8_t { completion, request, replication, background };
inline constexpr size_t kTaskClasses = 4;

// Memory for coroutine frames: size-classed free lists of the current shard, the heap without one.
void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes) noexcept;

struct PromiseBase {
  std::coroutine_handle<> continuation;
  const char* name = "task";  // static storage; for slow-turn records
  TaskClass task_class = TaskClass::request;

  static void* operator new(size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, size_t bytes) noexcept { free_frame(frame, bytes); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      const auto next = self.promise().continuation;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { CHECK(false && "an exception left a task"); }
};

// co_await name_task("static name") names the task that awaits it, and what it awaits from then on,
// in slow-turn records. Costs one store; never suspends.
struct NameTask {
  const char* name;
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> handle) const noexcept {
    handle.promise().name = name;
    return false;
  }
  void await_resume() const noexcept {}
};
inline NameTask name_task(const char* name) { return {name}; }

template <class T = void>
class [[nodiscard]] Task;

namespace detail {
template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
    requires std::is_convertible_v<U&&, T>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
};
template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
};
}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { destroy(); }

  bool valid() const { return static_cast<bool>(handle_); }
  // For the few that start tasks themselves (Gate, the shard): gives the frame away.
  Handle release() { return std::exchange(handle_, nullptr); }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiting) noexcept {
      auto& promise = handle.promise();
      promise.continuation = awaiting;
      promise.task_class = awaiting.promise().task_class;
      promise.name = awaiting.promise().name;
      return handle;
    }
    T await_resume() {
      if constexpr (!std::is_void_v<T>) return std::move(*handle.promise().value);
    }
  };
  // Starts the task and waits for it. REQUIRES: valid().
  Awaiter operator co_await() && noexcept { return Awaiter{handle_}; }

 private:
  void destroy() {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace odradek::reactor
