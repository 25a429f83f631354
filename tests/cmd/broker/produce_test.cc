#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/incremental_alter_configs_response.h"
#include "net/kafka/messages/init_producer_id_request.h"
#include "net/kafka/messages/init_producer_id_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

kafka::InitProducerIdRequest no_transaction() {
  kafka::InitProducerIdRequest request;
  request.transactional_id.reset();
  return request;
}

// Trap 9.
TEST_CASE("acks=0 gets no answer, and what follows is answered in its place") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const Bytes records = batch();
    co_await c.post(9, producing("t", 0, records, 0));
    const auto done = co_await produce(c, "t", 0, records);
    EXPECT_EQ(done.error, 0);
    EXPECT_EQ(done.base, 1);
  });
}

// Trap 9.
TEST_CASE("acks=0 that fails closes the connection after what was answered before") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const Bytes records = batch();
    co_await c.post(9, producing("t", 0, records));
    co_await c.post(9, producing("nowhere", 0, records, 0));
    const auto first = co_await c.next<kafka::ProduceResponse>(9);
    EXPECT_EQ(first->message.responses.at(0).partition_responses.at(0).error_code, 0);
    EXPECT(co_await c.closed());
  });
  EXPECT(cluster.logged("acks=0 failed"));
}

// Trap 9.
TEST_CASE("acks other than -1, 0 and 1 are refused with base offset -1") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    for (const int16_t acks : {int16_t{2}, int16_t{-2}}) {
      const auto done = co_await produce(c, "t", 0, batch(), acks);
      EXPECT_EQ(done.error, 21);
      EXPECT_EQ(done.base, -1);
    }
  });
}

// Trap 10.
TEST_CASE("the answer names every partition of a produce request in its order, good or bad") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "a", 3);
    co_await create_topic(c, "b", 1);
    const Bytes records = batch();
    kafka::ProduceRequest request = producing("b", 7, records);
    request.topic_data[0].partition_data.push_back({0, Chain(BytesView(records))});
    auto& second = request.topic_data.emplace_back();
    second.name = "a";
    for (const int32_t index : {2, 0, 1}) {
      second.partition_data.push_back({index, Chain(BytesView(records))});
    }
    auto& third = request.topic_data.emplace_back();
    third.name = "nowhere";
    third.partition_data.push_back({0, Chain(BytesView(records))});
    const auto reply = co_await c.call<kafka::ProduceResponse>(9, std::move(request));
    std::string got;
    for (const auto& topic : reply->message.responses) {
      for (const auto& p : topic.partition_responses) {
        got += std::string(topic.name) + std::to_string(p.index) + ":" +
               std::to_string(p.error_code) + "@" + std::to_string(p.base_offset) + " ";
      }
    }
    EXPECT_EQ(got, "b7:3@-1 b0:0@0 a2:0@0 a0:0@0 a1:0@0 nowhere0:3@-1 ");
  });
}

TEST_CASE("a produce request without partitions is answered without partitions") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    kafka::ProduceRequest request;
    request.acks = -1;
    const auto reply = co_await c.call<kafka::ProduceResponse>(9, std::move(request));
    EXPECT(reply->message.responses.empty());
  });
}

TEST_CASE("a partition that is named twice gets both batches, in their order") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const Bytes one = batch();
    const Bytes three = batch({.records = 3});
    kafka::ProduceRequest request = producing("t", 0, one);
    request.topic_data[0].partition_data.push_back({0, Chain(BytesView(three))});
    const auto reply = co_await c.call<kafka::ProduceResponse>(9, std::move(request));
    const auto& parts = reply->message.responses.at(0).partition_responses;
    CHECK(parts.size() == 2);
    EXPECT_EQ(parts[0].base_offset, 0);
    EXPECT_EQ(parts[1].base_offset, 1);
  });
}

// Trap 12.
TEST_CASE("no batch, two batches, an old magic and null records are INVALID_RECORD") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    EXPECT_EQ((co_await produce(c, "t", 0, {})).error, 87);
    Bytes two = batch();
    const Bytes more = batch();
    two.insert(two.end(), more.begin(), more.end());
    EXPECT_EQ((co_await produce(c, "t", 0, two)).error, 87);
    Bytes old = batch();
    old[16] = 1;
    EXPECT_EQ((co_await produce(c, "t", 0, old)).error, 87);
    kafka::ProduceRequest request = producing("t", 0, {});
    request.topic_data[0].partition_data[0].records.reset();
    const auto reply = co_await c.call<kafka::ProduceResponse>(9, std::move(request));
    EXPECT_EQ(reply->message.responses.at(0).partition_responses.at(0).error_code, 87);
    const auto done = co_await produce(c, "t", 0, batch());
    EXPECT_EQ(done.base, 0);  // nothing of that was appended
  });
}

