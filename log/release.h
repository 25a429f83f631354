// Gives log directories back to Apache Kafka: everything into the segment files, Kafka's
// checkpoints and its mark of a clean stop, and nothing of ours left that it would stumble over or
// that we would believe later. Used by `odradek storage release`, on shard 0, with no broker
// running.
//
// Neither program may start in the middle of it. Kafka refuses a directory with odradek.wal/ in it;
// we refuse one with odradek.wal/ and no manifest. So the manifest goes first, the WAL last, and a
// file in odradek.wal/ says that only this is left to do:
//
//   ours --checkpoints--> ours --released--> ours --manifest goes--> nobody's --WAL goes--> Kafka's
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

inline constexpr char kReleasedFile[] = "released";  // in odradek.wal/

struct ReleaseOptions {
  std::vector<std::string> directories;  // log.dirs
  // Of the broker's last registration: Kafka's controller takes a stop for unclean whose mark
  // names another.
  int64_t broker_epoch = -1;
};

struct ReleasedDirectory {
  std::string path;
  uint64_t partitions = 0;
  uint64_t bytes = 0;        // of their segments
  bool was_ongoing = false;  // a release that was cut off was ended; the counts are 0
};

// Idempotent: what was cut off goes on. Errc::permission when a broker runs on one of them,
// Errc::corrupt when a partition is quarantined or something is damaged, Errc::not_found when one
// is not ours. Then the directories are ours as before, each.
reactor::Task<Result<std::vector<ReleasedDirectory>>> release_directories(ReleaseOptions options);

// Ends the quarantine of the partition in `directory` (as <topic>-<partition>): what is left of it
// is served as all of it. Errc::not_found when there is no such partition or it is not quarantined.
reactor::Task<Status> accept_loss(std::string directory, std::string partition);

}  // namespace odradek::log
