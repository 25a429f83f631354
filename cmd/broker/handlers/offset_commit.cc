// OffsetCommit (KIP-98, KIP-211, KIP-320, KIP-345, KIP-848): acknowledged when it is durable. Only
// offsets of partitions that exist are taken; answers stand in the order of the request (trap 60).
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/offset_commit_request.h"
#include "net/kafka/messages/offset_commit_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::OffsetCommitRequest;
using Reply = kafka::OffsetCommitResponse;

group::OffsetCommit::Offset to_offset(const metadata::Topic& topic,
                                      const Request::OffsetCommitRequestPartition& p) {
  group::OffsetCommit::Offset offset;
  offset.topic = topic.name();
  offset.topic_id = topic.id();
  offset.partition = p.partition_index;
  offset.offset = p.committed_offset;
  offset.leader_epoch = p.committed_leader_epoch;
  offset.metadata = p.committed_metadata.value_or("");
  offset.timestamp_ms = p.commit_timestamp;
  return offset;
}

// Fills the reply with what can be refused here; what is for the coordinator, in order, with where
// its answers belong.
struct Sorted {
  std::vector<group::OffsetCommit::Offset> offsets;
  std::vector<int16_t*> errors;
};
Sorted sort_offsets(const RequestContext& context, const Request& request, Reply& reply) {
  const auto& image = context.shard.image().current();
  const bool by_id = context.api_version >= 10;
  Sorted out;
  reply.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& answer = reply.topics.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    const metadata::Topic* found =
        by_id ? image.find_topic(topic.topic_id) : image.find_topic(topic.name);
    answer.partitions.reserve(topic.partitions.size());
    for (const auto& p : topic.partitions) {
      auto& partition = answer.partitions.emplace_back();
      partition.partition_index = p.partition_index;
      if (found && found->partition(log::PartitionId(p.partition_index))) {
        out.offsets.push_back(to_offset(*found, p));
        out.errors.push_back(&partition.error_code);
      } else {
        partition.error_code = code(by_id && !found ? KafkaCode::unknown_topic_id
                                                    : KafkaCode::unknown_topic_or_partition);
      }
    }
  }
  return out;
}

Task<void> offset_commit(RequestContext& context, const Request& request, Reply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  Sorted sorted = sort_offsets(context, request, reply);
  if (sorted.offsets.empty()) co_return;
  group::OffsetCommit commit;
  commit.group = request.group_id;
  commit.who = identity(request.member_id, request.group_instance_id);
  commit.generation = request.generation_id_or_member_epoch;
  commit.retention_ms = request.retention_time_ms;
  commit.knows_group_errors = context.api_version >= 9;
  commit.offsets = std::move(sorted.offsets);
  const auto answer =
      co_await ask<group::OffsetCommitAnswer>(context, request.group_id, std::move(commit));
  for (size_t i = 0; i < sorted.errors.size(); ++i) *sorted.errors[i] = code(answer.errors.at(i));
}

}  // namespace

ServeResult serve_offset_commit(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &offset_commit>(context, reader);
}

}  // namespace odradek::broker