// Trap 13.
TEST_CASE("a broken checksum and a cut batch are CORRUPT_MESSAGE or INVALID_RECORD") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    Bytes broken = batch();
    broken.back() ^= 1;
    EXPECT_EQ((co_await produce(c, "t", 0, broken)).error, 2);
    for (size_t n = 1; n < batch().size(); n += 7) {
      Bytes cut = batch();
      cut.resize(n);
      const auto done = co_await produce(c, "t", 0, cut);
      EXPECT((done.error == 2 || done.error == 87));
      EXPECT_EQ(done.base, -1);
    }
  });
}

// Trap 12.
// As Kafka answers: where the request itself is wrong, nobody asked the log.
TEST_CASE("the log's start is told with what the log refuses, not with what the request is") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const auto start_after = [&c](Bytes records) -> Task<int64_t> {
      const auto reply = co_await c.call<kafka::ProduceResponse>(9, producing("t", 0, records, -1));
      EXPECT(reply->message.responses[0].partition_responses[0].error_code != 0);
      co_return reply->message.responses[0].partition_responses[0].log_start_offset;
    };
    Bytes control = batch();
    control[22] |= 32;
    const uint32_t crc = crc32c(0, BytesView(control).subspan(21));
    store_be<uint32_t>(control.data() + 17, crc);
    EXPECT_EQ(co_await start_after(control), 0);
    EXPECT_EQ(co_await start_after(Bytes()), -1);
  });
}

TEST_CASE("a topic without partitions is not answered") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    kafka::ProduceRequest request = producing("t", 0, {});
    request.topic_data[0].partition_data.clear();
    const auto reply = co_await c.call<kafka::ProduceResponse>(9, std::move(request));
    EXPECT(reply->message.responses.empty());
  });
}

TEST_CASE("zstd is refused below Produce version 7") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    BatchSpec spec;
    spec.options.compression.codec = log::Codec::zstd;
    EXPECT_EQ((co_await produce(c, "t", 0, batch(spec), -1, 6)).error, 76);
    EXPECT_EQ((co_await produce(c, "t", 0, batch(spec), -1, 7)).error, 0);
    // Kafka sees the codec before the acknowledgements, and before that the batch is no batch.
    EXPECT_EQ((co_await produce(c, "t", 0, batch(spec), 2, 6)).error, 76);
    EXPECT_EQ((co_await produce(c, "t", 0, batch(spec), 2, 7)).error, 21);
    auto shorter = batch(spec);
    store_be<int32_t>(shorter.data() + log::kLengthAt, 40);
    EXPECT_EQ((co_await produce(c, "t", 0, shorter, -1, 6)).error, 76);
    EXPECT_EQ((co_await produce(c, "t", 0, shorter, -1, 7)).error, 2);
  });
}

// Trap 13.
TEST_CASE("a record without a key is refused on a compacted topic, by its place in the batch") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 1, {{"cleanup.policy", "compact"}});
    log::BatchBuilder builder({});
    log::Record record;
    record.timestamp = 1'767'225'600'000;
    record.key = as_bytes("k");
    builder.append(record);
    record.key.reset();
    builder.append(record);
    const auto bytes = builder.finish();
    const auto reply =
        co_await c.call<kafka::ProduceResponse>(9, producing("t", 0, BytesView(*bytes)));
    const auto& p = reply->message.responses.at(0).partition_responses.at(0);
    EXPECT_EQ(p.error_code, 87);
    CHECK(p.record_errors.size() == 1);
    EXPECT_EQ(p.record_errors[0].batch_index, 1);
  });
}

