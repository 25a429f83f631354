// CHECK: the program is wrong. Always compiled in; prints the condition, the place and the values
// given, then aborts. For failures of the world use result.h.
//   CHECK(offset >= start, offset, start);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace odradek {

// Prints "CHECK failed: <condition> at <file>:<line>: <values>" to standard error and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line, const char* names,
                               const std::string& values);

namespace detail {
template <class T>
void append_value(std::string& out, const T& value) {
  if (!out.empty()) out += ", ";
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    out += std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    out += std::to_string(value);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    out += std::string_view(value);
  } else if constexpr (requires { value.to_string(); }) {
    out += value.to_string();
  } else {
    out += '?';
  }
}
template <class... Ts>
std::string format_values(const Ts&... values) {
  std::string out;
  (append_value(out, values), ...);
  return out;
}
}  // namespace detail
}  // namespace odradek

#define CHECK(condition, ...)                                                 \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::odradek::check_failed(#condition, __FILE__, __LINE__, #__VA_ARGS__,   \
                              ::odradek::detail::format_values(__VA_ARGS__)); \
  } while (false)
