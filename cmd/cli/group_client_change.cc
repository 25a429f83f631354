// What the group verb changes.
#include "cmd/cli/group_client.h"

#include <fmt/format.h>

#include "net/kafka/messages/delete_groups_request.h"
#include "net/kafka/messages/delete_groups_response.h"
#include "net/kafka/messages/offset_commit_request.h"
#include "net/kafka/messages/offset_commit_response.h"
#include "net/kafka/messages/offset_delete_request.h"
#include "net/kafka/messages/offset_delete_response.h"

namespace odradek::cli {

using client::Client;
using client::is_retriable;
using reactor::Task;

namespace {

constexpr int16_t kUnknownTopic = 3;  // says so of what is gone, too: no use to ask again

std::string partition_text(const PartitionName& partition) {
  return fmt::format("{}-{}", partition.first, partition.second);
}

// What an answer by topic and partition refuses; `again` when it may be another one soon.
template <class Message>
PartitionErrors errors_of(const Message& message, bool& again) {
  PartitionErrors out;
  for (const auto& topic : message.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code == 0) continue;
      const PartitionName name{std::string(topic.name), partition.partition_index};
      again |= is_retriable(partition.error_code) && partition.error_code != kUnknownTopic;
      out.emplace(name, client::broker_error(partition.error_code, partition_text(name)));
    }
  }
  return out;
}

}  // namespace

Task<Result<PartitionErrors>> commit_offsets(Client& client, std::string group,
                                             PartitionOffsets offsets, MonoTime deadline) {
  PartitionErrors refused;
  const auto make = [&](const GroupNames& names) {
    kafka::OffsetCommitRequest question;
    question.group_id = names.front();
    for (const auto& [name, offset] : offsets) {
      if (question.topics.empty() || question.topics.back().name != name.first) {
        question.topics.emplace_back().name = name.first;
      }
      auto& partition = question.topics.back().partitions.emplace_back();
      partition.partition_index = name.second;
      partition.committed_offset = offset;
    }
    return question;
  };
  const auto take = [&](Asked& asked, const kafka::OffsetCommitResponse& message) {
    bool again = false;
    refused = errors_of(message, again);
    if (again) asked.again.push_back(group);
  };
  CO_TRY(co_await ask_coordinators<kafka::OffsetCommitResponse>(
      client, GroupNames{group}, kLastVersionWithNames, deadline, make, take));
  co_return refused;
}

Task<Result<PartitionErrors>> forget_offsets(Client& client, std::string group,
                                             std::vector<PartitionName> partitions,
                                             MonoTime deadline) {
  PartitionErrors refused;
  std::optional<Error> whole;
  const auto make = [&](const GroupNames& names) {
    kafka::OffsetDeleteRequest question;
    question.group_id = names.front();
    for (const auto& [topic, index] : partitions) {
      if (question.topics.empty() || question.topics.back().name != topic) {
        question.topics.emplace_back().name = topic;
      }
      question.topics.back().partitions.emplace_back().partition_index = index;
    }
    return question;
  };
  const auto take = [&](Asked& asked, const kafka::OffsetDeleteResponse& message) {
    bool again = is_retriable(message.error_code);
    whole.reset();
    if (message.error_code != 0) {
      whole = client::broker_error(message.error_code, group_text(group));
    }
    refused = errors_of(message, again);
    if (again) asked.again.push_back(group);
  };
  CO_TRY(co_await ask_coordinators<kafka::OffsetDeleteResponse>(client, GroupNames{group},
                                                                INT16_MAX, deadline, make, take));
  if (whole) co_return fail(*whole);
  co_return refused;
}

Task<Result<std::map<std::string, Error>>> remove_groups(Client& client, GroupNames groups,
                                                         MonoTime deadline) {
  std::map<std::string, Error> refused;
  const auto make = [](const GroupNames& names) {
    kafka::DeleteGroupsRequest question;
    question.groups_names.assign(names.begin(), names.end());
    return question;
  };
  const auto take = [&](Asked& asked, const kafka::DeleteGroupsResponse& message) {
    for (const auto& answer : message.results) {
      const std::string name(answer.group_id);
      refused.erase(name);
      if (answer.error_code == 0) continue;
      if (is_retriable(answer.error_code)) asked.again.push_back(name);
      refused.emplace(name, client::broker_error(answer.error_code, group_text(name)));
    }
  };
  CO_TRY(co_await ask_coordinators<kafka::DeleteGroupsResponse>(client, std::move(groups),
                                                                INT16_MAX, deadline, make, take));
  co_return refused;
}

}  // namespace odradek::cli
