#include "tests/sim/script.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/batch/batch_builder.h"
#include "net/kafka/messages/init_producer_id_request.h"
#include "net/kafka/messages/init_producer_id_response.h"
#include "net/kafka/messages/produce_request.h"
#include "net/kafka/messages/produce_response.h"
#include "tests/sim/moves.h"

namespace odradek::simulation {

using reactor::Task;

namespace {
constexpr int16_t kProduceVersion = 9;
constexpr int16_t kDeleteRecordsVersion = 2;
constexpr Duration kAnswerTime = 2s;
MonoTime in_time() { return reactor::this_shard().now() + kAnswerTime; }
}  // namespace

Task<bool> Script::connect() {
  while (stage_.hold) co_await reactor::sleep_for(5ms);
  if (connection_ && connection_->usable()) co_return true;
  if (connection_) co_await connection_->close();
  connection_ = std::make_unique<Connection>("script");
  if (!co_await connection_->open(stage_.broker, in_time())) {
    co_await reactor::sleep_for(5ms);
    co_return false;
  }
  // It may have been connecting when the crash came.
  while (stage_.hold) co_await reactor::sleep_for(5ms);
  if (producer_ >= 0) co_return true;
  kafka::InitProducerIdRequest request;
  request.transactional_id = std::nullopt;
  request.transaction_timeout_ms = 60'000;
  const auto reply =
      co_await connection_->call<kafka::InitProducerIdResponse>(4, request, in_time());
  if (!reply || reply->message.error_code != 0) co_return false;
  producer_ = reply->message.producer_id;
  epoch_ = reply->message.producer_epoch;
  co_return true;
}

// False: it must be asked again, with the same bytes.
Task<bool> Script::produce_once(TopicFacts& topic, const log::TopicPartition& id, BytesView batch) {
  if (!co_await connect()) co_return false;
  kafka::ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 1'500;
  auto& data = request.topic_data.emplace_back();
  data.name = topic.name;
  auto& partition = data.partition_data.emplace_back();
  partition.index = id.partition.value;
  partition.records = Chain(batch);
  const Asked asked = stage_.oracle.ask(id);
  const auto reply =
      co_await connection_->call<kafka::ProduceResponse>(kProduceVersion, request, in_time());
  if (!reply) co_return false;
  const auto& answer = reply->message.responses.at(0).partition_responses.at(0);
  if (answer.error_code == 0) {
    stage_.oracle.acked(id, log::BatchHeader::parse(batch).crc, answer.base_offset, asked);
    co_return true;
  }
  const bool again = answer.error_code == 6 || answer.error_code == 7;
  stage_.oracle.expect(again, "I3",
                       fmt::format("{}: produce answered {}", id.to_string(), answer.error_code));
  co_return false;
}

Task<void> Script::produce(TopicFacts& topic, int32_t partition, size_t value_bytes) {
  while (producer_ < 0 && !co_await connect()) continue;
  const log::TopicPartition id{topic.id, log::PartitionId(partition)};
  log::BatchOptions options;
  options.producer_id = log::ProducerId(producer_);
  options.producer_epoch = log::ProducerEpoch(epoch_);
  options.base_sequence = sequences_[id];
  log::BatchBuilder builder(options);
  std::vector<uint8_t> value(value_bytes);
  for (size_t k = 0; k + 8 <= value.size(); k += 8) store_be(value.data() + k, prng_.next());
  log::Record record;
  record.timestamp = 1'767'225'600'000 + sequences_[id];
  record.value = BytesView(value);
  builder.append(record);
  builder.append(record);
  std::vector<uint8_t> batch = std::move(*builder.finish());
  sequences_[id] += 2;
  co_await produce_batch(topic, id, std::move(batch));
}

Task<void> Script::produce_batch(TopicFacts& topic, const log::TopicPartition& id,
                                 std::vector<uint8_t> batch) {
  stage_.oracle.sent(id, batch);
  while (!stage_.oracle.violation() && !co_await produce_once(topic, id, batch)) continue;
}

// Batches of three records over five keys, now and then a tombstone; then a moment, in which what
// was rolled is destaged and compacted.
Task<void> Script::produce_keyed(TopicFacts& topic, int count) {
  while (producer_ < 0 && !co_await connect()) continue;
  const log::TopicPartition id{topic.id, log::PartitionId(0)};
  for (int i = 0; i < count; ++i) {
    log::BatchOptions options;
    options.compression.codec = i % 2 == 0 ? log::Codec::none : log::Codec::lz4;
    options.producer_id = log::ProducerId(producer_);
    options.producer_epoch = log::ProducerEpoch(epoch_);
    options.base_sequence = sequences_[id];
    log::BatchBuilder builder(options);
    for (int k = 0; k < 3; ++k) {
      const std::string key = fmt::format("k{}", prng_.below(5));
      std::vector<uint8_t> value(500);
      for (size_t at = 0; at + 8 <= value.size(); at += 8) store_be(&value[at], prng_.next());
      log::Record record;
      record.timestamp = 1'767'225'600'000 + sequences_[id];
      record.key = as_bytes(key);
      if (!prng_.chance(1, 6)) record.value = BytesView(value);
      builder.append(record);
      ++sequences_[id];
    }
    co_await produce_batch(topic, id, std::move(*builder.finish()));
  }
  co_await reactor::sleep_for(60ms);
  while (stage_.hold) co_await reactor::sleep_for(5ms);
}

Task<void> Script::delete_records(TopicFacts& topic, int32_t index, int64_t before) {
  topic.deleted[index].asked = before;
  while (!stage_.oracle.violation()) {
    if (!co_await connect()) continue;
    kafka::DeleteRecordsRequest request;
    request.timeout_ms = 1'500;
    auto& data = request.topics.emplace_back();
    data.name = topic.name;
    auto& partition = data.partitions.emplace_back();
    partition.partition_index = index;
    partition.offset = before;
    const auto reply = co_await connection_->call<kafka::DeleteRecordsResponse>(
        kDeleteRecordsVersion, request, in_time());
    if (!reply || reply->message.topics.at(0).partitions.at(0).error_code != 0) continue;
    topic.deleted[index].acked = reply->message.topics[0].partitions[0].low_watermark;
    co_return;
  }
}

// A crash ends a move: then it is asked for again.
Task<void> Script::move(TopicFacts& topic, int32_t partition) {
  std::string target;
  while (!stage_.oracle.violation()) {
    if (!co_await connect()) continue;
    const auto place = co_await directory_of(stage_, *connection_, topic.name, partition);
    if (place && !target.empty() && *place == target) co_return;
    if (place && !place->empty()) {
      if (target.empty()) target = *place == "/data0" ? "/data1" : "/data0";
      (void)co_await ask_to_move(stage_, *connection_, topic.name, partition, target);
    }
    co_await produce(topic, partition, 400);
    co_await reactor::sleep_for(2ms);
    while (stage_.hold) co_await reactor::sleep_for(5ms);
  }
}

TopicFacts& Script::add_topic(const char* name, int32_t partitions) {
  TopicFacts& topic = stage_.topics.emplace_back();
  topic.name = name;
  topic.partitions = partitions;
  return topic;
}

// Create, small and large batches, rolls (by the size of the index), a topic that goes.
Task<void> Script::first_part() {
  const TopicConfigs small_segments{{"segment.bytes", "1048576"},
                                    {"segment.index.bytes", "24"},
                                    {"index.interval.bytes", "1024"}};
  TopicFacts& orders = add_topic("orders", 2);
  co_await create_topic(stage_, orders, small_segments, prng_.split());
  for (int i = 0; i < 4; ++i) co_await produce(orders, i % 2, 100 + static_cast<size_t>(i) * 900);
  TopicFacts& passing = add_topic("passing", 1);
  co_await create_topic(stage_, passing, {}, prng_.split());
  co_await produce(passing, 0, 2'000);
  co_await produce(orders, 0, 150'000);
  for (int i = 0; i < 6; ++i) co_await produce(orders, 0, 1'500);
  TopicConfigs compacted = small_segments;
  compacted["cleanup.policy"] = "compact";
  compacted["min.cleanable.dirty.ratio"] = "0.01";
  compacted["file.delete.delay.ms"] = "10";
  TopicFacts& keyed = add_topic("keyed", 1);
  keyed.compacted = true;
  keyed.delete_retention = 24h;
  co_await create_topic(stage_, keyed, compacted, prng_.split());
  co_await produce_keyed(keyed, 9);
  co_await produce_keyed(keyed, 6);
  co_await delete_topic(stage_, passing, prng_.split());
}

// After a clean restart: records deleted, another large batch, another topic of the same name, a
// partition that moves to the other directory.
Task<void> Script::second_part() {
  TopicFacts& orders = stage_.topics.front();
  co_await produce(orders, 1, 700);
  co_await delete_records(orders, 0, 7);
  co_await produce(orders, 1, 150'000);
  co_await produce_keyed(*std::ranges::find(stage_.topics, "keyed", &TopicFacts::name), 6);
  TopicFacts& again = add_topic("passing", 1);
  co_await create_topic(stage_, again, {}, prng_.split());
  co_await produce(again, 0, 300);
  for (int i = 0; i < 3; ++i) co_await produce(orders, 0, 1'500);
  co_await move(orders, 0);
  co_await produce(orders, 0, 1'500);
}

Task<int> Script::main() {
  co_await first_part();
  first_part_done = true;
  while (!go_on && !stage_.oracle.violation()) co_await reactor::sleep_for(1ms);
  co_await second_part();
  done = true;
  if (connection_) co_await connection_->close();
  co_return 0;
}

}  // namespace odradek::simulation
