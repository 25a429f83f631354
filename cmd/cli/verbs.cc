#include "cmd/cli/verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "cmd/cli/arguments.h"
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
    {"topic", "list, describe, create, alter and delete topics", &run_topic},
    {"produce", "write records from standard input or files", &run_produce},
    {"consume", "read records, from anywhere to anywhere, in any format", &run_consume},
    {"group", "consumer groups: members, offsets and lag; reset offsets, delete", &run_group},
    {"offsets", "the offsets of partitions: first, last, or at a time", &run_offsets},
    {"config", "describe and alter configurations of topics, brokers and groups", &run_config},
    {"quota", "describe and alter what clients may use: bytes, time, partitions, connections",
     &run_quota},
    {"cluster", "the cluster: id, brokers, quorum, features", &run_cluster},
    {"api-versions", "which APIs a broker serves, in which versions", &run_api_versions},
    {"log-dirs", "log directories of brokers, and what lies in them", &run_log_dirs},
    {"delete-records", "delete the records of partitions before an offset", &run_delete_records},
    {"dump", "print segments, indexes, snapshots, WAL, manifest and metadata as text", &run_dump},
    {"storage", "give log directories back to Apache Kafka; end a partition's quarantine",
     &run_storage},
    {"completion", "a completion script: source <(odradek completion bash)", &run_completion},
    {"version", "print the version", &run_version},
};

void print_help() {
  fmt::print("Odradek {}: an event-streaming broker that speaks Kafka's protocol\n\n", kVersion);
  for (const auto& verb : kVerbs) fmt::print("  odradek {:<14} {}\n", verb.name, verb.what);
  fmt::print(
      "\n'odradek VERB --help' tells more. Exit code: 0 done, 1 failed, 2 wrong usage.\n"
      "The verbs that talk to a cluster work with Apache Kafka too (--bootstrap-server).\n");
}

int unknown(const std::string& word) {
  std::vector<std::string_view> names;
  for (const auto& verb : kVerbs) names.push_back(verb.name);
  const std::string_view near = nearest(word, names);
  fmt::print(stderr, "odradek: no verb '{}'{}; 'odradek help' lists them\n", word,
             near.empty() ? "" : fmt::format(", did you mean '{}'?", near));
  return 2;
}

}  // namespace

int run_version(std::span<const std::string>) {
  fmt::print("odradek {}\n", kVersion);
  return 0;
}

int run(std::span<const std::string> arguments) {
  const bool help = !arguments.empty() &&
                    (arguments[0] == "help" || arguments[0] == "--help" || arguments[0] == "-h");
  if (arguments.empty() || (help && arguments.size() == 1)) {
    print_help();
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "--version") return run_version({});
  const std::string& name = help ? arguments[1] : arguments[0];
  const auto* verb = std::ranges::find(kVerbs, name, &Verb::name);
  if (verb == std::end(kVerbs)) return unknown(name);
  if (!help) return verb->run(arguments.subspan(1));
  const std::string asked[] = {"--help"};
  return verb->run(asked);
}

}  // namespace odradek::cli
