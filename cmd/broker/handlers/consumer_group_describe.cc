// ConsumerGroupDescribe (KIP-848, KIP-1099): epochs, members, what they have and what they shall
// have. Groups of another kind are not found.
#include "cmd/broker/answer_bounds.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/consumer_group_describe_request.h"
#include "net/kafka/messages/consumer_group_describe_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::ConsumerGroupDescribeRequest;
using Reply = kafka::ConsumerGroupDescribeResponse;

constexpr int8_t kClassicMember = 0;
constexpr int8_t kConsumerMember = 1;

// Topics that are no more have no name to be told by.
void tell(const metadata::Image& image, const group::Partitions& partitions,
          Reply::Assignment& out) {
  for (const auto& [id, indexes] : partitions) {
    const metadata::Topic* found = image.find_topic(id);
    if (!found) continue;
    auto& topic = out.topic_partitions.emplace_back();
    topic.topic_id = id;
    topic.topic_name = found->name();
    topic.partitions.assign(indexes.begin(), indexes.end());
  }
}

// How many topics and partitions its members have: what its answer is long by.
size_t size_of(const Reply::DescribedGroup& group) {
  size_t size = group.members.size();
  for (const auto& member : group.members) {
    size += member.subscribed_topic_names.size();
    for (const auto* held : {&member.assignment, &member.target_assignment}) {
      for (const auto& topic : held->topic_partitions) size += 1 + topic.partitions.size();
    }
  }
  return size;
}

// REQUIRES: `image` stays until `out`, which views it, was encoded.
void describe(const metadata::Image& image, const group::ConsumerGroupAnswer& answer,
              Reply::DescribedGroup& out) {
  out.error_code = code(answer.error);
  if (!answer.message.empty()) out.error_message = answer.message;
  out.group_state = answer.state;
  out.group_epoch = answer.epoch;
  out.assignment_epoch = answer.target_epoch;
  out.assignor_name = answer.assignor;
  for (const auto& m : answer.members) {
    auto& member = out.members.emplace_back();
    member.member_id = m.id;
    member.instance_id = m.instance_id;
    member.rack_id = m.rack_id;
    member.member_epoch = m.epoch;
    member.client_id = m.client_id;
    member.client_host = m.client_host;
    member.subscribed_topic_names.assign(m.topics.begin(), m.topics.end());
    member.subscribed_topic_regex = m.regex;
    member.member_type = m.is_classic ? kClassicMember : kConsumerMember;
    tell(image, m.assignment, member.assignment);
    tell(image, m.target, member.target_assignment);
  }
}

Task<void> consumer_group_describe(RequestContext& context, const Request& request, Reply& reply,
                                   Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  const bool enabled = consumer_protocol_enabled(context);
  const auto& image = context.keep_value(context.shard.image().pin());
  AnswerBounds<std::string_view> bounds;
  for (const auto& group : request.group_ids) {
    auto& out = reply.groups.emplace_back();
    out.group_id = group;
    if (const auto fault = bounds.fault(group)) {
      refuse(context, *fault, out);
      continue;
    }
    group::ConsumerGroupAnswer asked{.error = KafkaCode::unsupported_version};
    if (enabled && group.empty()) asked.error = KafkaCode::invalid_group_id;
    if (enabled && !group.empty()) {
      asked = co_await ask<group::ConsumerGroupAnswer>(
          context, group, group::DescribeConsumerGroup{std::string(group)});
    }
    const auto& answer = context.keep_value(std::move(asked));
    describe(*image, answer, out);
    bounds.told(size_of(out));
    if (request.include_authorized_operations && out.error_code == 0) {
      out.authorized_operations = kAllGroupOperations;
    }
  }
}

}  // namespace

ServeResult serve_consumer_group_describe(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &consumer_group_describe>(context, reader);
}

}  // namespace odradek::broker
