// A shard: one thread, one driver, one arena, one ready queue, and whatever it owns. Only its own
// thread touches it, but for what Mailboxes shares. In the simulator all shards of all nodes take
// turns on one thread.
//
// A turn: drain mailboxes, fire timers, run ready tasks within a budget, publish outgoing mail,
// enter the driver once.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "reactor/arena.h"
#include "reactor/base/uuid.h"
#include "reactor/driver.h"
#include "reactor/log_limit.h"
#include "reactor/mailbox.h"
#include "reactor/task.h"
#include "reactor/task_watch.h"
#include "reactor/timer.h"
#include "reactor/wait.h"

namespace odradek::reactor {

class LoopMetrics;
class Metrics;

struct ShardOptions {
  ShardId id;
  size_t arena_bytes = size_t{256} << 20;  // limit of the arena
  bool shuffle_ready = false;              // the simulator: the seed picks what runs next
  uint32_t requests_per_peer = kRequestsInFlightPerPeer;  // the simulator also runs with 1
  uint32_t tasks_per_turn = UINT32_MAX;  // the simulator: 1, so that it can crash between any two
};

// Counters of the loop itself; read by metrics.
struct LoopStats {
  uint64_t turns = 0;
  uint64_t tasks_run = 0;
  uint64_t turns_slow = 0;  // over kSlowTurn
  Duration busy{};          // all turns, but for what they spent in the driver
  Duration turn_longest{};
  uint64_t mail_sent = 0;
  uint64_t wakes_sent = 0;
  uint64_t log_lines = 0;
  uint64_t log_lines_dropped = 0;
};

class Shard {
 public:
  Shard(const ShardOptions& options, std::unique_ptr<Driver> driver, Mailboxes& mailboxes,
        std::vector<Driver*>& drivers);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  ShardId id() const { return options_.id; }
  uint32_t shard_count() const { return mailboxes_.shard_count(); }
  Driver& driver() { return *driver_; }
  Arena& arena() { return arena_; }
  TimerQueue& timers() { return timers_; }
  const LoopStats& stats() const { return stats_; }
  Metrics& metrics() { return *metrics_; }  // reactor/metrics.h
  size_t ready_tasks() const;
  // Envelopes that other shards sent and this one has not taken yet.
  size_t mail_waiting() const { return mailboxes_.waiting(id()); }
  void note_log_line(bool kept) { ++(kept ? stats_.log_lines : stats_.log_lines_dropped); }

  // Time as of the start of this turn; precise_now() reads the clock.
  MonoTime now() const { return now_; }
  MonoTime precise_now() { return now_ = driver_->mono_now(); }
  WallTime wall_now() { return driver_->wall_now(); }
  uint64_t random() { return driver_->random_u64(); }
  Uuid random_uuid();

  void make_ready(std::coroutine_handle<> handle, TaskClass task_class, const char* name);
  // Sends at the end of this turn. `envelope` must stay in place until it is delivered.
  void send(ShardId to, Envelope& envelope);
  // Bounds the requests that wait for an answer of `peer`.
  Semaphore& requests_to(ShardId peer) { return *requests_[peer.value]; }
  // Tasks that answer other shards.
  Gate& calls() { return calls_; }
  void mail_home(Block* block, uint32_t generation);

  // One turn. Waits in the driver for at most until `deadline`, and not at all while work is ready.
  void turn(MonoTime deadline);
  bool has_ready() const;
  // For the runtime: from now on turns only poll, so that the loop around them can end.
  void stop_loop() { loop_stopped_ = true; }
  bool loop_stopped() const { return loop_stopped_; }
  // Everything a turn would do without the driver: for the simulator's choice of who runs.
  bool has_work();

 private:
  struct Ready {
    std::coroutine_handle<> handle;
    const char* name;
  };
  struct Returned {
    Block* block;
    uint32_t generation;
  };
  struct ReturnEnvelope;
  void drain_mail();
  void run_ready();
  size_t first_class() const;
  void publish();
  void publish_returns(ShardId to);
  Ready take_ready(std::deque<Ready>& queue);
  void end_turn(MonoTime began);
  void tell_slow_turn(Duration took);

