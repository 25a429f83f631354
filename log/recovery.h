// What a start does with one log directory after an unclean stop: everything the WALs hold goes to
// the segment files, a torn tail is cut, and the manifest says so. Run on shard 0 before anything
// is served. Crashing in it and running it again gives the same: the WALs are retired last.
#pragma once

#include <string>
#include <vector>

#include "log/file_cache.h"
#include "log/manifest.h"
#include "log/wal_format.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

struct RecoveryReport {
  uint64_t wal_bytes = 0;                   // read
  uint64_t records = 0;                     // found in the WALs
  uint64_t partitions = 0;                  // that had any
  uint64_t torn = 0;                        // WALs whose end was cut
  std::vector<WalEnd> wals;                 // that were not retired, and where they ended
  std::vector<std::string> reusable_files;  // for new WALs
};

// Errc::corrupt names what is damaged; then nothing was retired.
reactor::Task<Result<RecoveryReport>> recover_directory(std::string path, Manifest& manifest,
                                                        FileCache& files);

}  // namespace odradek::log
