#include "cmd/broker/admin/snapshot.h"

#include "reactor/shard.h"

namespace odradek::broker::admin {

using reactor::MetricsSnapshot;
using reactor::Task;

static Task<MetricsSnapshot> snapshot_here() {
  co_return reactor::this_shard().metrics().snapshot();
}

Task<MetricsSnapshot> snapshot_of_all_shards() {
  MetricsSnapshot all;
  const uint32_t shards = reactor::this_shard().shard_count();
  for (uint32_t i = 0; i < shards; ++i) {
    all.merge(co_await reactor::submit_to(reactor::ShardId(i), [] { return snapshot_here(); }));
  }
  co_return all;
}

int64_t value_of(const MetricsSnapshot& snapshot, std::string_view name, std::string_view labels) {
  const auto family = snapshot.families.find(name);
  if (family == snapshot.families.end()) return 0;
  const auto sample = family->second.samples.find(labels);
  return sample == family->second.samples.end() ? 0 : sample->second.value;
}

http::Response json_response(const Json& json, int status) {
  http::Response response;
  response.status = status;
  response.body = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

}  // namespace odradek::broker::admin
