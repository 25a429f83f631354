// The shell of a coordinator, over a log in a simulated world.
#include "replication/group/group_partition.h"

#include <algorithm>

#include "tests/log/log_testing.h"
#include "tests/replication/group/consumer_words.h"

namespace odradek::group {
namespace {

using log::test::BatchSpec;
using log::test::Live;
using log::test::LogWorld;
using log::test::must;
using reactor::Task;

const log::TopicPartition kId = log::test::partition_id(1);
const Config kConfig;
const TestCluster kNoTopics;

Uuid topic_id(uint8_t number) {
  Uuid id;
  id.bytes[15] = number;
  return id;
}

// A partition over `live`'s log; the topic t has the id that `now` says, zero for none.
std::unique_ptr<GroupPartition> begin(Live& live, const Uuid* now = nullptr) {
  auto partition = std::make_unique<GroupPartition>(
      *live.manager, kId, "__consumer_offsets-0", kConfig, kNoTopics,
      [now](std::string_view, const Uuid& id) {
        return now && (now->is_zero() || (!id.is_zero() && id != *now));
      });
  partition->start();
  return partition;
}

Task<KafkaCode> commit(GroupPartition& partition, int64_t offset, Uuid topic) {
  OffsetCommit request;
  request.group = "g";
  request.offsets.push_back({.topic = "t", .topic_id = topic, .offset = offset});
  const Answer answer = co_await partition.call(std::move(request));
  co_return std::get<OffsetCommitAnswer>(answer).errors.at(0);
}

// Whatever topic it was for; -1 for none.
Task<int64_t> committed(GroupPartition& partition) {
  OffsetFetch request;
  request.group = "g";
  const Answer answer = co_await partition.call(std::move(request));
  const auto& topics = std::get<OffsetFetchAnswer>(answer).topics;
  co_return topics.empty() ? -1 : topics[0].partitions.at(0).offset;
}

Task<void> expire(GroupPartition& partition) {
  partition.begin_expiry();
  co_await reactor::sleep_for(1s);
}

Task<KafkaCode> join(GroupPartition& partition) {
  JoinGroup request;
  request.group = "g";
  request.protocol_type = "consumer";
  request.protocols = {{"range", {}}};
  request.session_timeout_ms = 10'000;
  request.rebalance_timeout_ms = 10'000;
  const Answer answer = co_await partition.call(std::move(request));
  co_return std::get<JoinAnswer>(answer).error;
}

Task<void> find_a_transaction(Live& live) {
  must(co_await live.open(kId));
  co_await live.append(kId,
                       BatchSpec{.producer = 7, .epoch = 0, .sequence = 0, .transactional = true});
  const auto partition = begin(live);
  co_await reactor::sleep_for(1s);
  EXPECT(co_await commit(*partition, 1, topic_id(1)) == KafkaCode::coordinator_not_available);
  co_await partition->stop();
}

TEST_CASE("offsets of a transaction are not taken for committed ones: the partition says so") {
  LogWorld log;
  log.live(find_a_transaction);
  const auto& lines = log.world.lines(log.node);
  EXPECT(std::ranges::any_of(lines, [](const std::string& line) {
    return line.contains(
        "__consumer_offsets-0: its groups cannot be served: unsupported: offsets "
        "of a transaction, in the batch at offset 0");
  }));
}

Task<void> stop_while_loading(Live& live) {
  must(co_await live.open(kId));
  const auto partition = begin(live);
  partition->end_parked();
  EXPECT(co_await join(*partition) == KafkaCode::coordinator_load_in_progress);
  co_await reactor::sleep_for(1s);
  EXPECT(co_await join(*partition) == KafkaCode::not_coordinator);
  EXPECT(co_await commit(*partition, 1, topic_id(1)) == KafkaCode::none);
  co_await partition->stop();
}

TEST_CASE("nobody parks any more once a stop began, also when the log was read behind that") {
  LogWorld log;
  log.live(stop_while_loading);
}

Task<void> delete_topics(Live& live) {
  must(co_await live.open(kId));
  Uuid now = topic_id(1);
  const auto partition = begin(live, &now);
  co_await reactor::sleep_for(1s);
  EXPECT(co_await commit(*partition, 5, topic_id(1)) == KafkaCode::none);
  now = topic_id(2);
  partition->topics_deleted({"t"});
  EXPECT_EQ(co_await committed(*partition), -1);
  // From a shard that still has the old topic.
  EXPECT(co_await commit(*partition, 6, topic_id(1)) == KafkaCode::none);
  co_await expire(*partition);
  EXPECT_EQ(co_await committed(*partition), 6);
  co_await expire(*partition);
  EXPECT_EQ(co_await committed(*partition), -1);
  // From one that has the new topic before this one heard of it, or that the old one went.
  now = {};
  EXPECT(co_await commit(*partition, 7, topic_id(3)) == KafkaCode::none);
  co_await expire(*partition);
  now = topic_id(3);
  partition->topics_deleted({"t"});
  co_await expire(*partition);
  co_await expire(*partition);
  EXPECT_EQ(co_await committed(*partition), 7);
  co_await partition->stop();
}

TEST_CASE("offsets of a topic that went go, however late they came, and those of the next stay") {
  LogWorld log;
  log.live(delete_topics);
}

}  // namespace
}  // namespace odradek::group
