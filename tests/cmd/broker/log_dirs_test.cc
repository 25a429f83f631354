#include <set>

#include "net/kafka/messages/alter_replica_log_dirs_request.h"
#include "net/kafka/messages/alter_replica_log_dirs_response.h"
#include "net/kafka/messages/describe_log_dirs_request.h"
#include "net/kafka/messages/describe_log_dirs_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

using Request = kafka::DescribeLogDirsRequest;
using Reply = kafka::DescribeLogDirsResponse;

Task<Answered<Reply>> ask(Client& c, std::optional<std::vector<Request::DescribableLogDirTopic>> of,
                          int16_t version = 5) {
  Request request;
  request.topics = std::move(of);
  co_return co_await c.call<Reply>(version, std::move(request));
}

std::set<std::pair<std::string, int32_t>> partitions_of(const Answered<Reply>& reply) {
  std::set<std::pair<std::string, int32_t>> out;
  for (const auto& directory : reply->message.results) {
    for (const auto& topic : directory.topics) {
      for (const auto& p : topic.partitions) {
        EXPECT(out.emplace(topic.name, p.partition_index).second);
        EXPECT_EQ(p.offset_lag, 0);
        EXPECT(!p.is_future_key);
      }
    }
  }
  return out;
}

TEST_CASE("every partition lies in one of the log directories, with its bytes") {
  Cluster cluster({{"log.dirs", "/data,/more"}}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 4);
    Bytes records = batch({.value_bytes = 5000});
    const auto size = static_cast<int64_t>(records.size());
    for (int32_t p = 0; p < 4; ++p) EXPECT_EQ((co_await produce(c, "t", p, records)).error, 0);
    const auto reply = co_await ask(c, std::nullopt);
    EXPECT_EQ(partitions_of(reply).size(), 4u);
    REQUIRE(reply->message.results.size() == 2);
    EXPECT_EQ(reply->message.results[0].log_dir, "/data");
    EXPECT_EQ(reply->message.results[1].log_dir, "/more");
    for (const auto& directory : reply->message.results) {
      EXPECT_EQ(directory.error_code, 0);
      EXPECT(!directory.topics.empty());
      for (const auto& topic : directory.topics) {
        for (const auto& p : topic.partitions) EXPECT_EQ(p.partition_size, size);
      }
    }
  });
}

// Trap 6: null and empty are not the same.
TEST_CASE("null asks for all partitions, an empty list for none, a name for what there is of it") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    co_await create_topic(c, "m", 1);
    for (int16_t version = 1; version <= 5; ++version) {
      EXPECT_EQ(partitions_of(co_await ask(c, std::nullopt, version)).size(), 3u);
      const auto none = co_await ask(c, std::vector<Request::DescribableLogDirTopic>{}, version);
      EXPECT(partitions_of(none).empty());
      EXPECT_EQ(none->message.results.size(), 1u);
      const auto some = co_await ask(
          c, std::vector<Request::DescribableLogDirTopic>{{"t", {1, 99}}, {"nope", {0}}}, version);
      EXPECT(partitions_of(some) == std::set<std::pair<std::string, int32_t>>{{"t", 1}});
    }
  });
}

TEST_CASE("from version 4 on the file system's bytes are told") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const auto old = co_await ask(c, std::nullopt, 3);
    EXPECT_EQ(old->message.results.at(0).total_bytes, -1);
    const auto reply = co_await ask(c, std::nullopt, 4);
    const auto& directory = reply->message.results.at(0);
    EXPECT(directory.total_bytes > 0);
    EXPECT(directory.usable_bytes > 0);
    EXPECT(directory.usable_bytes <= directory.total_bytes);
  });
}

// Where partition 0 of a topic is, and where a copy of it is made; empty: nowhere.
struct Place {
  std::string now;
  std::string future;
};

Task<Place> place_of(Client& c, std::string topic) {
  const auto reply = co_await ask(c, std::vector<Request::DescribableLogDirTopic>{{topic, {0}}});
  Place out;
  for (const auto& directory : reply->message.results) {
    for (const auto& t : directory.topics) {
      for (const auto& p : t.partitions) {
        (p.is_future_key ? out.future : out.now) = std::string(directory.log_dir);
        if (!p.is_future_key) EXPECT_EQ(p.offset_lag, 0);
        EXPECT(p.offset_lag >= 0);
      }
    }
  }
  co_return out;
}

