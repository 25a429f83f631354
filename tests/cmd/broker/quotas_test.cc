// Client quotas end to end: who is over one is answered at once, told how long, and read no sooner.
#include "cmd/broker/limits.h"
#include "net/kafka/messages/alter_client_quotas_request.h"
#include "net/kafka/messages/alter_client_quotas_response.h"
#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/create_partitions_request.h"
#include "net/kafka/messages/create_partitions_response.h"
#include "net/kafka/messages/describe_client_quotas_request.h"
#include "net/kafka/messages/describe_client_quotas_response.h"
#include "replication/metadata/feature_levels.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

using Entity = std::vector<std::pair<std::string_view, std::optional<std::string_view>>>;
using AlterReply = kafka::AlterClientQuotasResponse;

kafka::AlterClientQuotasRequest altering(const Entity& entity, std::string_view key,
                                         std::optional<double> value) {
  kafka::AlterClientQuotasRequest request;
  auto& entry = request.entries.emplace_back();
  for (const auto& [type, name] : entity) entry.entity.push_back({type, name});
  entry.ops.push_back({key, value.value_or(0), !value});
  return request;
}

Task<void> set_quota(Client& c, Entity entity, std::string_view key, std::optional<double> value) {
  const auto reply = co_await c.call<AlterReply>(1, altering(entity, key, value));
  CHECK(reply->message.entries.at(0).error_code == 0,
        reply->message.entries[0].error_message.value_or(""));
}

Duration since(MonoTime begun) { return reactor::this_shard().precise_now() - begun; }

// How long the producer is held back for these records, in milliseconds.
Task<int32_t> produce_throttle(Client& c, std::string_view topic, Bytes records,
                               int16_t version = 9) {
  const auto reply = co_await c.call<kafka::ProduceResponse>(version, producing(topic, 0, records));
  EXPECT_EQ(reply->message.responses.at(0).partition_responses.at(0).error_code, 0);
  co_return reply->message.throttle_time_ms;
}

TEST_CASE("quotas are set, described and removed, and a restart keeps them") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await set_quota(c, {{"user", "u"}, {"client-id", std::nullopt}}, "request_percentage", 12.5);
    co_await set_quota(c, {{"client-id", "gone"}}, "producer_byte_rate", 5);
    co_await set_quota(c, {{"client-id", "gone"}}, "producer_byte_rate", std::nullopt);
    kafka::AlterClientQuotasRequest only = altering({{"user", "v"}}, "consumer_byte_rate", 5);
    only.validate_only = true;
    EXPECT_EQ((co_await c.call<AlterReply>(0, only))->message.entries.at(0).error_code, 0);
    const auto refused = co_await c.call<AlterReply>(
        1, altering({{"ip", "nowhere"}}, "connection_creation_rate", 5));
    EXPECT_EQ(refused->message.entries.at(0).error_code, 42);
  });
  cluster.stop();
  cluster.start();
  cluster.tell([](Client& c) -> Task<void> {
    kafka::DescribeClientQuotasRequest all;
    const auto reply = co_await c.call<kafka::DescribeClientQuotasResponse>(1, all);
    CHECK(reply->message.entries.has_value() && reply->message.entries->size() == 1);
    const auto& entry = reply->message.entries->at(0);
    CHECK(entry.entity.size() == 2);
    EXPECT_EQ(entry.entity[0].entity_type, "client-id");
    EXPECT_FALSE(entry.entity[0].entity_name.has_value());
    EXPECT_EQ(entry.entity[1].entity_name.value_or(""), "u");
    CHECK(entry.values.size() == 1);
    EXPECT_EQ(entry.values[0].value, 12.5);
    kafka::DescribeClientQuotasRequest wrong;
    wrong.components.push_back({"group", 0, "g"});
    const auto refused = co_await c.call<kafka::DescribeClientQuotasResponse>(0, wrong);
    EXPECT_EQ(refused->message.error_code, 35);
    EXPECT_FALSE(refused->message.entries.has_value());
  });
}

