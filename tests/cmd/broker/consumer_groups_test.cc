// Groups of the consumer protocol (KIP-848) through a whole broker; the coordinator itself is told
// in tests/replication/group.
#include "net/kafka/messages/consumer_group_describe_request.h"
#include "net/kafka/messages/consumer_group_describe_response.h"
#include "net/kafka/messages/consumer_group_heartbeat_request.h"
#include "net/kafka/messages/consumer_group_heartbeat_response.h"
#include "net/kafka/messages/create_partitions_request.h"
#include "net/kafka/messages/create_partitions_response.h"
#include "net/kafka/messages/describe_groups_request.h"
#include "net/kafka/messages/describe_groups_response.h"
#include "net/kafka/messages/list_groups_request.h"
#include "net/kafka/messages/list_groups_response.h"
#include "tests/cmd/broker/group_verbs.h"

namespace odradek::broker {
namespace {

const Properties kAtOnce = {{"group.consumer.assignment.interval.ms", "0"}};

struct Consumer {
  std::string id;
  int32_t epoch = 0;
  std::set<int32_t> partitions;  // of whatever topic
};

// One heartbeat that says everything; the error.
Task<int16_t> beat(Client& client, Consumer& me, std::string_view topic, std::string regex = "") {
  kafka::ConsumerGroupHeartbeatRequest request;
  request.group_id = "g";
  request.member_id = me.id;
  request.member_epoch = me.epoch;
  request.rebalance_timeout_ms = 30'000;
  request.subscribed_topic_names.emplace();
  if (!topic.empty()) request.subscribed_topic_names->push_back(topic);
  if (!regex.empty()) request.subscribed_topic_regex = regex;
  request.topic_partitions.emplace();
  const auto reply = co_await client.call<kafka::ConsumerGroupHeartbeatResponse>(1, request);
  const auto& answer = reply->message;
  if (answer.error_code != 0) co_return answer.error_code;
  EXPECT_EQ(answer.member_id, me.id);
  EXPECT_EQ(answer.heartbeat_interval_ms, 5'000);
  me.epoch = answer.member_epoch;
  me.partitions.clear();
  for (const auto& t : answer.assignment->topic_partitions) {
    me.partitions.insert(t.partitions.begin(), t.partitions.end());
  }
  co_return answer.error_code;
}

// The error; with the member's epoch.
Task<int16_t> commit_as(Client& client, const Consumer& me, int64_t offset, int16_t version = 9) {
  kafka::OffsetCommitRequest request;
  request.group_id = "g";
  request.generation_id_or_member_epoch = me.epoch;
  request.member_id = me.id;
  auto& t = request.topics.emplace_back();
  t.name = "t";
  t.partitions.emplace_back().committed_offset = offset;
  const auto reply = co_await client.call<kafka::OffsetCommitResponse>(version, request);
  co_return reply->message.topics.at(0).partitions.at(0).error_code;
}

// Trap 65.
TEST_CASE("a consumer joins, commits with its epoch, and goes on after a restart") {
  static Consumer me{"m", 0, {}};
  Cluster cluster(kAtOnce, 3);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 3);
    EXPECT_EQ(co_await beat(c, me, "t"), 16);  // nobody coordinates yet
    co_await find_coordinator(c, "g");
    EXPECT_EQ(co_await beat(c, me, "t"), 0);
    EXPECT_EQ(me.epoch, 2);
    EXPECT_EQ(me.partitions.size(), 3u);
    EXPECT_EQ(co_await commit_as(c, me, 5), 0);
    EXPECT_EQ(co_await commit_as(c, me, 6, 8), 35);
    EXPECT_EQ(co_await commit_as(c, {"m", 3, {}}, 6), 113);
    EXPECT_EQ(co_await commit_as(c, {"n", 1, {}}, 6), 25);
    Consumer late{"m", 7, {}};
    EXPECT_EQ(co_await beat(c, late, "t"), 110);
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await committed_when_loaded(c, "g"), 5);
    EXPECT_EQ(co_await beat(c, me, "t"), 0);
    EXPECT_EQ(me.epoch, 2);
    EXPECT_EQ(me.partitions.size(), 3u);
    EXPECT_EQ(co_await commit_as(c, me, 7), 0);
  });
}

