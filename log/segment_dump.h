// Prints the files of a log directory as text, in the words of Kafka's kafka-dump-log.sh, for
// people and for tools that read its output. Reads only; runs on any shard.
#pragma once

#include <string>
#include <string_view>

#include "log/dump.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

struct DumpOptions {
  bool deep = false;      // every record, not only batches
  bool payloads = false;  // keys and values of the records as well; implies deep
};
// What the file is, its name says: .log, .index, .timeindex, .snapshot, .txnindex, .odx; a trailing
// ".deleted" does not count, and checkpoints come as they are. Errc::unsupported for other names.
// Errc::corrupt, after everything that could be read was printed, names what is wrong: damage in a
// segment, or index entries that do not fit the .log beside them.
reactor::Task<Status> dump_file(std::string path, DumpOptions options, LineSink sink);

// What stands in memory: one whole batch at `position` of its segment.
Status dump_batch(BytesView batch, uint64_t position, const DumpOptions& options,
                  const LineSink& sink);

}  // namespace odradek::log
