// OffsetDelete (KIP-496): offsets of topics that no member of the group listens to.
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/offset_delete_request.h"
#include "net/kafka/messages/offset_delete_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::OffsetDeleteRequest;
using Reply = kafka::OffsetDeleteResponse;

Task<void> offset_delete(RequestContext& context, const Request& request, Reply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  group::OffsetDelete removal;
  removal.group = request.group_id;
  std::vector<int16_t*> errors;
  const auto& image = context.shard.image().current();
  reply.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& out = reply.topics.emplace_back();
    out.name = topic.name;
    out.partitions.reserve(topic.partitions.size());
    const metadata::Topic* found = image.find_topic(topic.name);
    for (const auto& p : topic.partitions) {
      auto& partition = out.partitions.emplace_back();
      partition.partition_index = p.partition_index;
      if (found && found->partition(log::PartitionId(p.partition_index))) {
        removal.partitions.emplace_back(topic.name, p.partition_index);
        errors.push_back(&partition.error_code);
      } else {
        partition.error_code = code(KafkaCode::unknown_topic_or_partition);
      }
    }
  }
  const auto answer =
      co_await ask<group::OffsetDeleteAnswer>(context, request.group_id, std::move(removal));
  if (answer.error != KafkaCode::none) {
    reply.topics.clear();
    reply.error_code = code(answer.error);
    co_return;
  }
  for (size_t i = 0; i < errors.size(); ++i) *errors[i] = code(answer.errors.at(i));
}

}  // namespace

ServeResult serve_offset_delete(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &offset_delete>(context, reader);
}

}  // namespace odradek::broker
