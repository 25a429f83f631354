#include "cmd/cli/command_config.h"

#include <fstream>
#include <sstream>

#include "cmd/broker/broker_config.h"
#include "cmd/cli/arguments.h"

namespace odradek::cli {

Result<CommandConfig> parse_command_config(std::string_view text) {
  TRY_ASSIGN(const auto properties, broker::parse_properties(text));
  CommandConfig config;
  for (const auto& [name, value] : properties) {
    const bool secured = name == "security.protocol" && value != "PLAINTEXT";
    if (secured || name.starts_with("sasl.") || name.starts_with("ssl.")) {
      return fail(Errc::invalid, name + "=" + value +
                                     ": only security.protocol=PLAINTEXT is supported; SASL and "
                                     "TLS are not: use a PLAINTEXT listener");
    }
    if (name == "bootstrap.servers") config.bootstrap = value;
    if (name == "client.id") config.client_id = value;
    if (name == "request.timeout.ms") {
      TRY_ASSIGN(const int64_t ms, parse_number(name, value, 1, INT32_MAX));
      config.request_timeout = std::chrono::milliseconds(ms);
    }
  }
  return config;
}

Result<CommandConfig> read_command_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::not_found,
                "--command-config " + path + ": cannot be read: no such file, or no permission");
  }
  std::ostringstream text;
  text << file.rdbuf();
  auto config = parse_command_config(text.str());
  if (!config) return fail(config.error().code, path + ": " + config.error().context);
  return config;
}

}  // namespace odradek::cli
