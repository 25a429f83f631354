#include "replication/metadata/feature_levels.h"

#include "replication/metadata/image_builder.h"

namespace odradek::metadata {

std::vector<FeatureRange> supported_features() {
  return {{std::string(kMetadataVersion), kMetadataVersionMin, kMetadataVersionMax},
          {std::string(kKraftVersion), 0, 1},
          {"transaction.version", 0, 2},
          {"group.version", 0, 1},
          {std::string(kElrVersion), 0, 1},
          {"share.version", 0, 1},
          {"streams.version", 0, 1}};
}

}  // namespace odradek::metadata
