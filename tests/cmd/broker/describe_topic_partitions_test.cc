// What Kafka 4.3.1 answered to the same requests stands here as the expectation.
#include "net/kafka/messages/describe_topic_partitions_request.h"
#include "net/kafka/messages/describe_topic_partitions_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

using Reply = kafka::DescribeTopicPartitionsResponse;

struct Page {
  std::vector<std::string_view> topics = {};
  int32_t limit = 2000;
  std::optional<std::pair<std::string_view, int32_t>> cursor = {};
};

Task<Answered<Reply>> ask(Client& c, Page page) {
  kafka::DescribeTopicPartitionsRequest request;
  for (const auto topic : page.topics) request.topics.emplace_back().name = topic;
  request.response_partition_limit = page.limit;
  if (page.cursor) {
    request.cursor.emplace();
    request.cursor->topic_name = page.cursor->first;
    request.cursor->partition_index = page.cursor->second;
  }
  co_return co_await c.call<Reply>(0, std::move(request));
}

// "m:0,1 t:0", with the error where there is one, and the cursor.
std::string shown(const Answered<Reply>& reply) {
  std::string out;
  for (const auto& topic : reply->message.topics) {
    out += std::string(topic.name.value_or("?")) + ":";
    if (topic.error_code != 0) out += "error " + std::to_string(topic.error_code);
    for (const auto& p : topic.partitions) {
      out += (&p == &topic.partitions.front() ? "" : ",") + std::to_string(p.partition_index);
    }
    out += " ";
  }
  if (const auto& next = reply->message.next_cursor) {
    out += "next " + std::string(next->topic_name) + "-" + std::to_string(next->partition_index);
  }
  return out;
}

TEST_CASE("topics are described in order of their names, missing ones with Kafka's codes") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 3);
    co_await create_topic(c, "m", 2);
    EXPECT_EQ(shown(co_await ask(c, {{"t", "m", "nope", "bad name"}})),
              "bad name:error 17 m:0,1 nope:error 3 t:0,1,2 ");
    EXPECT_EQ(shown(co_await ask(c, {{"t", "t"}})), "t:0,1,2 ");
    EXPECT_EQ(shown(co_await ask(c, {})), "m:0,1 t:0,1,2 ");
  });
}

TEST_CASE("a page holds as many partitions as were asked for, and says where the next begins") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 3);
    co_await create_topic(c, "m", 2);
    EXPECT_EQ(shown(co_await ask(c, {{"t", "m", "nope"}, 3})), "m:0,1 nope:error 3 t:0 next t-1");
    EXPECT_EQ(shown(co_await ask(c, {{"t", "m", "nope"}, 3, {{"t", 1}}})), "t:1,2 ");
    EXPECT_EQ(shown(co_await ask(c, {{"t", "m"}, 2})), "m:0,1 next t-0");
    EXPECT_EQ(shown(co_await ask(c, {{}, 1, {{"m", 1}}})), "m:1 next t-0");
    EXPECT_EQ(shown(co_await ask(c, {{}, 0})), "m:0 next m-1");
    EXPECT_EQ(shown(co_await ask(c, {{}, -1})), "m:0 next m-1");
    EXPECT_EQ(shown(co_await ask(c, {{}, 9, {{"t", INT32_MAX}}})), "t: ");
    EXPECT_EQ(shown(co_await ask(c, {{}, 9, {{"n", 1}}})), "t:0,1,2 ");
  });
}

TEST_CASE("a cursor that cannot be is refused for every topic of the request") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    EXPECT_EQ(shown(co_await ask(c, {{"t", "m"}, 9, {{"n", 1}}})), "t:error 42 m:error 42 ");
    EXPECT_EQ(shown(co_await ask(c, {{"t"}, 9, {{"t", -1}}})), "t:error 42 ");
  });
}

// Trap 45.
TEST_CASE("a described partition has leader, replicas, eligible leaders and the operations") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t", 1);
    const auto reply = co_await ask(c, {{"t"}});
    const auto& topic = reply->message.topics.at(0);
    EXPECT(topic.topic_id == id);
    EXPECT_EQ(topic.topic_authorized_operations, 3576);
    const auto& p = topic.partitions.at(0);
    EXPECT_EQ(p.leader_id, 1);
    EXPECT_EQ(p.leader_epoch, 0);
    EXPECT(p.replica_nodes == std::vector<int32_t>{1});
    EXPECT(p.isr_nodes == std::vector<int32_t>{1});
    EXPECT(p.eligible_leader_replicas == std::vector<int32_t>{});
    EXPECT(p.last_known_elr == std::vector<int32_t>{});
    EXPECT(p.offline_replicas.empty());
  });
}

}  // namespace
}  // namespace odradek::broker
