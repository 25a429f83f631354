#include "net/kafka/client/client.h"

#include <map>

#include "log/batch/batch.h"
#include "net/kafka/client/list_offsets.h"
#include "net/kafka/client/producer.h"
#include "net/kafka/messages/describe_cluster_request.h"
#include "net/kafka/messages/describe_cluster_response.h"
#include "net/kafka/messages/list_offsets_request.h"
#include "net/kafka/messages/list_offsets_response.h"
#include "reactor/shard.h"
#include "tests/net/kafka/client/fake_broker.h"

namespace odradek::client {
namespace {

using reactor::in_world;
using reactor::must;
using reactor::Task;
using reactor::this_shard;

ClientOptions here() {
  ClientOptions options;
  options.bootstrap = must(parse_bootstrap("127.0.0.1:9092"));
  return options;
}
MonoTime soon(Duration time = 10s) { return this_shard().now() + time; }

Task<void> old_broker() {
  FakeBroker broker;
  broker.serve_metadata({0, 5}, 1);
  broker.serve_api_versions(2);
  broker.start();
  Client client(here());
  must(co_await client.start(soon()));
  EXPECT_EQ(client.metadata().controller(), 1);
  const std::pair<int16_t, int16_t> first{18, int16_t{4}};
  const std::pair<int16_t, int16_t> again{18, int16_t{2}};
  const std::pair<int16_t, int16_t> metadata{3, int16_t{5}};
  REQUIRE_EQ(broker.asked.size(), 3);
  EXPECT(broker.asked[0].second >= first.second);
  EXPECT(broker.asked[1] == again);
  EXPECT(broker.asked[2] == metadata);
  const auto reply = co_await client.call<kafka::DescribeClusterResponse>(
      {}, kafka::DescribeClusterRequest{}, soon());
  REQUIRE_FALSE(reply.has_value());
  EXPECT(reply.error().code == Errc::unsupported);
  EXPECT(reply.error().context.find("does not serve DescribeCluster") != std::string::npos);
  co_await client.stop();
  co_await broker.stop();
}

TEST_CASE("the newest common version is spoken, after a broker that knows only old ones said so") {
  in_world(&old_broker);
}

Task<void> broken_connections() {
  FakeBroker broker;
  broker.serve_api_versions(4);
  broker.serve_metadata({0, 12}, 1);
  int refused = 0;
  broker.on(60, {0, 1}, [&refused](FakeRequest& request) -> std::optional<std::vector<uint8_t>> {
    if (++refused < 4) return std::nullopt;
    kafka::DescribeClusterResponse answer;
    answer.cluster_id = "it";
    return FakeBroker::body(request.version, answer);
  });
  broker.start();
  Client client(here());
  must(co_await client.start(soon()));
  const auto reply = must(co_await client.call<kafka::DescribeClusterResponse>(
      {}, kafka::DescribeClusterRequest{}, soon()));
  EXPECT_EQ(reply.message.cluster_id, "it");
  EXPECT_EQ(refused, 4);
  co_await client.stop();
  co_await broker.stop();
}

TEST_CASE("a request goes out again when its connection breaks") { in_world(&broken_connections); }

Task<void> nobody_there() {
  ClientOptions options;
  options.bootstrap = must(parse_bootstrap("127.0.0.1:1,127.0.0.1:2"));
  Client client(options);
  const MonoTime before = this_shard().now();
  const Status started = co_await client.start(soon(3s));
  REQUIRE_FALSE(started.has_value());
  EXPECT(started.error().context.find("127.0.0.1:1: ") != std::string::npos);
  EXPECT(started.error().context.find("127.0.0.1:2: ") != std::string::npos);
  EXPECT(this_shard().now() - before <= 4s);
  co_await client.stop();
}

TEST_CASE("without a broker the error names each address, in time") { in_world(&nobody_there); }

Task<void> moved_leader() {
  FakeBroker broker;
  broker.serve_api_versions(4);
  broker.serve_metadata({0, 12}, 2);
  std::vector<int32_t> counts;
  broker.on(0, {3, 12}, [&counts](FakeRequest& request) {
    const auto asked = request.decode_as<kafka::ProduceRequest>();
    kafka::ProduceResponse answer;
    for (const auto& topic : asked.topic_data) {
      auto& out = answer.responses.emplace_back();
      out.name = topic.name;
      for (const auto& partition : topic.partition_data) {
        counts.push_back(log::BatchHeader::parse(*partition.records).record_count);
        auto& said = out.partition_responses.emplace_back();
        said.index = partition.index;
        said.error_code = counts.size() <= 2 ? 6 : 0;
        said.base_offset = 100 + partition.index;
      }
    }
    return std::optional(FakeBroker::body(request.version, answer));
  });
  broker.start();
  Client client(here());
  must(co_await client.start(soon()));
  must(co_await client.need_topic("t", soon()));
  std::map<int32_t, int64_t> offsets;
  Producer producer(client, {.acks = 1}, [&offsets](const Delivery& delivery) {
    EXPECT(delivery.error == nullptr);
    offsets[delivery.partition] = delivery.base_offset;
  });
  must(co_await producer.start(soon()));
  log::Record record;
  record.value = as_bytes("v");
  for (int i = 0; i < 10; ++i) EXPECT(producer.try_send(producer.lane("t", i % 2), record));
  must(co_await producer.flush(soon()));
  EXPECT(offsets == std::map<int32_t, int64_t>{{0, 100}, {1, 101}});
  EXPECT(counts == std::vector<int32_t>{5, 5, 5, 5});
  EXPECT_EQ(producer.buffered_bytes(), 0);
  co_await producer.stop();
  co_await client.stop();
  co_await broker.stop();
}

TEST_CASE("a batch that finds no leader is sent again with the same records") {
  in_world(&moved_leader);
}

Task<void> refused() {
  FakeBroker broker;
  broker.serve_api_versions(4);
  broker.serve_metadata({0, 12}, 1);
  broker.on(0, {3, 12}, [](FakeRequest& request) {
    kafka::ProduceResponse answer;
    auto& topic = answer.responses.emplace_back();
    topic.name = "t";
    topic.partition_responses.emplace_back().error_code = 10;
    return std::optional(FakeBroker::body(request.version, answer));
  });
  broker.start();
  Client client(here());
  must(co_await client.start(soon()));
  must(co_await client.need_topic("t", soon()));
  Producer producer(client, {.acks = 1}, {});
  must(co_await producer.start(soon()));
  log::Record record;
  record.value = as_bytes("v");
  EXPECT(producer.try_send(producer.lane("t", 0), record));
  const Status flushed = co_await producer.flush(soon());
  REQUIRE_FALSE(flushed.has_value());
  EXPECT(flushed.error().code == Errc::too_large);
  EXPECT(flushed.error().context.find("MESSAGE_TOO_LARGE") != std::string::npos);
  co_await producer.stop();
  co_await client.stop();
  co_await broker.stop();
}

TEST_CASE("a refused batch ends in an error that says why") { in_world(&refused); }

Task<void> offsets_again() {
  FakeBroker broker;
  broker.serve_api_versions(4);
  broker.serve_metadata({0, 12}, 2);
  int rounds = 0;
  broker.on(2, {1, 7}, [&rounds](FakeRequest& request) {
    const auto asked = request.decode_as<kafka::ListOffsetsRequest>();
    ++rounds;
    kafka::ListOffsetsResponse answer;
    auto& topic = answer.topics.emplace_back();
    topic.name = asked.topics.at(0).name;
    for (const auto& partition : asked.topics[0].partitions) {
      auto& said = topic.partitions.emplace_back();
      said.partition_index = partition.partition_index;
      said.error_code = partition.partition_index == 1 && rounds == 1 ? 5 : 0;
      said.offset = partition.timestamp == kLatest ? 7 : 3;
    }
    return std::optional(FakeBroker::body(request.version, answer));
  });
  broker.start();
  Client client(here());
  must(co_await client.start(soon()));
  must(co_await client.need_topic("t", soon()));
  std::vector<OffsetQuery> queries;
  for (int32_t p : {0, 1, 2}) queries.push_back({.topic = "t", .partition = p});
  queries.push_back({.topic = "t", .partition = 0, .time = kEarliest});
  const auto answers = must(co_await list_offsets(client, std::move(queries), soon()));
  EXPECT(answers[0].offset == 7);
  EXPECT(answers[1].offset == 7);
  EXPECT_FALSE(answers[1].error.has_value());
  EXPECT(answers[3].offset == 3);
  REQUIRE(answers[2].error.has_value());
  EXPECT(answers[2].error->code == Errc::not_found);
  co_await client.stop();
  co_await broker.stop();
}

TEST_CASE("offsets are asked again where it can help, and only there") { in_world(&offsets_again); }

TEST_CASE("bootstrap lists are read as people write them") {
  const auto list = parse_bootstrap("a:1, b,[::1]:9093,PLAINTEXT://c:2");
  REQUIRE(list.has_value());
  REQUIRE_EQ(list->size(), 4);
  EXPECT_EQ((*list)[1].to_string(), "b:9092");
  EXPECT_EQ((*list)[2].to_string(), "[::1]:9093");
  EXPECT_EQ((*list)[3].to_string(), "c:2");
  for (const char* wrong :
       {"", " , ", "a:", "a:0", "a:65536", "a:9x", "[::1", ":9092", "SSL://a:1"}) {
    CAPTURE(wrong);
    EXPECT_FALSE(parse_bootstrap(wrong).has_value());
  }
}

TEST_CASE("error codes have Kafka's names, and a hint where it helps") {
  EXPECT_EQ(error_name(6), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(error_name(999), "error 999");
  EXPECT(is_retriable(41));
  EXPECT_FALSE(is_retriable(0));
  EXPECT(is_stale_metadata(6));
  EXPECT_EQ(broker_error(36, "create t").context,
            "create t: TOPIC_ALREADY_EXISTS: a topic of this name exists");
  EXPECT_EQ(broker_error(36, "create t", "said so").context,
            "create t: TOPIC_ALREADY_EXISTS: said so");
}

}  // namespace
}  // namespace odradek::client
