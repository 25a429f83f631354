// `odradek dump`: what stands in the files of a log directory, as text.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "cmd/cli/dump_path.h"
#include "cmd/cli/verbs.h"
#include "reactor/runtime.h"

namespace odradek::cli {

namespace {

using reactor::Task;

constexpr std::string_view kHelp =
    "odradek dump [options] FILE|DIRECTORY ...\n\n"
    "Prints files of a log directory as text, in the words of Kafka's kafka-dump-log.sh: "
    "segments,\n"
    "indexes, producer snapshots, checkpoints, cluster metadata as JSON, and Odradek's own "
    "manifest,\n"
    "write-ahead log and .odx checksums. A log directory is read and checked as a whole and summed "
    "up.\n"
    "Changes nothing, and reads beside a running broker too.\n\n"
    "  --deep-iteration            each record; of a log directory, each file\n"
    "  --print-data-log            keys and values of the records as well\n"
    "  --cluster-metadata-decoder  the records are cluster metadata (default in "
    "__cluster_metadata-0)\n"
    "  --files A,B                 the same as naming A and B\n\n"
    "Exit code: 0; 1 when something is damaged or cannot be read; 2 for wrong usage.\n\n"
    "Examples:\n"
    "  odradek dump odradek-data\n"
    "  odradek dump odradek-data/__cluster_metadata-0\n"
    "  odradek dump --deep-iteration odradek-data/my-topic-0/00000000000000000000.log\n"
    "  odradek dump odradek-data/odradek.wal\n";

std::string absolute(std::string_view path) {
  std::error_code failed;  // without a current directory the path stays as it is
  const auto whole = std::filesystem::absolute(path, failed).lexically_normal();
  std::string text = failed ? std::string(path) : whole.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

void add_paths(std::string_view list, DumpRequest& request) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (comma != 0) request.paths.push_back(absolute(list.substr(0, comma)));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
}

Result<DumpRequest> read_arguments(std::span<const std::string> arguments) {
  DumpRequest request;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--deep-iteration") {
      request.deep = true;
    } else if (word == "--print-data-log") {
      request.deep = request.payloads = true;
    } else if (word == "--cluster-metadata-decoder") {
      request.metadata = true;
    } else if (word == "--files" && i + 1 < arguments.size()) {
      add_paths(arguments[++i], request);
    } else if (word.starts_with("--files=")) {
      add_paths(std::string_view(word).substr(8), request);
    } else if (word.starts_with("-")) {
      return fail(Errc::invalid, word + ": no such option; 'odradek dump --help' lists them");
    } else {
      request.paths.push_back(absolute(word));
    }
  }
  if (!request.paths.empty()) return request;
  return fail(Errc::invalid, "name a file or a directory; 'odradek dump --help' tells more");
}

Task<int> dump_to_console(DumpRequest request) {
  // A reader that goes away ends the program, as of every tool in a pipe.
  (void)std::signal(SIGPIPE, SIG_DFL);
  const auto out = [](std::string_view line) { fmt::print("{}\n", line); };
  const auto wrong = [](std::string_view line) {
    (void)std::fflush(stdout);  // behind what was printed of the file
    fmt::print(stderr, "odradek dump: {}\n", line);
  };
  co_return co_await dump_paths(std::move(request), out, wrong);
}

}  // namespace

int run_dump(std::span<const std::string> arguments) {
  for (const auto& word : arguments) {
    if (word != "--help" && word != "-h") continue;
    fmt::print("{}", kHelp);
    return 0;
  }
  const auto request = read_arguments(arguments);
  if (!request) {
    fmt::print(stderr, "odradek dump: {}\n", request.error().context);
    return 2;
  }
  const auto code = reactor::run_shards({}, [&request] { return dump_to_console(*request); });
  if (!code) {
    fmt::print(stderr, "odradek dump: {}\n", code.error().to_string());
    return 1;
  }
  return *code;
}

}  // namespace odradek::cli
