#include "cmd/broker/fetch_session.h"

#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

size_t parts_of(const Answered<kafka::FetchResponse>& reply) {
  size_t parts = 0;
  for (const auto& topic : reply->message.responses) parts += topic.partitions.size();
  return parts;
}

FetchSpec next_of(int32_t id, int32_t epoch) {
  return {.partitions = {}, .session_id = id, .session_epoch = epoch};
}

// Traps 37 and 38.
TEST_CASE("an incremental fetch names only what changed") {
  for (const uint32_t shards : {1u, 3u}) {
    Cluster cluster({}, shards);
    cluster.tell([](Client& c) -> Task<void> {
      co_await create_topic(c, "t", 3);
      const auto full =
          co_await fetch(c, {.topic = "t", .partitions = {0, 1, 2}, .session_epoch = 0});
      const int32_t id = full->message.session_id;
      EXPECT(id > 0);
      EXPECT_EQ(parts_of(full), 3u);
      const auto nothing = co_await fetch(c, next_of(id, 1));
      EXPECT_EQ(nothing->message.session_id, id);
      EXPECT_EQ(parts_of(nothing), 0u);
      co_await produce(c, "t", 1, batch());
      const auto data = co_await fetch(c, next_of(id, 2));
      EXPECT_EQ(parts_of(data), 1u);
      EXPECT_EQ(only(data).partition_index, 1);
      EXPECT(bytes_of(data) > 0);
      // Moves on behind the data: its high watermark is known.
      FetchSpec moved = {.topic = "t", .partitions = {1}, .offset = 1, .session_id = id};
      moved.session_epoch = 3;
      EXPECT_EQ(parts_of(co_await fetch(c, moved)), 0u);
    });
  }
}

// Trap 38.
TEST_CASE("an error is told again and again in a session, and what is forgotten not at all") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    const auto full = co_await fetch(c, {.topic = "t", .partitions = {0, 7}, .session_epoch = 0});
    const int32_t id = full->message.session_id;
    for (int32_t epoch = 1; epoch < 4; ++epoch) {
      const auto reply = co_await fetch(c, next_of(id, epoch));
      EXPECT_EQ(only(reply).partition_index, 7);
      EXPECT_EQ(only(reply).error_code, 3);
    }
    kafka::FetchRequest forgetting = fetching(next_of(id, 4));
    auto& forgotten = forgetting.forgotten_topics_data.emplace_back();
    forgotten.topic = "t";
    forgotten.partitions = {7};
    const auto reply = co_await c.call<kafka::FetchResponse>(12, std::move(forgetting));
    EXPECT_EQ(parts_of(reply), 0u);
  });
}

TEST_CASE("who diverged hears it each time, and nothing new once it is where the log is") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await produce(c, "t", 0, batch());
    const auto full =
        co_await fetch(c, {.topic = "t", .offset = 9, .session_epoch = 0, .last_fetched_epoch = 0});
    const int32_t id = full->message.session_id;
    EXPECT_EQ(only(full).diverging_epoch.end_offset, 1);
    EXPECT_EQ(parts_of(co_await fetch(c, next_of(id, 1))), 1u);
    FetchSpec moved = {.topic = "t", .offset = 1, .session_id = id, .session_epoch = 2};
    EXPECT_EQ(parts_of(co_await fetch(c, moved)), 0u);
  });
}

// Trap 37.
TEST_CASE("unknown sessions and wrong epochs are refused, and do no harm to the session") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const auto unknown = co_await fetch(c, next_of(12345, 1));
    EXPECT_EQ(unknown->message.error_code, 70);
    EXPECT_EQ(unknown->message.session_id, 0);
    const auto full = co_await fetch(c, {.topic = "t", .session_epoch = 0});
    const int32_t id = full->message.session_id;
    const auto early = co_await fetch(c, next_of(id, 2));
    EXPECT_EQ(early->message.error_code, 71);
    EXPECT(early->message.responses.empty());
    EXPECT_EQ((co_await fetch(c, next_of(id, 1)))->message.error_code, 0);
    EXPECT_EQ((co_await fetch(c, next_of(id, 1)))->message.error_code, 71);
    // A final fetch closes it.
    FetchSpec last = {.topic = "t", .session_id = id};
    EXPECT_EQ((co_await fetch(c, last))->message.session_id, 0);
    EXPECT_EQ((co_await fetch(c, next_of(id, 2)))->message.error_code, 70);
    // A full fetch with an id closes that one and begins another.
    const auto second = co_await fetch(c, {.topic = "t", .session_epoch = 0});
    FetchSpec anew = {.topic = "t", .session_id = second->message.session_id, .session_epoch = 0};
    const auto third = co_await fetch(c, anew);
    EXPECT(third->message.session_id != second->message.session_id);
    EXPECT_EQ((co_await fetch(c, next_of(second->message.session_id, 1)))->message.error_code, 70);
  });
}

