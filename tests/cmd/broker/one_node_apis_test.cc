// What one node answers where a cluster would have more to say, and what it says of security that
// it does not have. Kafka 4.3.1's answers to the same requests.
#include <numeric>

#include "net/kafka/messages/alter_partition_reassignments_request.h"
#include "net/kafka/messages/alter_partition_reassignments_response.h"
#include "net/kafka/messages/create_acls_request.h"
#include "net/kafka/messages/create_acls_response.h"
#include "net/kafka/messages/delete_acls_request.h"
#include "net/kafka/messages/delete_acls_response.h"
#include "net/kafka/messages/describe_acls_request.h"
#include "net/kafka/messages/describe_acls_response.h"
#include "net/kafka/messages/describe_producers_request.h"
#include "net/kafka/messages/describe_producers_response.h"
#include "net/kafka/messages/describe_user_scram_credentials_request.h"
#include "net/kafka/messages/describe_user_scram_credentials_response.h"
#include "net/kafka/messages/elect_leaders_request.h"
#include "net/kafka/messages/elect_leaders_response.h"
#include "net/kafka/messages/list_partition_reassignments_request.h"
#include "net/kafka/messages/list_partition_reassignments_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

using ElectReply = kafka::ElectLeadersResponse;

Task<Answered<ElectReply>> elect(Client& c, std::vector<std::string_view> topics, int32_t partition,
                                 int8_t type, int16_t version = 2) {
  kafka::ElectLeadersRequest request;
  request.election_type = type;
  for (const auto topic : topics) request.topic_partitions->push_back({topic, {partition}});
  if (topics.empty()) request.topic_partitions.reset();
  co_return co_await c.call<ElectReply>(version, std::move(request));
}

// Traps 6 and 73.
TEST_CASE("no leader needs to be elected, and every partition that was named is told so") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    for (const int8_t type : {int8_t{0}, int8_t{1}}) {
      const auto reply = co_await elect(c, {"t", "nope"}, 1, type);
      EXPECT_EQ(reply->message.error_code, 0);
      const auto& results = reply->message.replica_election_results;
      REQUIRE(results.size() == 2);
      EXPECT_EQ(results[0].partition_result.at(0).error_code, 84);
      EXPECT_EQ(results[1].partition_result.at(0).error_code, 3);
      EXPECT_EQ(results[1].partition_result.at(0).error_message.value_or(""),
                "No such topic as nope");
    }
    const auto missing = co_await elect(c, {"t"}, 9, 0);
    EXPECT_EQ(missing->message.replica_election_results.at(0).partition_result.at(0).error_message,
              "No such partition as t-9");
    const auto all = co_await elect(c, {}, 0, 0);
    REQUIRE(all->message.replica_election_results.size() == 1);
    EXPECT(all->message.replica_election_results[0].partition_result.empty());
    const auto odd = co_await elect(c, {"t"}, 0, 7);
    EXPECT_EQ(odd->message.error_code, 42);
    EXPECT_EQ(odd->message.replica_election_results.at(0).partition_result.at(0).error_code, 42);
    kafka::ElectLeadersRequest of_none;
    of_none.election_type = 7;
    of_none.topic_partitions.emplace();
    const auto none = co_await c.call<kafka::ElectLeadersResponse>(2, std::move(of_none));
    EXPECT_EQ(none->message.error_code, 0);
    const auto old = co_await elect(c, {"t"}, 0, 0, 0);
    EXPECT_EQ(old->message.replica_election_results.at(0).partition_result.at(0).error_code, 84);
  });
}

Task<int16_t> reassign(Client& c, std::string_view topic, int32_t partition,
                       std::optional<std::vector<int32_t>> replicas, int16_t version = 1) {
  kafka::AlterPartitionReassignmentsRequest request;
  auto& t = request.topics.emplace_back();
  t.name = topic;
  auto& p = t.partitions.emplace_back();
  p.partition_index = partition;
  p.replicas = std::move(replicas);
  const auto reply =
      co_await c.call<kafka::AlterPartitionReassignmentsResponse>(version, std::move(request));
  EXPECT_EQ(reply->message.error_code, 0);
  co_return reply->message.responses.at(0).partitions.at(0).error_code;
}

// Trap 73.
TEST_CASE("a partition can be put where it is, and nowhere else; nothing is to be cancelled") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    using Ids = std::vector<int32_t>;
    co_await create_topic(c, "t", 1);
    EXPECT_EQ(co_await reassign(c, "t", 0, Ids{1}), 0);
    EXPECT_EQ(co_await reassign(c, "t", 0, Ids{1}, 0), 0);
    EXPECT_EQ(co_await reassign(c, "t", 0, std::nullopt), 85);
    EXPECT_EQ(co_await reassign(c, "t", 0, Ids{2}), 39);
    EXPECT_EQ(co_await reassign(c, "t", 0, Ids{}), 39);
    EXPECT_EQ(co_await reassign(c, "t", 0, Ids{1, 1}), 39);
    EXPECT_EQ(co_await reassign(c, "t", 9, Ids{1}), 3);
    EXPECT_EQ(co_await reassign(c, "nope", 0, std::nullopt), 3);
    kafka::ListPartitionReassignmentsRequest request;
    request.topics.reset();
    const auto all = co_await c.call<kafka::ListPartitionReassignmentsResponse>(0, request);
    EXPECT_EQ(all->message.error_code, 0);
    EXPECT(all->message.topics.empty());
    request.topics.emplace();
    request.topics->push_back({"t", {0}});
    const auto one = co_await c.call<kafka::ListPartitionReassignmentsResponse>(0, request);
    EXPECT(one->message.topics.empty());
  });
}

