// `odradek log-dirs`: Kafka's kafka-log-dirs.sh.
#include <fmt/format.h>

#include <algorithm>

#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/topic.h"
#include "cmd/cli/verbs.h"
#include "net/kafka/client/client.h"
#include "net/kafka/messages/describe_log_dirs_request.h"
#include "net/kafka/messages/describe_log_dirs_response.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

using Directory = kafka::DescribeLogDirsResponse::DescribeLogDirsResult;

constexpr VerbHelp kHelp = {
    "log-dirs", "[describe] [options]",
    "Prints the log directories of brokers: how large each partition is there, and what is free.\n",
    "  odradek log-dirs\n"
    "  odradek log-dirs --topic-list orders,payments --broker-list 1\n"
    "  odradek log-dirs --summary --json\n"};

constexpr std::string_view kActions[] = {"describe"};

struct LogDirsRequest {
  Common common;
  std::vector<int32_t> brokers;  // empty: all
  std::string topics;            // a pattern; empty: all
  bool summary = false;          // directories without their partitions
};

Result<LogDirsRequest> make_request(const Arguments& arguments) {
  LogDirsRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  if (!arguments.words().empty()) TRY(choose_action(arguments, kActions));
  for (const std::string& text : arguments.split("broker-list")) {
    TRY_ASSIGN(const int64_t node, parse_number("--broker-list", text, 0, INT32_MAX));
    request.brokers.push_back(static_cast<int32_t>(node));
  }
  request.topics = arguments.text("topic-list");
  TRY(matches(request.topics, "any"));
  request.summary = arguments.has("summary");
  return request;
}

kafka::DescribeLogDirsRequest make_question(const Client& client,
                                            const std::vector<std::string>& topics, bool all) {
  kafka::DescribeLogDirsRequest question;
  question.topics = std::nullopt;
  if (all) return question;
  question.topics.emplace();
  for (const std::string& name : topics) {
    auto& topic = question.topics->emplace_back();
    topic.topic = name;
    for (const auto& partition : client.metadata().topic(name)->partitions) {
      topic.partitions.push_back(partition.index);
    }
  }
  return question;
}

// A row a directory.
void add_directory(Table& table, int32_t node, const Directory& directory) {
  uint64_t bytes = 0;
  size_t partitions = 0;
  for (const auto& topic : directory.topics) {
    for (const auto& partition : topic.partitions) {
      bytes += static_cast<uint64_t>(std::max<int64_t>(0, partition.partition_size));
      ++partitions;
    }
  }
  const auto size = [](int64_t value) { return value < 0 ? Cell(nullptr) : Cell(value); };
  table.add(
      {node, std::string(directory.log_dir), partitions, bytes, size(directory.usable_bytes),
       size(directory.total_bytes),
       directory.error_code == 0 ? Cell(nullptr) : Cell(client::error_name(directory.error_code))});
}

// A row a partition, by topic and number.
void add_partitions(Table& table, int32_t node, const Directory& directory) {
  struct Row {
    std::string topic;
    int32_t partition;
    int64_t size;
    int64_t lag;
    bool future;
  };
  std::vector<Row> rows;
  for (const auto& topic : directory.topics) {
    for (const auto& partition : topic.partitions) {
      rows.push_back({std::string(topic.name), partition.partition_index, partition.partition_size,
                      partition.offset_lag, partition.is_future_key});
    }
  }
  std::ranges::sort(rows, {}, [](const Row& row) { return std::pair(row.topic, row.partition); });
  for (const Row& row : rows) {
    table.add({node, std::string(directory.log_dir), row.topic, row.partition, row.size, row.lag,
               row.future});
  }
}

Result<std::vector<int32_t>> choose_brokers(const Client& client, const LogDirsRequest& request) {
  std::vector<int32_t> out = request.brokers;
  for (const int32_t node : out) {
    if (client.metadata().brokers().contains(node)) continue;
    return fail(Errc::not_found, fmt::format("there is no broker {} in the cluster now", node));
  }
  if (out.empty()) {
    for (const auto& [node, broker] : client.metadata().brokers()) out.push_back(node);
  }
  return out;
}

void print_tables(const LogDirsRequest& request, const Table& directories,
                  const Table& partitions) {
  const Format format = format_of(request.common.json, request.common.quiet);
  if (format == Format::json) {
    Cell json = Cell::object();
    json["directories"] = directories.json();
    if (!request.summary) json["partitions"] = partitions.json();
    print_out(json_text(json, 2) + "\n");
    return;
  }
  if (request.summary || format == Format::table) print_out(directories.text(format));
  if (request.summary) return;
  print_out((format == Format::table ? "\n" : "") + partitions.text(format));
}

Task<Status> show_directories(Client& client, const LogDirsRequest& request) {
  std::vector<std::string> topics;
  if (!request.topics.empty()) {
    CO_TRY_ASSIGN(topics,
                  co_await find_topics(client, request.topics, false, deadline_of(request.common)));
  }
  CO_TRY_ASSIGN(const auto brokers, choose_brokers(client, request));
  Table directories({"broker", "directory", "partitions", "bytes", "usable", "total", "error"});
  Table partitions({"broker", "directory", "topic", "partition", "bytes", "lag", "future"});
  for (const int32_t node : brokers) {
    CO_TRY_ASSIGN(const auto reply,
                  co_await client.call<kafka::DescribeLogDirsResponse>(
                      {.node = node}, make_question(client, topics, request.topics.empty()),
                      deadline_of(request.common)));
    if (reply.message.error_code != 0) {
      co_return fail(client::broker_error(reply.message.error_code,
                                          fmt::format("log directories of broker {}", node)));
    }
    for (const Directory& directory : reply.message.results) {
      add_directory(directories, node, directory);
      add_partitions(partitions, node, directory);
    }
  }
  print_tables(request, directories, partitions);
  co_return Status{};
}

}  // namespace

int run_log_dirs(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  arguments.connection()
      .flag("describe", "print them (there is nothing else to do)")
      .values("broker-list", "ID,ID", "only these brokers (default: all)")
      .value("topic-list", "NAME,NAME", "only these topics, or those a regular expression matches")
      .flag("summary", "directories only, not their partitions");
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return show_directories(client, *request); });
}

}  // namespace odradek::cli
