// The client against the broker that ships, both in the simulated world.
#include <fmt/format.h>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_config.h"
#include "log/batch/batch_walker.h"
#include "log/batch/record_reader.h"
#include "net/kafka/client/fetcher.h"
#include "net/kafka/client/list_offsets.h"
#include "net/kafka/client/producer.h"
#include "net/kafka/messages/create_topics_request.h"
#include "net/kafka/messages/create_topics_response.h"
#include "tests/reactor/support.h"

namespace odradek::client {
namespace {

using reactor::must;
using reactor::Task;
using reactor::this_shard;
using reactor::sim::NodeId;
using reactor::sim::Run;
using reactor::sim::World;

constexpr int32_t kPartitions = 3;
constexpr int kRecords = 3'000;

NodeId start_broker(World& world, uint32_t shards) {
  std::map<std::string, std::string, std::less<>> properties;
  properties["listeners"] = "PLAINTEXT://0.0.0.0:9092";
  properties["advertised.listeners"] = "PLAINTEXT://10.0.0.1:9092";
  properties["log.dirs"] = "/data";
  properties["odradek.shards"] = std::to_string(shards);
  properties["odradek.memory"] = std::to_string(uint64_t{64} * shards << 20);
  auto config = broker::make_config(std::move(properties), shards, uint64_t{4} << 30);
  CHECK(config.has_value(), config.error().to_string());
  config->wal_bytes = uint64_t{16} << 20;
  reactor::sim::NodeOptions node;
  node.name = "broker";
  node.address = "10.0.0.1";
  node.shards = shards;
  return world.start(node, [shared = *config] { return broker::serve_main(shared); });
}

MonoTime soon() { return this_shard().now() + std::chrono::minutes(2); }

Task<void> create(Client& client) {
  kafka::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.num_partitions = kPartitions;
  topic.replication_factor = 1;
  const auto reply = must(
      co_await client.call<kafka::CreateTopicsResponse>({.controller = true}, request, soon()));
  CHECK(reply.message.topics.at(0).error_code == 0);
  must(co_await client.need_topic("t", soon()));
}

// How far the client is, for a test that breaks something then.
struct Steps {
  int produced = 0;
  int read = 0;
};

Task<void> produce(Client& client, ProducerOptions options, Steps& steps) {
  int64_t delivered = 0;
  options.batch_bytes = 2'000;
  options.buffer_bytes = 20'000;
  options.compression.codec = log::Codec::lz4;
  Producer producer(client, options, [&](const Delivery& delivery) {
    CHECK(delivery.error == nullptr, delivery.error->context);
    delivered += delivery.records;
  });
  must(co_await producer.start(soon()));
  for (int i = 0; i < kRecords; ++i) {
    const std::string value = std::to_string(i);
    log::Record record;
    record.timestamp = this_shard().wall_now().ms;
    record.value = as_bytes(value);
    const size_t lane = producer.lane("t", i % kPartitions);
    while (!producer.try_send(lane, record)) must(co_await producer.wait_for_room());
    if (++steps.produced % 10 == 0) co_await reactor::sleep_for(1ms);
  }
  must(co_await producer.flush(soon()));
  CHECK(delivered == kRecords, delivered);
  co_await producer.stop();
}

// Every value stands once, in order, in its partition.
Task<void> read_back(Client& client, bool sessions, Steps& steps) {
  FetchOptions options;
  options.sessions = sessions;
  options.buffer_bytes = 10'000;
  options.partition_bytes_max = 3'000;
  Fetcher fetcher(client, options);
  for (int32_t p = 0; p < kPartitions; ++p) (void)fetcher.add("t", p, 0);
  fetcher.start();
  std::vector<int> next{0, 1, 2};
  int seen = 0;
  while (seen < kRecords) {
    const auto answer = co_await fetcher.next(soon());
    REQUIRE(answer != nullptr);
    for (const Fetched& fetched : answer->partitions) {
      REQUIRE_FALSE(fetched.error.has_value());
      log::BatchWalker walker(fetched.records);
      for (auto step = walker.next(); step.kind == log::WalkStep::Kind::batch;
           step = walker.next()) {
        log::RecordReader reader(step.bytes, kExpansionBytesMax);
        for (auto record = must(reader.next()); record; record = must(reader.next())) {
          if (reader.offset_of(*record).value < fetched.first_offset) continue;
          int& wanted = next[fetched.position];
          REQUIRE_EQ(std::string(as_text(*record->value)), std::to_string(wanted));
          wanted += kPartitions;
          ++seen;
          ++steps.read;
        }
      }
    }
    co_await reactor::sleep_for(1ms);
  }
  co_await fetcher.stop();
}

ClientOptions options() {
  ClientOptions out;
  out.bootstrap = {{"10.0.0.1", 9092}};
  out.request_timeout = 3s;
  return out;
}

Task<void> expect_ends(Client& client) {
  std::vector<OffsetQuery> queries;
  for (int32_t p = 0; p < kPartitions; ++p) queries.push_back({.topic = "t", .partition = p});
  const auto ends = must(co_await list_offsets(client, std::move(queries), soon()));
  for (const auto& end : ends) EXPECT(end.offset == kRecords / kPartitions);
}

Task<int> write_and_read(Steps& steps) {
  Client client(options());
  must(co_await client.start(soon()));
  co_await create(client);
  co_await produce(client, {}, steps);
  co_await expect_ends(client);
  co_await read_back(client, true, steps);
  co_await read_back(client, false, steps);
  co_await client.stop();
  co_return 0;
}

void kill_and_restart(World& world, NodeId broker, uint32_t shards) {
  world.kill(broker);
  (void)world.run_for(1s);
  (void)start_broker(world, shards);
}

NodeId start_client(World& world, reactor::ShardMain main) {
  reactor::sim::NodeOptions node;
  node.name = "client";
  return world.start(node, std::move(main));
}

TEST_CASE("everything is written and read once although the broker is killed meanwhile, thrice") {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    World world(seed);
    const NodeId broker = start_broker(world, 1 + static_cast<uint32_t>(seed % 3));
    Steps steps;
    const NodeId node = start_client(world, [&steps] { return write_and_read(steps); });
    const int when = 500 * static_cast<int>(seed);
    REQUIRE(world.run_until([&] { return steps.produced >= when; }) == Run::done);
    kill_and_restart(world, broker, 1);
    REQUIRE(world.run_until([&] { return steps.read >= when; }) == Run::done);
    kill_and_restart(world, broker, 2);
    REQUIRE(world.run_until([&] { return steps.read >= kRecords + when; }) == Run::done);
    kill_and_restart(world, broker, 1);
    REQUIRE(world.run_until_exit(node, std::chrono::minutes(10)) == Run::done);
    EXPECT(world.exit_code(node) == 0);
  }
}

Task<int> write_with(int16_t acks) {
  Steps steps;
  Client client(options());
  must(co_await client.start(soon()));
  co_await create(client);
  co_await produce(client, {.acks = acks}, steps);
  // Without acknowledgements the broker may still be at it.
  if (acks == 0) co_await reactor::sleep_for(1s);
  co_await expect_ends(client);
  co_await read_back(client, true, steps);
  co_await client.stop();
  co_return 0;
}

TEST_CASE("records arrive with every kind of acknowledgement") {
  for (const int16_t acks : {int16_t{0}, int16_t{1}}) {
    CAPTURE(acks);
    World world(7);
    (void)start_broker(world, 2);
    const NodeId node = start_client(world, [acks] { return write_with(acks); });
    REQUIRE(world.run_until_exit(node, std::chrono::minutes(10)) == Run::done);
    EXPECT(world.exit_code(node) == 0);
  }
}

// Nobody answers any more: everything ends in time, and with an error.
Task<int> write_to_nobody(Steps& steps, const bool& gone) {
  Client client(options());
  must(co_await client.start(soon()));
  co_await create(client);
  bool failed = false;
  Producer producer(client, {.delivery_timeout = 4s},
                    [&failed](const Delivery& delivery) { failed |= delivery.error != nullptr; });
  must(co_await producer.start(soon()));
  ++steps.produced;
  while (!gone) co_await reactor::sleep_for(1ms);
  log::Record record;
  record.value = as_bytes("v");
  EXPECT(producer.try_send(producer.lane("t", 0), record));
  const MonoTime before = this_shard().now();
  const Status flushed = co_await producer.flush(before + 30s);
  REQUIRE_FALSE(flushed.has_value());
  EXPECT(flushed.error().code == Errc::timed_out);
  EXPECT(failed);
  EXPECT(this_shard().now() - before < 20s);
  co_await producer.stop();
  co_await client.stop();
  co_return 0;
}

TEST_CASE("a producer without a broker gives up in time") {
  World world(3);
  const NodeId broker = start_broker(world, 1);
  Steps steps;
  bool gone = false;
  const NodeId node = start_client(world, [&] { return write_to_nobody(steps, gone); });
  REQUIRE(world.run_until([&] { return steps.produced > 0; }) == Run::done);
  world.crash(broker, reactor::sim::DiskOutcome::torn);
  gone = true;
  REQUIRE(world.run_until_exit(node, std::chrono::minutes(10)) == Run::done);
  EXPECT(world.exit_code(node) == 0);
}

}  // namespace
}  // namespace odradek::client
