// DescribeProducers (KIP-664): the idempotent and transactional producers that a partition knows.
#include "cmd/broker/answer_bounds.h"
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_producers_request.h"
#include "net/kafka/messages/describe_producers_response.h"
#include "reactor/shard.h"
#include "reactor/timer.h"
#include "replication/metadata/plan.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::DescribeProducersRequest;
using Reply = kafka::DescribeProducersResponse;

constexpr std::string_view kNoSuchPartition = "This server does not host this topic-partition.";

// Absent when this shard has no such log.
Task<std::optional<std::vector<log::ActiveProducer>>> producers_of(BrokerShard& shard,
                                                                   log::TopicPartition id) {
  const log::PartitionLog* log = shard.logs().find(id);
  if (!log) co_return std::nullopt;
  co_return log->active_producers();
}

void refuse(RequestContext& context, std::string_view topic, Reply::PartitionResponse& out) {
  if (auto fault = metadata::topic_name_fault(topic)) {
    out.error_code = code(KafkaError::invalid_topic);
    out.error_message = context.explain(*fault);
  } else {
    out.error_code = code(KafkaError::unknown_topic_or_partition);
    out.error_message = kNoSuchPartition;
  }
}

void show(const std::vector<log::ActiveProducer>& producers, Reply::PartitionResponse& out) {
  for (const log::ActiveProducer& producer : producers) {
    auto& p = out.active_producers.emplace_back();
    p.producer_id = producer.id.value;
    p.producer_epoch = producer.epoch.value;
    p.last_sequence = producer.last_sequence;
    p.last_timestamp = producer.last_timestamp_ms;
    p.coordinator_epoch = producer.coordinator_epoch;
    p.current_txn_start_offset = producer.transaction_first.value_or(log::Offset(-1)).value;
  }
}

Task<void> describe_one(RequestContext& context, std::string_view topic,
                        Reply::PartitionResponse& out) {
  const metadata::Topic* found = context.shard.image().current().find_topic(topic);
  if (!found) {
    refuse(context, topic, out);
    co_return;
  }
  const log::TopicPartition id{found->id(), log::PartitionId(out.partition_index)};
  if (!found->partition(id.partition)) {
    out.error_code = code(KafkaError::unknown_topic_or_partition);
    co_return;
  }
  Broker* broker = &context.shard.broker();
  const auto producers =
      co_await reactor::submit_to(context.shard.placement().owner(id),
                                  [broker, id] { return producers_of(broker->local(), id); });
  if (!producers) {
    out.error_code = code(KafkaError::not_leader_or_follower);
    co_return;
  }
  show(*producers, out);
}

Task<void> describe_producers(RequestContext& context, const Request& request, Reply& reply,
                              Response&) {
  AnswerBounds<std::pair<std::string_view, int32_t>> bounds;
  for (const auto& topic : request.topics) {
    auto& out = reply.topics.emplace_back();
    out.name = topic.name;
    for (const int32_t index : topic.partition_indexes) {
      auto& p = out.partitions.emplace_back();
      p.partition_index = index;
      if (const auto fault = bounds.fault({topic.name, index})) {
        p.error_code = code(KafkaError::invalid_request);
        p.error_message = context.explain(*fault);
      } else {
        co_await describe_one(context, topic.name, p);
        bounds.told(p.active_producers.size());
      }
      if (out.partitions.size() % kPartitionsPerTurn == 0) co_await reactor::yield();
    }
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_describe_producers(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &describe_producers>(context, reader);
}

}  // namespace odradek::broker
