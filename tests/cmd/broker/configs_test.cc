#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

constexpr int8_t kSet = 0;
constexpr int8_t kDelete = 1;
constexpr int8_t kAppend = 2;

struct Change {
  std::string_view name;
  std::optional<std::string_view> value;
  int8_t op = kSet;
};

Task<int16_t> alter(Client& c, int8_t type, std::string_view resource,
                    std::vector<Change> changes) {
  kafka::IncrementalAlterConfigsRequest request;
  auto& r = request.resources.emplace_back();
  r.resource_type = type;
  r.resource_name = resource;
  for (const Change& change : changes) {
    auto& config = r.configs.emplace_back();
    config.name = change.name;
    config.value = change.value;
    config.config_operation = change.op;
  }
  const auto reply = co_await c.call<kafka::IncrementalAlterConfigsResponse>(1, std::move(request));
  EXPECT_EQ(reply->message.responses.size(), 1u);
  EXPECT_EQ(reply->message.responses.at(0).resource_name, resource);
  co_return reply->message.responses.at(0).error_code;
}

Task<Answered<kafka::DescribeConfigsResponse>> describe(Client& c, int8_t type,
                                                        std::string_view name,
                                                        std::vector<std::string_view> keys) {
  kafka::DescribeConfigsRequest request;
  request.include_synonyms = true;
  auto& r = request.resources.emplace_back();
  r.resource_type = type;
  r.resource_name = name;
  if (keys.empty()) {
    r.configuration_keys.reset();
  } else {
    r.configuration_keys = std::move(keys);
  }
  co_return co_await c.call<kafka::DescribeConfigsResponse>(4, std::move(request));
}

TEST_CASE("a type of resource that does not exist spoils the whole request") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    kafka::DescribeConfigsRequest request;
    for (const int8_t type : {int8_t{2}, int8_t{127}}) {
      auto& r = request.resources.emplace_back();
      r.resource_type = type;
      r.resource_name = "t";
    }
    const auto reply = co_await c.call<kafka::DescribeConfigsResponse>(4, std::move(request));
    REQUIRE(reply->message.results.size() == 2);
    for (const auto& result : reply->message.results) {
      EXPECT_EQ(result.error_code, 42);
      EXPECT(result.configs.empty());
    }
  });
}

TEST_CASE("the node's number shows under both of its names, whichever set it") {
  for (const char* set : {"node.id", "broker.id"}) {
    Cluster cluster({{set, "7"}});
    cluster.tell([](Client& c) -> Task<void> {
      const auto reply = co_await describe(c, 4, "7", {"node.id", "broker.id"});
      REQUIRE(reply->message.results.at(0).configs.size() == 2);
      for (const auto& config : reply->message.results[0].configs) {
        EXPECT_EQ(config.value.value_or(""), "7");
        EXPECT_EQ(config.config_source, 4);
      }
    });
  }
}

// Trap 71.
TEST_CASE("a topic's configuration has its value, source and synonyms in Kafka's order") {
  Cluster cluster({{"log.retention.ms", "5000"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1, {{"retention.ms", "7000"}});
    const auto all = co_await describe(c, 2, "t", {});
    EXPECT(all->message.results.at(0).configs.size() > 20);
    const auto one = co_await describe(c, 2, "t", {"retention.ms", "nonsense"});
    CHECK(one->message.results.at(0).configs.size() == 1);
    const auto& config = one->message.results[0].configs[0];
    EXPECT_EQ(config.value.value_or(""), "7000");
    EXPECT_EQ(config.config_source, 1);
    CHECK(config.synonyms.size() >= 2);
    EXPECT_EQ(config.synonyms[0].source, 1);
    EXPECT_EQ(config.synonyms[1].name, "log.retention.ms");
    EXPECT_EQ(config.synonyms[1].value.value_or(""), "5000");
    EXPECT_EQ(config.synonyms[1].source, 4);
    EXPECT_EQ(co_await alter(c, 2, "t", {{"retention.ms", std::nullopt, kDelete}}), 0);
    const auto after = co_await describe(c, 2, "t", {"retention.ms"});
    EXPECT_EQ(after->message.results.at(0).configs.at(0).value.value_or(""), "5000");
    EXPECT_EQ(after->message.results.at(0).configs.at(0).config_source, 4);
    const auto unknown = co_await describe(c, 2, "nowhere", {});
    EXPECT_EQ(unknown->message.results.at(0).error_code, 3);
  });
}

