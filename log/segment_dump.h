// Prints the files of a log directory as text, in the words of Kafka's kafka-dump-log.sh, for
// people and for tools that read its output. Reads only; runs on any shard.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "log/batch/record_reader.h"
#include "log/dump.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

// What a record says, for logs whose records have a schema.
using RecordText = std::function<Result<std::string>(const BatchHeader& batch, const Record&)>;

struct DumpOptions {
  bool deep = false;      // every record, not only batches
  bool payloads = false;  // keys and values of the records as well; implies deep
  RecordText text = {};   // instead of keys, values and what control records say; implies deep
  // Of a segment: what a broker may be writing at this moment lies behind it. A batch that ends
  // there and is not whole is an end, not damage.
  uint64_t settled_bytes = UINT64_MAX;
};
// Whether dump_file() knows what a file of that name is.
bool is_dumpable(std::string_view name);
// What the file is, its name says: .log, .index, .timeindex, .snapshot, .txnindex, .odx; a trailing
// ".deleted" does not count, and checkpoints come as they are. Errc::unsupported for other names.
// Errc::corrupt, after everything that could be read was printed, names what is wrong: damage in a
// segment, or index entries that do not fit the .log beside them.
reactor::Task<Status> dump_file(std::string path, DumpOptions options, LineSink sink);
// Batches from the begin of a file on, whatever its name.
reactor::Task<Status> dump_batches(std::string path, DumpOptions options, LineSink sink);

// A file of batches in numbers.
struct BatchesSummary {
  Offset first{-1};
  Offset last{-1};
  uint64_t batches = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;  // of whole batches
  int64_t timestamp_ms_max = -1;
};
// Reads and checks the whole file. `sink` hears how it ends and what is wrong.
reactor::Task<Result<BatchesSummary>> summarise_batches(std::string path, uint64_t settled_bytes,
                                                        LineSink sink);

// What stands in memory: one whole batch at `position` of its segment.
Status dump_batch(BytesView batch, uint64_t position, const DumpOptions& options,
                  const LineSink& sink);

}  // namespace odradek::log
