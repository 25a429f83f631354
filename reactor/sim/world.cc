#include "reactor/sim/world.h"

#include <cstdio>

#include "reactor/base/check.h"
#include "reactor/sim/engine.h"

namespace odradek::reactor::sim {

World::World(uint64_t seed, WorldOptions options)
    : engine_(std::make_unique<Engine>(seed, options)) {}
World::~World() = default;

NodeId World::start(NodeOptions options, ShardMain main) {
  return engine_->start(std::move(options), std::move(main));
}

bool World::step() { return engine_->step(kMonoMax); }

Run World::run_until(const std::function<bool()>& done, Duration limit) {
  const MonoTime end = engine_->now + limit;
  while (!done()) {
    if (engine_->now >= end) return Run::timed_out;
    if (engine_->steps >= engine_->options.steps_max) return Run::livelock;
    if (!engine_->step(end)) return Run::stuck;
  }
  return Run::done;
}

Run World::run_for(Duration time) {
  const MonoTime end = engine_->now + time;
  const Run run = run_until([] { return false; }, time);
  if (run == Run::livelock) return run;
  engine_->now = std::max(engine_->now, end);
  return Run::done;
}

Run World::run_until_exit(NodeId node, Duration limit) {
  return run_until([&] { return !running(node); }, limit);
}

void World::run(std::function<Task<void>()> task, NodeOptions options) {
  struct Main {
    static Task<int> main(const std::function<Task<void>()>& inner) {
      co_await inner();
      co_return 0;
    }
  };
  const NodeId id = start(std::move(options), [&task] { return Main::main(task); });
  const Run run = run_until_exit(id);
  CHECK(run == Run::done && exit_code(id) == 0, run, seed());
}

static Process& process_of(Engine& engine, NodeId node) {
  CHECK(node.value < engine.nodes.size(), node);
  return *engine.node(node).process;
}

bool World::running(NodeId node) const {
  return process_of(*engine_, node).ending == Ending::running;
}
bool World::crashed(NodeId node) const {
  return process_of(*engine_, node).ending == Ending::crashed;
}
std::optional<int> World::exit_code(NodeId node) const {
  const Process& process = process_of(*engine_, node);
  if (process.ending != Ending::exited) return std::nullopt;
  return process.exit_code;
}
uint32_t World::descriptors_left(NodeId node) const {
  return process_of(*engine_, node).descriptors_left;
}

void World::crash(NodeId node, DiskOutcome outcome) {
  engine_->crash(process_of(*engine_, node), outcome, true);
}
void World::kill(NodeId node) {
  engine_->crash(process_of(*engine_, node), DiskOutcome::all_kept, false);
}
void World::crash_when(NodeId node, CrashRule rule, DiskOutcome outcome) {
  Process& process = process_of(*engine_, node);
  process.crash_rule = std::move(rule);
  process.crash_outcome = outcome;
}
void World::crash_at(NodeId node, uint64_t step_index, DiskOutcome outcome) {
  crash_when(node, [step_index](const Step& step) { return step.index == step_index; }, outcome);
}
uint64_t World::steps(NodeId node) const { return engine_->node(node).steps; }

void World::send_signal(NodeId node, int number) {
  engine_->send_signal(process_of(*engine_, node), number);
}
void World::pause(NodeId node, Duration time) {
  for (Driver::Impl* driver : process_of(*engine_, node).drivers) {
    driver->not_before = engine_->now + time;
  }
}

MonoTime World::now() const { return engine_->now; }
int64_t World::wall_ms(NodeId node) const { return engine_->wall_ms(node); }
void World::step_wall(NodeId node, int64_t delta_ms) {
  engine_->node(node).wall_offset_ms += delta_ms;
}

Disk& World::disk(const std::string& name) { return engine_->disk_of(name); }
Disk& World::disk(NodeId node) { return engine_->disk_of(engine_->node(node).disk); }
const std::string& World::address(NodeId node) const { return engine_->node(node).address; }
NetworkOptions& World::network_options() { return engine_->options.network; }
void World::cut(NodeId a, NodeId b, bool both_ways) { engine_->network.cut(a, b, both_ways); }
void World::heal(NodeId a, NodeId b) { engine_->network.heal(a, b); }
void World::heal_all() { engine_->network.heal_all(); }
void World::set_delay(NodeId a, NodeId b, Latency delay) {
  engine_->network.set_delay(a, b, delay);
}
void World::reset_connections(NodeId a, NodeId b) { engine_->network.reset_between(a, b); }

uint64_t World::seed() const { return engine_->seed; }
uint64_t World::hash() const { return engine_->hash.value(); }
uint64_t World::steps() const { return engine_->steps; }
uint64_t World::events() const { return engine_->hash.count() / 3; }
const std::vector<std::string>& World::lines(NodeId node) const {
  return engine_->node(node).lines;
}
void World::print_lines(NodeId node) const {
  const Node& at = engine_->node(node);
  for (const std::string& line : at.lines) {
    std::fprintf(stderr, "%s %s\n", at.name.c_str(), line.c_str());
  }
}

}  // namespace odradek::reactor::sim
