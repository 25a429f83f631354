// The canonical script, crashed at every step of the broker.
#pragma once

#include <cstdint>

namespace odradek::simulation {

// Every `stride`-th step. Exit code 0 when nothing was violated.
int run_crash(uint64_t stride, uint32_t jobs);

}  // namespace odradek::simulation
