// `odradek topic`: what there is, what it is like, and changing it.
#include "cmd/cli/topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "cmd/cli/session.h"
#include "cmd/cli/verbs.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr VerbHelp kHelp = {
    "topic", "list|describe|create|alter|delete [options]",
    "Lists, describes, creates, alters and deletes topics. The actions may be words or flags "
    "(--list),\nas with Kafka's kafka-topics.sh.\n",
    "  odradek topic create --topic orders --partitions 12 --config retention.ms=86400000\n"
    "  odradek topic list\n"
    "  odradek topic describe --topic 'orders|payments' --json\n"
    "  odradek topic alter --topic orders --partitions 24 --config compression.type=zstd\n"
    "  odradek topic delete --topic 'test-.*' --if-exists\n"};

constexpr std::string_view kActions[] = {"list", "describe", "create", "alter", "delete"};

void declare(Arguments& arguments) {
  arguments.connection()
      .flag("list", "name the topics")
      .flag("describe", "partitions, leaders, replicas and configurations")
      .flag("create", "create a topic")
      .flag("alter", "more partitions, other configurations")
      .flag("delete", "delete topics")
      .value("topic", "NAME",
             "a name or several with commas; but for create also a regular expression")
      .value("partitions", "N", "number of partitions (default: the broker's num.partitions)")
      .value("replication-factor", "N", "replicas of each partition (default: the broker's)")
      .value("replica-assignment", "1:2,2:3", "node ids of each partition's replicas")
      .values("config", "KEY=VALUE", "a topic configuration; may be repeated")
      .values("delete-config", "KEY", "alter: back to the broker's value; may be repeated")
      .flag("if-exists", "alter, delete, describe: no topic is no error")
      .flag("if-not-exists", "create: an existing topic is no error")
      .flag("exclude-internal", "leave the cluster's own topics out")
      .flag("under-replicated-partitions", "describe: only those that miss replicas")
      .flag("unavailable-partitions", "describe: only those without a leader")
      .flag("topics-with-overrides", "describe: only topics with configurations of their own");
}

Status check_action(const TopicRequest& request) {
  const bool shows = request.action == "list" || request.action == "describe";
  if (!shows && request.pattern.empty()) {
    return fail(Errc::invalid, request.action + ": --topic is missing");
  }
  if (request.action == "create" && !is_names(request.pattern)) {
    return fail(Errc::invalid, "--topic " + request.pattern +
                                   ": a topic's name has only the characters a-z A-Z 0-9 . _ -");
  }
  if (!request.assignment.empty() && (request.partitions || request.replication_factor) &&
      request.action == "create") {
    return fail(Errc::invalid,
                "--replica-assignment says partitions and replicas already: leave "
                "--partitions and --replication-factor out");
  }
  if (request.action == "alter" && !request.partitions && request.configs.empty()) {
    return fail(Errc::invalid, "alter: say what: --partitions, --config or --delete-config");
  }
  if (request.action == "alter" && request.replication_factor) {
    return fail(Errc::invalid,
                "alter cannot change the replication factor: replicas are moved by "
                "reassignment");
  }
  return {};
}

Task<Status> work(Client& client, const TopicRequest& request) {
  if (request.action == "list") return list_topics(client, request);
  if (request.action == "describe") return describe_topics(client, request);
  if (request.action == "create") return create_topic(client, request);
  if (request.action == "alter") return alter_topics(client, request);
  return delete_topics(client, request);
}

}  // namespace

Result<std::vector<std::vector<int32_t>>> parse_assignment(std::string_view text) {
  std::vector<std::vector<int32_t>> out;
  for (const std::string& partition : split_at(text, ',')) {
    auto& replicas = out.emplace_back();
    for (const std::string& node : split_at(partition, ':')) {
      TRY_ASSIGN(const int64_t id, parse_number("--replica-assignment", node, 0, INT32_MAX));
      replicas.push_back(static_cast<int32_t>(id));
    }
    if (replicas.empty() || replicas.size() != out.front().size()) {
      return fail(Errc::invalid, fmt::format("--replica-assignment {}: each partition needs the "
                                             "same number of replicas",
                                             text));
    }
  }
  return out;
}

bool is_names(std::string_view pattern) {
  return std::ranges::all_of(pattern, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == ',';
  });
}

Result<bool> matches(const std::string& pattern, const std::string& name) {
  const auto names = split_at(pattern, ',');
  if (is_names(pattern)) return std::ranges::find(names, name) != names.end();
  try {
    return std::ranges::any_of(names, [&](const std::string& one) {
      return std::regex_match(name, std::regex(one, std::regex::ECMAScript));
    });
  } catch (const std::regex_error& wrong) {
    return fail(Errc::invalid, "--topic " + pattern + ": no regular expression: " + wrong.what());
  }
}

Result<TopicRequest> make_topic_request(const Arguments& arguments) {
  TopicRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  TRY_ASSIGN(request.action, choose_action(arguments, kActions));
  request.pattern = arguments.text("topic");
  TRY_ASSIGN(const auto partitions, arguments.number("partitions", 1, INT32_MAX));
  if (partitions) request.partitions = static_cast<int32_t>(*partitions);
  TRY_ASSIGN(const auto replicas, arguments.number("replication-factor", 1, INT16_MAX));
  if (replicas) request.replication_factor = static_cast<int16_t>(*replicas);
  TRY_ASSIGN(request.assignment, parse_assignment(arguments.text("replica-assignment")));
  TRY_ASSIGN(request.configs,
             parse_changes(arguments.texts("config"), arguments.texts("delete-config")));
  request.if_exists = arguments.has("if-exists");
  request.if_not_exists = arguments.has("if-not-exists");
  request.exclude_internal = arguments.has("exclude-internal");
  request.under_replicated = arguments.has("under-replicated-partitions");
  request.unavailable = arguments.has("unavailable-partitions");
  request.with_overrides = arguments.has("topics-with-overrides");
  TRY(matches(request.pattern, "any"));
  TRY(check_action(request));
  return request;
}

Task<Result<std::vector<std::string>>> find_topics(Client& client, std::string pattern,
                                                   bool exclude_internal, MonoTime deadline) {
  const bool names = !pattern.empty() && is_names(pattern);
  std::optional<std::vector<std::string>> asked;
  if (names) asked = split_at(pattern, ',');
  CO_TRY(co_await client.refresh(std::move(asked), deadline));
  std::vector<std::string> out;
  for (const auto& [name, topic] : client.metadata().topics()) {
    CO_TRY_ASSIGN(const bool meant, pattern.empty() ? Result<bool>(true) : matches(pattern, name));
    if (!meant || (exclude_internal && topic.internal)) continue;
    if (topic.error == 0) out.push_back(name);
    if (topic.error != 0 && names && topic.error != 3) {
      co_return fail(client::broker_error(topic.error, "topic " + name));
    }
  }
  if (out.empty() && !pattern.empty()) {
    co_return fail(Errc::not_found, fmt::format("no topic matches '{}'; 'odradek topic list' names "
                                                "those that are there",
                                                pattern));
  }
  co_return out;
}

int run_topic(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  declare(arguments);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_topic_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return work(client, *request); });
}

}  // namespace odradek::cli
