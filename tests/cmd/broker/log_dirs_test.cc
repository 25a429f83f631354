#include <set>

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

}  // namespace
}  // namespace odradek::broker
