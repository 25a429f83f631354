#include "net/kafka/messages/delete_records_request.h"
#include "net/kafka/messages/delete_records_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

struct Deleted {
  int16_t error = 0;
  int64_t low_watermark = -1;
  bool operator==(const Deleted&) const = default;
};

Task<Deleted> delete_before(Client& c, std::string_view topic, int64_t offset,
                            int16_t version = 2) {
  kafka::DeleteRecordsRequest request;
  request.timeout_ms = 1000;
  auto& t = request.topics.emplace_back();
  t.name = topic;
  t.partitions.push_back({0, offset});
  const auto reply = co_await c.call<kafka::DeleteRecordsResponse>(version, std::move(request));
  const auto& p = reply->message.topics.at(0).partitions.at(0);
  co_return Deleted{p.error_code, p.low_watermark};
}

// Trap 72.
TEST_CASE("records are deleted up to the high watermark, and stay deleted") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    EXPECT_EQ((co_await produce(c, "t", 0, batch({.records = 10}))).base, 0);
    EXPECT((co_await delete_before(c, "t", 4, 0)) == Deleted{0, 4});
    EXPECT((co_await delete_before(c, "t", 2, 1)) == Deleted{0, 4});
    EXPECT((co_await delete_before(c, "t", 11)) == Deleted{1, -1});
    EXPECT((co_await delete_before(c, "t", -5)) == Deleted{1, -1});
    EXPECT_EQ(only(co_await fetch(c, {.topic = "t", .offset = 3})).error_code, 1);
    EXPECT_EQ(only(co_await fetch(c, {.topic = "t", .offset = 4})).error_code, 0);
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(only(co_await fetch(c, {.topic = "t", .offset = 3})).error_code, 1);
    EXPECT((co_await delete_before(c, "t", -1)) == Deleted{0, 10});
    EXPECT_EQ((co_await produce(c, "t", 0, batch())).base, 10);
  });
}

// Trap 72.
TEST_CASE("records of a topic that only compacts, or is not there, cannot be deleted") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1, {{"cleanup.policy", "compact"}});
    EXPECT((co_await delete_before(c, "t", -1)) == Deleted{44, -1});
    EXPECT((co_await delete_before(c, "nope", -1)) == Deleted{3, -1});
  });
}

TEST_CASE("records of the coordinators' topics cannot be deleted") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "__consumer_offsets", 1, {{"cleanup.policy", "delete"}});
    EXPECT((co_await delete_before(c, "__consumer_offsets", -1)) == Deleted{17, -1});
    EXPECT((co_await delete_before(c, "__transaction_state", -1)) == Deleted{3, -1});
  });
}

}  // namespace
}  // namespace odradek::broker
