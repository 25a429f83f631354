#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

kafka::MetadataRequest asking(std::vector<std::string_view> names, bool create = true) {
  kafka::MetadataRequest request;
  for (const auto name : names) request.topics->emplace_back().name = name;
  request.allow_auto_topic_creation = create;
  return request;
}

kafka::MetadataRequest asking_all() {
  kafka::MetadataRequest request;
  request.topics.reset();
  return request;
}

// Trap 68.
TEST_CASE(
    "version 0 takes an empty list for all topics, later ones take null for all and empty for "
    "none") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "b");
    co_await create_topic(c, "a");
    const auto v0 = co_await c.call<kafka::MetadataResponse>(0, asking({}));
    EXPECT_EQ(v0->message.topics.size(), 2u);
    for (const int16_t version : {int16_t{1}, int16_t{4}, int16_t{9}, int16_t{13}}) {
      const auto none = co_await c.call<kafka::MetadataResponse>(version, asking({}));
      EXPECT(none->message.topics.empty());
      EXPECT_EQ(none->message.brokers.size(), 1u);
      const auto all = co_await c.call<kafka::MetadataResponse>(version, asking_all());
      CHECK(all->message.topics.size() == 2);
      EXPECT_EQ(*all->message.topics[0].name, "a");
    }
  });
}

// Traps 45 and 69.
TEST_CASE("a partition has its leader, replicas and in-sync replicas, all of them this node") {
  Cluster cluster({{"node.id", "7"}});
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t", 3);
    const auto reply = co_await c.call<kafka::MetadataResponse>(12, asking({"t"}));
    const auto& m = reply->message;
    EXPECT_EQ(m.controller_id, 7);
    EXPECT_EQ(m.cluster_id.value_or("").size(), 22u);
    CHECK(m.brokers.size() == 1);
    EXPECT_EQ(m.brokers[0].node_id, 7);
    EXPECT_EQ(m.brokers[0].host, "10.0.0.1");
    EXPECT_EQ(m.brokers[0].port, 9092);
    CHECK(m.topics.size() == 1);
    EXPECT(m.topics[0].topic_id == id);
    EXPECT_EQ(m.topics[0].topic_authorized_operations, INT32_MIN);
    CHECK(m.topics[0].partitions.size() == 3);
    for (const auto& p : m.topics[0].partitions) {
      EXPECT_EQ(p.leader_id, 7);
      EXPECT(p.replica_nodes == std::vector<int32_t>{7});
      EXPECT(p.isr_nodes == std::vector<int32_t>{7});
      EXPECT(p.offline_replicas.empty());
      EXPECT_EQ(p.leader_epoch, 0);
    }
  });
}

// Trap 68.
TEST_CASE("a missing topic is made and usable at once when both sides allow it") {
  Cluster cluster({{"num.partitions", "4"}}, 3);
  cluster.tell([](Client& c) -> Task<void> {
    const auto refused = co_await c.call<kafka::MetadataResponse>(12, asking({"t"}, false));
    EXPECT_EQ(refused->message.topics.at(0).error_code, 3);
    const auto made = co_await c.call<kafka::MetadataResponse>(12, asking({"t", "t", "u"}));
    CHECK(made->message.topics.size() == 2);
    for (const auto& topic : made->message.topics) {
      EXPECT_EQ(topic.error_code, 0);
      EXPECT_EQ(topic.partitions.size(), 4u);
    }
    for (int32_t p = 0; p < 4; ++p) EXPECT_EQ((co_await produce(c, "t", p, batch())).error, 0);
    // Versions below 4 have no say.
    const auto old = co_await c.call<kafka::MetadataResponse>(3, asking({"v"}));
    EXPECT_EQ(old->message.topics.at(0).error_code, 0);
  });
}

TEST_CASE("auto.create.topics.enable=false leaves missing topics unknown") {
  Cluster cluster({{"auto.create.topics.enable", "false"}});
  cluster.tell([](Client& c) -> Task<void> {
    const auto reply = co_await c.call<kafka::MetadataResponse>(12, asking({"t"}));
    EXPECT_EQ(reply->message.topics.at(0).error_code, 3);
    EXPECT_EQ(*reply->message.topics.at(0).name, "t");
    const auto all = co_await c.call<kafka::MetadataResponse>(12, asking_all());
    EXPECT(all->message.topics.empty());
  });
}

// Trap 70.
TEST_CASE("names that cannot be topics are INVALID_TOPIC, and are not made") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const std::string longest(249, 'x');
    const std::string longer(250, 'x');
    const std::string enormous(32'767, '!');
    const std::vector<std::string_view> bad = {"",    ".",        "..",   "a b",
                                               "a/b", "\xc3\xa9", longer, enormous};
    const auto reply = co_await c.call<kafka::MetadataResponse>(12, asking(bad));
    CHECK(reply->message.topics.size() == bad.size());
    for (size_t i = 0; i < bad.size(); ++i) {
      EXPECT_EQ(reply->message.topics[i].error_code, 17);
      EXPECT_EQ(*reply->message.topics[i].name, bad[i]);
    }
    const auto good = co_await c.call<kafka::MetadataResponse>(12, asking({longest}));
    EXPECT_EQ(good->message.topics.at(0).error_code, 0);
  });
}

