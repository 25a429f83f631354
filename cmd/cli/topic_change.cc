// `odradek topic create`, `alter` and `delete`.
#include <fmt/format.h>

#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/topic.h"
#include "net/kafka/messages/create_partitions_request.h"
#include "net/kafka/messages/create_partitions_response.h"
#include "net/kafka/messages/create_topics_request.h"
#include "net/kafka/messages/create_topics_response.h"
#include "net/kafka/messages/delete_topics_request.h"
#include "net/kafka/messages/delete_topics_response.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr client::Target kController{.controller = true};
constexpr int16_t kNotController = 41;
constexpr int16_t kTopicExists = 36;

int32_t milliseconds(const Common& common) { return static_cast<int32_t>(common.timeout / 1ms); }

// Done things go to standard output: as a sentence, not at all, or as JSON.
void report(const Common& common, std::string_view done, const Cell& json) {
  if (common.json) {
    print_out(json_text(json, 2) + "\n");
  } else if (!common.quiet) {
    print_out(fmt::format("{}\n", done));
  }
}

// Only one code is worth another try: the change was not begun.
int16_t only_moved(int16_t code) { return code == kNotController ? code : int16_t{0}; }

kafka::CreateTopicsRequest make_create(const TopicRequest& request, const std::string& name) {
  kafka::CreateTopicsRequest out;
  out.timeout_ms = milliseconds(request.common);
  auto& topic = out.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = request.assignment.empty() ? request.partitions.value_or(-1) : -1;
  topic.replication_factor =
      request.assignment.empty() ? request.replication_factor.value_or(-1) : int16_t{-1};
  for (size_t i = 0; i < request.assignment.size(); ++i) {
    auto& partition = topic.assignments.emplace_back();
    partition.partition_index = static_cast<int32_t>(i);
    partition.broker_ids.assign(request.assignment[i].begin(), request.assignment[i].end());
  }
  for (const ConfigChange& change : request.configs) {
    auto& config = topic.configs.emplace_back();
    config.name = change.name;
    config.value = std::nullopt;
    if (change.value) config.value = *change.value;
  }
  return out;
}

Task<Status> create_one(Client& client, const TopicRequest& request, std::string name) {
  CO_TRY_ASSIGN(const auto reply, co_await client.call_until<kafka::CreateTopicsResponse>(
                                      kController, make_create(request, name),
                                      deadline_of(request.common), [](const auto& answer) {
                                        return answer.topics.empty()
                                                   ? int16_t{0}
                                                   : only_moved(answer.topics[0].error_code);
                                      }));
  if (reply.message.topics.size() != 1) {
    co_return fail(Errc::malformed, "CreateTopics: an answer to something else");
  }
  const auto& topic = reply.message.topics[0];
  if (topic.error_code == kTopicExists && request.if_not_exists) co_return Status{};
  if (topic.error_code != 0) {
    co_return fail(
        client::broker_error(topic.error_code, "create topic " + name, topic.error_message));
  }
  Cell json = Cell::object();
  json["topic"] = name;
  json["topic_id"] = topic.topic_id.to_string();
  json["partitions"] = topic.num_partitions;
  json["replication_factor"] = topic.replication_factor;
  report(request.common, fmt::format("Created topic {}.", name), json);
  co_return Status{};
}

Task<Status> grow(Client& client, const TopicRequest& request, std::string name) {
  kafka::CreatePartitionsRequest out;
  out.timeout_ms = milliseconds(request.common);
  auto& topic = out.topics.emplace_back();
  topic.name = name;
  topic.count = *request.partitions;
  topic.assignments = std::nullopt;
  if (!request.assignment.empty()) {
    topic.assignments.emplace();
    for (const auto& replicas : request.assignment) {
      topic.assignments->emplace_back().broker_ids.assign(replicas.begin(), replicas.end());
    }
  }
  CO_TRY_ASSIGN(
      const auto reply,
      co_await client.call_until<kafka::CreatePartitionsResponse>(
          kController, std::move(out), deadline_of(request.common), [](const auto& answer) {
            return answer.results.empty() ? int16_t{0} : only_moved(answer.results[0].error_code);
          }));
  for (const auto& result : reply.message.results) {
    if (result.error_code == 0) continue;
    co_return fail(client::broker_error(result.error_code, "partitions of topic " + name,
                                        result.error_message));
  }
  co_return Status{};
}

Task<Status> delete_one(Client& client, const TopicRequest& request, std::string name) {
  const MonoTime deadline = deadline_of(request.common);
  CO_TRY_ASSIGN(
      const int16_t version,
      co_await client.version_for(kController, kafka::DeleteTopicsRequest::api_key, deadline));
  kafka::DeleteTopicsRequest out;
  out.timeout_ms = milliseconds(request.common);
  if (version >= 6) {
    out.topics.emplace_back().name = name;
  } else {
    out.topic_names.emplace_back(name);
  }
  CO_TRY_ASSIGN(const auto reply,
                co_await client.call_until<kafka::DeleteTopicsResponse>(
                    kController, std::move(out), deadline, [](const auto& answer) {
                      return answer.responses.empty() ? int16_t{0}
                                                      : only_moved(answer.responses[0].error_code);
                    }));
  for (const auto& result : reply.message.responses) {
    if (result.error_code == 0) continue;
    co_return fail(
        client::broker_error(result.error_code, "delete topic " + name, result.error_message));
  }
  Cell json = Cell::object();
  json["topic"] = name;
  report(request.common, fmt::format("Deleted topic {}.", name), json);
  co_return Status{};
}

}  // namespace

Task<Status> create_topic(Client& client, const TopicRequest& request) {
  const auto names = split_at(request.pattern, ',');
  for (const std::string& name : names) CO_TRY(co_await create_one(client, request, name));
  co_return Status{};
}

Task<Status> alter_topics(Client& client, const TopicRequest& request) {
  const auto names = co_await find_topics(client, request.pattern, request.exclude_internal,
                                          deadline_of(request.common));
  if (!names && request.if_exists && names.error().code == Errc::not_found) co_return Status{};
  if (!names) co_return fail(names.error());
  for (const std::string& name : *names) {
    if (!request.configs.empty()) {
      CO_TRY(co_await alter_configs(client, {ResourceType::topic, name}, request.configs,
                                    deadline_of(request.common)));
    }
    if (request.partitions) CO_TRY(co_await grow(client, request, name));
    Cell json = Cell::object();
    json["topic"] = name;
    report(request.common, fmt::format("Altered topic {}.", name), json);
  }
  co_return Status{};
}

Task<Status> delete_topics(Client& client, const TopicRequest& request) {
  const auto names = co_await find_topics(client, request.pattern, request.exclude_internal,
                                          deadline_of(request.common));
  if (!names && request.if_exists && names.error().code == Errc::not_found) co_return Status{};
  if (!names) co_return fail(names.error());
  for (const std::string& name : *names) CO_TRY(co_await delete_one(client, request, name));
  co_return Status{};
}

}  // namespace odradek::cli
