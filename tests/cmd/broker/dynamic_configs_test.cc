// Configurations that are changed while the broker runs. What Kafka 4.3.1 answered to the same
// requests stands here as the expectation.
#include "net/kafka/messages/alter_configs_request.h"
#include "net/kafka/messages/alter_configs_response.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_configs_response.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

constexpr int8_t kTopic = 2;
constexpr int8_t kBroker = 4;
constexpr int8_t kLogger = 8;
constexpr int8_t kSet = 0;
constexpr int8_t kDelete = 1;
constexpr int8_t kAppend = 2;
constexpr int8_t kSubtract = 3;

struct Change {
  std::string_view name;
  std::optional<std::string_view> value;
  int8_t op = kSet;
};
struct Refused {
  int16_t code = 0;
  std::string message;
};

Task<Refused> change(Client& c, int8_t type, std::string_view resource,
                     std::vector<Change> changes) {
  kafka::IncrementalAlterConfigsRequest request;
  auto& r = request.resources.emplace_back();
  r.resource_type = type;
  r.resource_name = resource;
  for (const Change& one : changes) r.configs.push_back({one.name, one.op, one.value});
  const auto reply = co_await c.call<kafka::IncrementalAlterConfigsResponse>(1, std::move(request));
  const auto& out = reply->message.responses.at(0);
  co_return Refused{out.error_code, std::string(out.error_message.value_or(""))};
}

Task<int16_t> replace(Client& c, int8_t type, std::string_view resource, Configs configs,
                      int16_t version = 2) {
  kafka::AlterConfigsRequest request;
  auto& r = request.resources.emplace_back();
  r.resource_type = type;
  r.resource_name = resource;
  for (const auto& [name, value] : configs) r.configs.push_back({name, value});
  const auto reply = co_await c.call<kafka::AlterConfigsResponse>(version, std::move(request));
  EXPECT_EQ(reply->message.responses.at(0).resource_name, resource);
  co_return reply->message.responses.at(0).error_code;
}

// "value from source: name=value(source) ..." of one configuration; "" when there is none.
Task<std::string> shown(Client& c, int8_t type, std::string_view resource, std::string_view name) {
  kafka::DescribeConfigsRequest request;
  request.include_synonyms = true;
  request.include_documentation = true;
  auto& r = request.resources.emplace_back();
  r.resource_type = type;
  r.resource_name = resource;
  r.configuration_keys = {name};
  const auto reply = co_await c.call<kafka::DescribeConfigsResponse>(4, std::move(request));
  const auto& result = reply->message.results.at(0);
  EXPECT_EQ(result.error_code, 0);
  if (result.configs.empty()) co_return "";
  const auto& config = result.configs[0];
  // Nothing is written of a name that nobody knows, which has no type either.
  EXPECT_EQ(config.documentation.has_value(), type == kLogger || config.config_type != 0);
  std::string out = std::string(config.value.value_or("null")) + " from " +
                    std::to_string(config.config_source) + ":";
  for (const auto& s : config.synonyms) {
    out += " " + std::string(s.name) + "=" + std::string(s.value.value_or("null")) + "(" +
           std::to_string(s.source) + ")";
  }
  co_return out;
}

