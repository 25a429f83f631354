#include "cmd/cli/verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cmd/version.h"

namespace odradek::cli {

namespace {

struct Verb {
  std::string_view name;
  std::string_view what;
  int (*run)(std::span<const std::string> arguments);
};
constexpr Verb kVerbs[] = {
    {"serve", "run a broker: odradek serve [server.properties] [--override key=value ...]",
     &run_serve},
    {"dump", "print segments, indexes, snapshots, WAL, manifest and metadata as text", &run_dump},
    {"version", "print the version", &run_version},
};

void print_help() {
  fmt::print("Odradek {}: an event-streaming broker that speaks Kafka's protocol\n\n", kVersion);
  for (const auto& verb : kVerbs) fmt::print("  odradek {:<8} {}\n", verb.name, verb.what);
  fmt::print("\nodradek VERB --help tells more.\n");
}

}  // namespace

int run_version(std::span<const std::string>) {
  fmt::print("odradek {}\n", kVersion);
  return 0;
}

int run(std::span<const std::string> arguments) {
  if (arguments.empty() || arguments[0] == "help" || arguments[0] == "--help" ||
      arguments[0] == "-h") {
    print_help();
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "--version") return run_version({});
  const auto* verb = std::ranges::find(kVerbs, arguments[0], &Verb::name);
  if (verb == std::end(kVerbs)) {
    fmt::print(stderr, "odradek: no verb '{}'; 'odradek help' lists them\n", arguments[0]);
    return 2;
  }
  return verb->run(arguments.subspan(1));
}

}  // namespace odradek::cli
