#include "net/kafka/messages/delete_records_request.h"
#include "net/kafka/messages/delete_records_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

MonoTime now() { return reactor::this_shard().precise_now(); }

// Trap 26.
TEST_CASE(
    "the first batch comes whole although it is larger than every limit, and only the first") {
  for (const uint32_t shards : {1u, 2u, 3u}) {
    Cluster cluster({}, shards);
    cluster.tell([](Client& c) -> Task<void> {
      co_await create_topic(c, "t", 3);
      const Bytes large = batch({.value_bytes = 10'000});
      for (int32_t i = 0; i < 3; ++i) co_await produce(c, "t", i, large);
      const auto reply = co_await fetch(
          c, {.topic = "t", .partitions = {0, 1, 2}, .partition_bytes_max = 100, .bytes_max = 100});
      EXPECT_EQ(bytes_of(reply), large.size());
      size_t parts = 0;
      for (const auto& topic : reply->message.responses) parts += topic.partitions.size();
      EXPECT_EQ(parts, 3u);
      // The whole answer may take all of them: each partition keeps its own limit.
      const auto wide = co_await fetch(c, {.topic = "t",
                                           .partitions = {0, 1, 2},
                                           .partition_bytes_max = 20'000,
                                           .bytes_max = 1 << 20});
      EXPECT_EQ(bytes_of(wide), 3 * large.size());
      for (const int32_t zero : {0, -1}) {
        const auto tight = co_await fetch(
            c, {.topic = "t", .partition_bytes_max = zero, .max_wait_ms = 100, .bytes_max = 100});
        EXPECT_EQ(bytes_of(tight), large.size());
      }
    });
  }
}

// Trap 28 and 29.
TEST_CASE(
    "an offset at the end is empty, outside is OFFSET_OUT_OF_RANGE, and both tell the offsets") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    for (int i = 0; i < 5; ++i) co_await produce(c, "t", 0, batch());
    kafka::DeleteRecordsRequest request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back({0, 2});
    const auto deleted = co_await c.call<kafka::DeleteRecordsResponse>(2, std::move(request));
    EXPECT_EQ(deleted->message.topics.at(0).partitions.at(0).low_watermark, 2);
    for (const auto& [offset, error] : {std::pair{5, 0}, {6, 1}, {1, 1}, {-1, 1}}) {
      const auto reply = co_await fetch(c, {.topic = "t", .offset = offset});
      const auto p = only(reply);
      EXPECT_EQ(p.error_code, error);
      // Apache Kafka tells no offsets with an error.
      EXPECT_EQ(p.high_watermark, error == 0 ? 5 : -1);
      EXPECT_EQ(p.last_stable_offset, error == 0 ? 5 : -1);
      EXPECT_EQ(p.log_start_offset, error == 0 ? 2 : -1);
      CHECK(p.records.has_value());
      EXPECT_EQ(p.records->size(), 0u);
    }
  });
}

// Trap 31.
TEST_CASE("read_committed gets a list of aborted transactions, read_uncommitted null") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await produce(c, "t", 0, batch());
    const auto plain = co_await fetch(c, {.topic = "t"});
    EXPECT_FALSE(only(plain).aborted_transactions.has_value());
    const auto committed = co_await fetch(c, {.topic = "t", .isolation = 1});
    CHECK(only(committed).aborted_transactions.has_value());
    EXPECT(only(committed).aborted_transactions->empty());
  });
}

TEST_CASE("a partition that is named twice is answered once, as the last asks") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await produce(c, "t", 0, batch());
    auto request = fetching({.topic = "t", .partitions = {0, 0}});
    request.topics[0].partitions[1].fetch_offset = 9;
    const auto reply = co_await c.call<kafka::FetchResponse>(12, std::move(request));
    EXPECT_EQ(only(reply).error_code, 1);
  });
}

TEST_CASE("what is unknown is answered after what is there") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    auto request = fetching({.topic = "nobody"});
    request.topics.push_back(fetching({.topic = "t"}).topics[0]);
    const auto reply = co_await c.call<kafka::FetchResponse>(12, std::move(request));
    CHECK(reply->message.responses.size() == 2);
    EXPECT_EQ(reply->message.responses[0].topic, "t");
    EXPECT_EQ(reply->message.responses[1].topic, "nobody");
  });
}

