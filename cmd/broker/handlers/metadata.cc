// Metadata (KIP-4, KIP-430, KIP-516): brokers, topics, partitions; creates missing topics when
// client and broker both allow it.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/broker/authorized_operations.h"
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/internal_topics.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/partition_view.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/metadata_request.h"
#include "net/kafka/messages/metadata_response.h"
#include "reactor/shard.h"
#include "reactor/timer.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Reply = kafka::MetadataResponse;
// By name: why a topic could not be made.
using Failures = std::map<std::string_view, int16_t>;

void list_brokers(const RequestContext& context, const metadata::Image& image, Reply& reply) {
  image.for_each_broker([&](const metadata::Broker& broker) {
    const metadata::Endpoint* endpoint = broker.endpoint(context.listener.name);
    if (broker.fenced || !endpoint) return;
    auto& out = reply.brokers.emplace_back();
    out.node_id = broker.id.value;
    out.host = endpoint->host;
    out.port = endpoint->port;
    if (broker.rack) out.rack = *broker.rack;
  });
  std::ranges::sort(reply.brokers, {}, [](const auto& b) { return b.node_id; });
}

void describe(const metadata::Image& image, const metadata::Topic& topic, Reply& reply) {
  auto& out = reply.topics.emplace_back();
  out.name = topic.name();
  out.topic_id = topic.id();
  out.is_internal = is_internal_topic(topic.name());
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    const metadata::Partition& partition = *topic.partition(log::PartitionId(i));
    auto& p = out.partitions.emplace_back();
    show_partition(image, partition, i, p);
  }
}

void refuse(std::optional<std::string_view> name, const log::TopicId& id, int16_t error,
            Reply& reply) {
  auto& out = reply.topics.emplace_back();
  out.name = name;
  out.topic_id = id;
  out.error_code = error;
}

// Creates what is missing; the error of each that could not be, by name.
Task<std::vector<metadata::TopicResult>> create_missing(RequestContext& context,
                                                        std::vector<std::string> names) {
  std::vector<metadata::NewTopic> topics;
  for (auto& name : names) {
    metadata::NewTopic topic;
    topic.name = std::move(name);
    topics.push_back(std::move(topic));
  }
  Broker* broker = &context.shard.broker();
  co_return co_await reactor::submit_to(
      reactor::ShardId(0), [broker, topics = std::move(topics)]() mutable {
        return broker->controller().create_topics(std::move(topics), false);
      });
}

// One id makes it a question for ids: Kafka passes over the names then.
bool asks_by_id(const kafka::MetadataRequest& request) {
  return std::ranges::any_of(*request.topics,
                             [](const auto& topic) { return !topic.topic_id.is_zero(); });
}

// Each name once, however often it is asked for.
Task<std::vector<std::string>> missing_names(RequestContext& context,
                                             const kafka::MetadataRequest& request) {
  std::vector<std::string> names;
  if (asks_by_id(request)) co_return names;
  const auto image = context.shard.image().pin();
  std::set<std::string_view> seen;
  size_t looked_at = 0;
  for (const auto& topic : *request.topics) {
    if (++looked_at % kNamesPerTurn == 0) co_await reactor::yield();
    if (!topic.name || !seen.insert(*topic.name).second) continue;
    if (image->find_topic(*topic.name) || is_internal_topic(*topic.name)) continue;
    names.emplace_back(*topic.name);
  }
  co_return names;
}

Failures failures_of(const std::vector<metadata::TopicResult>& created) {
  Failures failures;
  for (const auto& result : created) {
    if (result.code == KafkaCode::none) continue;
    failures.insert_or_assign(result.name, static_cast<int16_t>(result.code));
  }
  return failures;
}