// Trap 19.
TEST_CASE("a topic is unknown by name up to version 12 and by id from 13 on") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const Uuid id = co_await create_topic(c, "t");
    const Bytes records = batch();
    kafka::ProduceRequest request = producing("", 0, records);
    request.topic_data[0].topic_id = id;
    const auto by_id = co_await c.call<kafka::ProduceResponse>(13, request);
    EXPECT_EQ(by_id->message.responses.at(0).partition_responses.at(0).error_code, 0);
    EXPECT(by_id->message.responses.at(0).topic_id == id);
    request.topic_data[0].topic_id.bytes[3] ^= 1;
    const auto other = co_await c.call<kafka::ProduceResponse>(13, request);
    EXPECT_EQ(other->message.responses.at(0).partition_responses.at(0).error_code, 100);
    EXPECT_EQ((co_await produce(c, "nowhere", 0, batch(), -1, 12)).error, 3);
  });
}

// Trap 19.
TEST_CASE("internal topics are written by the admin client only") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "__consumer_offsets", 1);
    EXPECT_EQ((co_await produce(c, "__consumer_offsets", 0, batch())).error, 17);
    c.client_id = "__admin_client";
    EXPECT_EQ((co_await produce(c, "__consumer_offsets", 0, batch())).error, 0);
  });
}

// Trap 21.
TEST_CASE("a retried batch gets its first offset, a gap in the sequence is refused") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    const auto id = co_await c.call<kafka::InitProducerIdResponse>(4, no_transaction());
    EXPECT_EQ(id->message.error_code, 0);
    for (int32_t partition = 0; partition < 2; ++partition) {
      BatchSpec spec;
      spec.options.producer_id = log::ProducerId(id->message.producer_id);
      spec.options.producer_epoch = log::ProducerEpoch(0);
      spec.options.base_sequence = 0;
      EXPECT_EQ((co_await produce(c, "t", partition, batch(spec))).base, 0);
      spec.options.base_sequence = 1;
      EXPECT_EQ((co_await produce(c, "t", partition, batch(spec))).base, 1);
      const auto again = co_await produce(c, "t", partition, batch(spec));
      EXPECT_EQ(again.error, 0);
      EXPECT_EQ(again.base, 1);
      spec.options.base_sequence = 3;
      EXPECT_EQ((co_await produce(c, "t", partition, batch(spec))).error, 45);
      spec.options.producer_epoch = log::ProducerEpoch(1);
      EXPECT_EQ((co_await produce(c, "t", partition, batch(spec))).error, 45);
      spec.options.base_sequence = 0;
      EXPECT_EQ((co_await produce(c, "t", partition, batch(spec))).base, 2);
      spec.options.producer_epoch = log::ProducerEpoch(0);
      EXPECT_EQ((co_await produce(c, "t", partition, batch(spec))).error, 47);
    }
  });
}

// Trap 22: the retry is read while the first attempt is not durable yet.
TEST_CASE("a retry that overtakes its first attempt's answer is appended no second time") {
  Cluster cluster({}, 3);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 3);
    const auto id = co_await c.call<kafka::InitProducerIdResponse>(4, no_transaction());
    BatchSpec spec;
    spec.options.producer_id = log::ProducerId(id->message.producer_id);
    spec.options.producer_epoch = log::ProducerEpoch(0);
    spec.options.base_sequence = 0;
    const Bytes records = batch(spec);
    for (int32_t partition = 0; partition < 3; ++partition) {
      for (int i = 0; i < 3; ++i) co_await c.post(9, producing("t", partition, records));
      for (int i = 0; i < 3; ++i) {
        const auto reply = co_await c.next<kafka::ProduceResponse>(9);
        const auto& answer = reply->message.responses.at(0).partition_responses.at(0);
        EXPECT_EQ(answer.error_code, 0);
        EXPECT_EQ(answer.base_offset, 0);
      }
    }
  });
}

// The memory of such a request goes back before its answer is made.
TEST_CASE("the answer to a large request has the names that it came with") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "here");
    const Bytes records = batch({.records = 2, .value_bytes = 100'000});
    kafka::ProduceRequest request = producing("here", 0, records);
    for (const std::string_view name : {"nowhere", "here"}) {
      auto& t = request.topic_data.emplace_back();
      t.name = name;
      t.partition_data.push_back({0, Chain(records)});
    }
    const auto reply = co_await c.call<kafka::ProduceResponse>(9, request);
    std::string out;
    for (const auto& topic : reply->message.responses) {
      const auto& answer = topic.partition_responses.at(0);
      out += std::string(topic.name) + " " + std::to_string(answer.error_code) + " " +
             std::to_string(answer.base_offset) + ", ";
    }
    EXPECT_EQ(out, "here 0 0, nowhere 3 -1, here 0 2, ");
  });
}

