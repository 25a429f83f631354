// What the metadata of a stopped node says of its last life. For tools.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::metadata {

// The epoch of the node's registration as a broker in `directory`, its metadata.log.dir; -1 when it
// never was one, or when there is no metadata. REQUIRES: the caller holds the directory's lock. As
// a start does, it cuts a torn end of the metadata log.
reactor::Task<Result<int64_t>> last_broker_epoch(std::string directory);

}  // namespace odradek::metadata