// Trap 11.
TEST_CASE("a producer over its quota is answered at once and not read until its time is over") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await set_quota(c, {{"client-id", "tester"}}, "producer_byte_rate", 1000);
    EXPECT_EQ(co_await produce_throttle(c, "t", batch({.value_bytes = 9000})), 0);
    const MonoTime begun = reactor::this_shard().precise_now();
    const int32_t throttle = co_await produce_throttle(c, "t", batch({.value_bytes = 5000}));
    EXPECT(since(begun) < 1s);
    // Some 14,250 bytes in a span of 10 s.
    EXPECT(throttle > 4000);
    EXPECT(throttle < 5000);
    co_await c.call<kafka::MetadataResponse>(9, kafka::MetadataRequest{});
    EXPECT(since(begun) >= std::chrono::milliseconds(throttle));
    EXPECT(since(begun) < std::chrono::milliseconds(throttle) + 1s);
    // Who is not meant is not met.
    c.client_id = "other";
    EXPECT_EQ(co_await produce_throttle(c, "t", batch({.value_bytes = 50'000})), 0);
  });
}

TEST_CASE("with acks=0 nothing is answered, and the connection is held back all the same") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await set_quota(c, {{"client-id", "tester"}}, "producer_byte_rate", 1000);
    const Bytes records = batch({.value_bytes = 12'000});
    const MonoTime begun = reactor::this_shard().precise_now();
    co_await c.post(9, producing("t", 0, records, 0));
    co_await c.call<kafka::MetadataResponse>(9, kafka::MetadataRequest{});
    EXPECT(since(begun) > 2s);
    EXPECT(since(begun) < 4s);
  });
}

TEST_CASE("connections of all shards share the account of their client id") {
  Cluster cluster({}, 3);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await set_quota(c, {{"client-id", std::nullopt}}, "producer_byte_rate", 1000);
    int32_t longest = 0;
    for (int i = 0; i < 4; ++i) {
      Client another;
      another.client_id = "crowd";
      co_await another.connect();
      const int32_t throttle =
          co_await produce_throttle(another, "t", batch({.value_bytes = 4000}));
      EXPECT_EQ(throttle > 0, i >= 2);
      longest = std::max(longest, throttle);
      co_await another.close();
    }
    EXPECT(longest > 5000);
    EXPECT(longest < 8000);
  });
}

// Trap 11.
TEST_CASE("a fetch over its quota is answered empty, and its bytes are there when it asks again") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t");
    for (int i = 0; i < 3; ++i) co_await produce(c, "t", 0, batch({.value_bytes = 6000}));
    co_await set_quota(c, {{"user", "ANONYMOUS"}}, "consumer_byte_rate", 1000);
    FetchSpec spec;
    spec.topic_id = id;
    spec.session_epoch = 0;
    const auto first = co_await c.call<kafka::FetchResponse>(13, fetching(spec));
    EXPECT_EQ(first->message.throttle_time_ms, 0);
    EXPECT(first->message.session_id > 0);
    // No more than all windows allow, however much was asked for.
    const size_t got = first->message.responses.at(0).partitions.at(0).records->size();
    EXPECT(got > 6000);
    EXPECT(got <= 10'000);
    spec.offset = 1;
    spec.session_id = first->message.session_id;
    spec.session_epoch = 1;
    const MonoTime begun = reactor::this_shard().precise_now();
    const auto held = co_await c.call<kafka::FetchResponse>(13, fetching(spec));
    EXPECT_EQ(held->message.session_id, spec.session_id);
    EXPECT(held->message.responses.empty());
    EXPECT(held->message.throttle_time_ms > 1000);
    EXPECT(since(begun) < 1s);
    // A new session is not begun by an answer that tells nothing.
    spec.session_id = 0;
    spec.session_epoch = 0;
    const auto fresh = co_await c.call<kafka::FetchResponse>(13, fetching(spec));
    EXPECT(since(begun) >= std::chrono::milliseconds(held->message.throttle_time_ms));
    if (fresh->message.throttle_time_ms > 0) EXPECT_EQ(fresh->message.session_id, 0);
    // The window that holds the first answer goes by.
    co_await reactor::sleep_for(12s);
    const auto again = co_await c.call<kafka::FetchResponse>(13, fetching(spec));
    EXPECT_EQ(again->message.throttle_time_ms, 0);
    EXPECT(again->message.responses.at(0).partitions.at(0).records->size() > 6000);
  });
}

