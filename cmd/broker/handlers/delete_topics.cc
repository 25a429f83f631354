// DeleteTopics (KIP-4, KIP-516): by name, or from version 6 by id.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/delete_topics_request.h"
#include "net/kafka/messages/delete_topics_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int16_t kTopicDeletionDisabled = 73;

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
  const auto results = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, topics = std::move(topics)]() mutable {
        return broker->controller().delete_topics(std::move(topics));
      });
  for (const auto& result : results) {
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
