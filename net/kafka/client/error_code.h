// Kafka's error codes, as a client needs them: by name, whether asking again can help, and what a
// person can do (org.apache.kafka.common.protocol.Errors).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reactor/base/result.h"

namespace odradek::client {

struct ErrorInfo {
  int16_t code;
  std::string_view name;  // Kafka's: "NOT_LEADER_OR_FOLLOWER"
  bool retriable;         // the same request may succeed later
  bool stale_metadata;    // look up topics and leaders first
  std::string_view hint;  // empty when the name says it all
};

// Never fails: a code that is newer than this table is not retriable and has no name.
const ErrorInfo& error_info(int16_t code);
// "NOT_CONTROLLER", or "error 999" for one that is not known.
std::string error_name(int16_t code);
inline bool is_retriable(int16_t code) { return code != 0 && error_info(code).retriable; }
inline bool is_stale_metadata(int16_t code) { return error_info(code).stale_metadata; }

// "what: NAME: message", with our hint where the broker sent no message. REQUIRES: code != 0.
Error broker_error(int16_t code, std::string_view what,
                   std::optional<std::string_view> message = std::nullopt);

}  // namespace odradek::client