// Trap 68.
TEST_CASE("a topic is found by its id, and an unknown id is UNKNOWN_TOPIC_ID") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t");
    kafka::MetadataRequest request = asking({""});
    request.include_topic_authorized_operations = true;
    request.topics->at(0).topic_id = id;
    request.topics->at(0).name.reset();
    const auto found = co_await c.call<kafka::MetadataResponse>(12, request);
    EXPECT_EQ(found->message.topics.at(0).error_code, 0);
    EXPECT_EQ(found->message.topics.at(0).name.value_or("-"), "t");
    EXPECT_EQ(found->message.topics.at(0).topic_authorized_operations, 3576);
    request.topics->at(0).topic_id.bytes[5] ^= 1;
    const auto other = co_await c.call<kafka::MetadataResponse>(12, request);
    EXPECT_EQ(other->message.topics.at(0).error_code, 100);
    EXPECT(other->message.topics.at(0).topic_id == request.topics->at(0).topic_id);
    EXPECT_EQ(other->message.topics.at(0).topic_authorized_operations, INT32_MIN);
  });
}

TEST_CASE("ids, or no name, before version 12 spoil the whole request") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t");
    kafka::MetadataRequest request = asking({"t", "u"});
    request.topics->at(0).topic_id = id;
    const auto reply = co_await c.call<kafka::MetadataResponse>(10, request);
    REQUIRE(reply->message.topics.size() == 2);
    EXPECT_EQ(reply->message.topics[0].error_code, 42);
    EXPECT_EQ(reply->message.topics[1].error_code, 42);
    EXPECT(reply->message.topics[0].topic_id == id);
    EXPECT(reply->message.topics[1].topic_id.is_zero());
    EXPECT(reply->message.brokers.empty());
    request = asking({"t", ""});
    request.topics->at(1).name.reset();
    const auto nameless = co_await c.call<kafka::MetadataResponse>(11, request);
    REQUIRE(nameless->message.topics.size() == 2);
    EXPECT_EQ(nameless->message.topics[0].error_code, 42);
    EXPECT_EQ(nameless->message.topics[1].error_code, 42);
    EXPECT_EQ(nameless->message.topics[1].name.value_or("-"), "");
  });
}

TEST_CASE(
    "a topic that is asked for twice is told once, and one id makes names count for nothing") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t");
    co_await create_topic(c, "u");
    const auto twice = co_await c.call<kafka::MetadataResponse>(
        12, asking({"t", "u", "t", "nope", "nope"}, false));
    EXPECT_EQ(twice->message.topics.size(), 3u);
    kafka::MetadataRequest request = asking({"u", "", "made"});
    request.topics->at(1).topic_id = id;
    request.topics->at(1).name.reset();
    const auto mixed = co_await c.call<kafka::MetadataResponse>(12, request);
    REQUIRE(mixed->message.topics.size() == 1);
    EXPECT_EQ(mixed->message.topics[0].name.value_or(""), "t");
  });
}

TEST_CASE("a request of very many names is told of each once, in its order, with its own error") {
  Cluster cluster({{"num.partitions", "1"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "a.b");
    std::vector<std::string> text{"a_b", "bad name"};
    // More topics than one request may make: none of them is.
    for (int i = 0; i < 12'000; ++i) text.push_back("t" + std::to_string(i));
    std::vector<std::string_view> names(text.begin(), text.end());
    names.insert(names.end(), text.begin(), text.end());
    names.push_back("a.b");
    const auto reply = co_await c.call<kafka::MetadataResponse>(12, asking(names));
    const auto& topics = reply->message.topics;
    REQUIRE(topics.size() == text.size() + 1);
    for (size_t i = 0; i < text.size(); ++i) {
      EXPECT_EQ(topics[i].name.value_or(""), text[i]);
      EXPECT_EQ(topics[i].error_code, 44);
    }
    EXPECT_EQ(topics.back().error_code, 0);
    const auto few =
        co_await c.call<kafka::MetadataResponse>(12, asking({"bad name", "a_b", "u", "a_b"}));
    REQUIRE(few->message.topics.size() == 3);
    EXPECT_EQ(few->message.topics[0].error_code, 17);
    EXPECT_EQ(few->message.topics[1].error_code, 17);
    EXPECT_EQ(few->message.topics[2].error_code, 0);
  });
}

// Trap 43.
TEST_CASE("a topic that was deleted and made again has another id and starts empty") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid first = co_await create_topic(c, "t", 2);
    for (int32_t p = 0; p < 2; ++p) co_await produce(c, "t", p, batch());
    EXPECT_EQ(co_await delete_topic(c, "t"), 0);
    EXPECT_EQ((co_await produce(c, "t", 0, batch())).error, 3);
    const Uuid second = co_await create_topic(c, "t", 2);
    EXPECT_FALSE(first == second);
    for (int32_t p = 0; p < 2; ++p) EXPECT_EQ((co_await produce(c, "t", p, batch())).base, 0);
  });
}

}  // namespace
}  // namespace odradek::broker
