#include "net/kafka/messages/delete_groups_request.h"
#include "net/kafka/messages/delete_groups_response.h"
#include "net/kafka/messages/describe_groups_request.h"
#include "net/kafka/messages/describe_groups_response.h"
#include "net/kafka/messages/leave_group_request.h"
#include "net/kafka/messages/leave_group_response.h"
#include "net/kafka/messages/list_groups_request.h"
#include "net/kafka/messages/list_groups_response.h"
#include "net/kafka/messages/offset_delete_request.h"
#include "net/kafka/messages/offset_delete_response.h"
#include "tests/cmd/broker/group_verbs.h"

namespace odradek::broker {
namespace {

const Properties kNoDelay = {{"group.initial.rebalance.delay.ms", "0"}};

// Trap 55.
TEST_CASE("the coordinator of a group is this broker, at the listener that was asked") {
  Cluster cluster({{"advertised.listeners", "PLAINTEXT://kafka.example:7777"},
                   {"offsets.topic.num.partitions", "7"}});
  cluster.tell([](Client& c) -> Task<void> {
    kafka::FindCoordinatorRequest one;
    one.key = "g";
    const auto old = co_await c.call<kafka::FindCoordinatorResponse>(2, one);
    EXPECT_EQ(old->message.error_code, 0);
    EXPECT_EQ(old->message.host, "kafka.example");
    EXPECT_EQ(old->message.port, 7777);
    one.key_type = 1;
    const auto transaction = co_await c.call<kafka::FindCoordinatorResponse>(2, one);
    EXPECT_EQ(transaction->message.error_code, 15);
    kafka::FindCoordinatorRequest many;
    many.coordinator_keys = {"a", "b"};
    const auto batched = co_await c.call<kafka::FindCoordinatorResponse>(6, many);
    REQUIRE_EQ(batched->message.coordinators.size(), 2u);
    EXPECT_EQ(batched->message.coordinators[1].key, "b");
    EXPECT_EQ(batched->message.coordinators[1].node_id, 1);
    const auto topics = co_await c.call<kafka::MetadataResponse>(1, [] {
      kafka::MetadataRequest r;
      r.topics = std::nullopt;
      return r;
    }());
    REQUIRE_EQ(topics->message.topics.size(), 1u);
    EXPECT_EQ(topics->message.topics[0].name, "__consumer_offsets");
    EXPECT(topics->message.topics[0].is_internal);
    EXPECT_EQ(topics->message.topics[0].partitions.size(), 7u);
  });
}

TEST_CASE("a group's partition is Java's hash of its name") {
  EXPECT_EQ(partition_of_group("", 50), 0);
  EXPECT_EQ(partition_of_group("g", 50), 3);                   // 103
  EXPECT_EQ(partition_of_group("my-group", 50), 12);           // -1,906,497,762
  EXPECT_EQ(partition_of_group("polygenelubricants", 50), 0);  // -2^31: Kafka's abs says 0
  EXPECT_EQ(partition_of_group("\xc3\xa9", 50), 33);           // U+00E9: 233
  EXPECT_EQ(partition_of_group("\xf0\x9f\x98\x80", 50),        // D83D DE00
            (0xd83d * 31 + 0xde00) % 50);
}

TEST_CASE("without the internal topic nobody coordinates") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ((co_await join(c, "g")).error, 16);
    EXPECT_EQ(co_await committed(c, "g"), -1016);
    const auto list = co_await c.call<kafka::ListGroupsResponse>(4, kafka::ListGroupsRequest{});
    EXPECT_EQ(list->message.error_code, 0);
    EXPECT(list->message.groups.empty());
  });
}

// The names that the answer to a commit has, one topic after the other, with how many partitions.
static Task<std::string> places(Client& c, const std::vector<std::string_view>& topics) {
  kafka::OffsetCommitRequest request;
  request.group_id = "g";
  request.generation_id_or_member_epoch = -1;
  for (const std::string_view topic : topics) {
    auto& named = request.topics.emplace_back();
    named.name = topic;
    named.partitions.emplace_back().committed_offset = 1;
  }
  const auto reply = co_await c.call<kafka::OffsetCommitResponse>(5, request);
  std::string out;
  for (const auto& topic : reply->message.topics) {
    out += std::string(topic.name) + ":" + std::to_string(topic.partitions.size()) + " ";
  }
  co_return out;
}

