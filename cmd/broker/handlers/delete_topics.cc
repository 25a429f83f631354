// DeleteTopics (KIP-4, KIP-516): by name, or from version 6 by id.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/quotas/throttle.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/delete_topics_request.h"
#include "net/kafka/messages/delete_topics_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int16_t kTopicDeletionDisabled = 73;
constexpr int16_t kStrictFrom = 5;  // KIP-599: refused over the quota, not only held back

std::vector<metadata::TopicToDelete> wanted(const RequestContext& context,
                                            const kafka::DeleteTopicsRequest& request) {
  std::vector<metadata::TopicToDelete> topics;
  if (context.api_version < 6) {
    for (const auto& name : request.topic_names) topics.push_back({std::string(name), {}});
    return topics;
  }
  for (const auto& topic : request.topics) {
    metadata::TopicToDelete& out = topics.emplace_back();
    if (topic.name) out.name = std::string(*topic.name);
    out.id = topic.topic_id;
  }
  return topics;
}

// On the controller's shard.
Task<Mutated> delete_within(Broker& broker, MutationQuota quota,
                            std::vector<metadata::TopicToDelete> topics) {
  Mutated done;
  done.results = co_await broker.controller().delete_topics(
      std::move(topics), may_mutate(broker, quota, &done.throttle_ms));
  co_return done;
}

Task<void> delete_topics(RequestContext& context, const kafka::DeleteTopicsRequest& request,
                         kafka::DeleteTopicsResponse& reply, Response&) {
  auto topics = wanted(context, request);
  reply.throttle_time_ms = context.throttle_ms;
  if (!context.shard.config().delete_topics) {
    for (auto& topic : topics) {
      auto& out = reply.responses.emplace_back();
      if (topic.name) out.name = context.keep(std::move(*topic.name));
      out.topic_id = topic.id;
      out.error_code =
          context.api_version < 3 ? code(KafkaError::invalid_request) : kTopicDeletionDisabled;
      out.error_message = "delete.topic.enable is false";
    }
    co_return;
  }
  Broker* broker = &context.shard.broker();
  const MutationQuota quota = mutation_quota(context, kStrictFrom);
  const auto done = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, quota, topics = std::move(topics)]() mutable {
        return delete_within(*broker, quota, std::move(topics));
      });
  context.throttle(QuotaKind::mutation, done.throttle_ms);
  reply.throttle_time_ms = context.throttle_ms;
  for (const auto& result : done.results) {
    auto& out = reply.responses.emplace_back();
    // A topic that was asked for by an id that nobody has has no name to tell.
    out.name.reset();
    const bool by_name = result.code == KafkaCode::unknown_topic_or_partition;
    if (by_name || !result.name.empty()) out.name = context.keep(result.name);
    out.topic_id = result.id;
    out.error_code = static_cast<int16_t>(result.code);
    if (result.message) out.error_message = context.keep(*result.message);
  }
}

}  // namespace

ServeResult serve_delete_topics(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DeleteTopicsRequest, kafka::DeleteTopicsResponse, &delete_topics>(context,
                                                                                            reader);
}

}  // namespace odradek::broker
