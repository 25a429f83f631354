// What a start does with one log directory after an unclean stop: everything the WALs hold goes to
// the segment files, a torn tail is cut, and the manifest says so. Run on shard 0 before anything
// is served. Crashing in it and running it again gives the same: the WALs are retired last.
//
// Damage in what was durable never stops the start: it quarantines the partitions that it may have
// hit, in the manifest, and all others go on. These are hit, if the damage is in
//   a record's batch, its header is good:  the partition that the record names
//   a group, and more cannot be read:      each partition that the next group says it may hold, or
//                                          all of the directory, but for those whose log goes on in
//                                          a later group where it ended in an earlier one, and
//                                          those that wrote to another WAL
//   a partition's files:                   that partition
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
  uint64_t damaged = 0;                     // groups that were durable once and are not whole
  std::vector<WalEnd> wals;                 // that were not retired, and where they ended
  std::vector<std::string> reusable_files;  // for new WALs
};

// Errc::corrupt: the manifest lacks entries that were durable. Then no log was changed.
reactor::Task<Result<RecoveryReport>> recover_directory(std::string path, Manifest& manifest,
                                                        FileCache& files);

}  // namespace odradek::log
