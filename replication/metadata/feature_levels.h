// The features of the cluster that this program knows, and the levels it can work at.
#pragma once

#include <string_view>
#include <vector>

#include "replication/metadata/cluster.h"

namespace odradek::metadata {

inline constexpr std::string_view kMetadataVersion = "metadata.version";
inline constexpr std::string_view kKraftVersion = "kraft.version";
inline constexpr std::string_view kElrVersion = "eligible.leader.replicas.version";

// What a node tells at its registration: the levels of Kafka 4.3.
std::vector<FeatureRange> supported_features();

}  // namespace odradek::metadata
