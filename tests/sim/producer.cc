// A producer as librdkafka and the Java client are: batches of several partitions in flight, in
// order by sequence; after a lost connection, a timeout or a retriable error the same bytes go out
// again on whatever connection there is.
#include <fmt/format.h>

#include "log/batch/batch_builder.h"
#include "net/kafka/messages/init_producer_id_request.h"
#include "net/kafka/messages/init_producer_id_response.h"
#include "net/kafka/messages/produce_request.h"
#include "net/kafka/messages/produce_response.h"
#include "tests/sim/client.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

using log::TopicPartition;
using reactor::Task;

namespace {

constexpr int16_t kUnknownTopic = 3;
constexpr int16_t kOutOfOrder = 45;
constexpr int16_t kUnknownTopicId = 100;
constexpr uint64_t kKeys = 25;         // of a partition of a compacted topic
constexpr size_t kBatchesPerLane = 5;  // what the broker remembers of a producer

bool retriable(int16_t error) {
  // request timed out, not leader, leader not available, not enough replicas, storage error
  return error == 7 || error == 6 || error == 5 || error == 19 || error == 56;
}

struct Batch {
  std::vector<uint8_t> bytes;
  uint32_t crc = 0;
  int32_t sequence = 0;
  int32_t records = 0;
  bool in_flight = false;
  uint64_t number = 0;
};

// One partition's batches, oldest first.
struct Lane {
  TopicFacts* topic = nullptr;
  TopicPartition id;
  std::deque<Batch> batches;
  int32_t next_sequence = 0;
};

// One request and the batches it carries, by lane and number.
struct InFlight {
  Ticket ticket;
  MonoTime deadline;
  Asked asked;
  std::vector<std::pair<size_t, uint64_t>> batches;
};

class Producer {
 public:
  Producer(Stage& stage, ProducerOptions options)
      : stage_(stage), options_(std::move(options)), prng_(options_.seed) {}
  Task<void> run();

 private:
  Task<bool> connect();
  Task<void> disconnect();
  Task<bool> send_one();
  Task<void> take_answer();
  void take_partition(const kafka::ProduceResponse::PartitionProduceResponse& answer, size_t lane,
                      uint64_t number, const Asked& asked);
  void refresh_lanes();
  Batch make_batch(Lane& lane);
  Batch* next_of(Lane& lane);
  void rebuild();
  bool finished() const;

