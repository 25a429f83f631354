// What `odradek dump` does with each path: finds out by its name and place what it is, and prints
// it. Reads only, and beside a running broker too: what a broker may be writing at this moment is
// told apart from damage by its manifest.
#pragma once

#include <string>
#include <vector>

#include "log/dump.h"
#include "reactor/task.h"

namespace odradek::cli {

struct DumpRequest {
  std::vector<std::string> paths;  // absolute, without a slash at the end
  bool deep = false;               // each record; of a directory, each file instead of a summary
  bool payloads = false;           // keys and values too
  bool metadata = false;           // every .log holds cluster metadata, wherever it lies
};

// Prints every path to `out`, and to `wrong` what could not be read or is damaged, with file and
// position. Returns the exit code: 0, or 1 when anything was wrong.
reactor::Task<int> dump_paths(DumpRequest request, log::LineSink out, log::LineSink wrong);

}  // namespace odradek::cli
