// `odradek offsets`: Kafka's kafka-get-offsets.sh.
#include "cmd/cli/offsets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cmd/cli/consume.h"
#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/times.h"
#include "cmd/cli/topic.h"
#include "cmd/cli/verbs.h"
#include "net/kafka/client/list_offsets.h"
#include "reactor/shard.h"

namespace odradek::cli {

using client::Client;
using client::OffsetQuery;
using reactor::Task;

namespace {

constexpr VerbHelp kHelp = {
    "offsets", "[--topic NAME] [options]",
    "Prints offsets of partitions: the end (default), the start, or where a time begins. With "
    "--quiet\nas Kafka's kafka-get-offsets.sh does: topic:partition:offset.\n",
    "  odradek offsets --topic orders\n"
    "  odradek offsets --topic orders --partitions 0,2-4 --time earliest\n"
    "  odradek offsets --topic-partitions 'orders:0-3,log.*' --time 2026-01-31T12:00:00\n"
    "  odradek offsets --time max-timestamp --json\n"};

struct Special {
  std::string_view name;
  int64_t time;
};
constexpr std::array kSpecials = {
    Special{"latest", client::kLatest},
    Special{"earliest", client::kEarliest},
    Special{"max-timestamp", client::kMaxTimestamp},
    Special{"earliest-local", client::kEarliestLocal},
    Special{"latest-tiered", client::kLatestTiered},
    Special{"earliest-pending-upload", client::kEarliestPendingUpload},
};

struct OffsetsRequest {
  Common common;
  std::vector<TopicPartitions> wanted;
  std::vector<int32_t> partitions;  // empty: all
  std::string time;
  bool exclude_internal = false;
};

void declare(Arguments& arguments) {
  arguments.connection()
      .value("t,topic", "NAME", "a name, several with commas, or a regular expression")
      .value("partitions", "LIST", "only these partitions: 0,2-4")
      .value("topic-partitions", "LIST", "topics with their partitions: orders:0-3,t:5,u")
      .value("time", "WHEN",
             "latest (-1, the default), earliest (-2), max-timestamp (-3), earliest-local (-4), "
             "latest-tiered (-5), earliest-pending-upload (-6), milliseconds, a UTC date, or an "
             "age like -2h")
      .flag("exclude-internal-topics", "leave the cluster's own topics out");
}

Result<OffsetsRequest> make_request(const Arguments& arguments) {
  OffsetsRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  TRY_ASSIGN(request.partitions, parse_partitions("--partitions", arguments.text("partitions")));
  if (arguments.has("topic-partitions") &&
      (arguments.has("topic") || arguments.has("partitions"))) {
    return fail(Errc::invalid, "--topic-partitions excludes --topic and --partitions");
  }
  if (arguments.has("topic-partitions")) {
    TRY_ASSIGN(request.wanted, parse_topic_partitions(arguments.text("topic-partitions")));
  } else {
    request.wanted.push_back({arguments.text("topic")});
    TRY(matches(request.wanted[0].topic, "any"));
  }
  request.time = arguments.has("time") ? arguments.text("time") : "latest";
  TRY(parse_offset_time(request.time, 0));
  request.exclude_internal = arguments.has("exclude-internal-topics");
  return request;
}

// Every partition that one of the wishes names, once, by topic and number.
Task<Result<std::vector<OffsetQuery>>> find_partitions(Client& client,
                                                       const OffsetsRequest& request,
                                                       int64_t time) {
  std::vector<OffsetQuery> out;
  for (const TopicPartitions& wish : request.wanted) {
    CO_TRY_ASSIGN(const auto names,
                  co_await find_topics(client, wish.topic, request.exclude_internal,
                                       deadline_of(request.common)));
    for (const std::string& name : names) {
      for (const auto& partition : client.metadata().topic(name)->partitions) {
        const int32_t index = partition.index;
        const auto& only = request.partitions;
        if (index < wish.first || index > wish.last) continue;
        if (!only.empty() && std::ranges::find(only, index) == only.end()) continue;
        out.push_back({.topic = name, .partition = index, .time = time});
      }
    }
  }
  const auto order = [](const OffsetQuery& q) { return std::pair(q.topic, q.partition); };
  std::ranges::sort(out, {}, order);
  const auto twice = std::ranges::unique(out, {}, order);
  out.erase(twice.begin(), twice.end());
  if (out.empty()) co_return fail(Errc::not_found, "no partition is meant by this");
  co_return out;
}

void print_offsets(const Common& common, const std::vector<OffsetQuery>& answers) {
  Table table({"topic", "partition", "offset", "timestamp", "leader epoch"});
  std::string lines;
  for (const OffsetQuery& answer : answers) {
    if (answer.error) continue;
    table.add({answer.topic, answer.partition, answer.offset ? Cell(*answer.offset) : Cell(nullptr),
               answer.timestamp < 0 ? Cell(nullptr) : Cell(time_text(answer.timestamp)),
               answer.leader_epoch < 0 ? Cell(nullptr) : Cell(answer.leader_epoch)});
    lines += fmt::format("{}:{}:{}\n", answer.topic, answer.partition,
                         answer.offset ? std::to_string(*answer.offset) : "");
  }
  const Format format = format_of(common.json, common.quiet);
  print_out(format == Format::tabs ? lines : table.text(format));
}

Task<Status> show_offsets(Client& client, const OffsetsRequest& request) {
  CO_TRY_ASSIGN(const int64_t time,
                parse_offset_time(request.time, reactor::this_shard().wall_now().ms));
  CO_TRY_ASSIGN(auto queries, co_await find_partitions(client, request, time));
  CO_TRY_ASSIGN(const auto answers, co_await client::list_offsets(client, std::move(queries),
                                                                  deadline_of(request.common)));
  print_offsets(request.common, answers);
  const auto bad = std::ranges::find_if(
      answers, [](const OffsetQuery& answer) { return answer.error.has_value(); });
  if (bad != answers.end()) co_return fail(*bad->error);
  co_return Status{};
}

}  // namespace

Result<int64_t> parse_offset_time(std::string_view text, int64_t now_ms) {
  for (const Special& special : kSpecials) {
    if (text == special.name || text == std::to_string(special.time)) return special.time;
  }
  auto time = parse_time("--time", text, now_ms);
  if (time) return time;
  return fail(Errc::invalid, time.error().context +
                                 "; or latest, earliest, max-timestamp, earliest-local, "
                                 "latest-tiered, earliest-pending-upload");
}

Result<std::vector<TopicPartitions>> parse_topic_partitions(std::string_view text) {
  std::vector<TopicPartitions> out;
  for (const std::string& one : split_at(text, ',')) {
    const size_t colon = one.rfind(':');
    TopicPartitions wish;
    wish.topic = one.substr(0, colon);
    TRY(matches(wish.topic, "any"));
    const std::string range = colon == std::string::npos ? "" : one.substr(colon + 1);
    if (!range.empty()) {
      // "3", "2-4" without the 4 as Kafka has it, "2-", "-4".
      const size_t dash = range.find('-');
      const std::string low = range.substr(0, dash);
      const std::string high = dash == std::string::npos ? "" : range.substr(dash + 1);
      int64_t first = 0;
      int64_t end = INT32_MAX;
      if (!low.empty()) {
        TRY_ASSIGN(first, parse_number("--topic-partitions", low, 0, INT32_MAX));
      }
      if (!high.empty()) {
        TRY_ASSIGN(end, parse_number("--topic-partitions", high, 1, INT32_MAX));
      }
      wish.first = static_cast<int32_t>(first);
      wish.last = static_cast<int32_t>(dash == std::string::npos ? first : end - 1);
    }
    out.push_back(std::move(wish));
  }
  if (out.empty()) return fail(Errc::invalid, "--topic-partitions: names no topic");
  return out;
}

int run_offsets(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  declare(arguments);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return show_offsets(client, *request); });
}

}  // namespace odradek::cli
