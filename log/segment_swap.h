// Ends what a crash cut in the middle of a swap of segments (partition_compaction.cc): the manifest
// says that compaction's segment counts, and some of its files still have their marks. Used at a
// start, before anything is read of the partitions.
#pragma once

#include <string>

#include "log/manifest.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

// Gives the files their names and notes it in the manifest, both durable when this ends.
// Idempotent. `manifest` outlives the task.
reactor::Task<Status> finish_swaps(std::string path, Manifest& manifest);

}  // namespace odradek::log
