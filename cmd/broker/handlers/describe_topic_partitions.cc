// DescribeTopicPartitions (KIP-966): topics in order of their names, a page of partitions at a
// time; the cursor of an answer is where the next page begins.
#include <algorithm>
#include <set>
#include <string_view>

#include "cmd/broker/authorized_operations.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/internal_topics.h"
#include "cmd/broker/partition_view.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_topic_partitions_request.h"
#include "net/kafka/messages/describe_topic_partitions_response.h"
#include "replication/metadata/plan.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::DescribeTopicPartitionsRequest;
using Reply = kafka::DescribeTopicPartitionsResponse;
using Names = std::set<std::string_view>;

// max.request.partition.size.limit
constexpr int32_t kPartitionsPerPageMax = 2000;

Names wanted(const metadata::Image& image, const Request& request) {
  const std::string_view from = request.cursor ? request.cursor->topic_name : std::string_view();
  Names names;
  const auto add = [&](std::string_view name) {
    if (name >= from) names.insert(name);
  };
  if (request.topics.empty()) {
    image.for_each_topic([&](const metadata::Topic& topic) { add(topic.name()); });
  }
  for (const auto& topic : request.topics) add(topic.name);
  return names;
}

bool is_valid(const Request& request, const Names& names) {
  if (!request.cursor) return true;
  if (request.cursor->partition_index < 0) return false;
  return request.topics.empty() || names.contains(request.cursor->topic_name);
}

void refuse(const Request& request, Reply& reply) {
  for (const auto& topic : request.topics) {
    auto& out = reply.topics.emplace_back();
    out.name = topic.name;
    out.error_code = code(KafkaError::invalid_request);
  }
}

void missing(std::string_view name, Reply& reply) {
  auto& out = reply.topics.emplace_back();
  out.name = name;
  out.topic_authorized_operations = kTopicOperations;
  out.error_code = code(metadata::topic_name_fault(name) ? KafkaError::invalid_topic
                                                         : KafkaError::unknown_topic_or_partition);
}

void point(std::string_view topic, int32_t partition, Reply& reply) {
  reply.next_cursor.emplace();
  reply.next_cursor->topic_name = topic;
  reply.next_cursor->partition_index = partition;
}

// Adds the topic's partitions from `first` on, at most `room`; how many.
int32_t describe(const metadata::Image& image, const metadata::Topic& topic, int32_t first,
                 int32_t room, Reply& reply) {
  auto& out = reply.topics.emplace_back();
  out.name = topic.name();
  out.topic_id = topic.id();
  out.is_internal = is_internal_topic(topic.name());
  out.topic_authorized_operations = kTopicOperations;
  // `first` is the client's, and may be anything.
  const int32_t end =
      first < topic.partition_count() - room ? first + room : topic.partition_count();
  for (int32_t i = first; i < end; ++i) {
    const metadata::Partition& partition = *topic.partition(log::PartitionId(i));
    auto& p = out.partitions.emplace_back();
    show_partition(image, partition, i, p);
    p.eligible_leader_replicas = node_numbers(partition.eligible_leaders);
    p.last_known_elr = node_numbers(partition.last_known_eligible);
  }
  if (end < topic.partition_count()) point(topic.name(), end, reply);
  return static_cast<int32_t>(out.partitions.size());
}

Task<void> describe_topic_partitions(RequestContext& context, const Request& request, Reply& reply,
                                     Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  const metadata::Image& image = context.shard.image().current();
  const Names names = wanted(image, request);
  if (!is_valid(request, names)) {
    refuse(request, reply);
    co_return;
  }
  int32_t room = std::clamp(request.response_partition_limit, 1, kPartitionsPerPageMax);
  for (const std::string_view name : names) {
    if (room == 0) {
      point(name, 0, reply);
      break;
    }
    const metadata::Topic* topic = image.find_topic(name);
    if (!topic) {
      // A topic that went between two pages is not told of; one that was asked for is.
      if (!request.topics.empty()) missing(name, reply);
      continue;
    }
    const bool resumes = request.cursor && request.cursor->topic_name == name;
    room -= describe(image, *topic, resumes ? request.cursor->partition_index : 0, room, reply);
    if (reply.next_cursor) break;
  }
}

}  // namespace

ServeResult serve_describe_topic_partitions(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &describe_topic_partitions>(context, reader);
}

}  // namespace odradek::broker
