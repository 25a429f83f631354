// OffsetFetch (KIP-88, KIP-320, KIP-447, KIP-709, KIP-848): what a group has committed. Up to
// version 7 for one group, then for several. An answer waits for every commit before it, so what it
// says is stable (`RequireStable` asks for what is always so here; offsets in open transactions
// are to come).
#include <tuple>
#include <utility>

#include "cmd/broker/answer_bounds.h"
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

// A partition's metadata is told with it, and may be a thousand times as long as its number.
using Bounds = AnswerBounds<std::tuple<std::string_view, std::string, int32_t>>;

// Those that are asked for; the others, as often as they are named, go to `refused`.
std::vector<int32_t> admitted(Bounds& bounds, std::string_view group, const std::string& topic,
                              const std::vector<int32_t>& indexes, std::vector<int32_t>& refused) {
  std::vector<int32_t> out;
  for (const int32_t index : indexes) {
    (bounds.fault({group, topic, index}) ? refused : out).push_back(index);
  }
  return out;
}

template <class Out>
void refuse(const std::vector<int32_t>& indexes, KafkaCode error, Out& out) {
  for (const int32_t index : indexes) {
    auto& p = out.partitions.emplace_back();
    p.partition_index = index;
    p.committed_offset = -1;
    p.error_code = code(error);
  }
}

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
  Bounds bounds;
  std::vector<std::vector<int32_t>> refused;  // by topic of the request
  group::OffsetFetch fetch;
  fetch.group = request.group_id;
  if (request.topics) {
    fetch.topics.emplace();
    const auto& image = context.shard.image().current();
    for (const auto& t : *request.topics) {
      std::string name(t.name);
      auto indexes =
          admitted(bounds, request.group_id, name, t.partition_indexes, refused.emplace_back());
      fetch.topics->push_back(
          {std::move(name), std::move(indexes), id_of(image.find_topic(t.name))});
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
  for (size_t i = 0; i < refused.size(); ++i) {
    if (refused[i].empty()) continue;
    auto& out = reply.topics.emplace_back();
    out.name = (*request.topics)[i].name;
    refuse(refused[i], KafkaCode::invalid_request, out);
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

struct RefusedTopic {
  const Request::OffsetFetchRequestTopics* topic = nullptr;
  std::vector<int32_t> indexes;
  KafkaCode error = KafkaCode::invalid_request;
};

void tell_refused(const std::vector<RefusedTopic>& refused, Reply::OffsetFetchResponseGroup& out) {
  for (const RefusedTopic& one : refused) {
    auto& topic = out.topics.emplace_back();
    topic.name = one.topic->name;
    topic.topic_id = one.topic->topic_id;
    refuse(one.indexes, one.error, topic);
  }
}

Task<void> fetch_group(RequestContext& context, const Request::OffsetFetchRequestGroup& wanted,
                       Bounds& bounds, Reply::OffsetFetchResponseGroup& out) {
  out.group_id = wanted.group_id;
  group::OffsetFetch fetch;
  fetch.group = wanted.group_id;
  fetch.member_id = owned(wanted.member_id);
  fetch.member_epoch = wanted.member_epoch;
  std::vector<RefusedTopic> refused;
  if (wanted.topics) {
    fetch.topics.emplace();
    const auto& image = context.shard.image().current();
    for (const auto& t : *wanted.topics) {
      const metadata::Topic* found =
          context.api_version >= 10 ? image.find_topic(t.topic_id) : image.find_topic(t.name);
      if (context.api_version >= 10 && !found) {
        refused.push_back({&t, t.partition_indexes, KafkaCode::unknown_topic_id});
        continue;
      }
      std::string name = found ? found->name() : std::string(t.name);
      RefusedTopic again{.topic = &t, .indexes = {}};
      auto indexes = admitted(bounds, wanted.group_id, name, t.partition_indexes, again.indexes);
      fetch.topics->push_back({std::move(name), std::move(indexes), id_of(found)});
      if (!again.indexes.empty()) refused.push_back(std::move(again));
    }
  }
  auto asked = co_await ask<group::OffsetFetchAnswer>(context, wanted.group_id, std::move(fetch));
  const auto& answer = context.keep_value(std::move(asked));
  out.error_code = code(answer.error);
  if (answer.error != KafkaCode::none) co_return;
  tell_topics(context, answer.topics, out);
  tell_refused(refused, out);
}

Task<void> offset_fetch(RequestContext& context, const Request& request, Reply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  if (context.api_version < 8) {
    co_await fetch_one_group(context, request, reply);
    co_return;
  }
  reply.groups.resize(request.groups.size());
  Bounds bounds;
  AnswerBounds<std::string_view> groups;
  for (size_t i = 0; i < request.groups.size(); ++i) {
    if (groups.fault(request.groups[i].group_id)) {
      reply.groups[i].group_id = request.groups[i].group_id;
      reply.groups[i].error_code = code(KafkaCode::invalid_request);
      continue;
    }
    co_await fetch_group(context, request.groups[i], bounds, reply.groups[i]);
    for (const auto& topic : reply.groups[i].topics) groups.told(topic.partitions.size());
  }
}

}  // namespace

ServeResult serve_offset_fetch(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &offset_fetch>(context, reader);
}

}  // namespace odradek::broker