TEST_CASE("partitions beyond the mutation quota are refused from the versions on that know it") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await set_quota(c, {{"client-id", "tester"}}, "controller_mutation_rate", 1);
    const auto create = [&c](std::string_view name, int32_t partitions, int16_t version) {
      return c.call<kafka::CreateTopicsResponse>(version, creating(name, partitions));
    };
    // 11 are to be had at once, and who has any may take more.
    const auto first = co_await create("a", 14, 7);
    EXPECT_EQ(first->message.topics.at(0).error_code, 0);
    EXPECT_EQ(first->message.throttle_time_ms, 0);
    const MonoTime begun = reactor::this_shard().precise_now();
    const auto refused = co_await create("b", 1, 7);
    EXPECT_EQ(refused->message.topics.at(0).error_code, 89);
    EXPECT_FALSE(refused->message.topics.at(0).error_message.has_value());
    const int32_t throttle = refused->message.throttle_time_ms;
    EXPECT(throttle > 2500);
    EXPECT(throttle <= 3000);
    const auto after = co_await create("b", 1, 7);
    EXPECT(since(begun) >= std::chrono::milliseconds(throttle));
    EXPECT_EQ(after->message.topics.at(0).error_code, 0);
    const auto old = co_await create("c", 5, 5);
    EXPECT_EQ(old->message.topics.at(0).error_code, 0);
    EXPECT(old->message.throttle_time_ms > 4000);
    c.client_id = "other";
    EXPECT_EQ(co_await delete_topic(c, "a"), 0);
    c.client_id = "third";
    co_await set_quota(c, {{"client-id", "third"}}, "controller_mutation_rate", 0.01);
    kafka::CreatePartitionsRequest more;
    more.topics.push_back({"c", 6, std::nullopt});
    const auto grown = co_await c.call<kafka::CreatePartitionsResponse>(3, more);
    EXPECT_EQ(grown->message.results.at(0).error_code, 0);
    EXPECT_EQ(co_await delete_topic(c, "b"), 89);
  });
}

TEST_CASE("connections beyond the rate of their address are taken, not served, and closed later") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await set_quota(c, {{"ip", std::nullopt}}, "connection_creation_rate", 1);
    int served = 0;
    for (int i = 0; i < 12; ++i) {
      Client another;
      co_await another.connect();
      const MonoTime begun = reactor::this_shard().precise_now();
      co_await another.post(9, kafka::MetadataRequest{});
      if (const auto frame = co_await another.frame(30s)) {
        ++served;
      } else {
        EXPECT(since(begun) > 500ms);
        EXPECT(since(begun) < 12s);
      }
      co_await another.close();
      if (since(begun) > 500ms) break;
    }
    EXPECT_EQ(served, 10);
    co_await set_quota(c, {{"ip", std::nullopt}}, "connection_creation_rate", std::nullopt);
    Client last;
    co_await last.connect();
    co_await last.call<kafka::MetadataResponse>(9, kafka::MetadataRequest{});
    co_await last.close();
  });
}

// Asks what is answered with views of the metadata image, and looks at every name.
Task<void> read_names(Client& c) {
  const auto known = metadata::supported_features();
  for (int i = 0; i < 400; ++i) {
    kafka::ApiVersionsRequest versions;
    versions.client_software_name = "test";
    versions.client_software_version = "1";
    const auto features = co_await c.call<kafka::ApiVersionsResponse>(4, versions);
    for (const auto& feature : features->message.finalized_features) {
      const auto is_it = [&](const metadata::FeatureRange& f) { return f.name == feature.name; };
      EXPECT(std::ranges::any_of(known, is_it));
    }
    kafka::MetadataRequest all;
    all.topics = std::nullopt;
    const auto topics = co_await c.call<kafka::MetadataResponse>(9, all);
    for (const auto& topic : topics->message.topics) {
      EXPECT(topic.name.value_or("").starts_with("a-topic-with-a-long-name-"));
    }
  }
}

