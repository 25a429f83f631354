// Configurations of subscriptions to clients' metrics. What Kafka 4.3.1 answered to the same
// requests stands here as the expectation.
#include "cmd/broker/client_metrics_configs.h"

#include "cmd/broker/config_text.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "net/kafka/messages/list_config_resources_request.h"
#include "net/kafka/messages/list_config_resources_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

constexpr int8_t kClientMetrics = 16;

// Kafka's code; 0: it may be.
int fault(std::string_view name, std::string value) {
  const auto found = client_metrics_fault({{std::string(name), std::move(value)}});
  return found ? static_cast<int>(found->code) : 0;
}

Task<int16_t> change(Client& c, std::string_view subscription, std::string_view name,
                     std::string_view value, int8_t op = 0) {
  kafka::IncrementalAlterConfigsRequest request;
  auto& r = request.resources.emplace_back();
  r.resource_type = kClientMetrics;
  r.resource_name = subscription;
  r.configs.push_back({name, op, value});
  const auto reply = co_await c.call<kafka::IncrementalAlterConfigsResponse>(1, std::move(request));
  co_return reply->message.responses.at(0).error_code;
}

// "name=value(source) ...", or the error.
Task<std::string> shown(Client& c, std::string_view subscription) {
  kafka::DescribeConfigsRequest request;
  request.include_documentation = true;
  auto& r = request.resources.emplace_back();
  r.resource_type = kClientMetrics;
  r.resource_name = subscription;
  r.configuration_keys = std::nullopt;
  const auto reply = co_await c.call<kafka::DescribeConfigsResponse>(4, std::move(request));
  const auto& result = reply->message.results.at(0);
  if (result.error_code != 0) co_return std::to_string(result.error_code);
  std::string out;
  for (const auto& config : result.configs) {
    EXPECT_FALSE(config.documentation.value_or("").empty());
    out += std::string(config.name) + "=" + std::string(config.value.value_or("null")) + "(" +
           std::to_string(config.config_source) + ") ";
  }
  co_return out;
}

TEST_CASE("an interval of client metrics is a number within its bounds") {
  for (const char* good : {"100", "3600000", " 5000 ", "+200"})
    EXPECT_EQ(fault("interval.ms", good), 0);
  for (const char* far : {"99", "3600001", "-1"}) EXPECT_EQ(fault("interval.ms", far), 42);
  for (const char* none : {"soon", "", "1e3"}) EXPECT_EQ(fault("interval.ms", none), 40);
  EXPECT_EQ(fault("no.such", "1"), 42);
}

TEST_CASE("metrics are any names") {
  for (const char* good : {"", "*", "a,b", "a , b", "a,a"}) EXPECT_EQ(fault("metrics", good), 0);
  for (const char* wrong : {"a,,b", "a,"}) EXPECT_EQ(fault("metrics", wrong), 40);
}

TEST_CASE("clients are matched by regular expressions over what is known of them") {
  for (const char* good :
       {"", "client_id=app-.*", "client_id = x", "client_source_port=1.*,client_software_name=a"}) {
    EXPECT_EQ(fault("match", good), 0);
  }
  for (const char* wrong :
       {"client_id", "client_id=", "=x", "rack=a", "client_id=a=b", "client_id=["}) {
    EXPECT_EQ(fault("match", wrong), 40);
  }
}

TEST_CASE("a list has what stands between its commas") {
  using List = std::vector<std::string>;
  EXPECT(java_list("") == List{});
  EXPECT(java_list("a") == List{"a"});
  EXPECT(java_list(" a , b ") == List{"a", "b"});
  EXPECT(java_list("a,,b") == List{"a", "", "b"});
  EXPECT(java_list("a,") == List{"a", ""});
}

TEST_CASE("a subscription is set, described, listed and survives a restart") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await shown(c, ""), "42");
    EXPECT_EQ(co_await shown(c, "new"), "metrics=(5) interval.ms=300000(5) match=(5) ");
    EXPECT_EQ(co_await change(c, "", "metrics", "*"), 42);
    EXPECT_EQ(co_await change(c, "m", "metrics", "a"), 0);
    EXPECT_EQ(co_await change(c, "m", "metrics", "b", 2), 40);
    EXPECT_EQ(co_await change(c, "m", "interval.ms", "1000", 2), 40);
    EXPECT_EQ(co_await change(c, "m", "interval.ms", " 1000"), 0);
    EXPECT_EQ(co_await change(c, "m", "interval.ms", "10"), 42);
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await shown(c, "m"), "metrics=a(7) interval.ms=1000(7) match=(5) ");
    const auto listed =
        co_await c.call<kafka::ListConfigResourcesResponse>(0, kafka::ListConfigResourcesRequest{});
    REQUIRE_EQ(listed->message.config_resources.size(), 1u);
    EXPECT_EQ(listed->message.config_resources[0].resource_name, "m");
  });
}

}  // namespace
}  // namespace odradek::broker
