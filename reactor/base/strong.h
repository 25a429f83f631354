// Distinct integer types with no implicit conversion: an Offset is not a LeaderEpoch.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

namespace odradek {

template <class Tag, class Rep>
struct Strong {
  using rep = Rep;
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}
  constexpr auto operator<=>(const Strong&) const = default;
  // Distance and displacement keep the unit; they exist because offsets are counted with.
  constexpr Strong operator+(Rep delta) const { return Strong(static_cast<Rep>(value + delta)); }
  constexpr Strong operator-(Rep delta) const { return Strong(static_cast<Rep>(value - delta)); }
  constexpr Rep operator-(Strong other) const { return static_cast<Rep>(value - other.value); }
  std::string to_string() const { return std::to_string(value); }
};

}  // namespace odradek

template <class Tag, class Rep>
struct std::hash<odradek::Strong<Tag, Rep>> {
  size_t operator()(odradek::Strong<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