  // Fixed at construction.
  ShardOptions options_;
  std::unique_ptr<Driver> driver_;
  Mailboxes& mailboxes_;
  std::vector<Driver*>& drivers_;
  std::vector<std::unique_ptr<Semaphore>> requests_;
  // Written by the loop.
  MonoTime now_{};
  bool loop_stopped_ = false;
  std::array<std::deque<Ready>, kTaskClasses> ready_;
  struct Outgoing {
    Envelope* first = nullptr;
    Envelope* last = nullptr;
    std::vector<Returned> returns;
  };
  std::vector<Outgoing> outgoing_;
  LoopStats stats_;
  TaskWatch watch_;
  LogLimit slow_turn_lines_{kSlowTurnLogInterval};
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<LoopMetrics> loop_metrics_;
  TimerQueue timers_;
  Arena arena_;
  Gate calls_;
};

// The shard that runs now. REQUIRES: called from a shard's turn.
Shard& this_shard();
bool on_a_shard();
// Makes `shard` the current one (null for none) and returns the one before. For the two runtimes.
Shard* exchange_current_shard(Shard* shard);

namespace detail {
template <class T>
struct TaskValue;
template <class T>
struct TaskValue<Task<T>> {
  using type = T;
};

// A call that travels: it lives in the caller's frame, runs `function` on the other shard, and
// comes home with the value.
template <class R, class F>
struct Call : Envelope {
  using Stored = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
  Call(F f, ShardId to_shard) : function(std::move(f)), to(to_shard) {}
  F function;
  ShardId to;
  ShardId from;
  std::optional<Stored> value;
  std::coroutine_handle<> caller;
  TaskClass task_class = TaskClass::request;
  const char* name = "";

  static Task<void> serve(Call& call) {
    if constexpr (std::is_void_v<R>) {
      co_await call.function();
      call.value.emplace();
    } else {
      call.value.emplace(co_await call.function());
    }
    call.deliver = [](Envelope& e) {
      auto& self = static_cast<Call&>(e);
      this_shard().make_ready(self.caller, self.task_class, self.name);
    };
    this_shard().send(call.from, call);
  }
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    Shard& here = this_shard();
    caller = handle;
    task_class = handle.promise().task_class;
    name = handle.promise().name;
    from = here.id();
    deliver = [](Envelope& e) {
      auto& self = static_cast<Call&>(e);
      this_shard().calls().spawn(self.name, serve(self), self.task_class);
    };
    here.send(to, *this);
  }
  void await_resume() const noexcept {}
};
}  // namespace detail

// Runs `function` (a callable that returns a Task; not itself a coroutine lambda with captures) on
// shard `to` and returns its value here. Captures and value must be values, ids or leases. On the
// own shard it is a plain await.
//
// For what another shard's call may be waiting for (changes of metadata and of the manifest, the
// end of a wait) and for what waits long itself: it is never held back, so that no calls can wait
// for each other in a circle. The caller bounds how many there are.
template <class F>
auto submit_reserved(ShardId to, F function)
    -> Task<typename detail::TaskValue<std::invoke_result_t<F>>::type> {
  using R = typename detail::TaskValue<std::invoke_result_t<F>>::type;
  if (to == this_shard().id()) co_return co_await function();
  detail::Call<R, F> call(std::move(function), to);
  co_await call;
  if constexpr (!std::is_void_v<R>) co_return std::move(*call.value);
}

// The same for requests of clients: waits while kRequestsInFlightPerPeer calls to that shard are
// open.
template <class F>
auto submit_to(ShardId to, F function)
    -> Task<typename detail::TaskValue<std::invoke_result_t<F>>::type> {
  using R = typename detail::TaskValue<std::invoke_result_t<F>>::type;
  Shard& here = this_shard();
  if (to == here.id()) co_return co_await function();
  co_await here.requests_to(to).acquire(1);
  detail::Call<R, F> call(std::move(function), to);
  co_await call;
  here.requests_to(to).release(1);
  if constexpr (!std::is_void_v<R>) co_return std::move(*call.value);
}

}  // namespace odradek::reactor
