// Names of what takes part in a quorum, shared by consensus, metadata and replication.
#pragma once

#include <cstdint>

#include "reactor/base/strong.h"
#include "reactor/base/uuid.h"

namespace odradek {

using NodeId = Strong<struct NodeIdTag, int32_t>;  // a broker or controller; -1: none
inline constexpr NodeId kNoNode{-1};

}  // namespace odradek

namespace odradek::quorum {

// A replica of the metadata log that votes. The directory tells one life of a disk from the next
// (KIP-853); zero when kraft.version 0 does not record it.
struct Voter {
  NodeId id{-1};
  Uuid directory;
  auto operator<=>(const Voter&) const = default;
};

}  // namespace odradek::quorum