// The account of the readers lives on one shard, so that most of them wait for its answer.
TEST_CASE("an answer is whole though the metadata changes while its quota is asked for") {
  Cluster cluster({}, 4);
  cluster.tell([](Client& c) -> Task<void> {
    co_await set_quota(c, {{"client-id", "tester"}}, "request_percentage", 1e9);
  });
  std::vector<reactor::sim::NodeId> readers;
  for (int i = 0; i < 8; ++i) readers.push_back(cluster.begin(&read_names));
  cluster.tell([](Client& c) -> Task<void> {
    c.client_id = "other";
    for (int i = 0; i < 60; ++i) {
      const std::string name = "a-topic-with-a-long-name-" + std::to_string(i);
      co_await create_topic(c, name);
      if (i % 2 == 0) EXPECT_EQ(co_await delete_topic(c, name), 0);
    }
  });
  for (const auto reader : readers) {
    EXPECT(cluster.world().run_until_exit(reader, 10min) == reactor::sim::Run::done);
  }
}

// More connections from one address than are held; each is for some 1 s.
Task<void> be_held_back(Client& c) {
  constexpr uint32_t kServed = 10;
  co_await set_quota(c, {{"ip", std::nullopt}}, "connection_creation_rate", 1);
  std::vector<std::unique_ptr<Client>> all;
  for (uint32_t i = 0; i < kServed + kConnectionsHeldMax + 10; ++i) {
    all.push_back(std::make_unique<Client>());
    co_await all.back()->connect();
  }
  co_await reactor::sleep_for(400ms);
  for (uint32_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(co_await all[i]->closed(1ms), i >= kServed + kConnectionsHeldMax);
  }
  for (auto& client : all) co_await client->close();
}

TEST_CASE("connections that are held back take no place from others, and have a bound") {
  Cluster cluster({{"max.connections", "12"}});
  const auto held = cluster.begin(&be_held_back);
  cluster.world().run_for(300ms);
  cluster.tell([](Client& c) -> Task<void> {
    co_await c.post(9, kafka::MetadataRequest{});
    EXPECT((co_await c.frame(5s)).has_value());
  });
  EXPECT(cluster.world().run_until_exit(held, 10min) == reactor::sim::Run::done);
}

TEST_CASE("the host of a quota is looked up when it is new, not at every change of a quota") {
  Cluster cluster;
  int look_ups = 0;
  cluster.world().crash_when(
      cluster.broker(),
      [&](const reactor::sim::Step& step) {
        const bool submitted = step.kind == reactor::sim::StepKind::submit;
        look_ups += submitted && step.op->code == reactor::OpCode::resolve ? 1 : 0;
        return false;
      },
      reactor::sim::DiskOutcome::all_lost);
  cluster.tell([](Client& c) -> Task<void> {
    co_await set_quota(c, {{"ip", "client1"}}, "connection_creation_rate", 1);
    co_await reactor::sleep_for(1s);
    for (const double rate : {1e6, 2e6, 3e6}) {
      co_await set_quota(c, {{"client-id", "x"}}, "producer_byte_rate", rate);
    }
    // It is in force after these, too.
    int served = 0;
    for (int i = 0; i < 11; ++i) {
      Client another;
      co_await another.connect();
      co_await another.post(9, kafka::MetadataRequest{});
      served += (co_await another.frame(30s)).has_value() ? 1 : 0;
      co_await another.close();
    }
    EXPECT_EQ(served, 10);
  });
  // One for the answer, one for the quota.
  EXPECT_EQ(look_ups, 2);
}

TEST_CASE("a stop does not wait for whom a quota holds back") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    co_await set_quota(c, {{"client-id", "tester"}}, "producer_byte_rate", 1);
    co_await set_quota(c, {{"ip", std::nullopt}}, "connection_creation_rate", 1);
  });
  const auto held = cluster.begin([](Client& c) -> Task<void> {
    const int32_t throttle = co_await produce_throttle(c, "t", batch({.value_bytes = 5000}));
    EXPECT(throttle > 1'000'000);
    co_await c.post(9, kafka::MetadataRequest{});
    EXPECT_FALSE((co_await c.frame(120s)).has_value());
  });
  cluster.world().run_for(30s);
  EXPECT(cluster.stop() < 2s);
  EXPECT(cluster.world().run_until_exit(held, 10min) == reactor::sim::Run::done);
}

}  // namespace
}  // namespace odradek::broker
