// What reactor/runtime.h promises, inside a world.
#include "reactor/runtime.h"

#include "reactor/sim/engine.h"
#include "reactor/submit.h"

namespace odradek::reactor {

Result<int> run_shards(const RuntimeOptions&, ShardMain) {
  return fail(Errc::unsupported, "this program is simulated: start a node of a sim::World");
}

Task<int> next_signal() {
  Op op;
  op.code = OpCode::signal;
  co_return co_await run(op);
}

void exit_on_next_signal() {}  // a test that wants an end at once calls World::kill()

uint32_t usable_cores() {
  if (!on_a_shard()) return 1;
  const sim::NodeOptions& options = this_shard().driver().impl().process.options;
  return options.cores ? options.cores : options.shards;
}

ProcessUsage process_usage() { return {}; }

uint64_t usable_memory() {
  constexpr uint64_t kOutside = uint64_t{4} << 30;
  return on_a_shard() ? this_shard().driver().impl().process.options.memory_bytes : kOutside;
}

}  // namespace odradek::reactor