// Trap 66.
TEST_CASE("topics that are made or grow reach who subscribed to them by a regular expression") {
  Cluster cluster(kAtOnce, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    co_await find_coordinator(c, "g");
    Consumer me{"m", 0, {}};
    EXPECT_EQ(co_await beat(c, me, "", "("), 128);
    EXPECT_EQ(co_await beat(c, me, "", "[tu]"), 0);
    EXPECT_EQ(me.partitions.size(), 1u);
    co_await create_topic(c, "u", 4);
    co_await reactor::sleep_for(11s);
    EXPECT_EQ(co_await beat(c, me, "", "[tu]"), 0);
    EXPECT_EQ(me.partitions.size(), 4u);  // 0 of t, 0 to 3 of u
    EXPECT_EQ(me.epoch, 3);
    kafka::CreatePartitionsRequest grow;
    auto& topic = grow.topics.emplace_back();
    topic.name = "t";
    topic.count = 6;
    topic.assignments.reset();
    grow.timeout_ms = 5'000;
    co_await c.call<kafka::CreatePartitionsResponse>(3, grow);
    EXPECT_EQ(co_await beat(c, me, "", "[tu]"), 0);
    EXPECT_EQ(me.partitions.size(), 6u);
    EXPECT_EQ(me.epoch, 4);
  });
}

TEST_CASE("consumer groups are described with their epochs and listed with their type") {
  Cluster cluster(kAtOnce, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    co_await find_coordinator(c, "g");
    Consumer me{"m", 0, {}};
    EXPECT_EQ(co_await beat(c, me, "t"), 0);
    co_await commit(c, "classic", 1);
    kafka::ConsumerGroupDescribeRequest describe;
    describe.group_ids = {"g", "classic", "never"};
    describe.include_authorized_operations = true;
    const auto reply = co_await c.call<kafka::ConsumerGroupDescribeResponse>(1, describe);
    const auto& g = reply->message.groups.at(0);
    EXPECT_EQ(g.error_code, 0);
    EXPECT_EQ(g.group_state, "Stable");
    EXPECT_EQ(g.group_epoch, 2);
    EXPECT_EQ(g.assignment_epoch, 2);
    EXPECT_EQ(g.assignor_name, "uniform");
    EXPECT_EQ(g.authorized_operations, 3400);
    REQUIRE_EQ(g.members.size(), 1u);
    EXPECT_EQ(g.members[0].member_type, 1);
    EXPECT_EQ(g.members[0].subscribed_topic_names.at(0), "t");
    EXPECT_EQ(g.members[0].assignment.topic_partitions.at(0).topic_name, "t");
    EXPECT_EQ(g.members[0].target_assignment.topic_partitions.at(0).partitions.size(), 2u);
    EXPECT_EQ(reply->message.groups.at(1).error_code, 69);
    EXPECT_EQ(reply->message.groups.at(1).error_message.value_or(""),
              "Group classic is not a consumer group.");
    EXPECT_EQ(reply->message.groups.at(2).error_code, 69);
    kafka::ListGroupsRequest list;
    list.types_filter = {"Consumer"};
    const auto listed = co_await c.call<kafka::ListGroupsResponse>(5, list);
    REQUIRE_EQ(listed->message.groups.size(), 1u);
    EXPECT_EQ(listed->message.groups[0].group_type, "consumer");
    EXPECT_EQ(listed->message.groups[0].group_state, "Stable");
    kafka::DescribeGroupsRequest old;
    old.groups = {"g"};
    const auto other = co_await c.call<kafka::DescribeGroupsResponse>(6, old);
    EXPECT_EQ(other->message.groups.at(0).error_code, 69);
    EXPECT_EQ(other->message.groups.at(0).error_message.value_or(""),
              "Group g is not a classic group.");
  });
}

TEST_CASE("without the consumer protocol its APIs are not there, and the classic ones are") {
  Cluster cluster({{"group.coordinator.rebalance.protocols", "classic"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    co_await find_coordinator(c, "g");
    Consumer me{"m", 0, {}};
    EXPECT_EQ(co_await beat(c, me, "t"), 35);
    kafka::ConsumerGroupDescribeRequest describe;
    describe.group_ids = {"g"};
    const auto reply = co_await c.call<kafka::ConsumerGroupDescribeResponse>(0, describe);
    EXPECT_EQ(reply->message.groups.at(0).error_code, 35);
    EXPECT_EQ(co_await commit(c, "g", 1), 0);
  });
}

}  // namespace
}  // namespace odradek::broker
