// The metrics of all shards, and JSON out of values: what several pages share.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "net/http/message.h"
#include "reactor/metrics.h"
#include "reactor/task.h"

namespace odradek::broker::admin {

using Json = nlohmann::ordered_json;

// Asks every shard for its metrics, one after the other, and adds them up.
reactor::Task<reactor::MetricsSnapshot> snapshot_of_all_shards();

// The value of a counter or gauge; 0 when there is none.
int64_t value_of(const reactor::MetricsSnapshot& snapshot, std::string_view name,
                 std::string_view labels = {});

// Bytes that are not UTF-8 become U+FFFD.
http::Response json_response(const Json& json, int status = 200);

}  // namespace odradek::broker::admin
