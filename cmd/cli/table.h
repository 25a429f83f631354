// Rows for people (aligned columns), for scripts (--quiet: tabs and no head) and for programs
// (--json: an array of objects), from one description.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace odradek::cli {

using Cell = nlohmann::ordered_json;  // a string, a number, a bool, null, or an array of those

enum class Format : uint8_t { table, tabs, json };
// --json before --quiet.
constexpr Format format_of(bool json, bool quiet) {
  return json ? Format::json : quiet ? Format::tabs : Format::table;
}

class Table {
 public:
  // Names of the columns in lower case, which are the keys in JSON: "high watermark" is
  // high_watermark there and HIGH WATERMARK in the head line.
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  // REQUIRES: a cell a column.
  void add(std::vector<Cell> cells);
  size_t rows() const { return rows_.size(); }
  // Everything, with a newline at the end; of an empty table for people: the head line.
  std::string text(Format format) const;
  Cell json() const;

 private:
  std::string aligned() const;
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// `json` as text: one line, or `indent` spaces a level. Bytes that are not UTF-8 become U+FFFD:
// names of groups, clients and members are what any client says, and Cell::dump() throws at them.
std::string json_text(const Cell& json, int indent = -1);

// As it stands in a column: null is "-", arrays are joined by commas.
std::string cell_text(const Cell& cell);

// "1.5 GiB", "312 B".
std::string bytes_text(uint64_t bytes);
// Milliseconds since 1970 as "2026-01-31T12:00:00.123Z"; "-" below 0.
std::string time_text(int64_t ms);

}  // namespace odradek::cli
