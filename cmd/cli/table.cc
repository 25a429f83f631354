#include "cmd/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "reactor/base/check.h"

namespace odradek::cli {

namespace {

constexpr std::string_view kGap = "  ";

// Characters, not bytes: what is no start of a UTF-8 sequence takes no place.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string key_of(std::string column) {
  std::ranges::replace(column, ' ', '_');
  return column;
}

}  // namespace

std::string json_text(const Cell& json, int indent) {
  return json.dump(indent, ' ', false, Cell::error_handler_t::replace);
}

std::string cell_text(const Cell& cell) {
  if (cell.is_null()) return "-";
  if (cell.is_string()) return cell.get<std::string>();
  if (cell.is_boolean()) return cell.get<bool>() ? "yes" : "no";
  if (!cell.is_array()) return json_text(cell);
  std::string text;
  for (const Cell& part : cell) text += (text.empty() ? "" : ",") + cell_text(part);
  return text.empty() ? "-" : text;
}

void Table::add(std::vector<Cell> cells) {
  CHECK(cells.size() == columns_.size(), cells.size(), columns_.size());
  rows_.push_back(std::move(cells));
}

Cell Table::json() const {
  Cell out = Cell::array();
  for (const auto& row : rows_) {
    Cell object = Cell::object();
    for (size_t i = 0; i < columns_.size(); ++i) object[key_of(columns_[i])] = row[i];
    out.push_back(std::move(object));
  }
  return out;
}

std::string Table::aligned() const {
  std::vector<size_t> widths;
  std::vector<bool> numbers;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].size();
    for (const auto& row : rows_) width = std::max(width, width_of(cell_text(row[i])));
    widths.push_back(width);
    numbers.push_back(!rows_.empty() && std::ranges::all_of(rows_, [i](const auto& row) {
      return row[i].is_number() || row[i].is_null();
    }));
  }
  std::string out;
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string cell = cell_of(i);
      const std::string pad(widths[i] - width_of(cell), ' ');
      text += (i > 0 ? std::string(kGap) : "") + (numbers[i] ? pad + cell : cell + pad);
    }
    while (text.ends_with(' ')) text.pop_back();
    out += text + "\n";
  };
  line([&](size_t i) { return upper(columns_[i]); });
  for (const auto& row : rows_) {
    line([&](size_t i) { return cell_text(row[i]); });
  }
  return out;
}

std::string Table::text(Format format) const {
  if (format == Format::table) return aligned();
  if (format == Format::json) {
    return json_text(json(), 2) + "\n";
  }
  std::string out;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) out += (i > 0 ? "\t" : "") + cell_text(row[i]);
    out += "\n";
  }
  return out;
}

std::string bytes_text(uint64_t bytes) {
  static constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string time_text(int64_t ms) {
  if (ms < 0) return "-";
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(ms)};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace odradek::cli
