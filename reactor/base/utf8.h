// UTF-8 as the Unicode standard has it: no overlong forms, no surrogates, nothing above U+10FFFF.
// For bytes that others chose and that go where only text may be: JSON, labels of metrics.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace odradek {

// The bytes of the code point that `text` begins with; 0 when it begins with none.
size_t utf8_size(std::string_view text);

bool is_utf8(std::string_view text);

// `text`, with U+FFFD for every byte that is part of no code point.
std::string to_utf8(std::string_view text);

}  // namespace odradek
