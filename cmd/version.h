// The version of this build.
#pragma once

#include <string_view>

namespace odradek {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace odradek