Task<int16_t> move(Client& c, std::string topic, std::string directory, int32_t partition = 0) {
  kafka::AlterReplicaLogDirsRequest request;
  auto& target = request.dirs.emplace_back();
  target.path = directory;
  target.topics.push_back({topic, {partition}});
  const auto reply = co_await c.call<kafka::AlterReplicaLogDirsResponse>(2, std::move(request));
  const auto& result = reply->message.results.at(0);
  EXPECT_EQ(result.topic_name, topic);
  EXPECT_EQ(result.partitions.at(0).partition_index, partition);
  co_return result.partitions.at(0).error_code;
}

TEST_CASE("a partition moves to another log directory with all that is in it") {
  Cluster cluster({{"log.dirs", "/data,/more"}}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    const Bytes records = batch({.records = 3, .value_bytes = 5000});
    EXPECT_EQ((co_await produce(c, "t", 0, records)).error, 0);
    for (int i = 0; i < 3; ++i) {
      const Place before = co_await place_of(c, "t");
      const std::string target = before.now == "/data" ? "/more" : "/data";
      EXPECT_EQ(co_await move(c, "t", target), 0);
      Place now = co_await place_of(c, "t");
      while (now.now != target) {
        co_await reactor::sleep_for(1ms);
        now = co_await place_of(c, "t");
      }
      EXPECT_EQ(now.future, "");
      EXPECT_EQ((co_await produce(c, "t", 0, records)).base, 3 * (i + 1));
      EXPECT_EQ(co_await move(c, "t", target), 0);
    }
  });
}

TEST_CASE("a move is refused as Kafka refuses it") {
  Cluster cluster({{"log.dirs", "/data,/more"}}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1);
    const std::string name(230, 'n');
    co_await create_topic(c, name, 1);
    EXPECT_EQ(co_await move(c, "t", "/nowhere"), 57);
    EXPECT_EQ(co_await move(c, "missing", "/nowhere"), 57);
    EXPECT_EQ(co_await move(c, "missing", "/more"), 3);
    EXPECT_EQ(co_await move(c, "t", "/more", 7), 3);
    EXPECT_EQ(co_await move(c, name, "/nowhere"), 17);
  });
}

// As Kafka has it: the error alone, neither partitions nor bytes.
void expect_failed(const Reply::DescribeLogDirsResult& directory) {
  EXPECT_EQ(directory.error_code, 56);
  EXPECT(directory.topics.empty());
  EXPECT_EQ(directory.total_bytes, -1);
}

TEST_CASE("a directory that a write failed in is a storage error") {
  Cluster cluster({{"log.dirs", "/one,/two"}}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 4);
    const auto reply = co_await ask(c, std::nullopt);
    for (const auto& directory : reply->message.results) EXPECT_EQ(directory.error_code, 0);
  });
  cluster.world().disk("broker").inject(
      {.code = reactor::OpCode::write, .path_part = "/two/", .error = EIO});
  cluster.tell([](Client& c) -> Task<void> {
    for (int32_t p = 0; p < 4; ++p) co_await produce(c, "t", p, batch());
    const auto reply = co_await ask(c, std::nullopt);
    REQUIRE(reply->message.results.size() == 2);
    EXPECT_EQ(reply->message.results[0].error_code, 0);
    EXPECT(!reply->message.results[0].topics.empty());
    expect_failed(reply->message.results[1]);
  });
  cluster.world().kill(cluster.broker());  // a stop would say that it was not clean
}

TEST_CASE("a directory that is offline is a storage error") {
  Cluster cluster({{"log.dirs", "/one,/two"}});
  cluster.tell([](Client& c) -> Task<void> { co_await create_topic(c, "t", 2); });
  cluster.stop();
  cluster.world().disk("broker").flip_bit("/two/odradek.manifest", 60, 1);
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    const auto reply = co_await ask(c, std::nullopt);
    REQUIRE(reply->message.results.size() == 2);
    EXPECT_EQ(reply->message.results[0].error_code, 0);
    expect_failed(reply->message.results[1]);
  });
}

}  // namespace
}  // namespace odradek::broker
