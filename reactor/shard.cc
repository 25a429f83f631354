#include "reactor/shard.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "reactor/logger.h"
#include "reactor/loop_metrics.h"
#include "reactor/metrics.h"

namespace odradek::reactor {

// Coroutine frames: free lists by 64-byte classes. Under AddressSanitizer every frame comes from
// the heap, so that a use after free is seen.
namespace {

constexpr size_t kFrameGrain = 64;
constexpr size_t kFrameClasses = 32;  // up to 2 KiB
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kPoolFrames = false;
#else
constexpr bool kPoolFrames = true;
#endif
#else
constexpr bool kPoolFrames = true;
#endif

struct FreeFrame {
  FreeFrame* next;
};

// The only thread-local state: the current shard and its free frames.
struct Current {
  Shard* shard = nullptr;
  std::array<FreeFrame*, kFrameClasses> frames{};
};
thread_local Current current;

}  // namespace

void* allocate_frame(size_t bytes) {
  const size_t size_class = (bytes - 1) / kFrameGrain;
  if (!kPoolFrames || size_class >= kFrameClasses) return std::malloc(bytes);
  FreeFrame*& head = current.frames[size_class];
  if (!head) return std::malloc((size_class + 1) * kFrameGrain);
  return std::exchange(head, head->next);
}

void free_frame(void* frame, size_t bytes) noexcept {
  const size_t size_class = (bytes - 1) / kFrameGrain;
  if (!kPoolFrames || size_class >= kFrameClasses) return std::free(frame);
  auto* free = static_cast<FreeFrame*>(frame);
  free->next = current.frames[size_class];
  current.frames[size_class] = free;
}

Shard& this_shard() {
  CHECK(current.shard != nullptr);
  return *current.shard;
}
bool on_a_shard() { return current.shard != nullptr; }
Shard* exchange_current_shard(Shard* shard) { return std::exchange(current.shard, shard); }

// Leases of another shard's blocks on their way home; batched, at most one envelope a peer in
// flight.
struct Shard::ReturnEnvelope : Envelope {
  std::vector<Returned> returned;
  ShardId from;
};

Shard::Shard(const ShardOptions& options, std::unique_ptr<Driver> driver, Mailboxes& mailboxes,
             std::vector<Driver*>& drivers)
    : options_(options),
      driver_(std::move(driver)),
      mailboxes_(mailboxes),
      drivers_(drivers),
      outgoing_(mailboxes.shard_count()),
      metrics_(std::make_unique<Metrics>()),
      arena_(options.id, options.arena_bytes) {
  for (uint32_t i = 0; i < mailboxes.shard_count(); ++i) {
    requests_.push_back(std::make_unique<Semaphore>(options.requests_per_peer));
  }
  loop_metrics_ = std::make_unique<LoopMetrics>(*this);
  now_ = driver_->mono_now();
}

Shard::~Shard() = default;

Uuid Shard::random_uuid() {
  for (;;) {
    const uint64_t high = random();
    if (const auto id = Uuid::from_random(high, random())) return *id;
  }
}

void Shard::make_ready(std::coroutine_handle<> handle, TaskClass task_class, const char* name) {
  ready_[static_cast<size_t>(task_class)].push_back({handle, name});
}

bool Shard::has_ready() const {
  for (const auto& queue : ready_) {
    if (!queue.empty()) return true;
  }
  return false;
}

size_t Shard::ready_tasks() const {
  size_t count = 0;
  for (const auto& queue : ready_) count += queue.size();
  return count;
}

bool Shard::has_work() {
  if (has_ready() || mailboxes_.has_mail(id())) return true;
  for (const auto& out : outgoing_) {
    if (out.first || !out.returns.empty()) return true;
  }
  return timers_.next() <= driver_->mono_now();
}

void Shard::send(ShardId to, Envelope& envelope) {
  CHECK(to != id() && to.value < shard_count(), to);
  Outgoing& out = outgoing_[to.value];
  envelope.next = nullptr;
  (out.last ? out.last->next : out.first) = &envelope;
  out.last = &envelope;
  ++stats_.mail_sent;
}

void Shard::mail_home(Block* block, uint32_t generation) {
  outgoing_[block->owner.value].returns.push_back({block, generation});
}

void Shard::publish_returns(ShardId to) {
  Outgoing& out = outgoing_[to.value];
  if (out.returns.empty()) return;
  auto* envelope = new ReturnEnvelope;
  envelope->returned = std::exchange(out.returns, {});
  envelope->deliver = [](Envelope& e) {
    auto& home = static_cast<ReturnEnvelope&>(e);
    for (const auto& r : home.returned) this_shard().arena().release(r.block, r.generation);
    delete &home;
  };
  send(to, *envelope);
}

void Shard::publish() {
  for (uint32_t to = 0; to < outgoing_.size(); ++to) {
    publish_returns(ShardId(to));
    Outgoing& out = outgoing_[to];
    if (!out.first) continue;
    MailRing& ring = mailboxes_.ring(id(), ShardId(to));
    while (out.first) {
      Envelope* next = out.first->next;
      if (!ring.try_push(out.first)) break;
      out.first = next;
    }
    if (!out.first) out.last = nullptr;
    if (mailboxes_.take_wake(ShardId(to))) {
      ++stats_.wakes_sent;
      drivers_[to]->wake(*driver_);
    }
  }
}

void Shard::drain_mail() {
  for (uint32_t from = 0; from < shard_count(); ++from) {
    if (from == id().value) continue;
    MailRing& ring = mailboxes_.ring(ShardId(from), id());
    while (Envelope* envelope = ring.try_pop()) envelope->deliver(*envelope);
  }
}

Shard::Ready Shard::take_ready(std::deque<Ready>& queue) {
  if (options_.shuffle_ready && queue.size() > 1) {
    std::swap(queue.front(), queue[random() % queue.size()]);
  }
  const Ready ready = queue.front();
  queue.pop_front();
  return ready;
}

// The class that a turn begins with. Turns of few tasks would starve the lower ones: now and then
// one of them begins with the lowest.
size_t Shard::first_class() const {
  if (options_.tasks_per_turn == UINT32_MAX || stats_.turns % 16 != 0) return 0;
  size_t c = kTaskClasses - 1;
  while (c > 0 && ready_[c].empty()) --c;
  return c;
}

// Classes in order, each to its end before the next, until the budget is used; what is left waits
// for the next turn. The clock is read once per few tasks: a read costs more than a short task.
void Shard::run_ready() {
  const MonoTime start = driver_->mono_now();
  watch_.look(start);
  uint32_t left = options_.tasks_per_turn;
  for (size_t c = first_class(); c < kTaskClasses;) {
    if (ready_[c].empty()) {
      ++c;
      continue;
    }
    const Ready ready = take_ready(ready_[c]);
    const bool stretch_ends = watch_.runs(ready.name);
    ready.handle.resume();
    ++stats_.tasks_run;
    const bool late = watch_.last() - start >= kTurnBudget / 2;
    if (stretch_ends || late) watch_.look(driver_->mono_now());
    if (--left == 0 || watch_.last() - start > kTurnBudget) break;
    if (stretch_ends || late) c = 0;
  }
  if (watch_.last() - start <= kTurnBudget) return;
  // No class starves: what the budget left behind still moves by one task a turn.
  for (auto& queue : ready_) {
    if (queue.empty()) continue;
    const Ready ready = take_ready(queue);
    const bool stretch_ends = watch_.runs(ready.name);
    ready.handle.resume();
    if (stretch_ends) watch_.look(driver_->mono_now());
  }
}

void Shard::end_turn(MonoTime began) {
  const MonoTime ended = driver_->mono_now();
  watch_.look(ended);
  const Duration took = ended - began;
  stats_.busy += took;
  stats_.turn_longest = std::max(stats_.turn_longest, took);
  if (took <= kSlowTurn) return;
  ++stats_.turns_slow;
  tell_slow_turn(took);
}

void Shard::tell_slow_turn(Duration took) {
  const auto held_back = slow_turn_lines_.allow(now_);
  if (!held_back) return;
  std::string names;
  for (const char* name : watch_.suspects()) {
    if (names.find(name) != std::string::npos) continue;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  log_info("a turn of the loop took {:.1f} ms, most of it in: {} ({} more slow turns before)",
           std::chrono::duration<double, std::milli>(took).count(), names, *held_back);
}

void Shard::turn(MonoTime deadline) {
  Shard* before = exchange_current_shard(this);
  ++stats_.turns;
  const MonoTime began = now_ = driver_->mono_now();
  watch_.begin(began, "mail and timers");
  mailboxes_.set_sleeping(id(), false);
  drain_mail();
  timers_.fire_due(now_);
  run_ready();
  publish();
  end_turn(began);
  bool unpublished = false;
  for (const auto& out : outgoing_) unpublished = unpublished || out.first;
  if (has_ready() || unpublished || loop_stopped_) {
    deadline = MonoTime::min();
  } else {
    mailboxes_.set_sleeping(id(), true);
    if (mailboxes_.has_mail(id())) deadline = MonoTime::min();
  }
  driver_->enter(std::min(deadline, timers_.next()));
  exchange_current_shard(before);
}

}  // namespace odradek::reactor