TEST_CASE("a topic that a commit names twice is answered once when anything is refused") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    EXPECT_EQ(co_await find_coordinator(c, "g"), 0);
    EXPECT_EQ(co_await places(c, {"t", "t"}), "t:1 t:1 ");
    EXPECT_EQ(co_await places(c, {"no", "t", "no", "t"}), "no:2 t:2 ");
  });
}

// Trap 58; a parked join holds up its own connection only.
TEST_CASE("who may not join hears the member id that it came with") {
  Cluster cluster(kNoDelay);
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await find_coordinator(c, "g"), 0);
    const Joined stranger = co_await join(c, "g", "stranger");
    EXPECT_EQ(stranger.error, 25);
    EXPECT_EQ(stranger.member, "stranger");
    const Joined nowhere = co_await join(c, "", "stranger");
    EXPECT_EQ(nowhere.error, 24);
    EXPECT_EQ(nowhere.member, "stranger");
    const Bytes metadata = subscription_to("t");
    kafka::JoinGroupRequest request = joining("g", metadata, "stranger");
    request.session_timeout_ms = 1;
    const auto reply = co_await c.call<kafka::JoinGroupResponse>(9, request);
    EXPECT_EQ(reply->message.error_code, 26);
    EXPECT_EQ(reply->message.member_id, "stranger");
  });
}

TEST_CASE("two members on any shards share a group, and one that leaves makes the other rejoin") {
  for (const uint32_t shards : {1u, 4u}) {
    Cluster cluster(kNoDelay, shards);
    cluster.tell([](Client& c) -> Task<void> {
      co_await create_topic(c, "t", 2);
      EXPECT_EQ(co_await find_coordinator(c, "g"), 0);
      Joined one = co_await join(c, "g");
      EXPECT_EQ(one.error, 0);
      EXPECT_EQ(one.members, std::vector{one.member});
      EXPECT_EQ((co_await sync(c, "g", one, {{one.member, "all"}})).assignment, "all");

      Client other;
      co_await other.connect();
      const Bytes metadata = subscription_to("t");
      co_await other.post(3, joining("g", metadata));  // parked
      while (co_await heartbeat(c, "g", one) != 27) co_await reactor::sleep_for(1ms);
      one = co_await join(c, "g", one.member);
      const auto two = joined((co_await other.next<kafka::JoinGroupResponse>(3))->message);
      EXPECT_EQ(two.error, 0);
      EXPECT_EQ(two.generation, 2);
      EXPECT_EQ(one.members.size(), 2u);
      EXPECT_EQ(two.leader, one.member);
      kafka::SyncGroupRequest waiting;
      waiting.group_id = "g";
      waiting.generation_id = 2;
      waiting.member_id = two.member;
      co_await other.post(3, waiting);
      co_await reactor::sleep_for(10ms);
      EXPECT_EQ(
          (co_await sync(c, "g", one, {{one.member, "left"}, {two.member, "right"}})).assignment,
          "left");
      const auto right = co_await other.next<kafka::SyncGroupResponse>(3);
      EXPECT_EQ(as_text(right->message.assignment), "right");

      EXPECT_EQ(co_await commit(c, "g", 5, one), 0);
      EXPECT_EQ(co_await committed(c, "g"), 5);
      Joined stale = one;
      stale.generation = 1;
      EXPECT_EQ(co_await commit(c, "g", 6, stale), 22);
      kafka::LeaveGroupRequest leave;
      leave.group_id = "g";
      leave.member_id = two.member;
      const auto left = co_await other.call<kafka::LeaveGroupResponse>(2, leave);
      EXPECT_EQ(left->message.error_code, 0);
      EXPECT_EQ(co_await heartbeat(c, "g", one), 27);
      co_await other.close();
    });
  }
}

