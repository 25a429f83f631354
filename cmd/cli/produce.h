// What `odradek produce` was asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmd/cli/arguments.h"
#include "cmd/cli/lines.h"
#include "net/kafka/client/producer.h"

namespace odradek::cli {

struct ProduceRequest {
  Common common;
  std::string topic;
  std::optional<int32_t> partition;
  std::optional<int64_t> timestamp;                          // absent: now
  std::optional<std::string> key;                            // of every record
  std::vector<std::pair<std::string, std::string>> headers;  // of every record
  std::vector<std::string> files;                            // "-": standard input
  bool whole = false;                                        // each file is one record
  LineFormat format;
  client::ProducerOptions producer;
};

// From the arguments after the verb. Errc::invalid.
void declare_produce(Arguments& arguments);
Result<ProduceRequest> make_produce_request(const Arguments& arguments);

}  // namespace odradek::cli
