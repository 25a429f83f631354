// The private files of a log directory as lines for people: what `odradek dump` prints. Reads only,
// and beside a running broker too (what changes meanwhile may show as torn).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "log/manifest_format.h"
#include "log/wal_format.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

// Gets one line at a time, without its newline.
using LineSink = std::function<void(std::string_view line)>;

struct WalDumpOptions {
  bool groups = true;       // each live group, not only what is live, torn and damaged
  bool records = true;      // and each of its records
  std::string only_file{};  // of the ring: the groups in this file, by its path
};
// Every WAL of the ring. Errc::corrupt, after everything was printed, when a group is damaged that
// was durable: in two looks, since a running broker recycles what we read.
reactor::Task<Status> dump_wal(std::string log_directory, WalDumpOptions options, LineSink sink);
// Every partition with its segments, epochs and recovery point.
reactor::Task<Status> dump_manifest(std::string log_directory, LineSink sink);

// Without indentation.
std::string describe(const WalRecord& record, uint64_t payload_bytes);
std::string describe(const WalGroupHeader& header);

}  // namespace odradek::log
