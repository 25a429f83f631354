// Configurations of single groups. What Kafka 4.3.1 answered to the same requests stands here as
// the expectation.
#include "cmd/broker/group_configs.h"

#include "net/kafka/messages/alter_configs_request.h"
#include "net/kafka/messages/alter_configs_response.h"
#include "net/kafka/messages/consumer_group_heartbeat_request.h"
#include "net/kafka/messages/consumer_group_heartbeat_response.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "net/kafka/messages/list_config_resources_request.h"
#include "net/kafka/messages/list_config_resources_response.h"
#include "tests/cmd/broker/group_verbs.h"

namespace odradek::broker {
namespace {

constexpr int8_t kGroup = 32;
constexpr std::string_view kSession = "consumer.session.timeout.ms";
constexpr std::string_view kBeat = "consumer.heartbeat.interval.ms";
constexpr std::string_view kInterval = "consumer.assignment.interval.ms";

std::string fault(metadata::ConfigMap set, Properties properties = {}) {
  const auto config = make_config(std::move(properties), 1, uint64_t{4} << 30);
  CHECK(config.has_value());
  return group_configs_fault(set, *config).value_or("");
}

struct Change {
  std::string_view name;
  std::optional<std::string_view> value;
  int8_t op = 0;
};

// "" or "code message".
Task<std::string> change(Client& c, std::string_view group, std::vector<Change> changes) {
  kafka::IncrementalAlterConfigsRequest request;
  auto& r = request.resources.emplace_back();
  r.resource_type = kGroup;
  r.resource_name = group;
  for (const Change& one : changes) r.configs.push_back({one.name, one.op, one.value});
  const auto reply = co_await c.call<kafka::IncrementalAlterConfigsResponse>(1, std::move(request));
  const auto& out = reply->message.responses.at(0);
  if (out.error_code == 0) co_return "";
  co_return std::to_string(out.error_code) + " " + std::string(out.error_message.value_or("null"));
}

Task<int16_t> replace(Client& c, std::string_view group, std::string_view name,
                      std::string_view value) {
  kafka::AlterConfigsRequest request;
  auto& r = request.resources.emplace_back();
  r.resource_type = kGroup;
  r.resource_name = group;
  r.configs.push_back({name, value});
  const auto reply = co_await c.call<kafka::AlterConfigsResponse>(2, std::move(request));
  co_return reply->message.responses.at(0).error_code;
}

// "value from source: name=value(source) ..."; without a name how many there are.
Task<std::string> shown(Client& c, std::string_view group, std::string_view name = "") {
  kafka::DescribeConfigsRequest request;
  request.include_synonyms = true;
  request.include_documentation = true;
  auto& r = request.resources.emplace_back();
  r.resource_type = kGroup;
  r.resource_name = group;
  if (!name.empty()) r.configuration_keys = {name};
  const auto reply = co_await c.call<kafka::DescribeConfigsResponse>(4, std::move(request));
  const auto& result = reply->message.results.at(0);
  if (result.error_code != 0) co_return std::string(result.error_message.value_or("null"));
  if (name.empty()) co_return std::to_string(result.configs.size());
  const auto& config = result.configs.at(0);
  EXPECT(!config.read_only);
  EXPECT(!config.documentation.value_or("").empty());
  std::string out = std::string(config.value.value_or("null")) + " from " +
                    std::to_string(config.config_source) + ":";
  for (const auto& s : config.synonyms) {
    out += " " + std::string(s.name) + "=" + std::string(s.value.value_or("null")) + "(" +
           std::to_string(s.source) + ")";
  }
  co_return out;
}

// One heartbeat of a member; the interval that it is told, or the error below zero.
Task<int32_t> beat(Client& c, std::string_view group, std::string_view member, int32_t& epoch) {
  kafka::ConsumerGroupHeartbeatRequest request;
  request.group_id = group;
  request.member_id = member;
  request.member_epoch = epoch;
  request.rebalance_timeout_ms = 30'000;
  request.subscribed_topic_names = {"t"};
  request.topic_partitions.emplace();
  const auto reply = co_await c.call<kafka::ConsumerGroupHeartbeatResponse>(1, request);
  if (reply->message.error_code != 0) co_return -reply->message.error_code;
  epoch = reply->message.member_epoch;
  co_return reply->message.heartbeat_interval_ms;
}

// Trap 71.
TEST_CASE("a group's configurations are checked as a whole, against the broker's bounds") {
  const auto names = {std::pair("no.such", "1"),
                      std::pair("consumer.assignor.offload.enable", "true")};
  for (const auto& [name, value] : names) {
    EXPECT_EQ(fault({{name, value}}), "Unknown group config name: " + std::string(name));
  }
  const auto bad = [](std::string_view name, std::string value, std::string why) {
    const std::string said = fault({{std::string(name), value}});
    EXPECT_EQ(said,
              "Invalid value " + value + " for configuration " + std::string(name) + ": " + why);
  };
  bad(kSession, "x", "Not a number of type INT");
  bad(kSession, "", "Not a number of type INT");
  bad(kSession, "0", "Value must be at least 1");
  bad(kBeat, "99999999999", "Not a number of type INT");
  bad(kInterval, "-1", "Value must be at least 0");
  bad("share.delivery.count.limit", "1", "Value must be at least 2");
  bad("share.renew.acknowledge.enable", "maybe", "Expected value to be either true or false");
  bad("share.isolation.level", "READ_COMMITTED",
      "String must be one of: read_committed, read_uncommitted");
  EXPECT_EQ(fault({{"consumer.session.timeout.ms", "70000"}}),
            "consumer.session.timeout.ms must be less than or equal to "
            "group.consumer.max.session.timeout.ms");
  EXPECT_EQ(fault({{"consumer.session.timeout.ms", "10"}}),
            "consumer.session.timeout.ms must be greater than or equal to "
            "group.consumer.min.session.timeout.ms");
  EXPECT_EQ(fault({{"streams.num.standby.replicas", "3"}}),
            "streams.num.standby.replicas must be less than or equal to "
            "group.streams.max.standby.replicas");
  EXPECT_EQ(fault({{"consumer.session.timeout.ms", " 46000 "},
                   {"share.isolation.level", "read_committed"}}),
            "");
  EXPECT_EQ(fault({{"consumer.session.timeout.ms", "5000"}},
                  {{"group.consumer.min.session.timeout.ms", "1000"}}),
            "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms");
}

TEST_CASE("where a share group begins is a word, or a duration that is not negative") {
  const auto takes = [](std::string value) {
    return fault({{"share.auto.offset.reset", std::move(value)}}).empty();
  };
  for (const char* good : {"earliest", "latest", "by_duration:PT1H", "by_duration:P2D",
                           "by_duration:P1DT2H3M4.5S", "by_duration:PT0S"}) {
    EXPECT(takes(good));
  }
  for (const char* wrong : {"sometimes", "none", "by_duration:", "by_duration:P", "by_duration:PT",
                            "by_duration:P1DT", "by_duration:PT-1H", "by_duration:1H",
                            "by_duration:PT1.1234567890S", "by_duration:PT1M2H"}) {
    EXPECT(!takes(wrong));
  }
}

TEST_CASE("what was set for a group holds within the bounds that the broker has now") {
  const auto config =
      make_config({{"group.consumer.max.session.timeout.ms", "50000"}}, 1, uint64_t{4} << 30);
  REQUIRE(config.has_value());
  const metadata::ConfigMap set = {{"consumer.session.timeout.ms", "60000"},
                                   {"consumer.heartbeat.interval.ms", "1"}};
  EXPECT_EQ(group_number(kSession, &set, *config), std::optional<int32_t>(50'000));
  EXPECT_EQ(group_number(kBeat, &set, *config), std::optional<int32_t>(5'000));
  EXPECT_FALSE(group_number(kInterval, &set, *config).has_value());
  EXPECT_FALSE(group_number(kInterval, nullptr, *config).has_value());
}

// Trap 71.
TEST_CASE("a group's configurations are described with what stands behind them") {
  Cluster cluster({{"group.consumer.assignment.interval.ms", "7"}});
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await shown(c, ""), "Group name must not be empty");
    EXPECT_EQ(co_await shown(c, "g"), "17");
    EXPECT_EQ(co_await shown(c, "g", kSession),
              "45000 from 5: group.consumer.session.timeout.ms=45000(5)");
    EXPECT_EQ(co_await shown(c, "g", "share.isolation.level"),
              "read_uncommitted from 5: share.isolation.level=read_uncommitted(5)");
    EXPECT_EQ(co_await change(c, "", {{kSession, "50000"}}),
              "42 Default group resources are not allowed.");
    EXPECT_EQ(co_await change(c, "g", {{kSession, "50000", 2}}),
              "40 Can't APPEND to key consumer.session.timeout.ms because its type is not LIST.");
    EXPECT_EQ(co_await change(c, "g", {{"no.such", "1"}}), "40 Unknown group config name: no.such");
    EXPECT_EQ(co_await change(c, "g", {{"no.such", std::nullopt, 1}}), "");
    EXPECT_EQ(co_await change(c, "g", {{kSession, " 50000 "}, {kInterval, "9"}}), "");
    EXPECT_EQ(co_await shown(c, "g", kSession),
              "50000 from 8: consumer.session.timeout.ms=50000(8) "
              "group.consumer.session.timeout.ms=45000(5)");
    EXPECT_EQ(co_await shown(c, "g", kInterval),
              "9 from 8: consumer.assignment.interval.ms=9(8) "
              "group.consumer.assignment.interval.ms=7(4) "
              "group.consumer.assignment.interval.ms=1000(5)");
    EXPECT_EQ(co_await replace(c, "g", "a", "b"), 40);
    EXPECT_EQ(co_await replace(c, "g", kSession, "55000"), 0);
    EXPECT_EQ(co_await shown(c, "g", kInterval),
              "7 from 4: group.consumer.assignment.interval.ms=7(4) "
              "group.consumer.assignment.interval.ms=1000(5)");
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await shown(c, "g", kSession),
              "55000 from 8: consumer.session.timeout.ms=55000(8) "
              "group.consumer.session.timeout.ms=45000(5)");
    const auto listed = co_await c.call<kafka::ListConfigResourcesResponse>(
        1, kafka::ListConfigResourcesRequest{.resource_types = {kGroup}});
    EXPECT_EQ(listed->message.config_resources.size(), 1u);
    EXPECT_EQ(listed->message.config_resources.at(0).resource_name, "g");
  });
}

TEST_CASE("a group's members live by its configurations from their next heartbeat on") {
  Cluster cluster({{"group.consumer.assignment.interval.ms", "0"}}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 3);
    co_await find_coordinator(c, "g");
    int32_t short_lived = 0;
    int32_t other = 0;
    EXPECT_EQ(co_await beat(c, "g", "m", short_lived), 5'000);
    EXPECT_EQ(co_await beat(c, "other", "m", other), 5'000);
    EXPECT_EQ(co_await change(c, "g", {{kBeat, "7000"}, {kSession, "60000"}}), "");
    EXPECT_EQ(co_await beat(c, "g", "m", short_lived), 7'000);
    EXPECT_EQ(co_await beat(c, "other", "m", other), 5'000);
    co_await reactor::sleep_for(50s);
    EXPECT_EQ(co_await beat(c, "other", "m", other), -25);  // its session was 45 s
    EXPECT_EQ(co_await beat(c, "g", "m", short_lived), 7'000);
    EXPECT_EQ(co_await change(c, "g", {{kBeat, std::nullopt, 1}, {kSession, std::nullopt, 1}}), "");
    EXPECT_EQ(co_await beat(c, "g", "m", short_lived), 5'000);
    co_await reactor::sleep_for(50s);
    EXPECT_EQ(co_await beat(c, "g", "m", short_lived), -25);
  });
}

}  // namespace
}  // namespace odradek::broker
