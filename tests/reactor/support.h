// What the tests of reactor/ share: values out of results, and a world to run one task in.
#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "reactor/base/result.h"
#include "reactor/file.h"
#include "reactor/sim/world.h"
#include "reactor/submit.h"
#include "reactor/wait.h"
#include "tests/test.h"

namespace odradek::reactor {

// The value; aborts with the error when there is none.
template <class T>
T must(Result<T> result) {
  CHECK(result.has_value(), result.error());
  return std::move(*result);
}
inline void must(Status status) { CHECK(status.has_value(), status.error()); }
// The code of an error that is expected.
template <class T>
Errc error_of(const Result<T>& result) {
  CHECK(!result.has_value());
  return result.error().code;
}

inline std::vector<uint8_t> text(std::string_view s) { return {s.begin(), s.end()}; }

inline OpenOptions to_write() {
  OpenOptions options;
  options.write = options.create = true;
  return options;
}

// Runs `task` on shard 0 of a node of its own until it ends.
inline void in_world(std::function<Task<void>()> task, sim::NodeOptions options = {},
                     uint64_t seed = 1, sim::WorldOptions world_options = {}) {
  sim::World world(seed, world_options);
  world.run(std::move(task), std::move(options));
}

}  // namespace odradek::reactor
