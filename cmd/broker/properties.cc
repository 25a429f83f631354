// The text format of java.util.Properties, as far as server.properties files use it.
#include <charconv>
#include <optional>

#include "cmd/broker/broker_config.h"

namespace odradek::broker {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

// One logical line: physical lines joined where they end in an odd number of backslashes.
std::optional<std::string> next_line(std::string_view& text) {
  std::string line;
  bool joined = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.ends_with('\r')) part.remove_suffix(1);
    while (!part.empty() && is_blank(part.front())) part.remove_prefix(1);
    if (!joined && (part.empty() || part.front() == '#' || part.front() == '!')) continue;
    size_t slashes = 0;
    while (slashes < part.size() && part[part.size() - 1 - slashes] == '\\') ++slashes;
    joined = slashes % 2 == 1;
    if (joined) part.remove_suffix(1);
    line.append(part);
    if (!joined) return line;
  }
  if (line.empty()) return std::nullopt;
  return line;
}

void append_utf8(uint32_t point, std::string& out) {
  const auto byte = [&out](uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xc0 | point >> 6);
  } else {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3f));
  }
  byte(0x80 | (point & 0x3f));
}

// The four hexadecimal digits behind a backslash and u; nothing when they are none.
std::optional<uint32_t> code_unit(std::string_view digits) {
  uint32_t unit = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  if (error != std::errc() || digits.size() != 4 || end != digits.data() + 4) return std::nullopt;
  return unit;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    const auto unit = c == 'u' ? code_unit(text.substr(i + 1, 4)) : std::nullopt;
    if (unit) {
      append_utf8(*unit, out);
      i += 4;
      continue;
    }
    out += c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'f' ? '\f' : c;
  }
  return out;
}

// Where the key ends: the first unescaped '=', ':' or blank.
size_t key_end(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || is_blank(line[i])) {
      return i;
    }
  }
  return line.size();
}

}  // namespace

Result<std::map<std::string, std::string, std::less<>>> parse_properties(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return fail(Errc::invalid, "not a properties file: it contains a zero byte");
  }
  std::map<std::string, std::string, std::less<>> properties;
  while (const auto line = next_line(text)) {
    const size_t end = key_end(*line);
    std::string_view value = std::string_view(*line).substr(end);
    while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
    if (!value.empty() && (value.front() == '=' || value.front() == ':')) {
      value.remove_prefix(1);
      while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
    }
    std::string key = unescape(std::string_view(*line).substr(0, end));
    if (key.empty()) return fail(Errc::invalid, "a line without a property name: " + *line);
    std::string plain = unescape(value);
    while (!plain.empty() && is_blank(plain.back())) plain.pop_back();
    properties.insert_or_assign(std::move(key), std::move(plain));
  }
  return properties;
}

}  // namespace odradek::broker
