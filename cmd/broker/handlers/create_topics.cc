// CreateTopics (KIP-4, KIP-464, KIP-525): the controller decides; the answer comes after every
// shard has the new image and the logs are open.
#include <map>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/config_view.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/quotas/throttle.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/create_topics_request.h"
#include "net/kafka/messages/create_topics_response.h"
#include "reactor/shard.h"
#include "reactor/timer.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr int16_t kStrictFrom = 6;  // KIP-599: refused over the quota, not only held back

metadata::NewTopic to_topic(const kafka::CreateTopicsRequest::CreatableTopic& wanted) {
  metadata::NewTopic topic;
  topic.name = wanted.name;
  topic.partitions = wanted.num_partitions;
  topic.replication_factor = wanted.replication_factor;
  for (const auto& a : wanted.assignments) {
    auto& assignment = topic.assignments.emplace_back();
    assignment.partition = a.partition_index;
    for (const int32_t id : a.broker_ids) assignment.replicas.emplace_back(id);
  }
  for (const auto& c : wanted.configs) {
    auto& config = topic.configs.emplace_back();
    config.name = c.name;
    if (c.value) config.value = std::string(*c.value);
  }
  return topic;
}

// All effective configurations of a topic that was, or would be, created (version 5 and newer).
void list_configs(RequestContext& context, const metadata::ConfigMap& set,
                  kafka::CreateTopicsResponse::CreatableTopicResult& out) {
  out.configs.emplace();
  const auto& defaults = context.shard.topic_defaults();
  const ConfigView view(context.shard.config(), context.shard.image().current());
  for (const auto& def : metadata::topic_config_defs()) {
    auto& config = out.configs->emplace_back();
    config.name = def.name;
    config.value = context.keep(metadata::effective_value(def, &set, defaults));
    config.config_source = static_cast<int8_t>(ConfigView::source(view.of_topic(def, &set)));
  }
}

// What was asked for, by name: a topic that is named twice is answered once.
using Asked = std::map<std::string_view, const kafka::CreateTopicsRequest::CreatableTopic*>;

Asked asked_by_name(const kafka::CreateTopicsRequest& request) {
  Asked asked;
  for (const auto& topic : request.topics) asked.try_emplace(topic.name, &topic);
  return asked;
}

metadata::ConfigMap configs_of(const Asked& asked, std::string_view name) {
  metadata::ConfigMap set;
  const auto topic = asked.find(name);
  if (topic == asked.end()) return set;
  for (const auto& c : topic->second->configs) {
    if (c.value) set.insert_or_assign(std::string(c.name), std::string(*c.value));
  }
  return set;
}

// On the controller's shard.
Task<Mutated> create_within(Broker& broker, MutationQuota quota,
                            std::vector<metadata::NewTopic> topics, bool validate_only) {
  Mutated done;
  done.results = co_await broker.controller().create_topics(
      std::move(topics), validate_only, may_mutate(broker, quota, &done.throttle_ms));
  co_return done;
}

Task<void> create_topics(RequestContext& context, const kafka::CreateTopicsRequest& request,
                         kafka::CreateTopicsResponse& reply, Response&) {
  std::vector<metadata::NewTopic> topics;
  for (const auto& wanted : request.topics) topics.push_back(to_topic(wanted));
  Broker* broker = &context.shard.broker();
  const bool validate_only = request.validate_only;
  const MutationQuota quota = mutation_quota(context, kStrictFrom);
  const auto done = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, validate_only, quota, topics = std::move(topics)]() mutable {
        return create_within(*broker, quota, std::move(topics), validate_only);
      });
  context.throttle(QuotaKind::mutation, done.throttle_ms);
  const Asked asked = asked_by_name(request);
  for (const auto& result : done.results) {
    auto& out = reply.topics.emplace_back();
    out.name = context.keep(result.name);
    out.topic_id = result.id;
    out.error_code = static_cast<int16_t>(result.code);
    out.error_message.reset();
    if (result.message) out.error_message = context.keep(*result.message);
    out.configs.emplace();
    if (result.code != KafkaCode::none) continue;
    out.num_partitions = result.partitions;
    out.replication_factor = result.replication_factor;
    if (context.api_version >= 5) list_configs(context, configs_of(asked, result.name), out);
    if (reply.topics.size() % kTopicsPerTurn == 0) co_await reactor::yield();
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_create_topics(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::CreateTopicsRequest, kafka::CreateTopicsResponse, &create_topics>(context,
                                                                                            reader);
}

}  // namespace odradek::broker
