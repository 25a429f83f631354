// A client with a quota of the broker's time. It asks for what is answered with views of the
// metadata image, and changes the metadata meanwhile: the account of its quota is mostly on another
// shard, so its answers wait while images come and go.
#pragma once

#include "tests/sim/stage.h"

namespace odradek::simulation {

inline constexpr const char* kWatcher = "watch";  // its client id

// Until the producers are done. Names that nobody gave are a violation.
reactor::Task<int> watch_main(Stage& stage, uint64_t seed);

}  // namespace odradek::simulation
