#include "net/kafka/messages/create_partitions_request.h"
#include "net/kafka/messages/create_partitions_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

Task<Answered<kafka::CreatePartitionsResponse>> grow(Client& c, std::string_view topic,
                                                     int32_t count, bool validate_only = false,
                                                     int16_t version = 3) {
  kafka::CreatePartitionsRequest request;
  request.validate_only = validate_only;
  auto& t = request.topics.emplace_back();
  t.name = topic;
  t.count = count;
  t.assignments.reset();
  co_return co_await c.call<kafka::CreatePartitionsResponse>(version, std::move(request));
}

Task<size_t> partitions_of(Client& c, std::string_view topic) {
  kafka::MetadataRequest request;
  request.topics->emplace_back().name = topic;
  const auto reply = co_await c.call<kafka::MetadataResponse>(12, std::move(request));
  co_return reply->message.topics.at(0).partitions.size();
}

TEST_CASE("a new partition can be written to as soon as CreatePartitions is answered") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    EXPECT_EQ((co_await produce(c, "t", 1, batch())).base, 0);
    for (int16_t version = 0; version <= 3; ++version) {
      const auto reply = co_await grow(c, "t", 3 + version, false, version);
      EXPECT_EQ(reply->message.results.at(0).error_code, 0);
      EXPECT_EQ(reply->message.results.at(0).name, "t");
      EXPECT_EQ((co_await produce(c, "t", 2 + version, batch())).base, 0);
    }
    EXPECT_EQ(co_await partitions_of(c, "t"), 6u);
    EXPECT_EQ((co_await produce(c, "t", 1, batch())).base, 1);
  });
}

TEST_CASE("a request that only validates adds no partition") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    EXPECT_EQ((co_await grow(c, "t", 4, true))->message.results.at(0).error_code, 0);
    EXPECT_EQ(co_await partitions_of(c, "t"), 1u);
    EXPECT_EQ((co_await produce(c, "t", 1, batch())).error, 3);
  });
}

TEST_CASE("added partitions and their records are there after a restart") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    EXPECT_EQ((co_await grow(c, "t", 3))->message.results.at(0).error_code, 0);
    EXPECT_EQ((co_await produce(c, "t", 2, batch())).base, 0);
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await partitions_of(c, "t"), 3u);
    EXPECT_EQ((co_await produce(c, "t", 2, batch())).base, 1);
  });
}

TEST_CASE("what CreatePartitions cannot do is refused with Kafka's code and message") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 3);
    const auto same = co_await grow(c, "t", 3);
    EXPECT_EQ(same->message.results.at(0).error_code, 37);
    EXPECT_EQ(same->message.results.at(0).error_message.value_or(""),
              "Topic already has 3 partition(s).");
    EXPECT_EQ((co_await grow(c, "t", -1))->message.results.at(0).error_code, 37);
    const auto nowhere = co_await grow(c, "nowhere", 3);
    EXPECT_EQ(nowhere->message.results.at(0).error_code, 3);
    EXPECT(!nowhere->message.results.at(0).error_message);
    EXPECT_EQ((co_await grow(c, "t", 2'000'000))->message.results.at(0).error_code, 44);
    EXPECT_EQ(co_await partitions_of(c, "t"), 3u);
  });
}

}  // namespace
}  // namespace odradek::broker
