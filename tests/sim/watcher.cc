#include "tests/sim/watcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "net/kafka/messages/metadata_request.h"
#include "net/kafka/messages/metadata_response.h"
#include "reactor/wait.h"
#include "replication/metadata/feature_levels.h"
#include "tests/sim/ask.h"

namespace odradek::simulation {

using reactor::Task;

namespace {

constexpr std::string_view kOffsets = "__consumer_offsets";
constexpr int8_t kClientMetrics = 16;

bool over(const Stage& stage) { return stage.producing_done || stage.oracle.violation(); }

Task<bool> look_at_features(Stage& stage, Connection& connection) {
  kafka::ApiVersionsRequest request;
  request.client_software_name = "watcher";
  request.client_software_version = "1";
  const auto reply = co_await ask<kafka::ApiVersionsResponse>(stage, connection, 4, request);
  if (!reply) co_return false;
  if (reply->message.throttle_time_ms > 0) ++stage.throttled;
  const auto known = metadata::supported_features();
  for (const auto& feature : reply->message.finalized_features) {
    const auto is_it = [&](const metadata::FeatureRange& f) { return f.name == feature.name; };
    stage.oracle.expect(std::ranges::any_of(known, is_it), "protocol",
                        "ApiVersions names a feature that there is not");
  }
  co_return true;
}

Task<bool> look_at_topics(Stage& stage, Connection& connection) {
  kafka::MetadataRequest request;
  request.topics = std::nullopt;
  request.allow_auto_topic_creation = false;
  const auto reply =
      co_await ask<kafka::MetadataResponse>(stage, connection, 12, std::move(request));
  if (!reply) co_return false;
  if (reply->message.throttle_time_ms > 0) ++stage.throttled;
  for (const auto& topic : reply->message.topics) {
    const std::string_view name = topic.name.value_or("");
    const auto is_it = [&](const TopicFacts& facts) { return facts.name == name; };
    stage.oracle.expect(name == kOffsets || std::ranges::any_of(stage.topics, is_it), "protocol",
                        "Metadata names a topic that nobody made");
  }
  co_return true;
}

// Of something that nobody uses: only the image changes.
Task<bool> change_metadata(Stage& stage, Connection& connection, uint64_t value) {
  kafka::IncrementalAlterConfigsRequest request;
  const std::string text = std::to_string(value);
  auto& resource = request.resources.emplace_back();
  resource.resource_type = kClientMetrics;
  resource.resource_name = kWatcher;
  auto& config = resource.configs.emplace_back();
  config.name = "interval.ms";
  config.value = text;
  const auto reply = co_await ask<kafka::IncrementalAlterConfigsResponse>(stage, connection, 1,
                                                                          std::move(request), 10s);
  co_return reply.has_value();
}

Task<void> keep_changing(Stage& stage, Prng prng) {
  while (!over(stage)) {
    Connection connection("changes");
    bool well = (co_await connection.open(stage.broker, in(5s))).has_value();
    while (well && !over(stage)) {
      co_await reactor::sleep_for(std::chrono::microseconds(prng.between(1, 3'000)));
      well = co_await change_metadata(stage, connection, prng.between(100, 3'600'000));
    }
    co_await connection.close();
    co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, 200)));
  }
}

Task<void> keep_looking(Stage& stage, Prng prng) {
  while (!over(stage)) {
    Connection connection(kWatcher);
    bool well = (co_await connection.open(stage.broker, in(5s))).has_value();
    while (well && !over(stage)) {
      co_await reactor::sleep_for(std::chrono::microseconds(prng.between(1, 2'000)));
      well = prng.chance(1, 2) ? co_await look_at_features(stage, connection)
                               : co_await look_at_topics(stage, connection);
    }
    co_await connection.close();
    co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, 200)));
  }
}

}  // namespace

Task<int> watch_main(Stage& stage, uint64_t seed) {
  Prng prng(seed);
  reactor::Gate gate;
  gate.spawn("changes", keep_changing(stage, prng.split()));
  // On as many shards.
  for (uint64_t i = prng.between(1, 8); i > 0; --i) {
    gate.spawn("looks", keep_looking(stage, prng.split()));
  }
  co_await gate.close();
  co_return 0;
}

}  // namespace odradek::simulation
