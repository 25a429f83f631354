// DescribeQuorum (KIP-595, KIP-836, KIP-853): who votes on the metadata log and how far it is.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_quorum_request.h"
#include "net/kafka/messages/describe_quorum_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::DescribeQuorumRequest;
using Reply = kafka::DescribeQuorumResponse;

constexpr std::string_view kMetadataTopic = "__cluster_metadata";
constexpr std::string_view kNoSuchPartition = "This server does not host this topic-partition.";

struct QuorumState {
  int32_t leader = -1;
  int32_t epoch = 0;
  int64_t high_watermark = 0;
  int64_t log_end = 0;
  std::vector<quorum::Voter> voters;
};

Task<QuorumState> look(Broker& broker) {
  const metadata::Controller& controller = broker.controller();
  const quorum::Quorum& quorum = controller.quorum();
  co_return QuorumState{quorum.leader().value, quorum.epoch().value, quorum.committed().value,
                        controller.log().end().value, quorum.voters()};
}

bool asks_for_metadata(const Request& request) {
  return request.topics.size() == 1 && request.topics[0].topic_name == kMetadataTopic &&
         request.topics[0].partitions.size() == 1 &&
         request.topics[0].partitions[0].partition_index == 0;
}

void refuse(const Request& request, Reply& reply) {
  for (const auto& topic : request.topics) {
    auto& out = reply.topics.emplace_back();
    out.topic_name = topic.topic_name;
    for (const auto& p : topic.partitions) {
      auto& o = out.partitions.emplace_back();
      o.partition_index = p.partition_index;
      o.error_code = code(KafkaError::unknown_topic_or_partition);
      o.error_message = kNoSuchPartition;
    }
  }
}

void list_nodes(const metadata::Image& image, Reply& reply) {
  image.for_each_controller([&](const metadata::ControllerNode& node) {
    auto& out = reply.nodes.emplace_back();
    out.node_id = node.id.value;
    for (const metadata::Endpoint& endpoint : node.endpoints) {
      out.listeners.push_back({endpoint.listener, endpoint.host, endpoint.port});
    }
  });
}

Task<void> describe_quorum(RequestContext& context, const Request& request, Reply& reply,
                           Response&) {
  if (!asks_for_metadata(request)) {
    refuse(request, reply);
    co_return;
  }
  Broker* broker = &context.shard.broker();
  const QuorumState state =
      co_await reactor::submit_to(reactor::ShardId(0), [broker] { return look(*broker); });
  auto& topic = reply.topics.emplace_back();
  topic.topic_name = kMetadataTopic;
  auto& p = topic.partitions.emplace_back();
  p.leader_id = state.leader;
  p.leader_epoch = state.epoch;
  p.high_watermark = state.high_watermark;
  // The one voter leads: it has everything, now.
  const int64_t now = reactor::this_shard().wall_now().ms;
  for (const quorum::Voter& voter : state.voters) {
    p.current_voters.push_back({voter.id.value, voter.directory, state.log_end, now, now});
  }
  list_nodes(context.shard.image().current(), reply);
}

}  // namespace

ServeResult serve_describe_quorum(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &describe_quorum>(context, reader);
}

}  // namespace odradek::broker
