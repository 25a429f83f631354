// Lines of text as records: cutting input at newlines, and a line at its separators. Kafka's
// console producer reads lines in the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/batch/record.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::cli {

// What a line looks like: [headers delimiter] [key separator] value.
struct LineFormat {
  bool has_key = false;
  std::string key_separator = "\t";
  bool has_headers = false;
  std::string headers_delimiter = "\t";
  std::string headers_separator = ",";
  std::string header_key_separator = ":";
  std::optional<std::string> null_marker;  // a key, value or header value that stands for null
  bool lenient = false;                    // a line without a separator is a value without a key
};

// "\t", "\n", "\\" and "\0" written out, as in a shell.
std::string unescape(std::string_view text);

// Views into the line.
struct ParsedLine {
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  std::vector<log::RecordHeader> headers;
};

// Errc::invalid when a separator is missing and the format is not lenient.
Status parse_line(const LineFormat& format, std::string_view line, ParsedLine& out);

// Cuts a stream of pieces into lines. A line that lies in one piece is not copied.
class LineCutter {
 public:
  explicit LineCutter(char end = '\n') : end_(end) {}
  // The next piece; valid until all of its lines are taken.
  void feed(BytesView piece) { piece_ = as_text(piece); }
  // The next whole line without its end; absent when the piece is used up, which is then kept.
  // Valid until the next call.
  std::optional<std::string_view> next();
  // What stands behind the last newline at the end of the input; absent when nothing does.
  std::optional<std::string_view> last();
  size_t held_bytes() const { return held_.size(); }

 private:
  char end_;
  std::string_view piece_;
  std::string held_;       // the start of a line that goes on in the next piece
  bool complete_ = false;  // `held_` was given out
};

// Kafka's default partitioner for keys: murmur2 with its seed, the sign bit cleared.
uint32_t key_hash(BytesView key);

}  // namespace odradek::cli