TEST_CASE("what a session is asked to add and to forget at once is forgotten") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    const auto opened = co_await fetch(c, {.topic = "t", .session_epoch = 0});
    auto request = fetching({.topic = "t",
                             .partitions = {1},
                             .offset = 9,
                             .session_id = opened->message.session_id,
                             .session_epoch = 1});
    auto& forgotten = request.forgotten_topics_data.emplace_back();
    forgotten.topic = "t";
    forgotten.partitions = {1};
    const auto next = co_await c.call<kafka::FetchResponse>(12, std::move(request));
    EXPECT_EQ(next->message.error_code, 0);
    EXPECT(next->message.responses.empty());  // offset 9 would be out of range
  });
}

TEST_CASE(
    "a refusal by the log has null for aborted transactions, an unknown topic an empty list") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const auto outside = co_await fetch(c, {.topic = "t", .offset = 9, .isolation = 1});
    EXPECT_EQ(only(outside).error_code, 1);
    EXPECT_FALSE(only(outside).aborted_transactions.has_value());
    const auto unknown = co_await fetch(c, {.topic = "nobody"});
    CHECK(only(unknown).aborted_transactions.has_value());
    EXPECT(only(unknown).aborted_transactions->empty());
  });
}

// Traps 30 and 32.
TEST_CASE("leader epochs are fenced, and a diverging epoch is told instead of data") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await produce(c, "t", 0, batch());
    const auto ahead = co_await fetch(c, {.topic = "t", .leader_epoch = 9});
    EXPECT_EQ(only(ahead).error_code, 75);
    EXPECT_EQ(only(ahead).current_leader.leader_epoch, -1);
    EXPECT_EQ(only(co_await fetch(c, {.topic = "t", .leader_epoch = -2})).error_code, 0);
    const auto same = co_await fetch(c, {.topic = "t", .leader_epoch = 0, .last_fetched_epoch = 0});
    EXPECT_EQ(only(same).error_code, 0);
    EXPECT(bytes_of(same) > 0);
    const auto unknown = co_await fetch(c, {.topic = "t", .last_fetched_epoch = 7});
    EXPECT_EQ(bytes_of(unknown), 0u);
  });
  cluster.world().kill(cluster.broker());
  cluster.start();  // unclean: epoch 1
  cluster.tell([](Client& c) -> Task<void> {
    co_await produce(c, "t", 0, batch());
    const auto fenced = co_await fetch(c, {.topic = "t", .leader_epoch = 0});
    EXPECT_EQ(only(fenced).error_code, 74);
    EXPECT_EQ(only(fenced).current_leader.leader_epoch, 1);
    const auto diverged = co_await fetch(c, {.topic = "t", .offset = 2, .last_fetched_epoch = 0});
    EXPECT_EQ(only(diverged).error_code, 0);
    EXPECT_EQ(only(diverged).diverging_epoch.epoch, 0);
    EXPECT_EQ(only(diverged).diverging_epoch.end_offset, 1);
    EXPECT_EQ(bytes_of(diverged), 0u);
    const auto beyond = co_await fetch(c, {.topic = "t", .offset = 9, .last_fetched_epoch = 0});
    EXPECT_EQ(only(beyond).error_code, 0);
    EXPECT_EQ(only(beyond).diverging_epoch.end_offset, 1);
  });
}

// Trap 33.
TEST_CASE("unknown topics and partitions are 3 by name, 100 by id, and do not hide the others") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t");
    co_await produce(c, "t", 0, batch());
    const auto by_name = co_await fetch(c, {.topic = "nowhere", .max_wait_ms = 10'000});
    EXPECT_EQ(only(by_name).error_code, 3);
    const auto partition = co_await fetch(c, {.topic = "t", .partitions = {5}});
    EXPECT_EQ(only(partition).error_code, 3);
    kafka::FetchRequest request = fetching({.topic_id = id});
    request.topics.push_back(request.topics[0]);
    request.topics[1].topic_id.bytes[0] ^= 1;
    const auto both = co_await c.call<kafka::FetchResponse>(16, request);
    const auto& topics = both->message.responses;
    CHECK(topics.size() == 2);
    EXPECT_EQ(topics[0].partitions.at(0).error_code, 0);
    EXPECT(bytes_of(topics[0].partitions.at(0)) > 0);
    EXPECT_EQ(topics[1].partitions.at(0).error_code, 100);
    EXPECT(topics[1].topic_id == request.topics[1].topic_id);
  });
}

