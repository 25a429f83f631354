// How one record is printed: by a format string, as Kafka's console consumer does, or as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/record.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::cli {

// One record and where it stood. Views.
struct PrintedRecord {
  std::string_view topic;
  int32_t partition = 0;
  int64_t offset = 0;
  log::TimestampType timestamp_type = log::TimestampType::create_time;
  log::Record record;
};

// A format string in pieces.
//   %t topic  %p partition  %o offset  %T timestamp in ms  %k key  %s value  %h headers
//   %K %S bytes of key and value (-1: null)  %%  and \n \t \\ ...
class RecordFormat {
 public:
  // Errc::invalid for a % that means nothing.
  static Result<RecordFormat> parse(std::string_view text, std::string null_literal);
  // Kafka's print.* properties: what to print, and between the parts.
  struct Parts {
    bool timestamp = false;
    bool partition = false;
    bool offset = false;
    bool headers = false;
    bool key = false;
    bool value = true;
    std::string key_separator = "\t";
    std::string line_separator = "\n";
    std::string headers_separator = ",";
    std::string null_literal = "null";
  };
  static RecordFormat from_parts(const Parts& parts);
  // One object a line. What is not UTF-8 stands in base64, under value_base64 and the like.
  static RecordFormat json();

  void append(const PrintedRecord& record, std::string& out) const;

 private:
  struct Piece {
    char what = 0;  // a letter of the format; 0: text
    std::string text;
  };
  void append_piece(const Piece& piece, const PrintedRecord& record, std::string& out) const;
  void append_bytes(const std::optional<BytesView>& bytes, std::string& out) const;
  void append_headers(const PrintedRecord& record, std::string_view between, char equals,
                      std::string& out) const;
  std::vector<Piece> pieces_;
  std::string null_literal_ = "null";
  bool json_ = false;
};

}  // namespace odradek::cli
