#include "net/kafka/messages/list_offsets_request.h"
#include "net/kafka/messages/list_offsets_response.h"
#include "net/kafka/messages/offset_for_leader_epoch_request.h"
#include "net/kafka/messages/offset_for_leader_epoch_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

constexpr int64_t kBegin = 1'767'225'600'000;

struct Found {
  int16_t error = 0;
  int64_t offset = 0;
  int64_t timestamp = 0;
  bool operator==(const Found&) const = default;
};

struct Ask {
  int64_t timestamp = 0;
  int16_t version = 11;
  int8_t isolation = 0;
  int32_t partition = 0;
  int32_t leader_epoch = -1;
};

kafka::ListOffsetsRequest listing(const Ask& ask) {
  kafka::ListOffsetsRequest request;
  request.replica_id = -1;
  request.isolation_level = ask.isolation;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  auto& p = topic.partitions.emplace_back();
  p.partition_index = ask.partition;
  p.timestamp = ask.timestamp;
  p.current_leader_epoch = ask.leader_epoch;
  return request;
}

Task<Found> look_up(Client& c, Ask ask) {
  const auto reply = co_await c.call<kafka::ListOffsetsResponse>(ask.version, listing(ask));
  const auto& p = reply->message.topics.at(0).partitions.at(0);
  co_return Found{p.error_code, p.offset, p.timestamp};
}

// Trap 40.
TEST_CASE("the special times give offsets, and a time of -1") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    for (const int64_t time : {-1, -2, -4}) {
      EXPECT((co_await look_up(c, {.timestamp = time})) == Found{0, 0, -1});
    }
    // Nothing has a time, nothing is tiered, nothing waits for an upload.
    for (const int64_t time : {-3, -5, -6}) {
      EXPECT((co_await look_up(c, {.timestamp = time})) == Found{0, -1, -1});
    }
    co_await produce(c, "t", 0, batch({.records = 3, .timestamp = kBegin - 1000}));
    co_await produce(c, "t", 0, batch({.records = 3, .timestamp = kBegin - 5000}));
    for (const int8_t isolation : {int8_t{0}, int8_t{1}}) {
      EXPECT((co_await look_up(c, {.timestamp = -1, .isolation = isolation})) == Found{0, 6, -1});
    }
    EXPECT((co_await look_up(c, {.timestamp = -2})) == Found{0, 0, -1});
    EXPECT((co_await look_up(c, {.timestamp = -3})) == Found{0, 2, kBegin - 998});
    // Nothing is tiered, and nothing waits to be.
    EXPECT((co_await look_up(c, {.timestamp = -5})) == Found{0, -1, -1});
    EXPECT((co_await look_up(c, {.timestamp = -6})) == Found{0, -1, -1});
  });
}

// Trap 40.
TEST_CASE("a time finds the first record at or after it, and nothing beyond the last") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await produce(c, "t", 0, batch({.records = 3, .timestamp = kBegin}));
    co_await produce(c, "t", 0, batch({.records = 3, .timestamp = kBegin + 10}));
    EXPECT((co_await look_up(c, {.timestamp = 0})) == Found{0, 0, kBegin});
    EXPECT((co_await look_up(c, {.timestamp = kBegin + 1})) == Found{0, 1, kBegin + 1});
    EXPECT((co_await look_up(c, {.timestamp = kBegin + 3})) == Found{0, 3, kBegin + 10});
    EXPECT((co_await look_up(c, {.timestamp = kBegin + 12})) == Found{0, 5, kBegin + 12});
    EXPECT((co_await look_up(c, {.timestamp = kBegin + 13})) == Found{0, -1, -1});
    EXPECT((co_await look_up(c, {.timestamp = INT64_MAX})) == Found{0, -1, -1});
  });
}

// Trap 40.
TEST_CASE("a special time that a version does not have is UNSUPPORTED_VERSION") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    for (const auto& [time, first] :
         {std::pair<int64_t, int16_t>{-3, 7}, {-4, 8}, {-5, 9}, {-6, 11}}) {
      const auto before = static_cast<int16_t>(first - 1);
      EXPECT_EQ((co_await look_up(c, {.timestamp = time, .version = before})).error, 35);
      EXPECT_EQ((co_await look_up(c, {.timestamp = time, .version = first})).error, 0);
    }
    EXPECT_EQ((co_await look_up(c, {.timestamp = -7})).error, 35);
    EXPECT_EQ((co_await look_up(c, {.timestamp = INT64_MIN})).error, 35);
    // It is looked at before anything else.
    EXPECT_EQ((co_await look_up(c, {.timestamp = -7, .partition = 9})).error, 35);
    EXPECT_EQ((co_await look_up(c, {.timestamp = -7, .leader_epoch = 9})).error, 35);
  });
}

// Traps 10 and 30.
TEST_CASE(
    "a partition that is named twice is INVALID_REQUEST once, unknown ones are 3, epochs are "
    "checked") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    kafka::ListOffsetsRequest request = listing({.timestamp = -1});
    request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
    request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
    request.topics[0].partitions[1].partition_index = 1;
    const auto reply = co_await c.call<kafka::ListOffsetsResponse>(11, std::move(request));
    const auto& parts = reply->message.topics.at(0).partitions;
    CHECK(parts.size() == 2);
    EXPECT_EQ(parts[0].error_code, 42);
    EXPECT_EQ(parts[1].error_code, 0);
    EXPECT_EQ((co_await look_up(c, {.timestamp = -1, .partition = 9})).error, 3);
    EXPECT_EQ((co_await look_up(c, {.timestamp = -1, .leader_epoch = 5})).error, 75);
    EXPECT_EQ((co_await look_up(c, {.timestamp = -1, .leader_epoch = -2})).error, 74);
  });
}

// Trap 42.
TEST_CASE("OffsetForLeaderEpoch tells where an epoch ended") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await produce(c, "t", 0, batch({.records = 3}));
  });
  cluster.world().kill(cluster.broker());
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    co_await produce(c, "t", 0, batch());
    struct Want {
      int32_t asked;
      int32_t epoch;
      int64_t end;
    };
    for (const Want want : {Want{0, 0, 3}, {1, 1, 4}, {2, -1, -1}}) {
      kafka::OffsetForLeaderEpochRequest request;
      request.replica_id = -1;
      auto& topic = request.topics.emplace_back();
      topic.topic = "t";
      auto& p = topic.partitions.emplace_back();
      p.partition = 0;
      p.leader_epoch = want.asked;
      const auto reply =
          co_await c.call<kafka::OffsetForLeaderEpochResponse>(4, std::move(request));
      const auto& got = reply->message.topics.at(0).partitions.at(0);
      EXPECT_EQ(got.error_code, 0);
      EXPECT_EQ(got.leader_epoch, want.epoch);
      EXPECT_EQ(got.end_offset, want.end);
    }
  });
}

}  // namespace
}  // namespace odradek::broker
