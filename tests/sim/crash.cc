#include "tests/sim/crash.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "tests/sim/admin.h"
#include "tests/sim/node.h"
#include "tests/sim/pool.h"
#include "tests/sim/script.h"

namespace odradek::simulation {

using reactor::sim::DiskOutcome;
using reactor::sim::NodeId;
using reactor::sim::Run;

namespace {

constexpr uint64_t kSeed = 4711;
// Every so many crashes the recovery is crashed too, somewhere.
constexpr uint64_t kRecoveryStride = 5;
using Contents = std::map<log::TopicPartition, Oracle::Content>;

// What is there, but for leader epochs: every unclean start begins new ones. Of a compacted topic
// the newest record of each key, whatever compaction has done meanwhile.
uint64_t digest(const Contents& contents) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](uint64_t value) { hash = (hash ^ value) * 0x100000001b3; };
  for (const auto& [id, content] : contents) {
    for (const uint8_t byte : id.topic.bytes) add(byte);
    add(static_cast<uint64_t>(id.partition.value));
    add(static_cast<uint64_t>(content.log_start));
    add(static_cast<uint64_t>(content.end));
    std::map<std::string, uint64_t> newest;
    for (const KeyedRecord& record : content.records) newest[record.key] = record.hash;
    for (const auto& [key, record] : newest) add(record);
    for (const auto& header : content.batches) {
      if (!content.records.empty()) break;
      add(static_cast<uint64_t>(header.base_offset.value));
      add(header.crc);
    }
  }
  return hash;
}

// One life of the script. The parent runs it to its end and forks at every step of the broker that
// is to be its last; the child then lives on from there.
class CrashRun {
 public:
  CrashRun(DiskOutcome outcome, uint64_t stride, uint64_t first, Pool* pool, bool trace)
      : stage_(kSeed),
        broker_(stage_),
        script_(stage_),
        outcome_(outcome),
        stride_(stride),
        first_(first),
        pool_(pool) {
    options_.shards = 2;
    options_.wal_bytes = 2 << 20;
    options_.log_directories = 2;
    options_.properties["log.cleaner.backoff.ms"] = "20";
    stage_.trace = trace;
  }
  // Returns the number of steps. A child does not return.
  uint64_t run();
  const Stage& stage() const { return stage_; }

 private:
  void start();
  bool split_at(uint64_t step);
  void advance(const std::function<bool()>& done, const char* what);
  void recover();
  void recover_twice();
  uint64_t verify(const char* when);
  void stop();
  bool over() const { return stage_.oracle.violation().has_value(); }

  Stage stage_;
  BrokerNode broker_;
  Script script_;
  BrokerOptions options_;
  DiskOutcome outcome_;
  uint64_t stride_;
  uint64_t first_;
  Pool* pool_;
  std::optional<int> child_;  // where to report, in a child
  uint64_t crashed_at_ = 0;
  bool stopping_ = false;
  bool ended_ = false;
};

bool CrashRun::split_at(uint64_t step) {
  if (!pool_ || child_ || ended_ || step % stride_ != first_ % stride_) return false;
  child_ = pool_->split(step);
  if (child_) crashed_at_ = step;
  return child_.has_value();
}

void CrashRun::start() {
  broker_.start(options_);
  stage_.world.crash_when(
      broker_.id(), [this](const reactor::sim::Step& step) { return split_at(step.index); },
      outcome_);
}

// Runs until `done`, through the crash if it comes.
void CrashRun::advance(const std::function<bool()>& done, const char* what) {
  for (;;) {
    const Run run = stage_.world.run_until([&] { return over() || done() || !broker_.running(); },
                                           std::chrono::minutes(2));
    stage_.oracle.expect(run == Run::done, "I17", what);
    if (over() || broker_.running()) return;
    recover();
    if (stopping_) return;
  }
}

uint64_t CrashRun::verify(const char* when) {
  Contents contents;
  VerifyOptions options{.seed = 5, .contents = &contents};
  const NodeId node = stage_.world.start({.name = "verify"},
                                         [this, options] { return verify_main(stage_, options); });
  const Run run = stage_.world.run_until([&] { return over() || !stage_.world.running(node); },
                                         std::chrono::minutes(2));
  const bool well = run == Run::done && stage_.world.exit_code(node).value_or(-1) == 0;
  stage_.oracle.expect(well, "I17", fmt::format("{}: could not be read", when));
  stage_.say([&] {
    std::string text = when;
    for (const auto& [id, content] : contents) {
      text += fmt::format("\n  {} [{}, {}):", id.to_string(), content.log_start, content.end);
      for (const auto& header : content.batches) {
        text += fmt::format(" {}/{:08x}", header.base_offset.value, header.crc);
      }
    }
    return text;
  });
  return digest(contents);
}

