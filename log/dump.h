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

// Every WAL of the ring: what is live, torn and damaged, then each live group, and each of its
// records when `records`.
reactor::Task<Status> dump_wal(std::string log_directory, bool records, LineSink sink);
// Every partition with its segments, epochs and recovery point.
reactor::Task<Status> dump_manifest(std::string log_directory, LineSink sink);

// Without indentation.
std::string describe(const WalRecord& record, uint64_t payload_bytes);
std::string describe(const WalGroupHeader& header);

}  // namespace odradek::log