TEST_CASE("groups and offsets are there again after a restart, on whatever shard") {
  static Joined me;
  Cluster cluster(kNoDelay, 3);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    co_await find_coordinator(c, "g");
    me = co_await join(c, "g");
    co_await sync(c, "g", me, {{me.member, "all"}});
    EXPECT_EQ(co_await commit(c, "g", 7, me), 0);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(co_await commit(c, "simple-" + std::to_string(i), i), 0);
    }
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await committed_when_loaded(c, "g"), 7);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(co_await committed_when_loaded(c, "simple-" + std::to_string(i)), i);
    }
    EXPECT_EQ(co_await heartbeat(c, "g", me), 0);
    EXPECT_EQ((co_await sync(c, "g", me)).assignment, "all");
  });
}

// Trap 64.
TEST_CASE("a stop does not wait for parked members") {
  Cluster cluster({{"group.initial.rebalance.delay.ms", "3600000"}}, 2);
  cluster.tell([](Client& c) -> Task<void> { co_await find_coordinator(c, "g"); });
  cluster.begin([](Client& c) -> Task<void> {
    const Bytes metadata = subscription_to("t");
    kafka::JoinGroupRequest request = joining("g", metadata);
    request.rebalance_timeout_ms = 7'200'000;
    const auto reply = co_await c.call<kafka::JoinGroupResponse>(3, request);
    EXPECT_EQ(reply->message.error_code, 16);
  });
  cluster.world().run_for(2s);
  EXPECT(cluster.stop() < 1s);
}

// Trap 62.
TEST_CASE("deleting a topic deletes its offsets, and deleting a group all of them") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    co_await create_topic(c, "u", 1);
    co_await find_coordinator(c, "g");
    EXPECT_EQ(co_await commit(c, "g", 1), 0);
    EXPECT_EQ(co_await commit(c, "g", 2, {}, "u"), 0);
    EXPECT_EQ(co_await commit(c, "g", 2, {}, "nothing"), 3);
    EXPECT_EQ(co_await commit(c, "g", 2, {}, "u", 1), 3);
    EXPECT_EQ(co_await delete_topic(c, "t"), 0);
    EXPECT_EQ(co_await committed(c, "g"), -1);
    EXPECT_EQ(co_await committed(c, "g", "u"), 2);
    kafka::OffsetDeleteRequest removal;
    removal.group_id = "g";
    removal.topics.push_back({"u", {{0}}});
    const auto removed = co_await c.call<kafka::OffsetDeleteResponse>(0, removal);
    EXPECT_EQ(removed->message.error_code, 0);
    EXPECT_EQ(removed->message.topics.at(0).partitions.at(0).error_code, 0);
    EXPECT_EQ(co_await committed(c, "g", "u"), -1);
    EXPECT_EQ(co_await commit(c, "g", 3, {}, "u"), 0);
    kafka::DeleteGroupsRequest gone;
    gone.groups_names = {"g", "never", "g"};
    const auto result = co_await c.call<kafka::DeleteGroupsResponse>(2, gone);
    REQUIRE(result->message.results.size() == 2);
    EXPECT_EQ(result->message.results.at(0).error_code, 0);
    EXPECT_EQ(result->message.results.at(1).error_code, 69);
    EXPECT_EQ(co_await committed(c, "g", "u"), -1);
  });
}

static reactor::sim::Disk* disk;

// One answer from each kind of version: the group's own, several groups by name, by id.
static Task<std::vector<int64_t>> committed_by_version(Client& c, Uuid topic) {
  std::vector<int64_t> out;
  kafka::OffsetFetchRequest one;
  one.group_id = "g";
  one.topics->push_back({"t", {0}});
  const auto old = co_await c.call<kafka::OffsetFetchResponse>(5, one);
  out.push_back(old->message.topics.at(0).partitions.at(0).committed_offset);
  out.push_back(co_await committed(c, "g"));
  kafka::OffsetFetchRequest many;
  auto& group = many.groups.emplace_back();
  group.group_id = "g";
  group.topics->push_back({.topic_id = topic, .partition_indexes = {0}});
  const auto by_id = co_await c.call<kafka::OffsetFetchResponse>(10, many);
  out.push_back(by_id->message.groups.at(0).topics.at(0).partitions.at(0).committed_offset);
  co_return out;
}

