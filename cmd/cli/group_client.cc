#include "cmd/cli/group_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "cmd/cli/group_coordinators.h"
#include "net/kafka/messages/consumer_group_describe_request.h"
#include "net/kafka/messages/consumer_group_describe_response.h"
#include "net/kafka/messages/describe_groups_request.h"
#include "net/kafka/messages/describe_groups_response.h"
#include "net/kafka/messages/list_groups_request.h"
#include "net/kafka/messages/list_groups_response.h"
#include "net/kafka/messages/offset_fetch_request.h"
#include "net/kafka/messages/offset_fetch_response.h"
#include "replication/group/consumer_protocol.h"

namespace odradek::cli {

using client::Client;
using client::is_retriable;
using reactor::Task;

namespace {

constexpr int16_t kGroupIdNotFound = 69;

std::vector<std::string_view> views(const GroupNames& names) {
  return {names.begin(), names.end()};
}

std::optional<std::string> optional_text(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

void sort_members(GroupDescription& group) {
  std::ranges::sort(group.members, {}, [](const GroupMember& member) {
    return std::tie(member.client_id, member.id);
  });
}

GroupDescription no_group(std::string_view name, int32_t node) {
  GroupDescription out;
  out.coordinator = node;
  out.error = Error(Errc::not_found, fmt::format("there is no group '{}'", name));
  return out;
}

template <class Answered>
GroupMember member_of(const Answered& answer, std::optional<std::string_view> instance) {
  GroupMember out;
  out.id = answer.member_id;
  out.instance = optional_text(instance);
  out.client_id = answer.client_id;
  out.host = answer.client_host;
  return out;
}

GroupDescription described(const kafka::ConsumerGroupDescribeResponse::DescribedGroup& answer) {
  GroupDescription out;
  out.type = "consumer";
  out.protocol = "consumer";
  out.state = answer.group_state;
  out.assignor = answer.assignor_name;
  out.epoch = answer.group_epoch;
  for (const auto& one : answer.members) {
    GroupMember& member = out.members.emplace_back(member_of(one, one.instance_id));
    member.epoch = one.member_epoch;
    for (const auto& topic : one.assignment.topic_partitions) {
      for (const int32_t p : topic.partitions) member.assigned.emplace_back(topic.topic_name, p);
    }
    std::ranges::sort(member.assigned);
  }
  sort_members(out);
  return out;
}

GroupDescription described(const kafka::DescribeGroupsResponse::DescribedGroup& answer) {
  GroupDescription out;
  out.type = "classic";
  out.protocol = answer.protocol_type;
  out.state = answer.group_state;
  out.assignor = answer.protocol_data;
  for (const auto& one : answer.members) {
    GroupMember& member = out.members.emplace_back(member_of(one, one.group_instance_id));
    if (answer.protocol_type != "consumer") continue;  // others' assignments are theirs alone
    const auto assignment = group::parse_assignment(
        group::Bytes(one.member_assignment.begin(), one.member_assignment.end()));
    if (!assignment) continue;
    for (const auto& [topic, partitions] : assignment->partitions) {
      for (const int32_t p : partitions) member.assigned.emplace_back(topic, p);
    }
  }
  sort_members(out);
  return out;
}

using Descriptions = std::map<std::string, GroupDescription>;

// The groups of the consumer protocol; the others are left out.
Task<Result<Descriptions>> describe_consumer_groups(Client& client, GroupNames groups,
                                                    MonoTime deadline) {
  Descriptions out;
  const auto make = [](const GroupNames& names) {
    kafka::ConsumerGroupDescribeRequest question;
    question.group_ids = views(names);
    return question;
  };
  const auto take = [&](Asked& asked, const kafka::ConsumerGroupDescribeResponse& message) {
    for (const auto& answer : message.groups) {
      const std::string name(answer.group_id);
      // Also after an answer that it had to be asked again.
      out.erase(name);
      if (answer.error_code == kGroupIdNotFound) continue;
      if (is_retriable(answer.error_code)) asked.again.push_back(name);
      out[name] = described(answer);
      out[name].coordinator = asked.node;
      if (answer.error_code == 0) continue;
      out[name].error =
          client::broker_error(answer.error_code, group_text(name), answer.error_message);
    }
  };
  const Status done = co_await ask_coordinators<kafka::ConsumerGroupDescribeResponse>(
      client, std::move(groups), INT16_MAX, deadline, make, take);
  // Before Kafka 3.7 there were none of these.
  if (!done && done.error().code != Errc::unsupported) co_return fail(done.error());
  co_return out;
}

Task<Status> describe_classic_groups(Client& client, GroupNames groups, Descriptions& out,
                                     MonoTime deadline) {
  const auto make = [](const GroupNames& names) {
    kafka::DescribeGroupsRequest question;
    question.groups = views(names);
    return question;
  };
  const auto take = [&out](Asked& asked, const kafka::DescribeGroupsResponse& message) {
    for (const auto& answer : message.groups) {
      const std::string name(answer.group_id);
      if (is_retriable(answer.error_code)) asked.again.push_back(name);
      const bool absent = answer.error_code == kGroupIdNotFound || answer.group_state == "Dead";
      out[name] = absent ? no_group(name, asked.node) : described(answer);
      out[name].coordinator = asked.node;
      if (absent || answer.error_code == 0) continue;
      out[name].error =
          client::broker_error(answer.error_code, group_text(name), answer.error_message);
    }
  };
  return ask_coordinators<kafka::DescribeGroupsResponse>(client, std::move(groups), INT16_MAX,
                                                         deadline, make, take);
}

}  // namespace

Task<Result<std::vector<ListedGroup>>> find_groups(Client& client, std::vector<std::string> states,
                                                   std::vector<std::string> types,
                                                   MonoTime deadline) {
  std::vector<ListedGroup> out;
  std::vector<int32_t> nodes;
  for (const auto& [node, broker] : client.metadata().brokers()) nodes.push_back(node);
  for (const int32_t node : nodes) {
    kafka::ListGroupsRequest question;
    question.states_filter.assign(states.begin(), states.end());
    question.types_filter.assign(types.begin(), types.end());
    CO_TRY_ASSIGN(const auto reply,
                  co_await client.call_until<kafka::ListGroupsResponse>(
                      {.node = node}, std::move(question), deadline,
                      [](const kafka::ListGroupsResponse& answer) { return answer.error_code; }));
    if (reply.message.error_code != 0) {
      co_return fail(client::broker_error(reply.message.error_code,
                                          fmt::format("the groups of broker {}", node)));
    }
    for (const auto& group : reply.message.groups) {
      out.push_back({std::string(group.group_id), std::string(group.group_type),
                     std::string(group.protocol_type), std::string(group.group_state), node});
    }
  }
  std::ranges::sort(out, {}, &ListedGroup::name);
  co_return out;
}

Task<Result<Descriptions>> fetch_groups(Client& client, GroupNames groups, MonoTime deadline) {
  CO_TRY_ASSIGN(Descriptions out, co_await describe_consumer_groups(client, groups, deadline));
  std::erase_if(groups, [&out](const std::string& name) { return out.contains(name); });
  CO_TRY(co_await describe_classic_groups(client, std::move(groups), out, deadline));
  co_return out;
}

Task<Result<std::map<std::string, PartitionOffsets>>> fetch_offsets(Client& client,
                                                                    GroupNames groups,
                                                                    MonoTime deadline) {
  std::map<std::string, PartitionOffsets> out;
  std::map<std::string, Error> refused;
  const auto make = [](const GroupNames& names) {
    kafka::OffsetFetchRequest question;
    for (const std::string& name : names) {
      auto& group = question.groups.emplace_back();
      group.group_id = name;
      group.topics.reset();  // all
    }
    return question;
  };
  const auto take = [&](Asked& asked, const kafka::OffsetFetchResponse& message) {
    for (const auto& group : message.groups) {
      const std::string name(group.group_id);
      PartitionOffsets& offsets = out[name];
      if (is_retriable(group.error_code)) asked.again.push_back(name);
      refused.erase(name);
      if (group.error_code != 0 && group.error_code != kGroupIdNotFound) {
        refused.emplace(
            name, client::broker_error(group.error_code, "the offsets of " + group_text(name)));
      }
      for (const auto& topic : group.topics) {
        for (const auto& partition : topic.partitions) {
          if (partition.error_code != 0 || partition.committed_offset < 0) continue;
          offsets[{std::string(topic.name), partition.partition_index}] =
              partition.committed_offset;
        }
      }
    }
  };
  CO_TRY(co_await ask_coordinators<kafka::OffsetFetchResponse>(
      client, std::move(groups), kLastVersionWithNames, deadline, make, take));
  if (!refused.empty()) co_return fail(refused.begin()->second);
  co_return out;
}

}  // namespace odradek::cli
