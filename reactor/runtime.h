// A process of N shards. Declared once; reactor/uring gives each shard a thread, reactor/sim runs
// nodes inside a World (reactor/sim/world.h) with the same `main`.
#pragma once

#include <cstdint>
#include <functional>

#include "reactor/base/result.h"
#include "reactor/base/time.h"
#include "reactor/limits.h"
#include "reactor/task.h"

namespace odradek::reactor {

struct RuntimeOptions {
  uint32_t shards = 1;  // 1 .. kShardsMax
  size_t arena_bytes_per_shard = size_t{256} << 20;
  bool pin = false;       // one core a shard, when there are enough
  bool log_lines = true;  // else nothing is logged: of a program that says itself what went wrong
};

// What runs on shard 0; its value is the process's exit code. It ends what it started first.
using ShardMain = std::function<Task<int>()>;

// Starts the shards, runs `main`, stops the shards. The error says why io_uring cannot be used here
// (seccomp, kernel.io_uring_disabled, an old kernel, memlock) and what to change.
Result<int> run_shards(const RuntimeOptions& options, ShardMain main);

// Waits for SIGINT or SIGTERM (the simulator: for what the test sends) and returns its number.
Task<int> next_signal();
// From now on the next such signal ends the process at once with code 130. The simulator ignores
// it.
void exit_on_next_signal();

// Cores of this process: its affinity and its cgroup's CPU quota, at least 1.
uint32_t usable_cores();
// What the process used so far, as the kernel counts it; zeros in the simulator. Takes microseconds
// and never waits for a disk.
struct ProcessUsage {
  Duration cpu{};  // user and system
  uint64_t resident_bytes = 0;
  uint64_t open_files = 0;
  uint64_t open_files_max = 0;
};
ProcessUsage process_usage();
// Bytes of memory of this process: the cgroup's limit or the machine's RAM.
uint64_t usable_memory();

}  // namespace odradek::reactor
