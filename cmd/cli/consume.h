// What `odradek consume` was asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cmd/cli/arguments.h"
#include "cmd/cli/record_format.h"

namespace odradek::cli {

// Where to begin, or an offset counted from the end.
struct StartAt {
  enum class Kind : uint8_t { earliest, latest, offset, before_end, time };
  Kind kind = Kind::latest;
  int64_t value = 0;  // an offset, a number of records, or milliseconds
};
// "earliest", "latest", "beginning", "end", a number, or a negative one: so many before the end.
Result<StartAt> parse_start(const std::string& text);
// "0,2-4" -> 0 2 3 4. Errc::invalid names `option`.
Result<std::vector<int32_t>> parse_partitions(const std::string& option, const std::string& text);

struct ConsumeRequest {
  Common common;
  std::string topic;
  std::vector<int32_t> partitions;  // empty: all
  StartAt start;
  std::optional<std::string> from_time;  // read when there is a clock
  bool until_end = false;                // of what is there at the start
  std::optional<int64_t> records_max;
  std::optional<Duration> idle_max;  // ends after so long without a record
  RecordFormat format;
};

void declare_consume(Arguments& arguments);
Result<ConsumeRequest> make_consume_request(const Arguments& arguments);

}  // namespace odradek::cli
