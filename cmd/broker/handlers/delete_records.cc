// DeleteRecords (KIP-107): moves the log start, durable before the answer (trap 72).
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/internal_topics.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/delete_records_request.h"
#include "net/kafka/messages/delete_records_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int16_t kPolicyViolation = 44;

struct Answer {
  int16_t error = 0;
  int64_t low_watermark = -1;
};

Task<Answer> delete_before(BrokerShard& shard, log::TopicPartition id, int64_t offset) {
  log::PartitionLog* log = shard.logs().find(id);
  if (!log) co_return Answer{code(kafka_error(shard.logs().absence(id))), -1};
  // A log that only compacts keeps its history: the newest value of a key may be the oldest record.
  if (!log->config().delete_policy) co_return Answer{kPolicyViolation, -1};
  const auto start = co_await log->delete_records(log::Offset(offset));
  if (!start) co_return Answer{code(kafka_error(start.error().code)), -1};
  co_return Answer{0, start->value};
}

Task<void> delete_records(RequestContext& context, const kafka::DeleteRecordsRequest& request,
                          kafka::DeleteRecordsResponse& reply, Response&) {
  for (const auto& topic : request.topics) {
    auto& out = reply.topics.emplace_back();
    out.name = topic.name;
    for (const auto& p : topic.partitions) {
      Answer answer{code(KafkaError::unknown_topic_or_partition), -1};
      const metadata::Topic* found = context.shard.image().current().find_topic(topic.name);
      const bool exists = found && found->partition(log::PartitionId(p.partition_index));
      // The coordinators read theirs from its beginning.
      if (exists && is_internal_topic(topic.name)) {
        answer.error = code(KafkaError::invalid_topic);
      } else if (exists) {
        const log::TopicPartition id{found->id(), log::PartitionId(p.partition_index)};
        Broker* broker = &context.shard.broker();
        const int64_t offset = p.offset;
        answer = co_await reactor::submit_to(
            context.shard.placement().owner(id),
            [broker, id, offset] { return delete_before(broker->local(), id, offset); });
      }
      auto& o = out.partitions.emplace_back();
      o.partition_index = p.partition_index;
      o.low_watermark = answer.low_watermark;
      o.error_code = answer.error;
    }
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_delete_records(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DeleteRecordsRequest, kafka::DeleteRecordsResponse, &delete_records>(
      context, reader);
}

}  // namespace odradek::broker
