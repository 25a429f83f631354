// The file of --command-config: client properties with Kafka's names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reactor/base/result.h"
#include "reactor/base/time.h"

namespace odradek::cli {

// What the tools take from it. Other properties of clients are passed over.
struct CommandConfig {
  std::string bootstrap;                    // bootstrap.servers
  std::string client_id;                    // client.id
  std::optional<Duration> request_timeout;  // request.timeout.ms
};

// Errc::invalid for what would be wrong to pass over: SASL and TLS.
Result<CommandConfig> parse_command_config(std::string_view text);
// Errors name the file.
Result<CommandConfig> read_command_config(const std::string& path);

}  // namespace odradek::cli