TEST_CASE("a topic made anew has no offsets of the old one, deleted while the disk was full") {
  Cluster cluster(
      {{"offsets.retention.check.interval.ms", "60000"}, {"offsets.topic.num.partitions", "1"}});
  disk = &cluster.world().disk(cluster.broker());
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid first = co_await create_topic(c, "t", 8);
    co_await create_topic(c, "other");
    co_await find_coordinator(c, "g");
    for (int i = 0; i < 8; ++i) EXPECT_EQ(co_await commit(c, "g", 5, {}, "t", i), 0);
    EXPECT((co_await committed_by_version(c, first)) == std::vector<int64_t>{5, 5, 5});
    const uint64_t capacity = std::exchange(disk->options().capacity_bytes, disk->used_bytes());
    // What was allocated takes some more, but not the tombstones of eight partitions.
    int16_t full = 0;
    for (int i = 0; i < 5'000 && full == 0; ++i) {
      full = co_await commit(c, "other", i, {}, "other");
    }
    EXPECT(full != 0);
    EXPECT_EQ(co_await delete_topic(c, "t"), 0);
    disk->options().capacity_bytes = capacity;
    co_await reactor::sleep_for(5s);
    const Uuid second = co_await create_topic(c, "t");
    EXPECT((co_await committed_by_version(c, second)) == std::vector<int64_t>{-1, -1, -1});
    kafka::ListGroupsRequest list;
    EXPECT_EQ((co_await c.call<kafka::ListGroupsResponse>(4, list))->message.groups.size(), 2u);
    co_await reactor::sleep_for(125s);
    EXPECT_EQ((co_await c.call<kafka::ListGroupsResponse>(4, list))->message.groups.size(), 1u);
  });
  EXPECT(cluster.logged("__consumer_offsets-0: not written"));
}

// Trap 61.
TEST_CASE("old versions of OffsetFetch find the group's error on every partition") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    kafka::OffsetFetchRequest request;
    request.group_id = "g";
    request.topics->push_back({"t", {0, 1}});
    const auto old = co_await c.call<kafka::OffsetFetchResponse>(1, request);
    REQUIRE_EQ(old->message.topics.size(), 1u);
    REQUIRE_EQ(old->message.topics[0].partitions.size(), 2u);
    EXPECT_EQ(old->message.topics[0].partitions[1].error_code, 16);
    const auto later = co_await c.call<kafka::OffsetFetchResponse>(2, request);
    EXPECT_EQ(later->message.error_code, 16);
  });
}

// Trap 63.
TEST_CASE("groups are described and listed, filtered by state and type") {
  Cluster cluster(kNoDelay, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    co_await find_coordinator(c, "g");
    const Joined me = co_await join(c, "g");
    co_await sync(c, "g", me, {{me.member, "all"}});
    co_await commit(c, "simple", 1);
    kafka::DescribeGroupsRequest describe;
    describe.groups = {"g", "never"};
    describe.include_authorized_operations = true;
    const auto old = co_await c.call<kafka::DescribeGroupsResponse>(5, describe);
    const auto& g = old->message.groups.at(0);
    EXPECT_EQ(g.group_state, "Stable");
    EXPECT_EQ(g.protocol_data, "range");
    REQUIRE_EQ(g.members.size(), 1u);
    EXPECT(g.members[0].client_host.starts_with("/10."));
    EXPECT_EQ(as_text(g.members[0].member_assignment), "all");
    EXPECT_EQ(old->message.groups.at(1).group_state, "Dead");
    EXPECT_EQ(old->message.groups.at(1).error_code, 0);
    EXPECT_EQ(old->message.groups.at(1).authorized_operations, 3400);  // as Kafka
    const auto now = co_await c.call<kafka::DescribeGroupsResponse>(6, describe);
    EXPECT_EQ(now->message.groups.at(1).error_code, 69);
    kafka::ListGroupsRequest list;
    EXPECT_EQ((co_await c.call<kafka::ListGroupsResponse>(5, list))->message.groups.size(), 2u);
    list.states_filter = {"nonsense", "eMPTY", "empty"};
    const auto empty = co_await c.call<kafka::ListGroupsResponse>(5, list);
    REQUIRE_EQ(empty->message.groups.size(), 1u);
    EXPECT_EQ(empty->message.groups[0].group_id, "simple");
    EXPECT_EQ(empty->message.groups[0].group_type, "classic");
    list.states_filter.clear();
    list.types_filter = {"consumer"};
    EXPECT((co_await c.call<kafka::ListGroupsResponse>(5, list))->message.groups.empty());
  });
}

