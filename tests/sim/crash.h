// The canonical script, crashed at every step of the broker.
#pragma once

#include <cstdint>
#include <optional>

namespace odradek::simulation {

// Every `stride`-th step, or only step `at`, with what happens then. Exit code 0 when nothing was
// violated.
int run_crash(uint64_t stride, uint32_t jobs, std::optional<uint64_t> at);

}  // namespace odradek::simulation
