// `odradek storage`: what an operator does with log directories while no broker runs on them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "cmd/broker/broker_config.h"
#include "cmd/cli/verbs.h"
#include "log/directory.h"
#include "log/release.h"
#include "reactor/runtime.h"
#include "replication/metadata/last_registration.h"

namespace odradek::cli {

namespace {

using reactor::Task;

constexpr std::string_view kHelp =
    "odradek storage release --config server.properties | DIRECTORY ...\n"
    "odradek storage accept-loss DIRECTORY TOPIC-PARTITION\n\n"
    "release      gives the log directories of a stopped broker to Apache Kafka: everything goes\n"
    "             into the segment files, Kafka's checkpoints and clean-shutdown mark are "
    "written,\n"
    "             and odradek.wal and odradek.manifest are removed. Kafka then starts on them "
    "with\n"
    "             the same server.properties. There is no way back but a new directory. What was\n"
    "             cut off goes on when it is run again. With --config all of log.dirs and the\n"
    "             metadata directory are found; else name all of log.dirs.\n"
    "accept-loss  ends the quarantine of a damaged partition: what is left of it is all of it.\n\n"
    "Refused while a broker runs on a directory, and release while a partition is quarantined.\n"
    "Exit code: 0; 1 when it was refused or failed; 2 for wrong usage.\n\n"
    "Examples:\n"
    "  odradek storage release --config config/server.properties\n"
    "  odradek storage release odradek-data\n"
    "  odradek storage accept-loss odradek-data my-topic-0\n";

struct ReleaseRequest {
  std::vector<std::string> directories;
  std::string metadata_directory;  // empty: the one of them that has the metadata
};

std::string absolute(std::string_view path) {
  std::error_code failed;  // without a current directory the path stays as it is
  const auto whole = std::filesystem::absolute(path, failed).lexically_normal();
  std::string text = failed ? std::string(path) : whole.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Result<ReleaseRequest> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::invalid, path + ": cannot be read: no such file, or no permission");
  std::ostringstream text;
  text << file.rdbuf();
  TRY_ASSIGN(auto properties, broker::parse_properties(text.str()));
  TRY_ASSIGN(const broker::BrokerConfig config,
             broker::make_config(std::move(properties), reactor::usable_cores(),
                                 reactor::usable_memory()));
  ReleaseRequest request;
  for (const std::string& d : config.log_directories) request.directories.push_back(absolute(d));
  request.metadata_directory = absolute(config.metadata_directory);
  return request;
}

Result<ReleaseRequest> read_release(std::span<const std::string> arguments) {
  ReleaseRequest request;
  std::optional<std::string> config;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--config" && i + 1 < arguments.size()) {
      config = arguments[++i];
    } else if (word.starts_with("--config=")) {
      config = word.substr(9);
    } else if (word.starts_with("-")) {
      return fail(Errc::invalid, word + ": no such option; 'odradek storage --help' lists them");
    } else {
      request.directories.push_back(absolute(word));
    }
  }
  if (config.has_value() != request.directories.empty()) {
    return fail(Errc::invalid, "name the log directories, or a properties file with --config");
  }
  return config ? read_config(*config) : Result<ReleaseRequest>(request);
}

// Under the lock of the directory that has the metadata.
Task<Result<int64_t>> find_broker_epoch(ReleaseRequest request) {
  std::vector<std::string> places = request.directories;
  if (!request.metadata_directory.empty()) places = {request.metadata_directory};
  for (const std::string& place : places) {
    CO_TRY_ASSIGN(log::DirectoryLock lock, co_await log::DirectoryLock::take(place));
    const auto epoch = co_await metadata::last_broker_epoch(place);
    const Status unlocked = co_await lock.close();
    CO_TRY(epoch);
    CO_TRY(unlocked);
    if (*epoch >= 0) co_return *epoch;
  }
  fmt::print(stderr,
             "odradek storage: no cluster metadata in these directories; Kafka will take the "
             "stop of this broker for an unclean one. Use --config to have it found.\n");
  co_return -1;
}

int complain(const Error& error) {
  fmt::print(stderr, "odradek storage: {}\n", error.context);
  return error.code == Errc::invalid ? 2 : 1;
}

// What is not ours is not touched, not even by a lock.
Status check_directories(const std::vector<std::string>& directories) {
  for (const std::string& path : directories) {
    std::error_code failed;
    if (std::filesystem::is_directory(path, failed)) continue;
    return fail(Errc::not_found, path + ": no such directory");
  }
  return {};
}

Task<int> release(ReleaseRequest request) {
  const Status there = check_directories(request.directories);
  if (!there) co_return complain(there.error());
  const auto epoch = co_await find_broker_epoch(request);
  if (!epoch) co_return complain(epoch.error());
  const auto released = co_await log::release_directories({request.directories, *epoch});
  if (!released) co_return complain(released.error());
  for (const log::ReleasedDirectory& directory : *released) {
    if (directory.was_ongoing) {
      fmt::print("{}: the release that was cut off is done\n", directory.path);
    } else {
      fmt::print("{}: {} partitions, {} bytes of records released\n", directory.path,
                 directory.partitions, directory.bytes);
    }
  }
  fmt::print("Apache Kafka can be started on it. Odradek will not open it any more.\n");
  co_return 0;
}

Task<int> accept(std::string directory, std::string partition) {
  const Status accepted = co_await log::accept_loss(directory, partition);
  if (!accepted) co_return complain(accepted.error());
  fmt::print("{}/{} is served again from the next start, without what was lost\n", directory,
             partition);
  co_return 0;
}

int run_on_shard(reactor::ShardMain main) {
  const auto code = reactor::run_shards({}, std::move(main));
  return code ? *code : complain(code.error());
}

}  // namespace

int run_storage(std::span<const std::string> arguments) {
  const bool help = std::ranges::any_of(
      arguments, [](const std::string& word) { return word == "--help" || word == "-h"; });
  if (help || arguments.empty()) {
    fmt::print("{}", kHelp);
    return help ? 0 : 2;
  }
  if (arguments[0] == "release") {
    const auto request = read_release(arguments.subspan(1));
    if (!request) return complain(request.error());
    return run_on_shard([&request] { return release(*request); });
  }
  if (arguments[0] == "accept-loss" && arguments.size() == 3) {
    return run_on_shard([directory = absolute(arguments[1]), partition = arguments[2]] {
      return accept(directory, partition);
    });
  }
  return complain(Error(Errc::invalid, "'odradek storage --help' says what can be done"));
}

}  // namespace odradek::cli
