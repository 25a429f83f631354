// A world of simulated machines on one thread: processes with shards, disks that lose power, a
// network that delays, and a clock that jumps. The seed decides everything: the same seed and the
// same calls give the same run, to the last bit of hash().
//
//   World world(seed);
//   const NodeId broker = world.start({.name = "broker", .shards = 2}, [] { return serve(); });
//   const NodeId client = world.start({.name = "client"}, [] { return produce(); });
//   EXPECT_EQ(world.run_until_exit(client), Run::done);
//   world.crash(broker, DiskOutcome::torn);
//   world.start({.name = "broker", .shards = 4}, [] { return serve(); });   // same disk, same
//   address
//
// The code under simulation is the code that ships: it meets the world through reactor/driver.h
// only. README.md says what is modelled and how; options.h holds the knobs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reactor/base/time.h"
#include "reactor/runtime.h"
#include "reactor/sim/disk.h"
#include "reactor/sim/options.h"

namespace odradek::reactor::sim {

class Engine;

// How run_until() ended.
enum class Run : uint8_t {
  done,       // the predicate holds
  timed_out,  // the limit of virtual time passed
  stuck,      // nothing can ever happen again
  livelock,   // WorldOptions::steps_max
};

// What a node is about to do when its crash rule is asked.
enum class StepKind : uint8_t {
  turn,      // a shard takes a turn: with tasks_per_turn = 1, one task resumes
  submit,    // an operation reaches the kernel
  complete,  // its effects have happened, the program does not know yet
};
struct Step {
  uint64_t index;  // of the node, from 1, over all its lives
  StepKind kind;
  const Op* op;  // null for a turn
};
// True: the node dies at this step.
using CrashRule = std::function<bool(const Step& step)>;

class World {
 public:
  explicit World(uint64_t seed, WorldOptions options = {});
  // Nodes that still run are dropped as by a crash: nothing of them is destroyed.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Starts a process on its node (made at the first start of that name). `main` runs on shard 0;
  // its value is the exit code. REQUIRES: no process runs on that node.
  NodeId start(NodeOptions options, ShardMain main);

  // One step; false when nothing can ever happen again.
  bool step();
  // Steps until `done` holds (asked before every step), at most for `limit` of virtual time.
  Run run_until(const std::function<bool()>& done, Duration limit = std::chrono::hours(1));
  Run run_for(Duration time);
  // Until the node's process has ended, by itself or by a crash.
  Run run_until_exit(NodeId node, Duration limit = std::chrono::hours(1));
  // Runs one task on a fresh single-shard node until it ends: for tests of one function. The value
  // of run_until_exit() must be done, or it aborts.
  void run(std::function<Task<void>()> task, NodeOptions options = {});

  bool running(NodeId node) const;
  bool crashed(NodeId node) const;
  // The exit code of a process that ended by itself.
  std::optional<int> exit_code(NodeId node) const;
  // Descriptors that its last process left open when it ended by itself.
  uint32_t descriptors_left(NodeId node) const;

  // --- ends and interruptions ---
  // Power is cut: the process is gone at once, connections fall silent, the disk keeps what the
  // outcome says. No frame is resumed or destroyed. REQUIRES: running.
  void crash(NodeId node, DiskOutcome outcome);
  // SIGKILL: the process is gone, the machine is not. The disk keeps what was written, writes in
  // flight may land in part, connections are closed or reset by the kernel.
  void kill(NodeId node);
  // Crashes the node at the first step for which `rule` holds. A count of all steps first
  // (steps()), then crash_at() for each index, is the exhaustive crash run.
  void crash_when(NodeId node, CrashRule rule, DiskOutcome outcome);
  void crash_at(NodeId node, uint64_t step_index, DiskOutcome outcome);
  // Steps of this node so far, over all its lives.
  uint64_t steps(NodeId node) const;
  // For next_signal(); kept until it is asked for.
  void send_signal(NodeId node, int number);
  // The process gets no core for so long; its peers go on.
  void pause(NodeId node, Duration time);

  // --- clocks ---
  MonoTime now() const;
  int64_t wall_ms(NodeId node) const;
  // Moves the node's wall clock from now on.
  void step_wall(NodeId node, int64_t delta_ms);

  // --- disk and network ---
  Disk& disk(const std::string& name);  // made when it is not there
  Disk& disk(NodeId node);
  const std::string& address(NodeId node) const;
  NetworkOptions& network_options();
  // Nothing passes between the two (or only from b to a, when one way) until heal(). TCP retries.
  void cut(NodeId a, NodeId b, bool both_ways = true);
  void heal(NodeId a, NodeId b);
  void heal_all();
  void set_delay(NodeId a, NodeId b, Latency delay);
  void reset_connections(NodeId a, NodeId b);

  // --- what happened ---
  uint64_t seed() const;
  uint64_t hash() const;
  uint64_t steps() const;                                    // turns of shards
  uint64_t events() const;                                   // everything that went into the hash
  const std::vector<std::string>& lines(NodeId node) const;  // logged, without newlines
  void print_lines(NodeId node) const;                       // to standard error

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace odradek::reactor::sim
