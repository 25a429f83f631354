// ListOffsets (KIP-79, KIP-207, KIP-320, KIP-734, KIP-1005, KIP-1023): the special times, and the
// first record at or after a timestamp.
#include <algorithm>
#include <set>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/list_offsets_request.h"
#include "net/kafka/messages/list_offsets_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr int64_t kMaxTimestamp = -3;
constexpr int64_t kEarliestLocal = -4;
constexpr int64_t kLatestTiered = -5;
constexpr int64_t kEarliestPendingUpload = -6;
constexpr int8_t kReadCommitted = 1;

struct Ask {
  log::TopicPartition id;
  int64_t timestamp = 0;
  int32_t leader_epoch = -1;
  bool committed_only = false;
};
struct Answer {
  KafkaError error = KafkaError::none;
  log::OffsetAndTime found;
};

// From which version of the API a special time exists (trap 40).
bool time_exists(int64_t timestamp, int16_t version) {
  switch (timestamp) {
    case kMaxTimestamp: return version >= 7;
    case kEarliestLocal: return version >= 8;
    case kLatestTiered: return version >= 9;
    case kEarliestPendingUpload: return version >= 11;
    default: return timestamp >= kEarliest;
  }
}

Answer failed(KafkaError error) { return {error, {}}; }

Answer at(const log::PartitionLog& log, log::Offset offset) {
  return {KafkaError::none, {offset, -1, log.epoch_of(offset)}};
}

// A result at or above `limit` counts as none.
Answer found_below(Result<log::OffsetAndTime> found, log::Offset limit) {
  if (!found) return failed(kafka_error(found.error().code));
  if (found->offset.value < 0 || found->offset >= limit) return {KafkaError::none, {}};
  return {KafkaError::none, *found};
}

Task<Answer> look_up(BrokerShard& shard, Ask ask) {
  log::PartitionLog* log = shard.logs().find(ask.id);
  if (!log) co_return failed(kafka_error(shard.logs().absence(ask.id)));
  if (ask.leader_epoch != -1 && ask.leader_epoch != log->leader_epoch().value) {
    co_return failed(ask.leader_epoch < log->leader_epoch().value
                         ? KafkaError::fenced_leader_epoch
                         : KafkaError::unknown_leader_epoch);
  }
  const log::Offset limit = ask.committed_only ? log->last_stable() : log->high_watermark();
  switch (ask.timestamp) {
    case kLatest: {
      // The epoch in which the next record will come is the newest one.
      Answer answer = at(*log, limit);
      answer.found.epoch = log->leader_epoch();
      co_return answer;
    }
    case kEarliest:
    case kEarliestLocal: co_return at(*log, log->log_start());
    // Nothing is tiered, and nothing waits to be.
    case kEarliestPendingUpload:
    case kLatestTiered: co_return Answer{KafkaError::none, {}};
    case kMaxTimestamp: co_return found_below(co_await log->offset_of_max_time(), limit);
    default: co_return found_below(co_await log->offset_for_time(ask.timestamp, limit), limit);
  }
}

using Request = kafka::ListOffsetsRequest;
using Reply = kafka::ListOffsetsResponse;
using PartitionKey = std::pair<std::string_view, int32_t>;

// Kafka refuses a partition that is named twice (trap 10), once.
std::set<PartitionKey> named_twice(const Request& request) {
  std::set<PartitionKey> seen;
  std::set<PartitionKey> twice;
  for (const auto& topic : request.topics) {
    for (const auto& p : topic.partitions) {
      if (!seen.emplace(topic.name, p.partition_index).second) {
        twice.emplace(topic.name, p.partition_index);
      }
    }
  }
  return twice;
}

Task<Answer> answer_for(RequestContext& context, std::string_view name,
                        const Request::ListOffsetsPartition& p, int8_t isolation) {
  // Before all else, as in Kafka.
  if (!time_exists(p.timestamp, context.api_version)) {
    co_return failed(KafkaError::unsupported_version);
  }
  const metadata::Topic* topic = context.shard.image().current().find_topic(name);
  if (!topic || !topic->partition(log::PartitionId(p.partition_index))) {
    co_return failed(KafkaError::unknown_topic_or_partition);
  }
  Ask ask;
  ask.id = {topic->id(), log::PartitionId(p.partition_index)};
  ask.timestamp = p.timestamp;
  ask.leader_epoch = p.current_leader_epoch;
  ask.committed_only = isolation == kReadCommitted;
  Broker* broker = &context.shard.broker();
  co_return co_await reactor::submit_to(context.shard.placement().owner(ask.id),
                                        [broker, ask] { return look_up(broker->local(), ask); });
}

Task<void> list_offsets(RequestContext& context, const Request& request, Reply& reply, Response&) {
  const auto twice = named_twice(request);
  std::set<PartitionKey> answered;  // of those
  for (const auto& topic : request.topics) {
    auto& out = reply.topics.emplace_back();
    out.name = topic.name;
    for (const auto& p : topic.partitions) {
      const PartitionKey key(topic.name, p.partition_index);
      const bool again = twice.contains(key);
      if (again && !answered.insert(key).second) continue;
      Answer answer = again ? failed(KafkaError::invalid_request)
                            : co_await answer_for(context, topic.name, p, request.isolation_level);
      auto& o = out.partitions.emplace_back();
      o.partition_index = p.partition_index;
      o.error_code = code(answer.error);
      o.timestamp = answer.found.timestamp_ms;
      o.offset = answer.found.offset.value;
      o.leader_epoch = answer.found.epoch.value;
    }
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_list_offsets(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &list_offsets>(context, reader);
}

}  // namespace odradek::broker
