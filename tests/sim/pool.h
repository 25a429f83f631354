// Runs in processes of their own, a few at a time: a CHECK that fails ends one run and not the
// whole, and what a crash leaks goes with its process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "tests/sim/swarm.h"

namespace odradek::simulation {

class Pool {
 public:
  using Work = std::function<RunReport()>;
  using Done = std::function<void(const RunReport&)>;
  Pool(uint32_t jobs, Done done) : jobs_(jobs), done_(std::move(done)) {}
  // Forks; waits first while `jobs` run. `seed` names the run when its process dies.
  void start(uint64_t seed, const Work& work);
  // Forks where it stands. In the child: the descriptor for leave(), with which it must end.
  std::optional<int> split(uint64_t seed);
  [[noreturn]] static void leave(int descriptor, const RunReport& report);
  void finish();

 private:
  struct Child {
    uint64_t seed = 0;
    int pipe = -1;
  };
  void reap();
  uint32_t jobs_;
  Done done_;
  std::map<int, Child> running_;
};

// One line for a failed run; with the line that repeats it.
void print_report(const RunReport& report, const std::string& commit);
// Exit code 0 when all passed.
int run_swarm(uint64_t first, uint64_t last, uint32_t jobs, const std::string& commit);

}  // namespace odradek::simulation