// KIP-211.
TEST_CASE("offsets that nobody commits again expire") {
  Cluster cluster(
      {{"offsets.retention.minutes", "1"}, {"offsets.retention.check.interval.ms", "1000"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    co_await find_coordinator(c, "g");
    co_await commit(c, "g", 1);
    co_await commit(c, "kept", 1);
    co_await reactor::sleep_for(50s);
    co_await commit(c, "kept", 2);
    EXPECT_EQ(co_await committed(c, "g"), 1);
    co_await reactor::sleep_for(12s);
    EXPECT_EQ(co_await committed(c, "g"), -1);
    EXPECT_EQ(co_await committed(c, "kept"), 2);
    const auto list = co_await c.call<kafka::ListGroupsResponse>(4, kafka::ListGroupsRequest{});
    EXPECT_EQ(list->message.groups.size(), 1u);
  });
}

TEST_CASE(
    "a group, or a partition of one, that a request repeats without end is told a few times") {
  Cluster cluster(kNoDelay);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    co_await find_coordinator(c, "g");
    co_await commit(c, "g", 7);
    kafka::DescribeGroupsRequest describe;
    describe.groups.assign(20, "g");
    const auto described = co_await c.call<kafka::DescribeGroupsResponse>(5, describe);
    kafka::OffsetFetchRequest fetch;
    fetch.group_id = "g";
    fetch.topics.emplace();
    fetch.topics->push_back({"t", std::vector<int32_t>(20, 0)});
    const auto old = co_await c.call<kafka::OffsetFetchResponse>(7, fetch);
    REQUIRE(old->message.topics.size() == 2);
    EXPECT_EQ(old->message.topics[0].partitions.size(), 8u);
    EXPECT_EQ(old->message.topics[0].partitions.at(7).committed_offset, 7);
    EXPECT_EQ(old->message.topics[1].name, "t");
    EXPECT_EQ(old->message.topics[1].partitions.size(), 12u);
    EXPECT_EQ(old->message.topics[1].partitions.at(0).error_code, 42);
    kafka::OffsetFetchRequest several;
    several.groups.resize(20);
    for (auto& group : several.groups) {
      group.group_id = "g";
      group.topics.reset();
    }
    const auto all = co_await c.call<kafka::OffsetFetchResponse>(8, several);
    for (size_t i = 0; i < 20; ++i) {
      EXPECT_EQ(described->message.groups.at(i).error_code, i < 8 ? 0 : 42);
      EXPECT_EQ(all->message.groups.at(i).error_code, i < 8 ? 0 : 42);
      EXPECT_EQ(all->message.groups.at(i).topics.size(), i < 8 ? 1u : 0u);
    }
    several.groups.resize(1);
    several.groups[0].topics.emplace().resize(1);
    several.groups[0].topics->at(0).name = "t";
    several.groups[0].topics->at(0).partition_indexes.assign(20, 0);
    const auto one = co_await c.call<kafka::OffsetFetchResponse>(8, several);
    REQUIRE(one->message.groups.at(0).topics.size() == 2);
    EXPECT_EQ(one->message.groups[0].topics[0].partitions.size(), 8u);
    EXPECT_EQ(one->message.groups[0].topics[1].partitions.at(11).error_code, 42);
  });
}

}  // namespace
}  // namespace odradek::broker