// Trap 71.
TEST_CASE("a broker's own setting comes before the cluster's, and both after a topic's") {
  Cluster cluster({{"log.retention.minutes", "600"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await create_topic(c, "m", 1, {{"retention.ms", "5000"}});
    EXPECT_EQ(co_await shown(c, kTopic, "t", "retention.ms"), "36000000 from 5:");
    EXPECT_EQ(co_await shown(c, kBroker, "1", "log.retention.minutes"),
              "600 from 4: log.retention.minutes=600(4) log.retention.hours=168(5)");
    EXPECT_EQ(co_await shown(c, kBroker, "1", "log.retention.ms"), "null from 5:");
    EXPECT_EQ((co_await change(c, kBroker, "1", {{"message.max.bytes", "2000000"}})).code, 0);
    EXPECT_EQ((co_await change(c, kBroker, "",
                               {{"message.max.bytes", "3000000"}, {"log.retention.ms", "777"}}))
                  .code,
              0);
    EXPECT_EQ(co_await shown(c, kBroker, "1", "message.max.bytes"),
              "2000000 from 2: message.max.bytes=2000000(2) message.max.bytes=3000000(3) "
              "message.max.bytes=1048588(5)");
    EXPECT_EQ(co_await shown(c, kBroker, "", "message.max.bytes"),
              "3000000 from 3: message.max.bytes=3000000(3)");
    EXPECT_EQ(co_await shown(c, kBroker, "", "num.io.threads"), "");
    EXPECT_EQ(co_await shown(c, kTopic, "t", "max.message.bytes"),
              "2000000 from 2: message.max.bytes=2000000(2) message.max.bytes=3000000(3) "
              "message.max.bytes=1048588(5)");
    EXPECT_EQ(co_await shown(c, kTopic, "m", "retention.ms"),
              "5000 from 1: retention.ms=5000(1) log.retention.ms=777(3) "
              "log.retention.minutes=600(4) log.retention.hours=168(5)");
    EXPECT_EQ(co_await shown(c, kTopic, "t", "segment.jitter.ms"), "0 from 5:");
    EXPECT_EQ(co_await shown(c, kTopic, "t", "min.insync.replicas"),
              "1 from 3: min.insync.replicas=1(3) min.insync.replicas=1(5)");
  });
}

TEST_CASE("what is set for all brokers is in force for every topic, at once, and after a restart") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    co_await create_topic(c, "own", 1, {{"max.message.bytes", "100000"}});
    const Bytes large = batch({.value_bytes = 5000});
    EXPECT_EQ((co_await change(c, kBroker, "", {{"message.max.bytes", "1000"}})).code, 0);
    EXPECT_EQ((co_await produce(c, "t", 0, large)).error, 10);
    EXPECT_EQ((co_await produce(c, "t", 1, large)).error, 10);
    EXPECT_EQ((co_await produce(c, "own", 0, large)).error, 0);
    EXPECT_EQ((co_await change(c, kBroker, "1", {{"message.max.bytes", "9000"}})).code, 0);
    EXPECT_EQ((co_await produce(c, "t", 0, large)).error, 0);
    EXPECT_EQ((co_await change(c, kBroker, "1", {{"message.max.bytes", {}, kDelete}})).code, 0);
    EXPECT_EQ((co_await produce(c, "t", 0, large)).error, 10);
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    const Bytes large = batch({.value_bytes = 5000});
    EXPECT_EQ((co_await produce(c, "t", 0, large)).error, 10);
    EXPECT_EQ((co_await change(c, kBroker, "", {{"message.max.bytes", {}, kDelete}})).code, 0);
    EXPECT_EQ((co_await produce(c, "t", 0, large)).error, 0);
    co_await create_topic(c, "new");
    EXPECT_EQ(
        (co_await change(c, kBroker, "", {{"log.message.timestamp.type", "LogAppendTime"}})).code,
        0);
    EXPECT((co_await produce(c, "new", 0, batch())).log_append_time > 0);
    EXPECT((co_await produce(c, "t", 1, batch())).log_append_time > 0);
  });
}

TEST_CASE("connections beyond a max.connections that was set while the broker ran are closed") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ((co_await change(c, kBroker, "", {{"max.connections", "1"}})).code, 0);
    Client second;
    co_await second.connect();
    EXPECT(co_await second.closed());
    co_await second.close();
    EXPECT_EQ((co_await change(c, kBroker, "", {{"max.connections", {}, kDelete}})).code, 0);
    Client third;
    co_await third.connect();
    co_await create_topic(third, "t");
    co_await third.close();
  });
}

