// Broker addresses as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/result.h"

namespace odradek::client {

struct Endpoint {
  std::string host;  // a name or a number; IPv6 without brackets
  uint16_t port = 0;
  std::string to_string() const;
  bool operator==(const Endpoint&) const = default;
};

// "a:9092,[::1]:9093, b" -> endpoints; without a port 9092. Errc::invalid says what is wrong.
Result<std::vector<Endpoint>> parse_bootstrap(std::string_view list);

}  // namespace odradek::client
