#include "net/kafka/messages/describe_cluster_request.h"
#include "net/kafka/messages/describe_cluster_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

using CreateReply = kafka::CreateTopicsResponse;

Task<int16_t> created(Client& c, kafka::CreateTopicsRequest request, int16_t version = 7) {
  const auto reply = co_await c.call<CreateReply>(version, std::move(request));
  co_return reply->message.topics.at(0).error_code;
}

// Trap 70.
TEST_CASE("what a topic cannot be is refused with Kafka's codes") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "there.is");
    EXPECT_EQ(co_await created(c, creating("there.is", 1)), 36);
    EXPECT_EQ(co_await created(c, creating("there_is", 1)), 17);
    EXPECT_EQ(co_await created(c, creating("..", 1)), 17);
    EXPECT_EQ(co_await created(c, creating("t", 0)), 37);
    EXPECT_EQ(co_await created(c, creating("t", 1, {{"no.such.config", "1"}})), 40);
    EXPECT_EQ(co_await created(c, creating("t", 1, {{"retention.ms", "soon"}})), 40);
    EXPECT_EQ(co_await created(c, creating("t", 1, {{"max.message.bytes", "-1"}})), 40);
    kafka::CreateTopicsRequest twice = creating("t", 1);
    twice.topics[0].replication_factor = 2;
    EXPECT_EQ(co_await created(c, twice), 38);
    kafka::CreateTopicsRequest placed = creating("t", -1);
    placed.topics[0].assignments.push_back({0, {5}});
    EXPECT_EQ(co_await created(c, placed), 39);
    const auto metadata = co_await c.call<kafka::MetadataResponse>(0, kafka::MetadataRequest{});
    EXPECT_EQ(metadata->message.topics.size(), 1u);
  });
}

TEST_CASE("texts of 32767 bytes are answered, not died of") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const std::string enormous(32'767, 'x');
    EXPECT_EQ(co_await created(c, creating(enormous, 1)), 17);
    EXPECT_EQ(co_await created(c, creating("a", 1, {{enormous, "1"}})), 40);
    EXPECT_EQ(co_await created(c, creating("b", 1, {{"retention.ms", enormous}})), 40);
    EXPECT_EQ(co_await delete_topic(c, enormous), 3);
    c.client_id = enormous;
    EXPECT_EQ(co_await created(c, creating("c", 1)), 0);
  });
}

// Trap 70.
TEST_CASE("more partitions than a request may ask for are refused, however many") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    for (const int32_t count : {10'001, 1'000'000, INT32_MAX}) {
      EXPECT_EQ(co_await created(c, creating("t", count)), 44);
    }
    kafka::CreateTopicsRequest many = creating("t0", 9000);
    many.topics.push_back(many.topics[0]);
    many.topics[1].name = "t1";
    EXPECT_EQ(co_await created(c, many), 44);
    EXPECT_EQ(co_await created(c, creating("t", 200)), 0);
    EXPECT_EQ((co_await produce(c, "t", 199, batch())).error, 0);
  });
}

// Traps 10 and 70.
TEST_CASE("a topic that is named twice is refused, and the others get their own configurations") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    kafka::CreateTopicsRequest request = creating("a", 1, {{"retention.ms", "1"}});
    request.topics.push_back(creating("a", 2).topics[0]);
    request.topics.push_back(creating("b", 3, {{"retention.ms", "77777"}}).topics[0]);
    const auto reply = co_await c.call<CreateReply>(7, std::move(request));
    CHECK(reply->message.topics.size() == 2);
    EXPECT_EQ(reply->message.topics[0].error_code, 42);
    const auto& b = reply->message.topics[1];
    EXPECT_EQ(b.name, "b");
    EXPECT_EQ(b.error_code, 0);
    EXPECT_EQ(b.num_partitions, 3);
    CHECK(b.configs.has_value());
    for (const auto& config : *b.configs) {
      if (config.name == "retention.ms") {
        EXPECT_EQ(config.value.value_or(""), "77777");
        EXPECT_EQ(config.config_source, 1);
      }
    }
  });
}

