// CreatePartitions (KIP-195): more partitions for topics that are there; answered when every shard
// has them and their logs are open.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/create_partitions_request.h"
#include "net/kafka/messages/create_partitions_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

metadata::MorePartitions to_more(const kafka::CreatePartitionsRequest::CreatePartitionsTopic& t) {
  metadata::MorePartitions out;
  out.name = t.name;
  out.count = t.count;
  if (!t.assignments) return out;
  out.assignments.emplace();
  for (const auto& assignment : *t.assignments) {
    out.assignments->emplace_back(assignment.broker_ids.begin(), assignment.broker_ids.end());
  }
  return out;
}

Task<void> create_partitions(RequestContext& context, const kafka::CreatePartitionsRequest& request,
                             kafka::CreatePartitionsResponse& reply, Response&) {
  std::vector<metadata::MorePartitions> topics;
  for (const auto& topic : request.topics) topics.push_back(to_more(topic));
  Broker* broker = &context.shard.broker();
  const bool validate_only = request.validate_only;
  const auto results = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, validate_only, topics = std::move(topics)]() mutable {
        return broker->controller().create_partitions(std::move(topics), validate_only);
      });
  for (const auto& result : results) {
    auto& out = reply.results.emplace_back();
    out.name = context.keep(result.name);
    out.error_code = static_cast<int16_t>(result.code);
    if (result.message) out.error_message = context.keep(*result.message);
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_create_partitions(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::CreatePartitionsRequest, kafka::CreatePartitionsResponse,
                   &create_partitions>(context, reader);
}

}  // namespace odradek::broker
