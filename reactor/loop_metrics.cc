#include "reactor/loop_metrics.h"

#include <string>

#include "reactor/shard.h"

namespace odradek::reactor {

namespace {

using enum MetricKind;
using Unit = MetricUnit;

constexpr MetricInfo kTurns{counter, "odradek_reactor_turns_total", "Turns of the shard's loop"};
constexpr MetricInfo kBusy{counter, "odradek_reactor_busy_seconds_total",
                           "Time the loop spent outside the kernel's wait", Unit::seconds};
constexpr MetricInfo kTasks{counter, "odradek_reactor_tasks_total", "Tasks resumed by the loop"};
constexpr MetricInfo kSlow{counter, "odradek_reactor_slow_turns_total",
                           "Turns of the loop that took longer than 5 ms"};
constexpr MetricInfo kLongest{gauge, "odradek_reactor_longest_turn_seconds",
                              "The longest turn of the loop so far", Unit::seconds};
constexpr MetricInfo kReady{gauge, "odradek_reactor_ready_tasks",
                            "Tasks that are ready to run at this moment"};
constexpr MetricInfo kTimers{gauge, "odradek_reactor_timers", "Timers that are armed"};
constexpr MetricInfo kMail{counter, "odradek_reactor_mail_sent_total",
                           "Envelopes sent to other shards"};
constexpr MetricInfo kWakes{counter, "odradek_reactor_wakes_sent_total",
                            "Sleeping shards woken for their mail"};
constexpr MetricInfo kDepth{gauge, "odradek_reactor_mailbox_depth",
                            "Envelopes that wait for this shard"};
constexpr MetricInfo kLines{counter, "odradek_log_lines_total", "Lines written to the log"};
constexpr MetricInfo kDropped{counter, "odradek_log_lines_dropped_total",
                              "Log lines lost because the queue of the writer was full"};
constexpr MetricInfo kArenaUsed{gauge, "odradek_arena_used_bytes",
                                "Memory of the shard's arena that is in use", Unit::bytes};
constexpr MetricInfo kArenaHeld{gauge, "odradek_arena_slab_bytes",
                                "Memory the shard's arena took from the system", Unit::bytes};
constexpr MetricInfo kArenaLimit{gauge, "odradek_arena_limit_bytes",
                                 "The bound of the shard's arena", Unit::bytes};
constexpr MetricInfo kSeries{gauge, "odradek_metrics_series", "Series of metrics on this shard"};
constexpr MetricInfo kRefused{counter, "odradek_metrics_series_refused_total",
                              "Requests for series of metrics beyond their bound"};

int64_t number(uint64_t value) { return static_cast<int64_t>(value); }

}  // namespace

LoopMetrics::LoopMetrics(Shard& shard) {
  Metrics& metrics = shard.metrics();
  const std::string labels = metric_labels({{"shard", std::to_string(shard.id().value)}});
  const LoopStats& s = shard.stats();
  Shard* self = &shard;
  const auto watch = [&](const MetricInfo& info, std::function<int64_t()> read) {
    watches_.push_back(metrics.watch(info, labels, std::move(read)));
  };
  watch(kTurns, [&s] { return number(s.turns); });
  watch(kBusy, [&s] { return s.busy.count(); });
  watch(kTasks, [&s] { return number(s.tasks_run); });
  watch(kSlow, [&s] { return number(s.turns_slow); });
  watch(kLongest, [&s] { return s.turn_longest.count(); });
  watch(kReady, [self] { return number(self->ready_tasks()); });
  watch(kTimers, [self] { return number(self->timers().size()); });
  watch(kMail, [&s] { return number(s.mail_sent); });
  watch(kWakes, [&s] { return number(s.wakes_sent); });
  watch(kDepth, [self] { return number(self->mail_waiting()); });
  watch(kLines, [&s] { return number(s.log_lines); });
  watch(kDropped, [&s] { return number(s.log_lines_dropped); });
  watch(kArenaUsed, [self] { return number(self->arena().used_bytes()); });
  watch(kArenaHeld, [self] { return number(self->arena().slab_bytes()); });
  watch(kArenaLimit, [self] { return number(self->arena().limit_bytes()); });
  watch(kSeries, [self] { return number(self->metrics().series_count()); });
  watch(kRefused, [self] { return number(self->metrics().series_refused()); });
}

}  // namespace odradek::reactor
