// What `odradek offsets` was asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/cli/arguments.h"

namespace odradek::cli {

// "latest", "-1", "earliest", "max-timestamp", ... or a time (times.h): ListOffsets' number.
Result<int64_t> parse_offset_time(std::string_view text, int64_t now_ms);

// "orders:0-2,t:3,5:" of Kafka's --topic-partitions: a topic and which of its partitions.
struct TopicPartitions {
  std::string topic;         // a name or a regular expression; empty: all
  int32_t first = 0;         // of the partitions
  int32_t last = INT32_MAX;  // included
};
Result<std::vector<TopicPartitions>> parse_topic_partitions(std::string_view text);

}  // namespace odradek::cli
