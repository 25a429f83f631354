// The quorum, feature levels, resources and brokers, as one node tells of them. What Kafka 4.3.1
// answered to the same requests stands here as the expectation, but where a test says otherwise.
#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/describe_cluster_request.h"
#include "net/kafka/messages/describe_cluster_response.h"
#include "net/kafka/messages/describe_quorum_request.h"
#include "net/kafka/messages/describe_quorum_response.h"
#include "net/kafka/messages/list_config_resources_request.h"
#include "net/kafka/messages/list_config_resources_response.h"
#include "net/kafka/messages/unregister_broker_request.h"
#include "net/kafka/messages/unregister_broker_response.h"
#include "net/kafka/messages/update_features_request.h"
#include "net/kafka/messages/update_features_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

Task<Answered<kafka::DescribeQuorumResponse>> quorum(Client& c, std::string_view topic,
                                                     int32_t partition, int16_t version = 2) {
  kafka::DescribeQuorumRequest request;
  auto& t = request.topics.emplace_back();
  t.topic_name = topic;
  t.partitions.emplace_back().partition_index = partition;
  co_return co_await c.call<kafka::DescribeQuorumResponse>(version, std::move(request));
}

TEST_CASE("the quorum is this node, which has everything and says where it listens") {
  Cluster cluster({{"listeners", "PLAINTEXT://10.0.0.1:9092,CONTROLLER://10.0.0.1:9093"},
                   {"controller.listener.names", "CONTROLLER"}});
  cluster.tell([](Client& c) -> Task<void> {
    for (int16_t version = 0; version <= 2; ++version) {
      const auto reply = co_await quorum(c, "__cluster_metadata", 0, version);
      const auto& p = reply->message.topics.at(0).partitions.at(0);
      EXPECT_EQ(p.error_code, 0);
      EXPECT_EQ(p.leader_id, 1);
      EXPECT(p.leader_epoch > 0);
      REQUIRE(p.current_voters.size() == 1);
      EXPECT_EQ(p.current_voters[0].replica_id, 1);
      EXPECT_EQ(p.current_voters[0].log_end_offset, p.high_watermark);
      EXPECT(p.high_watermark > 0);
      EXPECT_EQ(p.current_voters[0].last_fetch_timestamp > 0, version >= 1);
      EXPECT(p.observers.empty());
      if (version < 2) continue;
      REQUIRE(reply->message.nodes.size() == 1);
      REQUIRE(reply->message.nodes[0].listeners.size() == 1);
      EXPECT_EQ(reply->message.nodes[0].listeners[0].name, "CONTROLLER");
      EXPECT_EQ(reply->message.nodes[0].listeners[0].port, 9093);
    }
  });
}

TEST_CASE("any other partition has no quorum") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ((co_await quorum(c, "t", 0))->message.topics.at(0).partitions.at(0).error_code, 3);
    const auto other = co_await quorum(c, "__cluster_metadata", 1);
    EXPECT_EQ(other->message.topics.at(0).partitions.at(0).error_code, 3);
    const auto none =
        co_await c.call<kafka::DescribeQuorumResponse>(2, kafka::DescribeQuorumRequest{});
    EXPECT(none->message.topics.empty());
  });
}

struct Level {
  std::string_view feature;
  int16_t level = 0;
  int8_t type = 1;
};
Task<Answered<kafka::UpdateFeaturesResponse>> update(Client& c, std::vector<Level> levels,
                                                     int16_t version = 1) {
  kafka::UpdateFeaturesRequest request;
  for (const Level& level : levels) {
    auto& u = request.feature_updates.emplace_back();
    u.feature = level.feature;
    u.max_version_level = level.level;
    u.upgrade_type = level.type;
  }
  co_return co_await c.call<kafka::UpdateFeaturesResponse>(version, std::move(request));
}

Task<int16_t> level_of(Client& c, std::string_view feature) {
  kafka::ApiVersionsRequest request;
  request.client_software_name = "a";
  request.client_software_version = "1";
  const auto reply = co_await c.call<kafka::ApiVersionsResponse>(4, std::move(request));
  EXPECT(reply->message.finalized_features_epoch >= 0);
  for (const auto& f : reply->message.finalized_features) {
    if (f.name == feature) co_return f.max_version_level;
  }
  co_return 0;
}

