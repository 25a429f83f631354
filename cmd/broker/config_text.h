// Values of configurations as Java reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace odradek::broker {

// Without the spaces around it; a view of `text`.
std::string_view trimmed(std::string_view text);
// An int: spaces around it and one plus do not matter.
std::optional<int32_t> java_int(std::string_view text);
// A list: split at commas, without the spaces around each; "" has none.
std::vector<std::string> java_list(std::string_view text);

}  // namespace odradek::broker
