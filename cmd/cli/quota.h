// What `odradek quota` was asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/cli/arguments.h"

namespace odradek::cli {

// One part of whom a quota is for: "user", "client-id" or "ip"; no name: the default.
struct QuotaPart {
  std::string type;
  std::optional<std::string> name;
  bool operator==(const QuotaPart&) const = default;
};
struct QuotaSetting {
  std::string key;
  std::optional<double> value;  // absent: removed
  bool operator==(const QuotaSetting&) const = default;
};
struct QuotaRequest {
  Common common;
  std::string action;
  std::vector<QuotaPart> parts;
  std::vector<QuotaSetting> settings;
  bool strict = false;         // describe: these parts and no others
  bool validate_only = false;  // alter
};

void declare_quota(Arguments& arguments);
// Errc::invalid says what is wrong with it.
Result<QuotaRequest> make_quota_request(const Arguments& arguments);

}  // namespace odradek::cli
