// CreatePartitions (KIP-195): more partitions for topics that are there; answered when every shard
// has them and their logs are open.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/quotas/throttle.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/create_partitions_request.h"
#include "net/kafka/messages/create_partitions_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int16_t kStrictFrom = 3;  // KIP-599: refused over the quota, not only held back

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

// On the controller's shard.
Task<Mutated> grow_within(Broker& broker, MutationQuota quota,
                          std::vector<metadata::MorePartitions> topics, bool validate_only) {
  Mutated done;
  done.results = co_await broker.controller().create_partitions(
      std::move(topics), validate_only, may_mutate(broker, quota, &done.throttle_ms));
  co_return done;
}

Task<void> create_partitions(RequestContext& context, const kafka::CreatePartitionsRequest& request,
                             kafka::CreatePartitionsResponse& reply, Response&) {
  std::vector<metadata::MorePartitions> topics;
  for (const auto& topic : request.topics) topics.push_back(to_more(topic));
  Broker* broker = &context.shard.broker();
  const bool validate_only = request.validate_only;
  const MutationQuota quota = mutation_quota(context, kStrictFrom);
  const auto done = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, validate_only, quota, topics = std::move(topics)]() mutable {
        return grow_within(*broker, quota, std::move(topics), validate_only);
      });
  context.throttle(QuotaKind::mutation, done.throttle_ms);
  for (const auto& result : done.results) {
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
