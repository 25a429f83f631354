// Partitions that move between log directories while clients use them.
#pragma once

#include <optional>
#include <string>

#include "tests/sim/client.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

// The log directory of a partition; empty while it is handed over. Nothing without an answer. Two
// at once are a violation.
reactor::Task<std::optional<std::string>> directory_of(Stage& stage, Connection& connection,
                                                       std::string topic, int32_t partition);
// The answer's error code; nothing without an answer.
reactor::Task<std::optional<int16_t>> ask_to_move(Stage& stage, Connection& connection,
                                                  std::string topic, int32_t partition,
                                                  std::string directory);

struct MoverOptions {
  uint64_t seed = 0;
  Duration pause{};  // at most, between two moves
};
// Asks for moves of any partition, of groups' offsets too, until the producers are done.
reactor::Task<int> mover_main(Stage& stage, MoverOptions options);

}  // namespace odradek::simulation