// Trap 71.
TEST_CASE("a broker's settings that cannot be are refused with Kafka's code and words") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const auto refused = [&c](std::string_view broker, std::string_view name,
                              std::string_view value) {
      return change(c, kBroker, broker, {{name, value}});
    };
    auto answer = co_await refused("9", "message.max.bytes", "5");
    EXPECT_EQ(answer.code, 42);
    EXPECT_EQ(answer.message, "Unexpected broker id, expected 1, but received 9");
    answer = co_await refused("x", "message.max.bytes", "5");
    EXPECT_EQ(answer.message, "Node id must be an integer, but it is: x");
    answer = co_await refused("1", "message.max.bytes", "-5");
    EXPECT_EQ(answer.code, 42);
    EXPECT_EQ(answer.message,
              "Invalid value -5 for configuration message.max.bytes: Value must be at least 0");
    answer = co_await refused("", "max.connections", "many");
    EXPECT_EQ(answer.message,
              "Invalid value many for configuration max.connections: Not a number of type INT");
    answer = co_await refused("", "max.connections", "-1");
    EXPECT_EQ(answer.message,
              "Invalid value -1 for configuration max.connections: Value must be at least 0");
    answer = co_await refused("", "log.cleanup.policy", "burn");
    EXPECT_EQ(answer.message,
              "Invalid value burn for configuration log.cleanup.policy: String must be one of: "
              "compact, delete");
    answer = co_await refused("1", "auto.create.topics.enable", "false");
    EXPECT_EQ(answer.code, 42);
    EXPECT_EQ(answer.message,
              "Cannot update these configs dynamically: [auto.create.topics.enable]");
    EXPECT_EQ((co_await refused("1", "log.retention.hours", "5")).code, 42);
    EXPECT_EQ((co_await refused("1", "listeners", "PLAINTEXT://:1")).code, 42);
    EXPECT_EQ((co_await refused("1", "ssl.keystore.password", "x")).code, 42);
    EXPECT_EQ((co_await refused("1", "listener.name.a.ssl.keystore.type", "x")).code, 42);
    EXPECT_EQ((co_await refused("1", "sasl.jaas.config", "x")).code, 42);
    // It lets nobody in, and Kafka takes it.
    EXPECT_EQ((co_await refused("1", "sasl.kerberos.min.time.before.relogin", "58000")).code, 0);
    answer = co_await change(c, kBroker, "1", {{"message.max.bytes", "5", kAppend}});
    EXPECT_EQ(answer.code, 40);
    EXPECT_EQ(answer.message,
              "Config value append is not allowed for config key: message.max.bytes");
    answer = co_await refused("1", "min.insync.replicas", "2");
    EXPECT_EQ(answer.code, 40);
    // Also to remove what is not there.
    answer = co_await change(c, kBroker, "1", {{"min.insync.replicas", {}, kDelete}});
    EXPECT_EQ(answer.code, 40);
    answer = co_await change(c, kBroker, "", {{"min.insync.replicas", {}, kDelete}});
    EXPECT_EQ(answer.code, 40);
    EXPECT_EQ((co_await refused("", "message.max.bytes", "7000")).code, 0);
    EXPECT_EQ(co_await shown(c, kBroker, "1", "auto.create.topics.enable"),
              "true from 5: auto.create.topics.enable=true(5)");
  });
}

TEST_CASE("a name that nobody knows may be set, and its value is not shown") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ((co_await change(c, kBroker, "1", {{"vendor.secret", "hush"}})).code, 0);
    EXPECT_EQ(co_await shown(c, kBroker, "1", "vendor.secret"),
              "null from 2: vendor.secret=null(2)");
    EXPECT_EQ((co_await change(c, kBroker, "", {{"vendor.other", "hush"}})).code, 0);
    EXPECT_EQ(co_await shown(c, kBroker, "1", "vendor.other"), "null from 3: vendor.other=null(3)");
    // A topic's configuration is no name that a broker knows either.
    EXPECT_EQ((co_await change(c, kBroker, "", {{"remote.log.copy.disable", "true"}})).code, 0);
    EXPECT_EQ((co_await change(c, kBroker, "", {{"remote.log.storage.x", "true"}})).code, 42);
  });
}

TEST_CASE("a list of a broker can be appended to and taken from") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    EXPECT_EQ((co_await change(c, kBroker, "1", {{"log.cleanup.policy", "compact", kAppend}})).code,
              0);
    EXPECT_EQ(co_await shown(c, kTopic, "t", "cleanup.policy"),
              "delete,compact from 2: log.cleanup.policy=delete,compact(2) "
              "log.cleanup.policy=delete(5)");
    EXPECT_EQ(
        (co_await change(c, kBroker, "1", {{"log.cleanup.policy", "compact", kSubtract}})).code, 0);
    EXPECT_EQ(co_await shown(c, kTopic, "t", "cleanup.policy"),
              "delete from 2: log.cleanup.policy=delete(2) log.cleanup.policy=delete(5)");
  });
}

// Trap 71.
TEST_CASE("AlterConfigs replaces all that was set for a topic or a broker") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    for (int16_t version = 0; version <= 2; ++version) {
      EXPECT_EQ(co_await replace(c, kTopic, "t",
                                 {{"retention.ms", "8"}, {"segment.bytes", "2000000"}}, version),
                0);
      EXPECT_EQ(co_await replace(c, kTopic, "t", {{"retention.ms", "9"}}, version), 0);
      EXPECT_EQ(co_await shown(c, kTopic, "t", "retention.ms"), "9 from 1: retention.ms=9(1)");
      EXPECT_EQ(co_await shown(c, kTopic, "t", "segment.bytes"),
                "1073741824 from 5: log.segment.bytes=1073741824(5)");
    }
    EXPECT_EQ(co_await replace(c, kTopic, "t", {{"nope", "1"}}), 40);
    EXPECT_EQ(co_await replace(c, kTopic, "nope", {{"retention.ms", "1"}}), 3);
    EXPECT_EQ(co_await replace(c, kTopic, "", {{"retention.ms", "1"}}), 42);
    EXPECT_EQ(co_await replace(c, kBroker, "1", {{"num.partitions", "5"}}), 42);
    EXPECT_EQ(co_await replace(c, kBroker, "1", {{"log.retention.ms", "1000"}}), 0);
    EXPECT_EQ(co_await replace(c, kBroker, "1", {}), 0);
    EXPECT_EQ(co_await shown(c, kBroker, "1", "log.retention.ms"), "null from 5:");
    EXPECT_EQ(co_await replace(c, kBroker, "", {}), 40);  // min.insync.replicas would go
    EXPECT_EQ(co_await replace(c, kLogger, "1", {{"root", "INFO"}}), 42);
    EXPECT_EQ(co_await replace(c, 99, "1", {{"root", "INFO"}}), 42);
  });
}