void describe_wanted(RequestContext& context, const metadata::Image& image,
                     const kafka::MetadataRequest::MetadataRequestTopic& wanted,
                     const Failures& failures, Reply& reply) {
  if (!wanted.topic_id.is_zero()) {
    const metadata::Topic* topic = image.find_topic(wanted.topic_id);
    if (topic) return describe(image, *topic, reply);
    return refuse(std::nullopt, wanted.topic_id, code(KafkaError::unknown_topic_id), reply);
  }
  const std::string_view name = wanted.name.value_or("");
  if (const metadata::Topic* topic = image.find_topic(name)) {
    return describe(image, *topic, reply);
  }
  int16_t error = code(metadata::topic_name_fault(name) ? KafkaError::invalid_topic
                                                        : KafkaError::unknown_topic_or_partition);
  if (const auto failed = failures.find(name); failed != failures.end()) error = failed->second;
  refuse(context.keep(std::string(name)), {}, error, reply);
}

// Each topic once, however often it is asked for. What is given outlives it.
Task<void> describe_all_wanted(RequestContext& context, const metadata::Image& image,
                               const kafka::MetadataRequest& request, const Failures& failures,
                               Reply& reply) {
  const bool by_id = asks_by_id(request);
  std::set<log::TopicId> ids;
  std::set<std::string_view> names;
  size_t looked_at = 0;
  for (const auto& wanted : *request.topics) {
    if (++looked_at % kNamesPerTurn == 0) co_await reactor::yield();
    if (by_id && wanted.topic_id.is_zero()) continue;
    const bool first =
        by_id ? ids.insert(wanted.topic_id).second : names.insert(wanted.name.value_or("")).second;
    if (first) describe_wanted(context, image, wanted, failures, reply);
  }
}

// Ids mean nothing before version 12, though 10 and 11 have a place for them, and for no name:
// Kafka refuses all.
bool has_meaningless_ids(const RequestContext& context, const kafka::MetadataRequest& request) {
  if (context.api_version < 10 || context.api_version > 11 || !request.topics) return false;
  return asks_by_id(request) ||
         std::ranges::any_of(*request.topics, [](const auto& topic) { return !topic.name; });
}

// As they were asked for, known or not.
void refuse_all(const kafka::MetadataRequest& request, Reply& reply) {
  for (const auto& topic : *request.topics) {
    refuse(topic.name.value_or(""), topic.topic_id, code(KafkaError::invalid_request), reply);
  }
}

// Only on request: what a client does not ask for stays at the protocol's smallest number.
void tell_operations(const RequestContext& context, const kafka::MetadataRequest& request,
                     Reply& reply) {
  if (context.api_version >= 8 && request.include_topic_authorized_operations) {
    for (auto& topic : reply.topics) {
      if (topic.name) topic.topic_authorized_operations = kTopicOperations;
    }
  }
  if (context.api_version >= 8 && context.api_version <= 10 &&
      request.include_cluster_authorized_operations) {
    reply.cluster_authorized_operations = kClusterOperations;
  }
}

// Version 0: an empty list means all topics; later null does, and empty means none (trap 68).
bool wants_all(const RequestContext& context, const kafka::MetadataRequest& request) {
  return !request.topics || (context.api_version == 0 && request.topics->empty());
}

Task<void> metadata_of(RequestContext& context, const kafka::MetadataRequest& request, Reply& reply,
                       Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  if (has_meaningless_ids(context, request)) {
    refuse_all(request, reply);
    co_return;
  }
  std::vector<metadata::TopicResult> created;
  if (!wants_all(context, request) && context.shard.config().auto_create_topics &&
      (context.api_version < 4 || request.allow_auto_topic_creation)) {
    auto names = co_await missing_names(context, request);
    if (!names.empty()) created = co_await create_missing(context, std::move(names));
  }
  // The answer views its names until it is encoded.
  const auto& image = context.keep_value(context.shard.image().pin());
  list_brokers(context, *image, reply);
  reply.cluster_id = context.shard.broker().cluster_id();
  reply.controller_id = context.shard.config().node_id;
  if (wants_all(context, request)) {
    image->for_each_topic([&](const metadata::Topic& topic) { describe(*image, topic, reply); });
    std::ranges::sort(reply.topics, {}, [](const auto& t) { return *t.name; });
  } else {
    const Failures failures = failures_of(created);
    co_await describe_all_wanted(context, *image, request, failures, reply);
  }
  tell_operations(context, request, reply);
}

}  // namespace

ServeResult serve_metadata(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::MetadataRequest, Reply, &metadata_of>(context, reader);
}

}  // namespace odradek::broker
