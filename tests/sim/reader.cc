#include "tests/sim/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "net/kafka/messages/list_offsets_request.h"
#include "net/kafka/messages/list_offsets_response.h"

namespace odradek::simulation {

using reactor::Task;

namespace {
constexpr int16_t kOffsetOutOfRange = 1;
constexpr int16_t kUnknownTopic = 3;
constexpr int16_t kNotLeader = 6;
constexpr int16_t kUnknownTopicId = 100;
constexpr int16_t kSessionNotFound = 70;
constexpr int16_t kBadSessionEpoch = 71;
constexpr int64_t kEarliest = -2;
constexpr int64_t kLatest = -1;
constexpr int16_t kListOffsetsVersion = 7;

std::vector<uint8_t> flat(const std::optional<Chain>& records) {
  std::vector<uint8_t> out(records ? records->size() : 0);
  if (records) records->copy_out(0, out);
  return out;
}
}  // namespace

Reader::Reader(Stage& stage, ConsumerOptions options)
    : stage_(stage), options_(std::move(options)) {}
Reader::~Reader() = default;

Position& Reader::add(TopicFacts& topic, int32_t partition) {
  Position& position = positions_.emplace_back();
  position.topic = &topic;
  position.id = {topic.id, log::PartitionId(partition)};
  return position;
}

void Reader::refresh() {
  for (Position& position : positions_) position.dropped |= !position.topic->alive();
  for (TopicFacts& topic : stage_.topics) {
    if (!topic.alive()) continue;
    const auto known = std::ranges::count_if(
        positions_, [&](const Position& p) { return p.id.topic == topic.id; });
    for (auto p = static_cast<int32_t>(known); p < topic.partitions; ++p) add(topic, p);
  }
}

Task<bool> Reader::connect() {
  if (connection_ && connection_->usable()) co_return true;
  co_await close();
  auto fresh = std::make_unique<Connection>(options_.name);
  const auto opened = co_await fresh->open(stage_.broker, reactor::this_shard().now() + 5s);
  if (!opened) {
    co_await fresh->close();
    co_return false;
  }
  connection_ = std::move(fresh);
  start_session_again();
  co_return true;
}

Task<void> Reader::close() {
  if (connection_) co_await connection_->close();
  connection_.reset();
}

void Reader::start_session_again() {
  session_id_ = 0;
  session_epoch_ = 0;
  for (Position& position : positions_) position.told = -1;
}

Task<std::optional<int64_t>> Reader::list_offset(const Position& position, int64_t timestamp) {
  kafka::ListOffsetsRequest request;
  request.replica_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = position.topic->name;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = position.id.partition.value;
  partition.timestamp = timestamp;
  const Asked asked = stage_.oracle.ask(position.id);
  const auto reply = co_await connection_->call<kafka::ListOffsetsResponse>(
      kListOffsetsVersion, request, reactor::this_shard().now() + 10s);
  if (!reply) co_return std::nullopt;
  const auto& topics = reply->message.topics;
  if (topics.size() != 1 || topics[0].partitions.size() != 1) {
    stage_.oracle.fail("protocol", "ListOffsets answers something else");
    co_return std::nullopt;
  }
  const auto& answer = topics[0].partitions[0];
  if (answer.error_code != 0) co_return std::nullopt;
  if (timestamp == kLatest) stage_.oracle.watermark(position.id, asked, answer.offset);
  co_return answer.offset;
}

// Offsets that the broker does not have: retention took them, or (in `written` mode) a power cut.
Task<void> Reader::find_lost() {
  for (Position& position : positions_) {
    if (!position.lost || position.dropped) continue;
    const auto earliest = co_await list_offset(position, kEarliest);
    const auto latest = co_await list_offset(position, kLatest);
    if (!earliest || !latest) continue;
    const bool below = position.offset < *earliest && position.topic->retention_bytes >= 0;
    const bool above = !below && position.topic->written_mode;  // it may have grown again
    if (!below && !above && position.topic->alive()) {
      stage_.oracle.fail(
          "I1", fmt::format("{}: offset {} is out of range of [{}, {})", position.id.to_string(),
                            position.offset, *earliest, *latest));
    }
    position.offset = below ? *earliest : std::min(position.offset, *latest);
    position.lost = false;
  }
}

void Reader::list_partitions(kafka::FetchRequest& request, std::vector<Asked>& asked) {
  const bool full = !options_.sessions || session_epoch_ <= 0;
  const bool by_id = options_.version >= 13;
  for (Position& position : positions_) {
    asked.push_back(stage_.oracle.ask(position.id));
    if (position.dropped) {
      if (position.told < 0 || full) continue;
      auto& gone = request.forgotten_topics_data.emplace_back();
      if (!by_id) gone.topic = position.topic->name;
      gone.topic_id = position.id.topic;
      gone.partitions.push_back(position.id.partition.value);
      position.told = -1;
      continue;
    }
    if (position.lost || (!full && position.told == position.offset)) continue;
    auto& topic = request.topics.emplace_back();
    if (!by_id) topic.topic = position.topic->name;
    topic.topic_id = position.id.topic;
    auto& partition = topic.partitions.emplace_back();
    partition.partition = position.id.partition.value;
    partition.fetch_offset = position.offset;
    partition.partition_max_bytes = options_.partition_bytes_max;
    position.told = position.offset;
  }
}

Task<bool> Reader::poll(Duration max_wait) {
  if (!co_await connect()) co_return false;
  co_await find_lost();
  if (!connection_->usable()) co_return false;
  kafka::FetchRequest request;
  request.max_wait_ms =
      static_cast<int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(max_wait).count());
  request.min_bytes = 1;
  request.max_bytes = options_.bytes_max;
  request.session_id = session_id_;
  request.session_epoch = options_.sessions ? session_epoch_ : -1;
  std::vector<Asked> asked;
  list_partitions(request, asked);
  if (request.topics.empty() && session_id_ == 0) {
    co_await reactor::sleep_for(10ms);
    co_return true;
  }
  const auto reply = co_await connection_->call<kafka::FetchResponse>(
      options_.version, request, reactor::this_shard().now() + max_wait + 10s);
  if (!reply) {
    if (reply.error().code == Errc::malformed) {
      stage_.oracle.fail("protocol", "FetchResponse: " + reply.error().to_string());
    }
    co_return false;
  }
  refused_ = false;
  if (reply->message.throttle_time_ms > 0) ++stage_.throttled;
  take(reply->message, asked);
  if (refused_) co_await reactor::sleep_for(50ms);
  co_return true;
}

