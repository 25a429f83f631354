#include "tests/sim/crash.h"

namespace odradek::simulation {

int run_crash(uint64_t, uint32_t) { return 2; }

}  // namespace odradek::simulation
