#include "tests/sim/changes.h"

#include <fmt/format.h>

#include "net/kafka/messages/create_partitions_request.h"
#include "net/kafka/messages/create_partitions_response.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "tests/sim/client.h"
#include "tests/sim/quotas.h"

namespace odradek::simulation {

using reactor::Task;

namespace {

constexpr int8_t kBroker = 4;
constexpr int16_t kInvalidPartitions = 37;
constexpr int32_t kPartitionsMax = 12;
// Any value of it is harmless, and every log obeys it.
constexpr std::string_view kProperty = "log.index.interval.bytes";

MonoTime soon() { return reactor::this_shard().now() + 10s; }

Task<std::optional<int16_t>> ask_to_grow(Connection& connection, const TopicFacts& topic,
                                         int32_t count) {
  kafka::CreatePartitionsRequest request;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  wanted.count = count;
  wanted.assignments.reset();
  const auto reply = co_await connection.call<kafka::CreatePartitionsResponse>(3, request, soon());
  if (!reply || reply->message.results.size() != 1) co_return std::nullopt;
  co_return reply->message.results[0].error_code;
}

Task<std::optional<int16_t>> ask_to_set(Connection& connection, const std::string& value) {
  kafka::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = kBroker;
  auto& config = resource.configs.emplace_back();
  config.name = kProperty;
  config.value = value;
  const auto reply =
      co_await connection.call<kafka::IncrementalAlterConfigsResponse>(1, request, soon());
  if (!reply || reply->message.responses.size() != 1) co_return std::nullopt;
  co_return reply->message.responses[0].error_code;
}

// Retriable: request_timed_out, not_controller, kafka_storage_error.
bool may_come_again(int16_t code) { return code == 7 || code == 41 || code == 56; }

Task<void> pause(Prng& prng) {
  co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, 200)));
}

Task<void> grow(Stage& stage, TopicFacts& topic, Prng prng) {
  const int32_t count = topic.partitions + static_cast<int32_t>(prng.between(1, 2));
  while (!stage.oracle.violation() && topic.alive()) {
    while (stage.hold) co_await reactor::sleep_for(5ms);
    Connection connection("grow");
    std::optional<int16_t> code;
    if (co_await connection.open(stage.broker, reactor::this_shard().now() + 5s)) {
      code = co_await ask_to_grow(connection, topic, count);
    }
    co_await connection.close();
    // An answer that was lost: it has them already.
    if (code && (*code == 0 || *code == kInvalidPartitions)) {
      stage.say([&] { return fmt::format("{} has {} partitions", topic.name, count); });
      topic.partitions = count;
      co_return;
    }
    if (code && !may_come_again(*code)) {
      stage.oracle.fail("protocol", fmt::format("grow {}: answered {}", topic.name, *code));
    }
    co_await pause(prng);
  }
}

Task<void> set_default(Stage& stage, Prng prng) {
  stage.default_asked = std::to_string(prng.between(512, 9'000));
  while (!stage.oracle.violation()) {
    while (stage.hold) co_await reactor::sleep_for(5ms);
    Connection connection("set");
    std::optional<int16_t> code;
    if (co_await connection.open(stage.broker, reactor::this_shard().now() + 5s)) {
      code = co_await ask_to_set(connection, stage.default_asked);
    }
    co_await connection.close();
    if (code && *code == 0) {
      stage.default_acked = stage.default_asked;
      co_return;
    }
    if (code && !may_come_again(*code)) {
      stage.oracle.fail("protocol", fmt::format("set {}: answered {}", kProperty, *code));
    }
    co_await pause(prng);
  }
}

}  // namespace

Task<void> make_change(Stage& stage, size_t topics, Prng prng) {
  if (prng.chance(1, 3)) co_return co_await change_quota(stage, prng.split());
  TopicFacts& topic = stage.topics[prng.below(topics)];
  if (prng.chance(1, 2) && topic.alive() && topic.partitions < kPartitionsMax) {
    co_await grow(stage, topic, prng.split());
  } else {
    co_await set_default(stage, prng.split());
  }
}

Task<bool> check_changes(Stage& stage) {
  if (stage.default_acked.empty()) co_return true;
  Connection connection("check");
  kafka::DescribeConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = kBroker;
  resource.configuration_keys = {kProperty};
  bool asked = false;
  if (co_await connection.open(stage.broker, reactor::this_shard().now() + 5s)) {
    const auto reply = co_await connection.call<kafka::DescribeConfigsResponse>(4, request, soon());
    if (reply && reply->message.results.size() == 1) {
      asked = true;
      const auto& configs = reply->message.results[0].configs;
      const std::string value(configs.empty() ? "" : configs[0].value.value_or(""));
      stage.oracle.expect(
          value == stage.default_acked || value == stage.default_asked, "I1",
          fmt::format("{} is '{}', acknowledged was '{}'", kProperty, value, stage.default_acked));
    }
  }
  co_await connection.close();
  co_return asked;
}

}  // namespace odradek::simulation
