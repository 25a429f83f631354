// OffsetForLeaderEpoch (KIP-101, KIP-279, KIP-320): where an epoch ended (trap 42).
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/offset_for_leader_epoch_request.h"
#include "net/kafka/messages/offset_for_leader_epoch_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

struct Answer {
  KafkaError error = KafkaError::none;
  log::OffsetAndTime end;
};

Task<Answer> end_of_epoch(BrokerShard& shard, log::TopicPartition id, int32_t current,
                          int32_t asked) {
  const log::PartitionLog* log = shard.logs().find(id);
  if (!log) co_return Answer{kafka_error(shard.logs().absence(id)), {}};
  const int32_t epoch = log->leader_epoch().value;
  if (current != -1 && current != epoch) {
    co_return Answer{
        current < epoch ? KafkaError::fenced_leader_epoch : KafkaError::unknown_leader_epoch, {}};
  }
  co_return Answer{KafkaError::none, log->end_of_epoch(log::LeaderEpoch(asked))};
}

Task<void> offset_for_leader_epoch(RequestContext& context,
                                   const kafka::OffsetForLeaderEpochRequest& request,
                                   kafka::OffsetForLeaderEpochResponse& reply, Response&) {
  for (const auto& topic : request.topics) {
    auto& out = reply.topics.emplace_back();
    out.topic = topic.topic;
    for (const auto& p : topic.partitions) {
      Answer answer{KafkaError::unknown_topic_or_partition, {}};
      const metadata::Topic* found = context.shard.image().current().find_topic(topic.topic);
      if (found && found->partition(log::PartitionId(p.partition))) {
        const log::TopicPartition id{found->id(), log::PartitionId(p.partition)};
        Broker* broker = &context.shard.broker();
        const int32_t current = p.current_leader_epoch;
        const int32_t asked = p.leader_epoch;
        answer = co_await reactor::submit_to(
            context.shard.placement().owner(id), [broker, id, current, asked] {
              return end_of_epoch(broker->local(), id, current, asked);
            });
      }
      auto& o = out.partitions.emplace_back();
      o.partition = p.partition;
      o.error_code = code(answer.error);
      o.leader_epoch = answer.end.epoch.value;
      o.end_offset = answer.end.offset.value;
    }
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_offset_for_leader_epoch(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::OffsetForLeaderEpochRequest, kafka::OffsetForLeaderEpochResponse,
                   &offset_for_leader_epoch>(context, reader);
}

}  // namespace odradek::broker
