#include "tests/sim/pool.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "reactor/base/check.h"

namespace odradek::simulation {

std::optional<int> Pool::split(uint64_t seed) {
  while (running_.size() >= jobs_) reap();
  int ends[2];
  CHECK(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    close(ends[0]);
    return ends[1];
  }
  close(ends[1]);
  running_[child] = Child{seed, ends[0]};
  return std::nullopt;
}

void Pool::leave(int descriptor, const RunReport& report) {
  const bool told = write(descriptor, &report, sizeof report) == sizeof report;
  _exit(told ? 0 : 1);
}

void Pool::start(uint64_t seed, const Work& work) {
  if (const auto descriptor = split(seed)) leave(*descriptor, work());
}

void Pool::reap() {
  int status = 0;
  const pid_t child = wait(&status);
  const auto at = running_.find(child);
  if (at == running_.end()) return;
  RunReport report;
  const bool told = read(at->second.pipe, &report, sizeof report) == sizeof report;
  close(at->second.pipe);
  if (!told) {
    report = RunReport{};
    report.seed = at->second.seed;
    const std::string how = WIFSIGNALED(status)
                                ? fmt::format("killed by signal {}", WTERMSIG(status))
                                : fmt::format("exit code {}", WEXITSTATUS(status));
    note_violation(report, "CHECK", how, MonoTime{});
  }
  running_.erase(at);
  done_(report);
}

void Pool::finish() {
  while (!running_.empty()) reap();
}

void print_report(const RunReport& report, const std::string& commit) {
  if (report.failed) {
    fmt::print("FAILED seed {} commit {} at {} ms: {}: {}\n", report.seed,
               commit.empty() ? "?" : commit, report.virtual_ms, report.invariant, report.what);
  } else {
    fmt::print("seed {}: {} batches, {} crashes, {} rolls, {} ms, {} events, hash {:016x}\n",
               report.seed, report.acked, report.crashes, report.rolls, report.virtual_ms,
               report.events, report.hash);
  }
}

int run_swarm(uint64_t first, uint64_t last, uint32_t jobs, const std::string& commit) {
  const auto began = std::chrono::steady_clock::now();
  RunReport sum;
  uint64_t passed = 0;
  uint64_t failed = 0;
  uint64_t twice = 0;
  std::map<uint64_t, uint64_t> hashes;
  Pool pool(jobs, [&](const RunReport& report) {
    const auto [known, fresh] = hashes.try_emplace(report.seed, report.hash);
    sum.events += report.events;
    if (!fresh) {
      ++twice;
      if (report.failed || known->second == report.hash) return;
      ++failed;
      --passed;
      fmt::print("FAILED seed {} commit {}: two runs, two hashes: {:016x} and {:016x}\n",
                 report.seed, commit, known->second, report.hash);
      return;
    }
    (report.failed ? failed : passed) += 1;
    sum.acked += report.acked;
    sum.crashes += report.crashes;
    sum.rolls += report.rolls;
    sum.taken_back += report.taken_back;
    sum.rewritten += report.rewritten;
    sum.generations += report.generations;
    sum.moves += report.moves;
    sum.commits += report.commits;
    sum.fenced += report.fenced;
    sum.throttled += report.throttled;
    sum.relocations += report.relocations;
    sum.virtual_ms += report.virtual_ms;
    if (report.failed) print_report(report, commit);
    std::fflush(stdout);
  });
  for (uint64_t seed = first; seed <= last; ++seed) {
    const auto work = [seed] { return run_swarm_seed(seed, false); };
    pool.start(seed, work);
    if ((seed - first) % 20 == 10) pool.start(seed, work);
  }
  pool.finish();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double seeds = static_cast<double>(last - first + 1);
  fmt::print(
      "swarm: {} seeds ({} twice), on average {:.0f} acknowledged batches, {:.1f} crashes, "
      "{:.1f} rolls, {:.1f} group generations, {:.1f} moves, {:.0f} commits ({:.1f} refused), "
      "{:.1f} throttled answers, {:.1f} moves between directories, {:.1f} virtual s; "
      "{} batches taken back in written mode, {} read as compaction made them; {:.0f} events/s, "
      "{:.1f} s\n",
      seeds, twice, static_cast<double>(sum.acked) / seeds,
      static_cast<double>(sum.crashes) / seeds, static_cast<double>(sum.rolls) / seeds,
      static_cast<double>(sum.generations) / seeds, static_cast<double>(sum.moves) / seeds,
      static_cast<double>(sum.commits) / seeds, static_cast<double>(sum.fenced) / seeds,
      static_cast<double>(sum.throttled) / seeds, static_cast<double>(sum.relocations) / seeds,
      static_cast<double>(sum.virtual_ms) / seeds / 1000, sum.taken_back, sum.rewritten,
      static_cast<double>(sum.events) / took.count(), took.count());
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace odradek::simulation