TEST_CASE("without an authorizer every question about ACLs is answered SECURITY_DISABLED") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    for (int16_t version = 1; version <= 3; ++version) {
      const auto described = co_await c.call<kafka::DescribeAclsResponse>(
          version, kafka::DescribeAclsRequest{.resource_type_filter = 2,
                                              .pattern_type_filter = 3,
                                              .operation = 1,
                                              .permission_type = 1});
      EXPECT_EQ(described->message.error_code, 54);
      EXPECT_EQ(described->message.error_message.value_or(""),
                "No Authorizer is configured on the broker");
      kafka::CreateAclsRequest creating;
      creating.creations.resize(2);
      const auto created = co_await c.call<kafka::CreateAclsResponse>(version, creating);
      REQUIRE(created->message.results.size() == 2);
      EXPECT_EQ(created->message.results[1].error_code, 54);
      kafka::DeleteAclsRequest deleting;
      deleting.filters.resize(1);
      const auto deleted = co_await c.call<kafka::DeleteAclsResponse>(version, deleting);
      EXPECT_EQ(deleted->message.filter_results.at(0).error_code, 54);
    }
  });
}

TEST_CASE("no user has SCRAM credentials") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    using Reply = kafka::DescribeUserScramCredentialsResponse;
    kafka::DescribeUserScramCredentialsRequest request;
    request.users.reset();
    EXPECT((co_await c.call<Reply>(0, request))->message.results.empty());
    request.users.emplace();
    EXPECT((co_await c.call<Reply>(0, request))->message.results.empty());
    for (const auto name : {"a", "b", "a"}) request.users->emplace_back().name = name;
    const auto reply = co_await c.call<Reply>(0, request);
    EXPECT_EQ(reply->message.error_code, 0);
    REQUIRE(reply->message.results.size() == 2);
    EXPECT_EQ(reply->message.results[0].error_code, 92);
    EXPECT_EQ(reply->message.results[1].user, "b");
    EXPECT_EQ(reply->message.results[1].error_code, 91);
  });
}

Task<Answered<kafka::DescribeProducersResponse>> producers(Client& c, std::string_view topic,
                                                           int32_t partition) {
  kafka::DescribeProducersRequest request;
  request.topics.push_back({topic, {partition}});
  co_return co_await c.call<kafka::DescribeProducersResponse>(0, std::move(request));
}

// Trap 53.
TEST_CASE("a partition's idempotent producers are told with their last sequence") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    BatchSpec spec{.records = 3};
    spec.options.producer_id = log::ProducerId(77);
    spec.options.producer_epoch = log::ProducerEpoch(2);
    spec.options.base_sequence = 0;
    EXPECT_EQ((co_await produce(c, "t", 0, batch(spec))).error, 0);
    EXPECT_EQ((co_await produce(c, "t", 0, batch())).error, 0);
    const auto reply = co_await producers(c, "t", 0);
    const auto& p = reply->message.topics.at(0).partitions.at(0);
    EXPECT_EQ(p.error_code, 0);
    REQUIRE(p.active_producers.size() == 1);
    EXPECT_EQ(p.active_producers[0].producer_id, 77);
    EXPECT_EQ(p.active_producers[0].producer_epoch, 2);
    EXPECT_EQ(p.active_producers[0].last_sequence, 2);
    EXPECT_EQ(p.active_producers[0].last_timestamp, spec.timestamp + 2);
    EXPECT_EQ(p.active_producers[0].coordinator_epoch, -1);
    EXPECT_EQ(p.active_producers[0].current_txn_start_offset, -1);
  });
}

TEST_CASE("producers of what is not there are refused by Kafka's codes") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    const auto error = [](const Answered<kafka::DescribeProducersResponse>& reply) {
      return reply->message.topics.at(0).partitions.at(0).error_code;
    };
    EXPECT_EQ(error(co_await producers(c, "t", 9)), 3);
    EXPECT_EQ(error(co_await producers(c, "nope", 0)), 3);
    EXPECT_EQ(error(co_await producers(c, "bad name", 0)), 17);
  });
}

TEST_CASE("what is named without end is refused in an answer that stays small") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    const std::string enormous(32'000, 'x');
    kafka::DescribeProducersRequest request;
    request.topics.push_back({"t", std::vector<int32_t>(20, 0)});
    request.topics.push_back({enormous, std::vector<int32_t>(1000)});
    std::iota(request.topics[1].partition_indexes.begin(),
              request.topics[1].partition_indexes.end(), 0);
    const auto told = co_await c.call<kafka::DescribeProducersResponse>(0, std::move(request));
    EXPECT(told->frame.size() < size_t{17} << 20);
    for (size_t i = 0; i < 20; ++i) {
      EXPECT_EQ(told->message.topics.at(0).partitions.at(i).error_code, i < 8 ? 0 : 42);
    }
    EXPECT_EQ(told->message.topics.at(1).partitions.at(999).error_code, 17);
    kafka::ElectLeadersRequest election;
    election.topic_partitions->push_back({enormous, std::vector<int32_t>(1000)});
    const auto elected = co_await c.call<ElectReply>(2, std::move(election));
    EXPECT(elected->frame.size() < size_t{1} << 20);
    kafka::AlterPartitionReassignmentsRequest reassignment;
    auto& topic = reassignment.topics.emplace_back();
    topic.name = enormous;
    topic.partitions.resize(1000);
    const auto reassigned =
        co_await c.call<kafka::AlterPartitionReassignmentsResponse>(0, std::move(reassignment));
    EXPECT(reassigned->frame.size() < size_t{1} << 20);
  });
}

}  // namespace
}  // namespace odradek::broker