// Apache Kafka 4 no longer refuses old versions here (trap 36 is of Kafka 3).
TEST_CASE("a topic that is compressed with zstd is read by every version") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1, {{"compression.type", "zstd"}});
    co_await produce(c, "t", 0, batch());
    EXPECT(bytes_of(co_await fetch(c, {.topic = "t"}, 4)) > 0);
    EXPECT(bytes_of(co_await fetch(c, {.topic = "t"}, 10)) > 0);
  });
}

// Trap 27.
TEST_CASE("a fetch waits for min_bytes, no longer than max_wait, and is woken by a produce") {
  for (const uint32_t shards : {1u, 3u}) {
    Cluster cluster({}, shards);
    cluster.tell([](Client& c) -> Task<void> {
      co_await create_topic(c, "t", 3);
      const MonoTime begin = now();
      const auto late =
          co_await fetch(c, {.topic = "t", .partitions = {0, 1, 2}, .max_wait_ms = 500});
      EXPECT_EQ(bytes_of(late), 0u);
      EXPECT(now() - begin >= 500ms);
      EXPECT(now() - begin < 600ms);
    });
    for (int32_t i = 0; i < 3; ++i) {
      const auto waiting = cluster.begin([](Client& c) -> Task<void> {
        const MonoTime begin = now();
        const auto reply =
            co_await fetch(c, {.topic = "t", .partitions = {0, 1, 2}, .max_wait_ms = 30'000});
        EXPECT(bytes_of(reply) > 0);
        EXPECT(now() - begin < 5s);
      });
      cluster.world().run_until([] { return false; }, 1s);
      if (i == 0)
        cluster.tell([](Client& c) -> Task<void> { co_await produce(c, "t", 0, batch()); });
      if (i == 1)
        cluster.tell([](Client& c) -> Task<void> { co_await produce(c, "t", 1, batch()); });
      if (i == 2)
        cluster.tell([](Client& c) -> Task<void> { co_await produce(c, "t", 2, batch()); });
      EXPECT(cluster.world().run_until_exit(waiting) == reactor::sim::Run::done);
      cluster.tell([](Client& c) -> Task<void> {
        for (int32_t p = 0; p < 3; ++p) {
          kafka::DeleteRecordsRequest request;
          request.timeout_ms = 1000;
          auto& topic = request.topics.emplace_back();
          topic.name = "t";
          topic.partitions.push_back({p, -1});
          co_await c.call<kafka::DeleteRecordsResponse>(2, std::move(request));
        }
        co_await delete_topic(c, "t");
        co_await create_topic(c, "t", 3);
      });
    }
  }
}

// A produce between the look and the wait must not be slept over.
TEST_CASE("no fetch sleeps while what it wants is there") {
  static int consumed;
  consumed = 0;
  Cluster cluster({}, 3);
  cluster.tell([](Client& c) -> Task<void> { co_await create_topic(c, "t", 3); });
  const auto waiting = cluster.begin([](Client& c) -> Task<void> {
    int64_t offsets[3] = {0, 0, 0};
    while (consumed < 600) {
      kafka::FetchRequest request =
          fetching({.topic = "t", .partitions = {0, 1, 2}, .max_wait_ms = 60'000});
      for (size_t p = 0; p < 3; ++p) request.topics[0].partitions[p].fetch_offset = offsets[p];
      const MonoTime begin = now();
      const auto reply = co_await c.call<kafka::FetchResponse>(12, std::move(request));
      EXPECT(now() - begin < 5s);
      for (const auto& p : reply->message.responses.at(0).partitions) {
        if (bytes_of(p) == 0) continue;
        consumed += static_cast<int>(p.high_watermark - offsets[p.partition_index]);
        offsets[p.partition_index] = p.high_watermark;
      }
    }
  });
  cluster.tell([](Client& c) -> Task<void> {
    for (int i = 0; i < 600; ++i) {
      co_await produce(c, "t", i % 3, batch(), 1);
      while (consumed <= i) co_await reactor::sleep_for(20us);
      co_await reactor::sleep_for(std::chrono::microseconds(i % 200));
    }
  });
  EXPECT(cluster.world().run_until_exit(waiting) == reactor::sim::Run::done);
}

// Trap 27.
TEST_CASE("deleting a topic wakes who waits for it") {
  for (const uint32_t shards : {1u, 2u}) {
    Cluster cluster({}, shards);
    cluster.tell([](Client& c) -> Task<void> { co_await create_topic(c, "t", 2); });
    const auto waiting = cluster.begin([](Client& c) -> Task<void> {
      const MonoTime begin = now();
      const auto reply =
          co_await fetch(c, {.topic = "t", .partitions = {0, 1}, .max_wait_ms = 60'000});
      EXPECT(now() - begin < 5s);
      int16_t error = 0;  // of whichever was gone first
      for (const auto& p : reply->message.responses.at(0).partitions) error |= p.error_code;
      EXPECT((error == 3 || error == 6 || error == 7));
    });
    cluster.world().run_until([] { return false; }, 1s);
    cluster.tell([](Client& c) -> Task<void> { EXPECT_EQ(co_await delete_topic(c, "t"), 0); });
    EXPECT(cluster.world().run_until_exit(waiting) == reactor::sim::Run::done);
  }
}

TEST_CASE("a stop ends long polls at once, on whatever shard they wait") {
  for (const uint32_t shards : {1u, 2u, 3u}) {
    Cluster cluster({}, shards);
    cluster.tell([](Client& c) -> Task<void> { co_await create_topic(c, "t", 3); });
    const Story poll = [](Client& c) -> Task<void> {
      const auto reply =
          co_await fetch(c, {.topic = "t", .partitions = {0, 1, 2}, .max_wait_ms = 600'000});
      EXPECT_EQ(bytes_of(reply), 0u);
      EXPECT(co_await c.closed());
    };
    const Story poll_one = [](Client& c) -> Task<void> {
      const auto reply =
          co_await fetch(c, {.topic = "t", .partitions = {1}, .max_wait_ms = 600'000});
      EXPECT_EQ(bytes_of(reply), 0u);
    };
    std::vector<reactor::sim::NodeId> nodes;
    for (uint32_t i = 0; i < 2 * shards; ++i)
      nodes.push_back(cluster.begin(i % 2 ? poll : poll_one));
    cluster.world().run_until([] { return false; }, 1s);
    EXPECT(cluster.stop() < 1s);
    for (const auto node : nodes) {
      EXPECT(cluster.world().run_until_exit(node, 60s) == reactor::sim::Run::done);
    }
  }
}

// More than a connection may have of unread answers: the rest of the requests is read later.
Task<void> ask_much(Client& c) {
  co_await create_topic(c, "t");
  co_await produce(c, "t", 0, batch({.value_bytes = 600'000}));
  for (int i = 0; i < 30; ++i) co_await c.post(12, fetching({.topic = "t"}));
}

TEST_CASE("a consumer that reads its answers late gets all of them") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await ask_much(c);
    co_await reactor::sleep_for(5s);
    for (int i = 0; i < 30; ++i) {
      const auto frame = co_await c.frame();
      CHECK(frame.has_value());
      EXPECT(frame->size() > 600'000);
    }
  });
}

TEST_CASE("a consumer that does not read its answers for connections.max.idle.ms is left") {
  Cluster cluster({{"connections.max.idle.ms", "5000"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await ask_much(c);
    co_await reactor::sleep_for(20s);
    int answers = 0;
    while (co_await c.frame()) ++answers;
    EXPECT(answers < 30);
  });
  EXPECT(cluster.logged("does not read its answers"));
}

}  // namespace
}  // namespace odradek::broker
