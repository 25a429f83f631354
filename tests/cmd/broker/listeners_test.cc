#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/describe_cluster_request.h"
#include "net/kafka/messages/describe_cluster_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

const Properties kTwo = {
    {"listeners", "PLAINTEXT://10.0.0.1:9092,OUTSIDE://10.0.0.1:9094,CONTROLLER://10.0.0.1:9093"},
    {"listener.security.protocol.map",
     "PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT"},
    {"controller.listener.names", "CONTROLLER"},
    {"advertised.listeners", "OUTSIDE://kafka.example:19094,PLAINTEXT://10.0.0.1:9092"}};

// Trap 69.
TEST_CASE("who comes through a listener is told of that listener's addresses") {
  Cluster cluster(kTwo);
  cluster.tell([](Client& c) -> Task<void> {
    const auto reply = co_await c.call<kafka::MetadataResponse>(12, kafka::MetadataRequest{});
    EXPECT_EQ(reply->message.brokers.at(0).host, "10.0.0.1");
  });
  cluster.tell(
      [](Client& c) -> Task<void> {
        const auto reply = co_await c.call<kafka::MetadataResponse>(12, kafka::MetadataRequest{});
        EXPECT_EQ(reply->message.brokers.at(0).host, "kafka.example");
        EXPECT_EQ(reply->message.brokers.at(0).port, 19094);
      },
      9094);
}

TEST_CASE("a controller's listener serves what controllers do, and advertises no more") {
  Cluster cluster(kTwo);
  cluster.tell(
      [](Client& c) -> Task<void> {
        kafka::ApiVersionsRequest request;
        request.client_software_name = "tester";
        request.client_software_version = "1";
        const auto versions = co_await c.call<kafka::ApiVersionsResponse>(3, std::move(request));
        std::vector<int16_t> keys;
        for (const auto& api : versions->message.api_keys) keys.push_back(api.api_key);
        EXPECT(keys == std::vector<int16_t>{18, 19, 20, 29, 30, 31, 32, 33, 37, 43, 44, 45, 46, 49,
                                            55, 57, 60, 64});
        co_await create_topic(c, "t");
        kafka::DescribeClusterRequest asking;
        asking.endpoint_type = 2;
        const auto cluster_reply =
            co_await c.call<kafka::DescribeClusterResponse>(1, std::move(asking));
        EXPECT_EQ(cluster_reply->message.error_code, 0);
        EXPECT_EQ(cluster_reply->message.endpoint_type, 2);
        CHECK(cluster_reply->message.brokers.size() == 1);
        EXPECT_EQ(cluster_reply->message.brokers[0].port, 9093);
        asking.endpoint_type = 1;
        const auto other = co_await c.call<kafka::DescribeClusterResponse>(1, std::move(asking));
        EXPECT_EQ(other->message.error_code, 114);
        co_await c.post(12, kafka::MetadataRequest{});
        EXPECT(co_await c.closed());
      },
      9093);
  EXPECT(cluster.logged("not served on CONTROLLER"));
}

TEST_CASE("connections beyond max.connections are closed, and there is room again when one ends") {
  Cluster cluster({{"max.connections", "2"}}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    Client second;
    co_await second.connect();
    EXPECT((co_await second.call<kafka::MetadataResponse>(12, kafka::MetadataRequest{})) !=
           nullptr);
    Client third;
    co_await third.connect();
    EXPECT(co_await third.closed());
    co_await third.close();
    co_await second.close();
    co_await reactor::sleep_for(1s);
    Client fourth;
    co_await fourth.connect();
    EXPECT((co_await fourth.call<kafka::MetadataResponse>(12, kafka::MetadataRequest{})) !=
           nullptr);
    co_await fourth.close();
  });
  EXPECT(cluster.logged("max.connections=2"));
}

}  // namespace
}  // namespace odradek::broker
