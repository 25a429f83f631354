// `odradek serve`: reads the configuration and hands over to the broker.
#include <limits.h>
#include <netdb.h>
#include <unistd.h>

#include <fmt/format.h>
#include <array>

#include <fstream>
#include <sstream>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_config.h"
#include "cmd/cli/verbs.h"
#include "reactor/runtime.h"

namespace odradek::cli {

namespace {

using Properties = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kHelp =
    "odradek serve [server.properties] [--override key=value ...]\n\n"
    "Runs a broker. Without a file: one node on 127.0.0.1:9092 with its data in ./odradek-data.\n"
    "The file is a Kafka server.properties; --override sets single properties over it.\n\n"
    "Odradek's own properties:\n"
    "  odradek.shards=N           threads of the broker (default: one per core, one on 2 cores or "
    "fewer)\n"
    "  odradek.durability=MODE    flushed (default): an acknowledged record is on stable storage;\n"
    "                             written: flushed within 256 KiB or 100 ms of its write\n"
    "  odradek.memory=BYTES       what the broker may use, with K, M or G (default: a quarter of\n"
    "                             RAM or of the cgroup's limit, at most 1G a shard)\n"
    "  odradek.http.listeners=URL where metrics, health and a JSON view are served (default:\n"
    "                             http://127.0.0.1:9644; empty: nowhere)\n"
    "  odradek.slow.request.ms=N  a slower request is logged (default: 500; -1: none)\n\n"
    "Examples:\n"
    "  odradek serve\n"
    "  odradek serve config/server.properties --override num.partitions=12\n";

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fail(Errc::not_found, path + ": cannot be read: no such file, or no permission");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Status add_override(const std::string& text, Properties& properties) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    return fail(Errc::invalid, "--override " + text + ": must be key=value");
  }
  properties.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
  return {};
}

Result<Properties> read_arguments(std::span<const std::string> arguments) {
  Properties overrides;
  Properties properties;
  bool file_named = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--override" && i + 1 < arguments.size()) {
      TRY(add_override(arguments[++i], overrides));
    } else if (word.starts_with("--override=")) {
      TRY(add_override(word.substr(11), overrides));
    } else if (word.starts_with("-")) {
      return fail(Errc::invalid, word + ": no such option; 'odradek serve --help' lists them");
    } else if (file_named) {
      return fail(Errc::invalid, word + ": only one properties file can be named");
    } else {
      file_named = true;
      TRY_ASSIGN(const std::string text, read_text(word));
      TRY_ASSIGN(properties, broker::parse_properties(text));
    }
  }
  for (auto& [name, value] : overrides) properties.insert_or_assign(name, value);
  return properties;
}

// What the resolver calls this machine; its plain name when it cannot say.
std::string canonical_host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.data(), nullptr, &hints, &found) != 0) return name.data();
  std::string canonical = found->ai_canonname ? found->ai_canonname : name.data();
  ::freeaddrinfo(found);
  return canonical;
}

int complain(const Error& error) {
  fmt::print(stderr, "odradek serve: {}\n", error.context);
  return error.code == Errc::invalid || error.code == Errc::not_found ? 2 : 1;
}

}  // namespace

int run_serve(std::span<const std::string> arguments) {
  for (const auto& word : arguments) {
    if (word != "--help" && word != "-h") continue;
    fmt::print("{}", kHelp);
    return 0;
  }
  auto properties = read_arguments(arguments);
  if (!properties) return complain(properties.error());
  auto config = broker::make_config(std::move(*properties), reactor::usable_cores(),
                                    reactor::usable_memory());
  if (!config) return complain(config.error());
  broker::name_host(*config, canonical_host_name());
  reactor::RuntimeOptions options;
  options.shards = config->shards;
  options.arena_bytes_per_shard = config->memory_bytes / config->shards;
  options.pin = config->shards > 1 && config->shards <= reactor::usable_cores();
  const auto code =
      reactor::run_shards(options, [&config] { return broker::serve_main(std::move(*config)); });
  if (!code) return complain(code.error());
  return *code;
}

}  // namespace odradek::cli
