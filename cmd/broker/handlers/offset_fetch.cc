// OffsetFetch (KIP-88, KIP-320, KIP-447, KIP-709, KIP-848): what a group has committed. Up to
// version 7 for one group, then for several. An answer waits for every commit before it, so what it
// says is stable (`RequireStable` asks for what is always so here; offsets in open transactions
// are to come).
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/offset_fetch_request.h"
#include "net/kafka/messages/offset_fetch_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::OffsetFetchRequest;
using Reply = kafka::OffsetFetchResponse;
using Topics = std::vector<group::OffsetFetchAnswer::Topic>;

Uuid id_of(const metadata::Topic* topic) { return topic ? topic->id() : Uuid(); }

template <class Out>
void fill(Out& out, const group::OffsetFetchAnswer::Partition& p) {
  out.partition_index = p.index;
  out.committed_offset = p.offset;
  out.committed_leader_epoch = p.leader_epoch;
  out.metadata = p.metadata;
}

// Versions 0 and 1 have no error but those of partitions: one for the group stands on each, since
// an empty answer made clients begin anew (trap 61).
void refuse_partitions(const Request& request, int16_t error, Reply& reply) {
  if (!request.topics) return;
  for (const auto& topic : *request.topics) {
    auto& out = reply.topics.emplace_back();
    out.name = topic.name;
    for (const int32_t index : topic.partition_indexes) {
      auto& p = out.partitions.emplace_back();
      p.partition_index = index;
      p.committed_offset = -1;
      p.error_code = error;
    }
  }
}

Task<void> fetch_one_group(RequestContext& context, const Request& request, Reply& reply) {
  group::OffsetFetch fetch;
  fetch.group = request.group_id;
  if (request.topics) {
    fetch.topics.emplace();
    const auto& image = context.shard.image().current();
    for (const auto& t : *request.topics) {
      fetch.topics->push_back(
          {std::string(t.name), t.partition_indexes, id_of(image.find_topic(t.name))});
    }
  }
  auto asked = co_await ask<group::OffsetFetchAnswer>(context, request.group_id, std::move(fetch));
  const auto& answer = context.keep_value(std::move(asked));
  reply.error_code = code(answer.error);
  if (answer.error != KafkaCode::none) {
    if (context.api_version < 2) refuse_partitions(request, reply.error_code, reply);
    co_return;
  }
  for (const auto& topic : answer.topics) {
    auto& out = reply.topics.emplace_back();
    out.name = topic.name;
    for (const auto& p : topic.partitions) fill(out.partitions.emplace_back(), p);
  }
}

// By id where the version has ids; a topic that is no more has none, and is left out of a listing
// of all.
void tell_topics(RequestContext& context, const Topics& topics,
                 Reply::OffsetFetchResponseGroup& out) {
  const auto& image = context.shard.image().current();
  for (const auto& topic : topics) {
    const metadata::Topic* found = image.find_topic(topic.name);
    if (context.api_version >= 10 && !found) continue;
    auto& t = out.topics.emplace_back();
    t.name = topic.name;
    if (found) t.topic_id = found->id();
    for (const auto& p : topic.partitions) fill(t.partitions.emplace_back(), p);
  }
}

void refuse_topic(const Request::OffsetFetchRequestTopics& wanted, KafkaCode error,
                  Reply::OffsetFetchResponseGroup& out) {
  auto& topic = out.topics.emplace_back();
  topic.name = wanted.name;
  topic.topic_id = wanted.topic_id;
  for (const int32_t index : wanted.partition_indexes) {
    auto& p = topic.partitions.emplace_back();
    p.partition_index = index;
    p.committed_offset = -1;
    p.error_code = code(error);
  }
}

Task<void> fetch_group(RequestContext& context, const Request::OffsetFetchRequestGroup& wanted,
                       Reply::OffsetFetchResponseGroup& out) {
  out.group_id = wanted.group_id;
  group::OffsetFetch fetch;
  fetch.group = wanted.group_id;
  fetch.member_id = owned(wanted.member_id);
  fetch.member_epoch = wanted.member_epoch;
  std::vector<const Request::OffsetFetchRequestTopics*> unknown;
  if (wanted.topics) {
    fetch.topics.emplace();
    const auto& image = context.shard.image().current();
    for (const auto& t : *wanted.topics) {
      const metadata::Topic* found =
          context.api_version >= 10 ? image.find_topic(t.topic_id) : image.find_topic(t.name);
      if (context.api_version >= 10 && !found) {
        unknown.push_back(&t);
        continue;
      }
      fetch.topics->push_back(
          {found ? found->name() : std::string(t.name), t.partition_indexes, id_of(found)});
    }
  }
  auto asked = co_await ask<group::OffsetFetchAnswer>(context, wanted.group_id, std::move(fetch));
  const auto& answer = context.keep_value(std::move(asked));
  out.error_code = code(answer.error);
  if (answer.error != KafkaCode::none) co_return;
  tell_topics(context, answer.topics, out);
  for (const auto* topic : unknown) refuse_topic(*topic, KafkaCode::unknown_topic_id, out);
}

Task<void> offset_fetch(RequestContext& context, const Request& request, Reply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  if (context.api_version < 8) {
    co_await fetch_one_group(context, request, reply);
    co_return;
  }
  reply.groups.resize(request.groups.size());
  for (size_t i = 0; i < request.groups.size(); ++i) {
    co_await fetch_group(context, request.groups[i], reply.groups[i]);
  }
}

}  // namespace

ServeResult serve_offset_fetch(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &offset_fetch>(context, reader);
}

}  // namespace odradek::broker