void CrashRun::recover() {
  stage_.hold = true;
  options_.shards = crashed_at_ % 3 + 1;
  uint64_t interrupted = 0;
  const bool twice = stage_.trace || crashed_at_ / stride_ % kRecoveryStride == 0;
  int ends[2] = {-1, -1};
  pid_t other = -1;
  if (twice && pipe(ends) == 0) other = fork();
  if (other == 0) {
    recover_twice();
    const uint64_t found = over() ? 0 : verify("after a crashed recovery");
    if (over()) {
      fmt::print(stderr, "recovery crashed after step {}: {}: {}\n", crashed_at_,
                 stage_.oracle.violation()->invariant, stage_.oracle.violation()->what);
    }
    (void)!write(ends[1], &found, sizeof found);
    _exit(0);
  }
  if (other > 0) {
    close(ends[1]);
    if (read(ends[0], &interrupted, sizeof interrupted) != sizeof interrupted) interrupted = 0;
    close(ends[0]);
    waitpid(other, nullptr, 0);
  }
  broker_.start(options_);
  const uint64_t found = verify("after a crash");
  if (other > 0) {
    stage_.oracle.expect(interrupted == found, "I16",
                         "a recovery that was crashed and run again finds something else");
  }
  stage_.hold = false;
}

// Starts, and loses power before it is ready, or just then.
void CrashRun::recover_twice() {
  Prng prng(crashed_at_ * 4 + static_cast<uint64_t>(outcome_));
  broker_.start(options_);
  const DiskOutcome outcome = reactor::sim::kDiskOutcomes[prng.below(4)];
  stage_.world.crash_at(broker_.id(), stage_.world.steps(broker_.id()) + prng.between(1, 1'200),
                        outcome);
  stage_.world.run_until([this] { return broker_.ready() || !broker_.running(); },
                         std::chrono::minutes(1));
  if (broker_.running()) stage_.world.crash(broker_.id(), outcome);
  options_.shards = prng.below(4) + 1;
  broker_.start(options_);
}

void CrashRun::stop() {
  stopping_ = true;
  stage_.oracle.stopping();
  stage_.world.send_signal(broker_.id(), SIGTERM);
  const Run run = stage_.world.run_until([this] { return over() || !broker_.running(); },
                                         std::chrono::minutes(2));
  stage_.oracle.expect(run == Run::done, "I17", "the broker does not stop");
  if (!over()) {
    const bool crashed = stage_.world.crashed(broker_.id());
    if (crashed) {
      recover();
    } else {
      stage_.oracle.expect(stage_.world.exit_code(broker_.id()) == 0, "I15", "the stop failed");
      options_.shards = 3;
      start();
    }
  }
  stopping_ = false;
}

uint64_t CrashRun::run() {
  start();
  stage_.world.start({.name = "script"}, [this] { return script_.main(); });
  advance([this] { return script_.first_part_done; }, "the first part");
  if (!over()) stop();
  script_.go_on = true;
  if (!over()) advance([this] { return script_.done; }, "the second part");
  const uint64_t steps = stage_.world.steps(broker_.id());
  ended_ = true;
  if (!over()) (void)verify("at the end");
  if (!child_) return steps;
  RunReport report;
  report.seed = crashed_at_;
  report.acked = stage_.oracle.acked_batches();
  if (over()) {
    const Violation& v = *stage_.oracle.violation();
    note_violation(report, v.invariant,
                   fmt::format("{}: {}", reactor::sim::outcome_name(outcome_), v.what), v.when);
  }
  Pool::leave(*child_, report);
}

}  // namespace

int run_crash(uint64_t stride, uint32_t jobs, std::optional<uint64_t> at) {
  const auto began = std::chrono::steady_clock::now();
  auto* whole = new CrashRun(DiskOutcome::all_lost, 1, 0, nullptr, false);
  const uint64_t steps = whole->run();
  if (const auto& violation = whole->stage().oracle.violation()) {
    fmt::print("FAILED without a crash: {}: {}\n", violation->invariant, violation->what);
    return 1;
  }
  uint64_t passed = 0;
  uint64_t failed = 0;
  uint64_t twice = 0;
  Pool pool(jobs, [&](const RunReport& report) {
    (report.failed ? failed : passed) += 1;
    twice += report.seed / stride % kRecoveryStride == 0 ? 1 : 0;
    if (report.failed && failed <= 20) {
      fmt::print("FAILED step {} at {} ms: {}: {}\n", report.seed, report.virtual_ms,
                 report.invariant, report.what);
    }
    std::fflush(stdout);
  });
  for (const DiskOutcome outcome : reactor::sim::kDiskOutcomes) {
    // Leaked: what a crash leaves is never destroyed.
    const uint64_t first = at.value_or(static_cast<uint64_t>(outcome));
    auto* run = new CrashRun(outcome, at ? UINT32_MAX : stride, first, &pool, at.has_value());
    run->run();
    pool.finish();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("crash: {} steps, every {}., {} executions, {} with a crashed recovery, {:.1f} s\n",
             steps, stride, passed + failed, twice, took.count());
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace odradek::simulation
