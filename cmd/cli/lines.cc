#include "cmd/cli/lines.h"

#include <algorithm>
#include <cstring>

namespace odradek::cli {

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 't': out += '\t'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case '0': out += '\0'; break;
      case '\\': out += '\\'; break;
      default: (out += '\\') += text[i];
    }
  }
  return out;
}

// The text before `separator`; the rest stays in `text`. Absent when it is not there.
static std::optional<std::string_view> cut(std::string_view& text, std::string_view separator) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + separator.size());
  return before;
}

static std::optional<BytesView> value_of(const LineFormat& format, std::string_view text) {
  if (format.null_marker && text == *format.null_marker) return std::nullopt;
  return as_bytes(text);
}

static Status parse_headers(const LineFormat& format, std::string_view text, ParsedLine& out) {
  while (!text.empty()) {
    std::string_view rest = text;
    std::string_view one = cut(rest, format.headers_separator).value_or(text);
    text = one.size() == text.size() ? std::string_view() : rest;
    const auto key = cut(one, format.header_key_separator);
    if (!key) {
      return fail(Errc::invalid, "no '" + format.header_key_separator + "' in the header '" +
                                     std::string(one) + "'");
    }
    out.headers.push_back({as_bytes(*key), value_of(format, one)});
  }
  return {};
}

Status parse_line(const LineFormat& format, std::string_view line, ParsedLine& out) {
  out = ParsedLine();
  if (format.has_headers) {
    const auto headers = cut(line, format.headers_delimiter);
    if (headers) TRY(parse_headers(format, *headers, out));
    if (!headers && !format.lenient) {
      return fail(Errc::invalid, "no separator behind the headers");
    }
  }
  if (format.has_key) {
    const auto key = cut(line, format.key_separator);
    if (key) out.key = value_of(format, *key);
    if (!key && !format.lenient) return fail(Errc::invalid, "no separator behind the key");
  }
  out.value = value_of(format, line);
  return {};
}

std::optional<std::string_view> LineCutter::next() {
  if (std::exchange(complete_, false)) held_.clear();
  const size_t at = piece_.find(end_);
  if (at == std::string_view::npos) {
    held_.append(piece_);
    piece_ = {};
    return std::nullopt;
  }
  std::string_view line = piece_.substr(0, at);
  piece_.remove_prefix(at + 1);
  if (held_.empty()) return line;
  held_.append(line);
  complete_ = true;
  return std::string_view(held_);
}

std::optional<std::string_view> LineCutter::last() {
  if (held_.empty() || complete_) return std::nullopt;
  complete_ = true;
  return std::string_view(held_);
}

uint32_t key_hash(BytesView key) {
  constexpr uint32_t kFactor = 0x5bd1e995;
  const auto size = static_cast<uint32_t>(key.size());
  uint32_t hash = 0x9747b28cU ^ size;
  size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {
    uint32_t word = load_le<uint32_t>(key.data() + i) * kFactor;
    word = (word ^ (word >> 24)) * kFactor;
    hash = (hash * kFactor) ^ word;
  }
  uint32_t rest = 0;
  for (size_t k = 0; i + k < key.size(); ++k) rest |= uint32_t{key[i + k]} << (8 * k);
  if (i < key.size()) hash = (hash ^ rest) * kFactor;
  hash = (hash ^ (hash >> 13)) * kFactor;
  hash ^= hash >> 15;
  return hash & 0x7fffffff;
}

}  // namespace odradek::cli
