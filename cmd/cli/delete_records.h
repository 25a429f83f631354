// What `odradek delete-records` was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/result.h"

namespace odradek::cli {

// Records of this partition before this offset go; -1: all there are.
struct DeleteBefore {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = -1;
  bool operator==(const DeleteBefore&) const = default;
};

// Kafka's file for kafka-delete-records.sh:
//   {"version":1,"partitions":[{"topic":"orders","partition":0,"offset":100}]}
// Errc::invalid says what is wrong with it.
Result<std::vector<DeleteBefore>> parse_delete_file(std::string_view text);

}  // namespace odradek::cli
