// The table behind topic_config_defs(): apart, because it is data.
#pragma once

#include <span>

#include "replication/metadata/topic_configs.h"

namespace odradek::metadata {

// Kafka's default of 2^63-1: never, or without limit.
inline constexpr std::string_view kNever = "9223372036854775807";

}  // namespace odradek::metadata