  Stage& stage_;
  ProducerOptions options_;
  Prng prng_;
  std::unique_ptr<Connection> connection_;
  std::deque<Lane> lanes_;
  std::deque<InFlight> in_flight_;
  int64_t producer_ = -1;
  int16_t epoch_ = -1;
  uint64_t made_ = 0;
  uint64_t numbers_ = 0;
  bool rebuild_ = false;  // a new producer id is needed
  bool pause_ = false;    // something was refused: wait before the next request
};

void Producer::refresh_lanes() {
  for (TopicFacts& topic : stage_.topics) {
    if (!topic.alive()) continue;
    // A topic may have got more partitions.
    const auto known =
        std::ranges::count_if(lanes_, [&](const Lane& lane) { return lane.id.topic == topic.id; });
    for (auto p = static_cast<int32_t>(known); p < topic.partitions; ++p) {
      lanes_.push_back(Lane{&topic, {topic.id, log::PartitionId(p)}, {}, 0});
    }
  }
}

bool Producer::finished() const {
  if (made_ < options_.batches) return false;
  return std::ranges::all_of(
      lanes_, [](const Lane& lane) { return lane.batches.empty() || !lane.topic->alive(); });
}

Batch Producer::make_batch(Lane& lane) {
  log::BatchOptions options;
  if (options_.idempotent) {
    options.producer_id = log::ProducerId(producer_);
    options.producer_epoch = log::ProducerEpoch(epoch_);
    options.base_sequence = lane.next_sequence;
  }
  log::BatchBuilder builder(options);
  Batch batch;
  batch.number = ++numbers_;
  const bool large = options_.large_bytes > 0 && prng_.chance(1, 20);
  batch.records = large ? 4 : static_cast<int32_t>(prng_.between(1, 4));
  const size_t value_bytes =
      large ? options_.large_bytes / 4 : prng_.below(options_.value_bytes_max);
  const bool compacted = lane.topic->compacted;
  std::string key = fmt::format("{}/{}", options_.name, batch.number);
  std::vector<uint8_t> value(value_bytes);
  const int64_t now = reactor::this_shard().wall_now().ms;
  for (int32_t i = 0; i < batch.records; ++i) {
    Prng bytes = prng_.split();
    for (size_t k = 0; k + 8 <= value.size(); k += 8) store_be(value.data() + k, bytes.next());
    log::Record record;
    record.timestamp = now;
    if (compacted) key = fmt::format("k{}", prng_.below(kKeys));
    record.key = as_bytes(key);
    // Tombstones of one key and time to two partitions are two batches.
    const std::string mark = fmt::format("{}/{}/{}", options_.name, batch.number, i);
    const log::RecordHeader header{as_bytes("n"), as_bytes(mark)};
    if (compacted) record.headers = {&header, 1};
    if (!compacted || !prng_.chance(1, 8)) record.value = BytesView(value);
    builder.append(record);
  }
  batch.bytes = std::move(*builder.finish());
  batch.crc = log::BatchHeader::parse(batch.bytes).crc;
  batch.sequence = lane.next_sequence;
  if (options_.idempotent) lane.next_sequence += batch.records;
  return batch;
}

// The next batch of a lane that is not under way; a new one when there may be one more.
Batch* Producer::next_of(Lane& lane) {
  for (Batch& batch : lane.batches) {
    if (!batch.in_flight) return &batch;
  }
  if (lane.batches.size() >= kBatchesPerLane || made_ >= options_.batches) return nullptr;
  ++made_;
  lane.batches.push_back(make_batch(lane));
  return &lane.batches.back();
}

Task<bool> Producer::send_one() {
  refresh_lanes();
  kafka::ProduceRequest request;
  request.acks = options_.acks;
  request.timeout_ms = static_cast<int32_t>(prng_.between(1'000, 10'000));
  InFlight sending;
  const size_t first = lanes_.empty() ? 0 : prng_.below(lanes_.size());
  const size_t most = prng_.between(1, 4);
  for (size_t i = 0; i < lanes_.size() && sending.batches.size() < most; ++i) {
    const size_t index = (first + i) % lanes_.size();
    Lane& lane = lanes_[index];
    if (!lane.topic->alive()) continue;
    Batch* batch = next_of(lane);
    if (!batch) continue;
    batch->in_flight = true;
    sending.batches.emplace_back(index, batch->number);
    stage_.oracle.sent(lane.id, batch->bytes);
    sending.asked = stage_.oracle.ask(lane.id);
    auto& topic = request.topic_data.emplace_back();
    topic.name = lane.topic->name;
    topic.topic_id = lane.id.topic;
    auto& data = topic.partition_data.emplace_back();
    data.index = lane.id.partition.value;
    data.records = Chain(BytesView(batch->bytes));
  }
  if (sending.batches.empty()) co_return false;
  sending.deadline = reactor::this_shard().now() + options_.request_timeout;
  sending.ticket = connection_->post(options_.version, request);
  stage_.say([&] {
    return fmt::format("{}: a request with {} batches", options_.name, sending.batches.size());
  });
  in_flight_.push_back(std::move(sending));
  co_return true;
}

void Producer::take_partition(const kafka::ProduceResponse::PartitionProduceResponse& answer,
                              size_t lane_index, uint64_t number, const Asked& asked) {
  Lane& lane = lanes_[lane_index];
  const auto at = std::ranges::find(lane.batches, number, &Batch::number);
  if (at == lane.batches.end()) return;
  at->in_flight = false;
  stage_.say([&] {
    return fmt::format("{} wrote {} sequence {}: error {}, offset {}", options_.name,
                       lane.id.to_string(), at->sequence, answer.error_code, answer.base_offset);
  });
  if (answer.error_code == 0) {
    stage_.oracle.acked(lane.id, at->crc, answer.base_offset, asked);
    lane.batches.erase(at);
    return;
  }
  pause_ = true;
  if (answer.error_code == kUnknownTopic || answer.error_code == kUnknownTopicId) return;
  if (!options_.idempotent && retriable(answer.error_code)) {
    lane.batches.erase(at);  // it may be there or not; nobody asks again
    return;
  }
  if (retriable(answer.error_code)) return;
  if (answer.error_code == kOutOfOrder && options_.idempotent) {
    // Those behind a batch that failed come too early and go again. The first cannot.
    if (at != lane.batches.begin()) return;
    if (lane.topic->written_mode) {
      rebuild_ = true;
      return;
    }
  }
  stage_.oracle.fail("I3", fmt::format("{} {}: produce of sequence {} answered with error {} ({})",
                                       options_.name, lane.id.to_string(), at->sequence,
                                       answer.error_code, answer.error_message.value_or("")));
}

Task<void> Producer::take_answer() {
  InFlight front = std::move(in_flight_.front());
  in_flight_.pop_front();
  const auto reply = co_await connection_->answer<kafka::ProduceResponse>(
      std::move(front.ticket), options_.version, front.deadline);
  if (!reply && reply.error().code == Errc::malformed) {
    stage_.oracle.fail("protocol", "ProduceResponse: " + reply.error().to_string());
    co_return;
  }
  if (reply) {
    if (reply->message.throttle_time_ms > 0) ++stage_.throttled;
    size_t index = 0;
    for (const auto& topic : reply->message.responses) {
      for (const auto& partition : topic.partition_responses) {
        if (index >= front.batches.size()) break;
        const auto [lane, number] = front.batches[index++];
        take_partition(partition, lane, number, front.asked);
      }
    }
    stage_.oracle.expect(index == front.batches.size(), "protocol", "an answer lacks partitions");
    co_return;
  }
  in_flight_.push_front(std::move(front));
  stage_.say([&] { return options_.name + ": no answer"; });
  co_await disconnect();
}

// Whatever was under way may have arrived or not. A producer without sequences gives it up.
Task<void> Producer::disconnect() {
  for (const InFlight& lost : in_flight_) {
    for (const auto& [lane_index, number] : lost.batches) {
      Lane& lane = lanes_[lane_index];
      const auto at = std::ranges::find(lane.batches, number, &Batch::number);
      if (at == lane.batches.end()) continue;
      at->in_flight = false;
      if (!options_.idempotent) lane.batches.erase(at);
    }
  }
  in_flight_.clear();
  if (connection_) co_await connection_->close();
  connection_.reset();
}

Task<bool> Producer::connect() {
  auto fresh = std::make_unique<Connection>(options_.name);
  const MonoTime deadline = reactor::this_shard().now() + 5s;
  if (!co_await fresh->open(stage_.broker, deadline)) {
    co_await fresh->close();
    co_return false;
  }
  connection_ = std::move(fresh);
  stage_.say([&] { return options_.name + ": connected"; });
  if (!options_.idempotent || (producer_ >= 0 && !rebuild_)) co_return true;
  kafka::InitProducerIdRequest request;
  request.transactional_id = std::nullopt;
  request.transaction_timeout_ms = 60'000;
  const auto reply = co_await connection_->call<kafka::InitProducerIdResponse>(
      4, request, reactor::this_shard().now() + 10s);
  if (!reply || reply->message.error_code != 0) {
    co_await disconnect();
    co_return false;
  }
  producer_ = reply->message.producer_id;
  epoch_ = reply->message.producer_epoch;
  if (rebuild_) rebuild();
  co_return true;
}

// A new session: what is not acknowledged goes out as new batches.
void Producer::rebuild() {
  ++stage_.rebuilt_producers;
  rebuild_ = false;
  for (Lane& lane : lanes_) {
    lane.next_sequence = 0;
    made_ -= lane.topic->alive() ? lane.batches.size() : 0;
    lane.batches.clear();
  }
}

Task<void> Producer::run() {
  while (!finished() && !stage_.oracle.violation()) {
    if (rebuild_) co_await disconnect();
    if (!connection_ || !connection_->usable()) {
      co_await disconnect();
      if (!co_await connect()) {
        co_await reactor::sleep_for(std::chrono::milliseconds(prng_.between(1, 200)));
      }
      continue;
    }
    if (pause_ && in_flight_.empty()) {
      pause_ = false;
      co_await reactor::sleep_for(std::chrono::milliseconds(prng_.between(1, 100)));
      continue;
    }
    const bool room = in_flight_.size() < options_.requests_in_flight && !pause_;
    if (room && co_await send_one()) {
      if (options_.think > Duration{}) {
        const auto most = static_cast<uint64_t>(options_.think.count());
        co_await reactor::sleep_for(Duration(static_cast<int64_t>(prng_.below(most))));
      }
    } else if (!in_flight_.empty()) {
      co_await take_answer();
    } else {
      co_await reactor::sleep_for(10ms);
    }
  }
  co_await disconnect();
}

}  // namespace

Task<int> produce_main(Stage& stage, ProducerOptions options) {
  Producer producer(stage, std::move(options));
  co_await producer.run();
  co_return 0;
}

}  // namespace odradek::simulation