// Trap 71.
TEST_CASE("what this broker was started with is described, but for what may be a secret") {
  Cluster cluster({{"num.network.threads", "3"}, {"vendor.plugin.password", "hush"}});
  cluster.tell([](Client& c) -> Task<void> {
    const auto mine = co_await describe(c, 4, "1", {});
    bool seen = false;
    for (const auto& config : mine->message.results.at(0).configs) {
      EXPECT(config.value.value_or("") != "hush");
      if (config.name == "num.network.threads") {
        seen = true;
        EXPECT_EQ(config.value.value_or(""), "3");
        EXPECT_EQ(config.config_source, 4);
        EXPECT(!config.read_only);
      }
      if (config.name == "vendor.plugin.password") EXPECT(config.is_sensitive);
    }
    EXPECT(seen);
    const auto other = co_await describe(c, 4, "5", {});
    EXPECT_EQ(other->message.results.at(0).error_code, 42);
  });
}

// Trap 71.
TEST_CASE("what cannot be altered is refused as a whole") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    EXPECT_EQ(co_await alter(c, 2, "nowhere", {{"retention.ms", "1"}}), 3);
    EXPECT_EQ(co_await alter(c, 2, "t", {{"nonsense", "1"}}), 40);
    EXPECT_EQ(co_await alter(c, 2, "t", {{"retention.ms", "7"}, {"segment.bytes", "x"}}), 40);
    EXPECT_EQ(co_await alter(c, 2, "t", {{"retention.ms", "7"}, {"retention.ms", "8"}}), 42);
    EXPECT_EQ(co_await alter(c, 2, "t", {{"retention.ms", std::nullopt}}), 42);
    EXPECT_EQ(co_await alter(c, 2, "t", {{"retention.ms", "7", kAppend}}), 40);
    EXPECT((co_await alter(c, 2, "t", {{"retention.ms", "7", 9}})) != 0);
    EXPECT((co_await alter(c, 99, "t", {{"retention.ms", "7"}})) != 0);
    const auto after = co_await describe(c, 2, "t", {"retention.ms"});
    EXPECT_EQ(after->message.results.at(0).configs.at(0).config_source, 5);
  });
}

TEST_CASE("a list that is appended to beyond what a string may hold is refused") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    std::string list;
    int refused = 0;
    for (int round = 0; round < 4; ++round) {
      list.clear();
      for (int i = 0; list.size() < 20'000; ++i) {
        list += (list.empty() ? "" : ",") + std::to_string(round * 10'000 + i) + ":1";
      }
      const auto error =
          co_await alter(c, 2, "t", {{"leader.replication.throttled.replicas", list, kAppend}});
      if (error != 0) ++refused;
      EXPECT((error == 0 || error == 40));
    }
    EXPECT(refused > 0);
    const auto after = co_await describe(c, 2, "t", {});
    EXPECT_EQ(after->message.results.at(0).error_code, 0);
  });
}

TEST_CASE("a resource that a request repeats without end is told of a few times") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    kafka::DescribeConfigsRequest request;
    for (int i = 0; i < 1000; ++i) {
      auto& r = request.resources.emplace_back();
      r.resource_type = 4;
      r.resource_name = "1";
      r.configuration_keys.reset();
    }
    request.resources.back().resource_name = "";
    const auto reply = co_await c.call<kafka::DescribeConfigsResponse>(4, std::move(request));
    const auto& results = reply->message.results;
    REQUIRE(results.size() == 1000);
    for (size_t i = 0; i < results.size() - 1; ++i) {
      EXPECT_EQ(results[i].error_code, i < 8 ? 0 : 42);
      EXPECT_EQ(results[i].configs.empty(), i >= 8);
    }
    EXPECT_EQ(results[8].error_message.value_or(""), "The request names this too often");
    EXPECT_EQ(results.back().error_code, 0);
  });
}

}  // namespace
}  // namespace odradek::broker