// Trap 10.
TEST_CASE("resources are answered in the order of the request, those named twice each time") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    kafka::IncrementalAlterConfigsRequest request;
    for (const auto& [type, name] : {std::pair<int8_t, const char*>{kTopic, "t"},
                                     {kBroker, "9"},
                                     {kTopic, "nope"},
                                     {kTopic, "t"},
                                     {kBroker, ""}}) {
      auto& r = request.resources.emplace_back();
      r.resource_type = type;
      r.resource_name = name;
      r.configs.push_back({type == kTopic ? "retention.ms" : "log.retention.ms", kSet, "5000"});
    }
    const auto reply =
        co_await c.call<kafka::IncrementalAlterConfigsResponse>(1, std::move(request));
    std::string codes;
    for (const auto& r : reply->message.responses) {
      codes += std::string(r.resource_name) + ":" + std::to_string(r.error_code) + " ";
    }
    EXPECT_EQ(codes, "t:42 9:42 nope:3 t:42 :0 ");
  });
}

TEST_CASE("the broker's one logger is shown and cannot be changed") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await shown(c, kLogger, "1", "root"), "INFO from 6:");
    EXPECT_EQ((co_await change(c, kLogger, "1", {{"kafka.controller", "DEBUG"}})).code, 40);
    EXPECT_EQ((co_await change(c, kLogger, "1", {{"root", {}, kDelete}})).code, 42);
    EXPECT_EQ((co_await change(c, kLogger, "1", {{"kafka.controller", {}}})).code, 42);
    EXPECT_EQ((co_await change(c, kLogger, "1", {{"root", "INFO", kAppend}})).code, 42);
    EXPECT_EQ((co_await change(c, kLogger, "1", {{"root", "DEBUG"}})).code, 42);
    EXPECT_EQ((co_await change(c, kLogger, "2", {{"root", "DEBUG"}})).code, 42);
  });
}

TEST_CASE(
    "the rates of copies between brokers and directories are numbers, told where they are set") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    for (const std::string_view name :
         {"follower.replication.throttled.rate", "leader.replication.throttled.rate",
          "replica.alter.log.dirs.io.max.bytes.per.second"}) {
      kafka::DescribeConfigsRequest request;
      request.include_documentation = true;
      auto& r = request.resources.emplace_back();
      r.resource_type = kBroker;
      r.resource_name = "1";
      r.configuration_keys = {name};
      const auto unset = co_await c.call<kafka::DescribeConfigsResponse>(4, request);
      EXPECT(unset->message.results.at(0).configs.empty());
      for (const char* broker : {"1", ""}) {
        auto answer = co_await change(c, kBroker, broker, {{name, "abc"}});
        EXPECT_EQ(answer.code, 42);
        EXPECT_EQ(answer.message, "Invalid value abc for configuration " + std::string(name) +
                                      ": Not a number of type LONG");
        answer = co_await change(c, kBroker, broker, {{name, "-5"}});
        EXPECT_EQ(answer.message, "Invalid value -5 for configuration " + std::string(name) +
                                      ": Value must be at least 0");
      }
      EXPECT_EQ((co_await change(c, kBroker, "1", {{name, "5", kAppend}})).code, 40);
      EXPECT_EQ((co_await change(c, kBroker, "", {{name, "5000"}})).code, 0);
      const auto set = co_await c.call<kafka::DescribeConfigsResponse>(4, request);
      REQUIRE(set->message.results.at(0).configs.size() == 1);
      const auto& config = set->message.results[0].configs[0];
      EXPECT_EQ(config.value.value_or(""), "5000");
      EXPECT_EQ(config.config_type, 5);
      EXPECT_EQ(config.config_source, 3);
      EXPECT(!config.is_sensitive);
      EXPECT(!config.read_only);
      EXPECT(!config.documentation.has_value());
    }
  });
}

}  // namespace
}  // namespace odradek::broker
