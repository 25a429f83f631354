// /metrics, and what of the metrics is told as JSON.
#include <algorithm>
#include <array>
#include <string>

#include "cmd/broker/admin/admin_server.h"
#include "cmd/broker/admin/group_metrics.h"
#include "cmd/broker/admin/prometheus_text.h"
#include "cmd/broker/admin/snapshot.h"
#include "cmd/broker/broker.h"
#include "cmd/broker/handler_table.h"
#include "log/log_metrics.h"
#include "net/kafka/api.h"
#include "reactor/wait.h"

namespace odradek::broker::admin {

using reactor::MetricsSnapshot;
using reactor::Task;

// A family of more is the last one that is written in its turn.
static constexpr size_t kSamplesPerTurn = 256;

Task<http::Response> metrics_page(PageRequest request) {
  MetricsSnapshot snapshot = co_await snapshot_of_all_shards();
  co_await add_group_metrics(request.broker, snapshot);
  http::Response response;
  response.content_type = kPrometheusContentType;
  for (const auto& [name, family] : snapshot.families) {
    response.body += prometheus_text(family);
    if (family.samples.size() >= kSamplesPerTurn) co_await reactor::yield();
  }
  co_return response;
}

static double milliseconds(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

Task<http::Response> requests_page(PageRequest) {
  const MetricsSnapshot snapshot = co_await snapshot_of_all_shards();
  Json apis = Json::array();
  const auto& durations = snapshot.families.at("odradek_request_duration_seconds").samples;
  for (const HandlerEntry& entry : handler_table()) {
    const std::string_view name = kafka::find_api(entry.key)->name;
    const std::string labels = reactor::metric_labels({{"api", name}});
    const reactor::Histogram& took = *durations.at(labels).histogram;
    if (took.count() == 0) continue;
    Json api{{"api", name}, {"requests", took.count()}};
    api["slow_requests"] = value_of(snapshot, "odradek_slow_requests_total", labels);
    api["request_bytes"] = value_of(snapshot, "odradek_request_bytes_total", labels);
    api["response_bytes"] = value_of(snapshot, "odradek_response_bytes_total", labels);
    api["duration_ms"] = {{"p50", milliseconds(took.quantile(0.5))},
                          {"p90", milliseconds(took.quantile(0.9))},
                          {"p99", milliseconds(took.quantile(0.99))},
                          {"p99.9", milliseconds(took.quantile(0.999))},
                          {"p99.99", milliseconds(took.quantile(0.9999))},
                          {"max", milliseconds(took.quantile(1))}};
    apis.push_back(std::move(api));
  }
  co_return json_response({{"requests", std::move(apis)}});
}

Task<http::Response> memory_page(PageRequest request) {
  const MetricsSnapshot snapshot = co_await snapshot_of_all_shards();
  const BrokerConfig& config = request.broker.config();
  Json shards = Json::array();
  for (uint32_t i = 0; i < config.shards; ++i) {
    const std::string labels = reactor::metric_labels({{"shard", std::to_string(i)}});
    const auto value = [&](std::string_view name) { return value_of(snapshot, name, labels); };
    shards.push_back({{"shard", i},
                      {"arena_limit_bytes", value("odradek_arena_limit_bytes")},
                      {"arena_slab_bytes", value("odradek_arena_slab_bytes")},
                      {"arena_used_bytes", value("odradek_arena_used_bytes")},
                      {"request_limit_bytes", value("odradek_request_memory_limit_bytes")},
                      {"request_used_bytes", value("odradek_request_memory_used_bytes")}});
  }
  co_return json_response(
      {{"limit_bytes", config.memory_bytes},
       {"resident_bytes", value_of(snapshot, "process_resident_memory_bytes")},
       {"read_cache_used_bytes", value_of(snapshot, "odradek_read_cache_used_bytes")},
       {"undestaged_bytes",
        [&] {
          int64_t sum = 0;
          for (const auto& directory : config.log_directories) {
            sum += value_of(snapshot, "odradek_undestaged_bytes", log::directory_labels(directory));
          }
          return sum;
        }()},
       {"shards", std::move(shards)}});
}

Task<http::Response> log_directories_page(PageRequest request) {
  const MetricsSnapshot snapshot = co_await snapshot_of_all_shards();
  Json directories = Json::array();
  for (const std::string& path : request.broker.config().log_directories) {
    const std::string labels = log::directory_labels(path);
    const auto value = [&](std::string_view name) { return value_of(snapshot, name, labels); };
    // Gauges of several shards add up: any that is not 0 means yes.
    directories.push_back({{"path", path},
                           {"fenced", value("odradek_log_directory_fenced") > 0},
                           {"full", value("odradek_log_directory_full") > 0},
                           {"partitions", value("odradek_partitions")},
                           {"log_size_bytes", value("odradek_log_size_bytes")},
                           {"undestaged_bytes", value("odradek_undestaged_bytes")},
                           {"wal_used_bytes", value("odradek_wal_used_bytes")},
                           {"wal_capacity_bytes", value("odradek_wal_capacity_bytes")}});
  }
  co_return json_response({{"log_directories", std::move(directories)}});
}

}  // namespace odradek::broker::admin