TEST_CASE("every one of very many topics is answered with its own configuration") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    std::vector<std::string> text;
    for (int i = 0; i < 500; ++i) text.push_back("t" + std::to_string(i));
    kafka::CreateTopicsRequest request;
    request.validate_only = true;
    for (const std::string& name : text) {
      const std::string_view ms = std::string_view(name).substr(1);
      request.topics.push_back(creating(name, 1, {{"retention.ms", ms}}).topics[0]);
    }
    const auto reply = co_await c.call<CreateReply>(7, std::move(request));
    REQUIRE(reply->message.topics.size() == text.size());
    for (size_t i = 0; i < text.size(); ++i) {
      const auto& topic = reply->message.topics[i];
      EXPECT_EQ(topic.name, text[i]);
      REQUIRE(topic.configs.has_value());
      const auto found = std::ranges::find(*topic.configs, "retention.ms",
                                           [](const auto& config) { return config.name; });
      REQUIRE(found != topic.configs->end());
      EXPECT_EQ(found->value.value_or(""), std::to_string(i));
    }
  });
}

// Trap 70.
TEST_CASE("validate_only says what would be and makes nothing") {
  Cluster cluster({{"num.partitions", "5"}});
  cluster.tell([](Client& c) -> Task<void> {
    kafka::CreateTopicsRequest request = creating("t", -1);
    request.validate_only = true;
    const auto reply = co_await c.call<CreateReply>(7, request);
    EXPECT_EQ(reply->message.topics.at(0).error_code, 0);
    EXPECT_EQ(reply->message.topics.at(0).num_partitions, 5);
    EXPECT_EQ(co_await delete_topic(c, "t"), 3);
  });
}

// Trap 70.
TEST_CASE(
    "topics are deleted by name or by id, unknown ones are 3 and 100, in the request's order") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid a = co_await create_topic(c, "a");
    co_await create_topic(c, "b");
    kafka::DeleteTopicsRequest request;
    request.topics.resize(4);
    request.topics[0].topic_id = a;
    request.topics[1].name = "nowhere";
    request.topics[2].topic_id.bytes[0] = 9;
    request.topics[3].name = "b";
    for (auto& topic : request.topics) {
      if (!topic.topic_id.is_zero()) topic.name.reset();
    }
    const auto reply = co_await c.call<kafka::DeleteTopicsResponse>(6, std::move(request));
    const auto& out = reply->message.responses;
    CHECK(out.size() == 4);
    EXPECT_EQ(out[0].error_code, 0);
    EXPECT_EQ(out[0].name.value_or(""), "a");
    EXPECT_EQ(out[1].error_code, 3);
    EXPECT_EQ(out[2].error_code, 100);
    EXPECT_EQ(out[3].error_code, 0);
    kafka::DeleteTopicsRequest old;
    old.topic_names = {"a"};
    const auto again = co_await c.call<kafka::DeleteTopicsResponse>(1, std::move(old));
    EXPECT_EQ(again->message.responses.at(0).error_code, 3);
  });
}

TEST_CASE("delete.topic.enable=false keeps topics") {
  Cluster cluster({{"delete.topic.enable", "false"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    EXPECT_EQ(co_await delete_topic(c, "t"), 73);
    EXPECT_EQ((co_await produce(c, "t", 0, batch())).error, 0);
  });
}

// Trap 69.
TEST_CASE("DescribeCluster names this node, its cluster, and refuses what it is not") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const auto reply =
        co_await c.call<kafka::DescribeClusterResponse>(2, kafka::DescribeClusterRequest{});
    EXPECT_EQ(reply->message.error_code, 0);
    EXPECT_EQ(reply->message.controller_id, 1);
    CHECK(reply->message.brokers.size() == 1);
    EXPECT_EQ(reply->message.brokers[0].port, 9092);
    for (const auto& [type, error] : {std::pair<int8_t, int16_t>{2, 114}, {9, 115}}) {
      kafka::DescribeClusterRequest other;
      other.endpoint_type = type;
      const auto refused = co_await c.call<kafka::DescribeClusterResponse>(2, std::move(other));
      EXPECT_EQ(refused->message.error_code, error);
    }
  });
}

// Trap 43.
TEST_CASE("topics, their ids and their records are there after a restart") {
  Cluster cluster({}, 2);
  static Uuid id;
  cluster.tell([](Client& c) -> Task<void> {
    id = co_await create_topic(c, "t", 2, {{"retention.ms", "-1"}});
    for (int32_t p = 0; p < 2; ++p) co_await produce(c, "t", p, batch({.records = 4}));
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    for (int32_t p = 0; p < 2; ++p) {
      FetchSpec spec;
      spec.topic_id = id;
      spec.partitions = {p};
      const auto reply = co_await fetch(c, spec, 16);
      EXPECT_EQ(only(reply).high_watermark, 4);
      EXPECT(bytes_of(reply) > 0);
      EXPECT_EQ((co_await produce(c, "t", p, batch())).base, 4);
    }
  });
}

}  // namespace
}  // namespace odradek::broker
