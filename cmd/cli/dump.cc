// `odradek dump`: what stands in the files of a log directory, as text.
#include <fmt/format.h>

#include "cmd/cli/verbs.h"
#include "log/dump.h"
#include "reactor/runtime.h"

namespace odradek::cli {

namespace {

using reactor::Task;

Task<int> dump_all(std::vector<std::string> paths) {
  int failures = 0;
  for (const auto& path : paths) {
    const auto sink = [](std::string_view line) { fmt::print("{}\n", line); };
    fmt::print("{}: manifest\n", path);
    const Status manifest = co_await log::dump_manifest(path, sink);
    fmt::print("{}: write-ahead log\n", path);
    const Status wal = co_await log::dump_wal(path, true, sink);
    for (const Status& status : {manifest, wal}) {
      if (status) continue;
      fmt::print(stderr, "odradek dump: {}\n", status.error().to_string());
      ++failures;
    }
  }
  co_return failures == 0 ? 0 : 1;
}

}  // namespace

int run_dump(std::span<const std::string> arguments) {
  const std::vector<std::string> paths(arguments.begin(), arguments.end());
  const auto code = reactor::run_shards({}, [&paths] { return dump_all(paths); });
  if (!code) {
    fmt::print(stderr, "odradek dump: {}\n", code.error().to_string());
    return 1;
  }
  return *code;
}

}  // namespace odradek::cli