// Trap 33.
TEST_CASE(
    "a session keeps to names or to ids, and an unknown id stays until its topic comes or not") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t");
    const auto named = co_await fetch(c, {.topic = "t", .session_epoch = 0});
    const auto mixed = co_await fetch(c, next_of(named->message.session_id, 1), 13);
    EXPECT_EQ(mixed->message.error_code, 106);
    const auto full = co_await fetch(c, {.topic_id = id, .session_epoch = 0}, 16);
    const int32_t session = full->message.session_id;
    EXPECT_EQ(only(full).error_code, 0);
    co_await delete_topic(c, "t");
    const auto gone = co_await fetch(c, next_of(session, 1), 16);
    EXPECT_EQ(only(gone).error_code, 3);
    EXPECT(gone->message.responses.at(0).topic_id == id);
    co_await create_topic(c, "t");
    for (int32_t epoch = 2; epoch < 4; ++epoch) {
      const auto another = co_await fetch(c, next_of(session, epoch), 16);
      EXPECT_EQ(only(another).error_code, 103);
      EXPECT(another->message.responses.at(0).topic_id == id);
    }
    Uuid unknown = id;
    unknown.bytes[0] ^= 1;
    const auto never = co_await fetch(c, {.topic_id = unknown, .session_epoch = 0}, 16);
    EXPECT_EQ(only(never).error_code, 100);
    const auto still = co_await fetch(c, next_of(never->message.session_id, 1), 16);
    EXPECT_EQ(only(still).error_code, 100);
  });
}

TEST_CASE("a session from which everything was forgotten ends") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const auto full = co_await fetch(c, {.topic = "t", .session_epoch = 0});
    kafka::FetchRequest forgetting = fetching(next_of(full->message.session_id, 1));
    auto& forgotten = forgetting.forgotten_topics_data.emplace_back();
    forgotten.topic = "t";
    forgotten.partitions = {0};
    const auto reply = co_await c.call<kafka::FetchResponse>(12, std::move(forgetting));
    EXPECT_EQ(reply->message.error_code, 0);
    EXPECT_EQ(reply->message.session_id, 0);
    const auto after = co_await fetch(c, next_of(full->message.session_id, 2));
    EXPECT_EQ(after->message.error_code, 70);
  });
}

// Trap 38.
TEST_CASE("partitions that returned data go to the end, so that none starves") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 3);
    const Bytes large = batch({.value_bytes = 1000});
    for (int32_t p = 0; p < 3; ++p) {
      for (int i = 0; i < 3; ++i) co_await produce(c, "t", p, large);
    }
    FetchSpec spec = {.topic = "t", .partitions = {0, 1, 2}, .partition_bytes_max = 100};
    spec.bytes_max = 100;
    spec.session_epoch = 0;
    std::string order;
    auto reply = co_await fetch(c, spec);
    const int32_t id = reply->message.session_id;
    for (int32_t epoch = 1; epoch < 7; ++epoch) {
      for (const auto& topic : reply->message.responses) {
        for (const auto& p : topic.partitions) {
          if (bytes_of(p) > 0) order += std::to_string(p.partition_index);
        }
      }
      FetchSpec next = next_of(id, epoch);
      next.bytes_max = 100;
      reply = co_await fetch(c, next);
    }
    // The first answer makes the session; from the next on what returned data goes to the end.
    EXPECT_EQ(order, "001201");
  });
}

SessionPartition partition(int32_t index) {
  SessionPartition p;
  p.topic = "t";
  p.partition = index;
  return p;
}

// Trap 39.
TEST_CASE("the cache keeps to its size: it evicts the idle and the smaller, never the busy") {
  FetchSessionCache cache(3, 2);
  FetchSession* small = cache.create(1, false, 1, WallTime{1000});
  small->put(partition(0));
  FetchSession* large = cache.create(2, false, 2, WallTime{1001});
  for (int32_t i = 0; i < 5; ++i) large->put(partition(i));
  EXPECT_EQ(small->id % 64, 3);
  const int32_t small_id = small->id;
  const int32_t large_id = large->id;
  EXPECT(cache.create(3, false, 1, WallTime{1002}) == nullptr);  // not larger than any
  small->busy = true;
  EXPECT(cache.create(3, false, 4, WallTime{1002}) == nullptr);
  small->busy = false;
  EXPECT(cache.create(10'000, false, 4, WallTime{1003}) != nullptr);
  EXPECT(cache.find(small_id) == nullptr);
  EXPECT(cache.find(large_id) != nullptr);
  EXPECT(cache.create(4, false, 1, WallTime{200'000}) != nullptr);  // the others are idle for long
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(FetchSessionCache::next_epoch(0x7fffffff), 1);
}

TEST_CASE("session ids are positive and belong to their shard whatever the random number") {
  FetchSessionCache cache(0, 1000);
  for (const uint64_t random :
       {uint64_t{0}, uint64_t{0x7fffffff}, ~uint64_t{0}, uint64_t{1} << 31}) {
    for (int i = 0; i < 3; ++i) {
      const FetchSession* session = cache.create(random, false, 1, WallTime{1});
      EXPECT(session->id > 0);
      EXPECT_EQ(session->id % 64, 0);
    }
  }
}

}  // namespace
}  // namespace odradek::broker