// Trap 5.
TEST_CASE("a feature level that was changed is what ApiVersions tells, also after a restart") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await level_of(c, "metadata.version"), 30);
    EXPECT_EQ(co_await level_of(c, "kraft.version"), 1);
    EXPECT_EQ(co_await level_of(c, "transaction.version"), 2);
    const auto reply = co_await update(c, {{"transaction.version", 1, 2}, {"share.version", 0, 3}});
    EXPECT_EQ(reply->message.error_code, 0);
    EXPECT(!reply->message.error_message);
    REQUIRE(reply->message.results.size() == 2);
    EXPECT_EQ(reply->message.results[0].error_message.value_or(""), "NONE");
    EXPECT_EQ(co_await level_of(c, "transaction.version"), 1);
    EXPECT_EQ(co_await level_of(c, "share.version"), 0);
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await level_of(c, "transaction.version"), 1);
    EXPECT_EQ((co_await update(c, {{"transaction.version", 2}}, 2))->message.error_code, 0);
    EXPECT_EQ(co_await level_of(c, "transaction.version"), 2);
  });
}

TEST_CASE("one feature that cannot be changed stops all of a request") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const auto reply = co_await update(c, {{"transaction.version", 1, 2}, {"share.version", 2, 1}});
    EXPECT_EQ(reply->message.error_code, 95);
    EXPECT_EQ(reply->message.error_message.value_or(""),
              "The update failed for all features since the following feature had an error: "
              "Invalid update version 2 for feature share.version. Local controller 1 only "
              "supports versions 0-1");
    EXPECT(reply->message.results.empty());
    EXPECT_EQ(co_await level_of(c, "transaction.version"), 2);
    for (const Level& bad :
         {Level{"nonsense", 1}, Level{"metadata.version", 29}, Level{"metadata.version", 29, 2},
          Level{"metadata.version", 29, 3}, Level{"metadata.version", 300},
          Level{"transaction.version", 1, 0}, Level{"transaction.version", -1, 2},
          Level{"transaction.version", 1}, Level{"kraft.version", 0, 2}}) {
      EXPECT_EQ((co_await update(c, {bad}))->message.error_code, 95);
    }
  });
}

Task<std::string> resources(Client& c, std::vector<int8_t> types, int16_t version = 1) {
  kafka::ListConfigResourcesRequest request;
  request.resource_types = std::move(types);
  const auto reply =
      co_await c.call<kafka::ListConfigResourcesResponse>(version, std::move(request));
  if (reply->message.error_code != 0) co_return std::to_string(reply->message.error_code);
  std::string out;
  for (const auto& r : reply->message.config_resources) {
    out += std::to_string(r.resource_type) + ":" + std::string(r.resource_name) + " ";
  }
  co_return out;
}

TEST_CASE("topics, brokers and their loggers have configurations") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await create_topic(c, "m");
    EXPECT_EQ(co_await resources(c, {}), "8:1 4:1 2:m 2:t ");
    EXPECT_EQ(co_await resources(c, {2}), "2:m 2:t ");
    EXPECT_EQ(co_await resources(c, {4, 8}), "8:1 4:1 ");
    EXPECT_EQ(co_await resources(c, {16, 32}), "");
    EXPECT_EQ(co_await resources(c, {2, 1}), "35");
    EXPECT_EQ(co_await resources(c, {}, 0), "");
  });
}

Task<int16_t> unregister(Client& c, int32_t id) {
  kafka::UnregisterBrokerRequest request;
  request.broker_id = id;
  co_return (co_await c.call<kafka::UnregisterBrokerResponse>(0, std::move(request)))
      ->message.error_code;
}

// Kafka forgets the broker that carries the request out, too; it then serves nobody.
TEST_CASE("a broker that is not there cannot be unregistered, nor the one that serves") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    EXPECT_EQ(co_await unregister(c, 9), 102);
    EXPECT_EQ(co_await unregister(c, -1), 102);
    EXPECT_EQ(co_await unregister(c, 1), 44);
    co_await create_topic(c, "t");
    EXPECT_EQ((co_await produce(c, "t", 0, batch())).error, 0);
  });
}

// Trap 68.
TEST_CASE("authorized operations are told on request only") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    for (int16_t version = 8; version <= 13; ++version) {
      kafka::MetadataRequest request;
      request.topics->emplace_back().name = "t";
      request.include_topic_authorized_operations = true;
      request.include_cluster_authorized_operations = version <= 10;
      const auto reply = co_await c.call<kafka::MetadataResponse>(version, std::move(request));
      EXPECT_EQ(reply->message.topics.at(0).topic_authorized_operations, 3576);
      EXPECT_EQ(reply->message.cluster_authorized_operations, version <= 10 ? 8096 : INT32_MIN);
    }
    kafka::DescribeClusterRequest request;
    const auto plain = co_await c.call<kafka::DescribeClusterResponse>(2, request);
    EXPECT_EQ(plain->message.cluster_authorized_operations, INT32_MIN);
    request.include_cluster_authorized_operations = true;
    const auto told = co_await c.call<kafka::DescribeClusterResponse>(2, request);
    EXPECT_EQ(told->message.cluster_authorized_operations, 8096);
  });
}

}  // namespace
}  // namespace odradek::broker