Position* Reader::find(const kafka::FetchResponse::FetchableTopicResponse& topic, int32_t partition,
                       size_t& index) {
  for (index = 0; index < positions_.size(); ++index) {
    Position& p = positions_[index];
    if (p.id.partition.value != partition) continue;
    if (options_.version >= 13 ? p.id.topic == topic.topic_id : p.topic->name == topic.topic) {
      return &p;
    }
  }
  return nullptr;
}

void Reader::take(const kafka::FetchResponse& answer, const std::vector<Asked>& asked) {
  if (answer.error_code != 0) {
    if (answer.error_code != kSessionNotFound && answer.error_code != kBadSessionEpoch) {
      stage_.oracle.fail("protocol", fmt::format("Fetch answered {}", answer.error_code));
    }
    start_session_again();
    return;
  }
  if (options_.sessions) {
    session_id_ = answer.session_id;
    session_epoch_ = session_id_ == 0 ? 0 : session_epoch_ + 1;
  }
  for (const auto& topic : answer.responses) {
    for (const auto& partition : topic.partitions) {
      size_t index = 0;
      Position* position = find(topic, partition.partition_index, index);
      if (!position) {
        stage_.oracle.fail("protocol", "Fetch answers for a partition nobody asked for");
      } else if (!position->dropped) {
        take_partition(*position, asked[index], partition);
      }
    }
  }
}

void Reader::take_partition(Position& position, const Asked& asked,
                            const kafka::FetchResponse::PartitionData& data) {
  if (data.error_code == kOffsetOutOfRange) {
    position.lost = true;
    return;
  }
  if (data.error_code == kUnknownTopic || data.error_code == kUnknownTopicId ||
      data.error_code == kNotLeader) {
    refused_ = true;
    return;
  }
  if (data.error_code != 0) {
    stage_.oracle.fail(
        "protocol", fmt::format("{}: fetch answered {}", position.id.to_string(), data.error_code));
    return;
  }
  stage_.oracle.watermark(position.id, asked, data.high_watermark);
  position.high_watermark = data.high_watermark;
  position.log_start = data.log_start_offset;
  const std::vector<uint8_t> bytes = flat(data.records);
  stage_.say([&] {
    return fmt::format("{} reads {} from {}: error {}, {} bytes, watermark {}", options_.name,
                       position.id.to_string(), position.offset, data.error_code, bytes.size(),
                       data.high_watermark);
  });
  stage_.fetched_batches_bytes += bytes.size();
  const int64_t next =
      stage_.oracle.read(position.id, asked, position.offset, data.high_watermark, bytes);
  for (size_t at = 0; position.keep && at < bytes.size() && !stage_.oracle.violation();) {
    position.keep->push_back(log::BatchHeader::parse(BytesView(bytes).subspan(at)));
    const auto size = static_cast<size_t>(position.keep->back().size_bytes());
    if (position.keep_records) {
      std::ranges::copy(KeyedFacts::records_of(BytesView(bytes).subspan(at, size)),
                        std::back_inserter(*position.keep_records));
    }
    at += size;
  }
  position.offset = next;
}

Task<int> consume_main(Stage& stage, ConsumerOptions options) {
  Prng prng(options.seed);
  Reader reader(stage, std::move(options));
  for (;;) {
    reader.refresh();
    const bool all_read = std::ranges::all_of(reader.positions(), [&](const Position& p) {
      return p.dropped || p.offset >= stage.oracle.acked_end(p.id);
    });
    if ((stage.producing_done && all_read) || stage.oracle.violation()) break;
    if (!co_await reader.poll(std::chrono::milliseconds(prng.between(1, 500)))) {
      co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, 200)));
    }
  }
  co_await reader.close();
  co_return 0;
}

}  // namespace odradek::simulation