// Trap 25.
TEST_CASE("producer ids are never given twice, whatever shard gives them") {
  Cluster cluster({}, 3);
  static std::vector<int64_t> ids;
  ids.clear();
  for (int i = 0; i < 6; ++i) {
    cluster.tell([](Client& c) -> Task<void> {
      const auto id = co_await c.call<kafka::InitProducerIdResponse>(4, no_transaction());
      EXPECT_EQ(id->message.producer_epoch, 0);
      ids.push_back(id->message.producer_id);
      kafka::InitProducerIdRequest half = no_transaction();
      half.producer_id = 5;
      half.producer_epoch = -1;
      const auto bad = co_await c.call<kafka::InitProducerIdResponse>(4, std::move(half));
      EXPECT_EQ(bad->message.error_code, 42);
    });
  }
  std::ranges::sort(ids);
  EXPECT(std::ranges::adjacent_find(ids) == ids.end());
}

TEST_CASE("a produce with a time-out of 0 succeeds as it does with Kafka") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const Bytes records = batch();
    for (const int16_t acks : {int16_t{1}, int16_t{-1}}) {
      kafka::ProduceRequest request = producing("t", 0, records, acks);
      request.timeout_ms = 0;
      const auto reply = co_await c.call<kafka::ProduceResponse>(9, std::move(request));
      EXPECT_EQ(reply->message.responses.at(0).partition_responses.at(0).error_code, 0);
    }
  });
}

Task<int16_t> alter(Client& c, std::string_view name, std::string_view value) {
  kafka::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = 2;
  resource.resource_name = "t";
  auto& config = resource.configs.emplace_back();
  config.name = name;
  config.value = value;
  const auto reply = co_await c.call<kafka::IncrementalAlterConfigsResponse>(1, std::move(request));
  co_return reply->message.responses.at(0).error_code;
}

// Traps 14, 16, 17.
TEST_CASE("altered topic configurations are in force for the next produce, on every shard") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    for (int32_t partition = 0; partition < 2; ++partition) {
      const Bytes large = batch({.value_bytes = 2000});
      EXPECT_EQ((co_await produce(c, "t", partition, large)).error, 0);
      EXPECT_EQ(co_await alter(c, "max.message.bytes", "1000"), 0);
      EXPECT_EQ((co_await produce(c, "t", partition, large)).error, 10);
      EXPECT_EQ(co_await alter(c, "max.message.bytes", "1000000"), 0);
      EXPECT_EQ((co_await produce(c, "t", partition, large)).log_append_time, -1);
      EXPECT_EQ(co_await alter(c, "message.timestamp.type", "LogAppendTime"), 0);
      const auto stamped = co_await produce(c, "t", partition, large);
      EXPECT(stamped.log_append_time >= 1'767'225'600'000);
      EXPECT_EQ(co_await alter(c, "message.timestamp.type", "CreateTime"), 0);
      EXPECT_EQ(co_await alter(c, "compression.type", "gzip"), 0);
      const auto packed = co_await produce(c, "t", partition, large);
      const auto reply =
          co_await fetch(c, {.topic = "t", .partitions = {partition}, .offset = packed.base});
      EXPECT(bytes_of(reply) > 0);
      EXPECT(bytes_of(reply) < large.size());
      EXPECT_EQ(co_await alter(c, "compression.type", "producer"), 0);
    }
  });
}

// Trap 13.
TEST_CASE("timestamps outside of what the topic allows are INVALID_TIMESTAMP") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    BatchSpec spec;
    spec.timestamp += 2 * 3'600'000;  // an hour ahead at most, by default
    EXPECT_EQ((co_await produce(c, "t", 0, batch(spec))).error, 32);
  });
}

TEST_CASE("produce requests of a stopping broker are answered, and readers find them") {
  Cluster cluster({}, 2);
  const auto node = cluster.begin([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    const Bytes records = batch({.value_bytes = 1000});
    for (int i = 0; i < 1000; ++i) {
      if (!co_await c.post(9, producing("t", i % 2, records))) break;  // it closed meanwhile
    }
    while (const auto frame = co_await c.frame()) EXPECT(frame->size() > 8);
  });
  cluster.world().run_until([&] { return false; }, 50ms);
  EXPECT(cluster.stop() < 3s);
  EXPECT(cluster.world().run_until_exit(node) == reactor::sim::Run::done);
}

}  // namespace
}  // namespace odradek::broker
