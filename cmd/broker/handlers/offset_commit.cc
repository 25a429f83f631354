// OffsetCommit (KIP-98, KIP-211, KIP-320, KIP-345, KIP-848): acknowledged when it is durable. Only
// offsets of partitions that exist are taken; answers stand in the order of the request (trap 60).
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/group_service.h"
#include "cmd/broker/handlers/group_values.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/offset_commit_request.h"
#include "net/kafka/messages/offset_commit_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::OffsetCommitRequest;
using Reply = kafka::OffsetCommitResponse;

group::OffsetCommit::Offset to_offset(const metadata::Topic& topic,
                                      const Request::OffsetCommitRequestPartition& p) {
  group::OffsetCommit::Offset offset;
  offset.topic = topic.name();
  offset.topic_id = topic.id();
  offset.partition = p.partition_index;
  offset.offset = p.committed_offset;
  offset.leader_epoch = p.committed_leader_epoch;
  offset.metadata = p.committed_metadata.value_or("");
  offset.timestamp_ms = p.commit_timestamp;
  return offset;
}

const metadata::Topic* find_topic(const RequestContext& context,
                                  const Request::OffsetCommitRequestTopic& topic) {
  const auto& image = context.shard.image().current();
  return context.api_version >= 10 ? image.find_topic(topic.topic_id)
                                   : image.find_topic(topic.name);
}

bool is_taken(const metadata::Topic* topic, const Request::OffsetCommitRequestPartition& p) {
  return topic && topic->partition(log::PartitionId(p.partition_index));
}

bool refuses_any(const Request& request, const std::vector<const metadata::Topic*>& topics) {
  for (size_t i = 0; i < topics.size(); ++i) {
    const auto& partitions = request.topics[i].partitions;
    if (std::ranges::any_of(partitions, [&](const auto& p) { return !is_taken(topics[i], p); })) {
      return true;
    }
  }
  return false;
}

// Where the answers of a topic go. One that is named twice has two places, unless something is
// refused: then Kafka's answer has one.
class Places {
 public:
  Places(Reply& reply, bool once) : reply_(reply), once_(once) {}
  size_t of(const Request::OffsetCommitRequestTopic& topic) {
    const size_t next = reply_.topics.size();
    if (once_) {
      const auto [at, fresh] = seen_.try_emplace({topic.name, topic.topic_id}, next);
      if (!fresh) return at->second;
    }
    auto& answer = reply_.topics.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    return next;
  }

 private:
  Reply& reply_;
  bool once_;
  std::map<std::pair<std::string_view, Uuid>, size_t> seen_;  // when once_
};

// Fills the reply with what can be refused here; what is for the coordinator, in order, with where
// its answers belong.
struct Sorted {
  struct Place {
    size_t topic;
    size_t partition;
  };
  std::vector<group::OffsetCommit::Offset> offsets;
  std::vector<Place> places;
};
Sorted sort_offsets(const RequestContext& context, const Request& request, Reply& reply) {
  std::vector<const metadata::Topic*> topics;
  for (const auto& topic : request.topics) topics.push_back(find_topic(context, topic));
  Places places(reply, refuses_any(request, topics));
  Sorted out;
  for (size_t i = 0; i < topics.size(); ++i) {
    const auto& topic = request.topics[i];
    const metadata::Topic* found = topics[i];
    const size_t at = places.of(topic);
    auto& partitions = reply.topics[at].partitions;
    for (const auto& p : topic.partitions) {
      auto& partition = partitions.emplace_back();
      partition.partition_index = p.partition_index;
      if (is_taken(found, p)) {
        out.offsets.push_back(to_offset(*found, p));
        out.places.push_back({at, partitions.size() - 1});
      } else {
        partition.error_code =
            code(context.api_version >= 10 && !found ? KafkaCode::unknown_topic_id
                                                     : KafkaCode::unknown_topic_or_partition);
      }
    }
  }
  return out;
}

Task<void> offset_commit(RequestContext& context, const Request& request, Reply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  Sorted sorted = sort_offsets(context, request, reply);
  if (sorted.offsets.empty()) co_return;
  group::OffsetCommit commit;
  commit.group = request.group_id;
  commit.who = identity(request.member_id, request.group_instance_id);
  commit.generation = request.generation_id_or_member_epoch;
  commit.retention_ms = request.retention_time_ms;
  commit.knows_group_errors = context.api_version >= 9;
  commit.offsets = std::move(sorted.offsets);
  const auto answer =
      co_await ask<group::OffsetCommitAnswer>(context, request.group_id, std::move(commit));
  for (size_t i = 0; i < sorted.places.size(); ++i) {
    const Sorted::Place at = sorted.places[i];
    reply.topics[at.topic].partitions[at.partition].error_code = code(answer.errors.at(i));
  }
}

}  // namespace

ServeResult serve_offset_commit(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &offset_commit>(context, reader);
}

}  // namespace odradek::broker
