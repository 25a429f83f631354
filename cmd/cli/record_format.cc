#include "cmd/cli/record_format.h"

#include <fmt/format.h>

#include "cmd/cli/lines.h"
#include "cmd/cli/table.h"
#include "reactor/base/utf8.h"

namespace odradek::cli {

namespace {

std::string base64(BytesView bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = (word << 8) | (k < n ? bytes[i + k] : 0);
    for (size_t k = 0; k < 4; ++k) {
      out += k <= n ? kLetters[(word >> (18 - 6 * k)) & 0x3f] : '=';
    }
  }
  return out;
}

void put(Cell& object, const std::string& name, const std::optional<BytesView>& bytes) {
  if (!bytes) {
    object[name] = nullptr;
  } else if (is_utf8(as_text(*bytes))) {
    object[name] = std::string(as_text(*bytes));
  } else {
    object[name + "_base64"] = base64(*bytes);
  }
}

std::string json_line(const PrintedRecord& printed) {
  Cell out = Cell::object();
  out["topic"] = std::string(printed.topic);
  out["partition"] = printed.partition;
  out["offset"] = printed.offset;
  out["timestamp"] = printed.record.timestamp;
  out["timestamp_type"] =
      printed.timestamp_type == log::TimestampType::create_time ? "create" : "append";
  put(out, "key", printed.record.key);
  put(out, "value", printed.record.value);
  out["headers"] = Cell::array();
  for (const auto& header : printed.record.headers) {
    Cell one = Cell::object();
    put(one, "key", header.key);
    put(one, "value", header.value);
    out["headers"].push_back(std::move(one));
  }
  return json_text(out) + "\n";
}

}  // namespace

Result<RecordFormat> RecordFormat::parse(std::string_view text, std::string null_literal) {
  RecordFormat format;
  format.null_literal_ = std::move(null_literal);
  const std::string plain = unescape(text);
  std::string literal;
  for (size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] != '%') {
      literal += plain[i];
      continue;
    }
    const char what = i + 1 < plain.size() ? plain[++i] : ' ';
    if (what == '%') {
      literal += '%';
    } else if (std::string_view("tpoTkshKS").contains(what)) {
      if (!literal.empty()) format.pieces_.push_back({0, std::exchange(literal, {})});
      format.pieces_.push_back({what, {}});
    } else {
      return fail(Errc::invalid,
                  fmt::format("--format: %{} means nothing; there are %t topic, %p partition, %o "
                              "offset, %T timestamp, %k key, %s value, %h headers, %K and %S sizes "
                              "of key and value, and %%",
                              what));
    }
  }
  if (!literal.empty()) format.pieces_.push_back({0, std::move(literal)});
  return format;
}

// The order of Kafka's DefaultMessageFormatter.
RecordFormat RecordFormat::from_parts(const Parts& parts) {
  RecordFormat format;
  format.null_literal_ = parts.null_literal;
  const auto add = [&](bool wanted, char what, const std::string& before) {
    if (!wanted) return;
    std::string text = format.pieces_.empty() ? before : parts.key_separator + before;
    if (!text.empty()) format.pieces_.push_back({0, std::move(text)});
    format.pieces_.push_back({what, what == 'H' ? parts.headers_separator : std::string()});
  };
  add(parts.timestamp, 'Y', "");
  add(parts.partition, 'p', "Partition:");
  add(parts.offset, 'o', "Offset:");
  add(parts.headers, 'H', "");
  add(parts.key, 'k', "");
  add(parts.value, 's', "");
  format.pieces_.push_back({0, parts.line_separator});
  return format;
}

RecordFormat RecordFormat::json() {
  RecordFormat format;
  format.json_ = true;
  return format;
}

void RecordFormat::append_bytes(const std::optional<BytesView>& bytes, std::string& out) const {
  out += bytes ? as_text(*bytes) : std::string_view(null_literal_);
}

void RecordFormat::append_headers(const PrintedRecord& record, std::string_view between,
                                  char equals, std::string& out) const {
  bool first = true;
  for (const auto& header : record.record.headers) {
    if (!std::exchange(first, false)) out += between;
    (out += as_text(header.key)) += equals;
    append_bytes(header.value, out);
  }
}

static int64_t size_of(const std::optional<BytesView>& bytes) {
  return bytes ? static_cast<int64_t>(bytes->size()) : -1;
}

void RecordFormat::append_piece(const Piece& piece, const PrintedRecord& printed,
                                std::string& out) const {
  const log::Record& record = printed.record;
  switch (piece.what) {
    case 0: out += piece.text; break;
    case 't': out += printed.topic; break;
    case 'p': out += std::to_string(printed.partition); break;
    case 'o': out += std::to_string(printed.offset); break;
    case 'T': out += std::to_string(record.timestamp); break;
    case 'Y':
      out += printed.timestamp_type == log::TimestampType::create_time ? "CreateTime:"
                                                                       : "LogAppendTime:";
      out += std::to_string(record.timestamp);
      break;
    case 'k': append_bytes(record.key, out); break;
    case 's': append_bytes(record.value, out); break;
    case 'h': append_headers(printed, ",", '=', out); break;
    case 'H':
      if (record.headers.empty()) out += "NO_HEADERS";
      append_headers(printed, piece.text, ':', out);
      break;
    case 'K': out += std::to_string(size_of(record.key)); break;
    case 'S': out += std::to_string(size_of(record.value)); break;
    default: break;
  }
}

void RecordFormat::append(const PrintedRecord& record, std::string& out) const {
  if (json_) {
    out += json_line(record);
    return;
  }
  for (const Piece& piece : pieces_) append_piece(piece, record, out);
}

}  // namespace odradek::cli
