// Stories of groups are told in these: one call each, with versions of today.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/kafka/messages/consumer_protocol_subscription.h"
#include "net/kafka/messages/find_coordinator_request.h"
#include "net/kafka/messages/find_coordinator_response.h"
#include "net/kafka/messages/heartbeat_request.h"
#include "net/kafka/messages/heartbeat_response.h"
#include "net/kafka/messages/join_group_request.h"
#include "net/kafka/messages/join_group_response.h"
#include "net/kafka/messages/offset_commit_request.h"
#include "net/kafka/messages/offset_commit_response.h"
#include "net/kafka/messages/offset_fetch_request.h"
#include "net/kafka/messages/offset_fetch_response.h"
#include "net/kafka/messages/sync_group_request.h"
#include "net/kafka/messages/sync_group_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {

// The error; makes the internal topic.
inline Task<int16_t> find_coordinator(Client& client, std::string_view group) {
  kafka::FindCoordinatorRequest request;
  request.coordinator_keys = {group};
  const auto reply = co_await client.call<kafka::FindCoordinatorResponse>(4, std::move(request));
  co_return reply->message.coordinators.at(0).error_code;
}

inline Bytes subscription_to(std::string_view topic) {
  kafka::ConsumerProtocolSubscription message;
  message.topics = {topic};
  wire::Writer out;
  out.integer(int16_t{0});
  kafka::encode(out, 0, message);
  return out.copy();
}

// REQUIRES: `metadata` outlives the request's encoding.
inline kafka::JoinGroupRequest joining(std::string_view group, BytesView metadata,
                                       std::string_view member = "") {
  kafka::JoinGroupRequest request;
  request.group_id = group;
  request.member_id = member;
  request.protocol_type = "consumer";
  request.session_timeout_ms = 10'000;
  request.rebalance_timeout_ms = 30'000;
  request.protocols.push_back({"range", metadata});
  return request;
}

struct Joined {
  int16_t error = 0;
  int32_t generation = -1;
  std::string member;
  std::string leader;
  std::vector<std::string> members;
};
inline Joined joined(const kafka::JoinGroupResponse& message) {
  Joined out{message.error_code,
             message.generation_id,
             std::string(message.member_id),
             std::string(message.leader),
             {}};
  for (const auto& m : message.members) out.members.emplace_back(m.member_id);
  return out;
}
inline Task<Joined> join(Client& client, std::string_view group, std::string member = "",
                         int16_t version = 3) {
  const Bytes metadata = subscription_to("t");
  const auto reply =
      co_await client.call<kafka::JoinGroupResponse>(version, joining(group, metadata, member));
  co_return joined(reply->message);
}

struct Synced {
  int16_t error = 0;
  std::string assignment;
};
inline Task<Synced> sync(Client& client, std::string_view group, Joined me,
                         std::map<std::string, std::string> assignments = {}) {
  kafka::SyncGroupRequest request;
  request.group_id = group;
  request.generation_id = me.generation;
  request.member_id = me.member;
  for (const auto& [member, text] : assignments) {
    request.assignments.push_back({member, as_bytes(text)});
  }
  const auto reply = co_await client.call<kafka::SyncGroupResponse>(3, std::move(request));
  co_return Synced{reply->message.error_code, std::string(as_text(reply->message.assignment))};
}

inline Task<int16_t> heartbeat(Client& client, std::string_view group, Joined me) {
  kafka::HeartbeatRequest request;
  request.group_id = group;
  request.generation_id = me.generation;
  request.member_id = me.member;
  const auto reply = co_await client.call<kafka::HeartbeatResponse>(3, std::move(request));
  co_return reply->message.error_code;
}

inline Task<int16_t> commit(Client& client, std::string_view group, int64_t offset, Joined me = {},
                            std::string_view topic = "t", int32_t partition = 0) {
  kafka::OffsetCommitRequest request;
  request.group_id = group;
  request.generation_id_or_member_epoch = me.generation;
  request.member_id = me.member;
  auto& t = request.topics.emplace_back();
  t.name = topic;
  auto& p = t.partitions.emplace_back();
  p.partition_index = partition;
  p.committed_offset = offset;
  const auto reply = co_await client.call<kafka::OffsetCommitResponse>(8, std::move(request));
  co_return reply->message.topics.at(0).partitions.at(0).error_code;
}

// The committed offset, -1 for none; the error as a negative number below that.
inline Task<int64_t> committed(Client& client, std::string_view group, std::string_view topic = "t",
                               int32_t partition = 0) {
  kafka::OffsetFetchRequest request;
  auto& g = request.groups.emplace_back();
  g.group_id = group;
  auto& t = g.topics->emplace_back();
  t.name = topic;
  t.partition_indexes = {partition};
  const auto reply = co_await client.call<kafka::OffsetFetchResponse>(8, std::move(request));
  const auto& answer = reply->message.groups.at(0);
  if (answer.error_code != 0) co_return -1000 - answer.error_code;
  co_return answer.topics.at(0).partitions.at(0).committed_offset;
}

// As `committed`, once the coordinator has read its log.
inline Task<int64_t> committed_when_loaded(Client& client, std::string_view group) {
  for (;;) {
    const int64_t offset = co_await committed(client, group);
    if (offset != -1014) co_return offset;
    co_await reactor::sleep_for(10ms);
  }
}

}  // namespace odradek::broker
