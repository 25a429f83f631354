// `odradek delete-records`: Kafka's kafka-delete-records.sh.
#include "cmd/cli/delete_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "cmd/cli/consume.h"
#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/verbs.h"
#include "net/kafka/client/client.h"
#include "net/kafka/messages/delete_records_request.h"
#include "net/kafka/messages/delete_records_response.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr VerbHelp kHelp = {
    "delete-records", "--topic NAME [--partition LIST] --offset N | --offset-json-file FILE",
    "Deletes the records of partitions before an offset; -1 means all that there are now. It "
    "cannot be\nundone.\n",
    "  odradek delete-records --topic orders --partition 0 --offset 1000\n"
    "  odradek delete-records --topic orders --offset -1\n"
    "  odradek delete-records --offset-json-file offsets.json\n"
    "  where the file has: {\"version\":1,\"partitions\":[{\"topic\":\"orders\",\"partition\":0,"
    "\"offset\":1000}]}\n"};

struct DeleteRequest {
  Common common;
  std::vector<DeleteBefore> wanted;  // from the file
  std::string topic;                 // else
  std::vector<int32_t> partitions;   // empty: all
  int64_t offset = -1;
};

// One partition and what became of it.
struct Outcome {
  DeleteBefore wanted;
  int64_t low_watermark = -1;
  std::optional<Error> error;
  bool again = true;
};

Result<DeleteRequest> make_request(const Arguments& arguments) {
  DeleteRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  if (arguments.has("offset-json-file")) {
    if (arguments.has("topic") || arguments.has("partition") || arguments.has("offset")) {
      return fail(Errc::invalid, "--offset-json-file excludes --topic, --partition and --offset");
    }
    const std::string path = arguments.text("offset-json-file");
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Errc::not_found, "--offset-json-file " + path + ": cannot be read");
    std::ostringstream text;
    text << file.rdbuf();
    auto wanted = parse_delete_file(text.str());
    if (!wanted) return fail(Errc::invalid, path + ": " + wanted.error().context);
    request.wanted = std::move(*wanted);
    return request;
  }
  request.topic = arguments.text("topic");
  if (request.topic.empty() || !arguments.has("offset")) {
    return fail(Errc::invalid, "--topic and --offset, or --offset-json-file, are missing");
  }
  TRY_ASSIGN(request.partitions, parse_partitions("--partition", arguments.text("partition")));
  TRY_ASSIGN(const auto offset, arguments.number("offset", -1, INT64_MAX));
  request.offset = *offset;
  return request;
}

Task<Result<std::vector<Outcome>>> find_partitions(Client& client, const DeleteRequest& request) {
  std::vector<Outcome> out;
  for (const DeleteBefore& one : request.wanted) {
    out.push_back({one, -1, Error(Errc::not_found, "no such partition")});
  }
  if (request.wanted.empty()) {
    CO_TRY(co_await client.need_topic(request.topic, deadline_of(request.common)));
    std::vector<int32_t> partitions = request.partitions;
    if (partitions.empty()) {
      for (const auto& p : client.metadata().topic(request.topic)->partitions) {
        partitions.push_back(p.index);
      }
    }
    for (const int32_t p : partitions) {
      out.push_back(
          {{request.topic, p, request.offset}, -1, Error(Errc::not_found, "no such partition")});
    }
  }
  // One entry a topic in each request.
  std::ranges::sort(out, {}, [](const Outcome& outcome) {
    return std::pair(outcome.wanted.topic, outcome.wanted.partition);
  });
  co_return out;
}

void take(const kafka::DeleteRecordsResponse& answer, std::vector<Outcome>& outcomes) {
  for (const auto& topic : answer.topics) {
    for (const auto& partition : topic.partitions) {
      const auto at = std::ranges::find_if(outcomes, [&](const Outcome& outcome) {
        return outcome.wanted.topic == topic.name &&
               outcome.wanted.partition == partition.partition_index;
      });
      if (at == outcomes.end()) continue;
      at->again = client::is_retriable(partition.error_code);
      at->error.reset();
      at->low_watermark = partition.low_watermark;
      if (partition.error_code != 0) {
        at->error = client::broker_error(partition.error_code,
                                         fmt::format("{}-{} before offset {}", at->wanted.topic,
                                                     at->wanted.partition, at->wanted.offset));
      }
    }
  }
}

// The open partitions, by leader; those without one keep their error.
std::map<int32_t, std::vector<const DeleteBefore*>> by_leader(
    const Client& client, const std::vector<Outcome>& outcomes) {
  std::map<int32_t, std::vector<const DeleteBefore*>> out;
  for (const Outcome& outcome : outcomes) {
    const client::Topic* topic = client.metadata().topic(outcome.wanted.topic);
    const client::Partition* partition =
        topic ? topic->partition(outcome.wanted.partition) : nullptr;
    if (!outcome.again || !partition || partition->leader < 0) continue;
    out[partition->leader].push_back(&outcome.wanted);
  }
  return out;
}

Task<Status> ask_leader(Client& client, int32_t leader, std::vector<const DeleteBefore*> wanted,
                        std::vector<Outcome>& outcomes, const Common& common) {
  kafka::DeleteRecordsRequest question;
  question.timeout_ms = static_cast<int32_t>(common.timeout / 1ms);
  for (const DeleteBefore* one : wanted) {
    if (question.topics.empty() || question.topics.back().name != one->topic) {
      question.topics.emplace_back().name = one->topic;
    }
    auto& partition = question.topics.back().partitions.emplace_back();
    partition.partition_index = one->partition;
    partition.offset = one->offset;
  }
  CO_TRY_ASSIGN(const auto reply, co_await client.call<kafka::DeleteRecordsResponse>(
                                      {.node = leader}, std::move(question), deadline_of(common)));
  take(reply.message, outcomes);
  co_return Status{};
}

void print_outcomes(const Common& common, const std::vector<Outcome>& outcomes) {
  Table table({"topic", "partition", "first offset", "error"});
  for (const Outcome& outcome : outcomes) {
    table.add({outcome.wanted.topic, outcome.wanted.partition,
               outcome.error ? Cell(nullptr) : Cell(outcome.low_watermark),
               outcome.error ? Cell(outcome.error->context) : Cell(nullptr)});
  }
  print_out(table.text(format_of(common.json, common.quiet)));
}

Task<Status> delete_records(Client& client, const DeleteRequest& request) {
  const MonoTime deadline = deadline_of(request.common);
  CO_TRY_ASSIGN(auto outcomes, co_await find_partitions(client, request));
  std::vector<std::string> topics;
  for (const Outcome& outcome : outcomes) topics.push_back(outcome.wanted.topic);
  std::ranges::sort(topics);
  topics.erase(std::ranges::unique(topics).begin(), topics.end());
  Duration back_off = client::kBackOffFirst;
  for (;;) {
    CO_TRY(co_await client.refresh(topics, deadline));
    const auto leaders = by_leader(client, outcomes);
    for (const auto& [leader, wanted] : leaders) {
      CO_TRY(co_await ask_leader(client, leader, wanted, outcomes, request.common));
    }
    const bool again = !leaders.empty() && std::ranges::any_of(outcomes, &Outcome::again);
    if (!again || !co_await client.pause(back_off, deadline)) break;
  }
  print_outcomes(request.common, outcomes);
  const auto bad =
      std::ranges::find_if(outcomes, [](const Outcome& o) { return o.error.has_value(); });
  if (bad != outcomes.end()) co_return fail(*bad->error);
  co_return Status{};
}

// JSON has no bounds: what is beyond 64 bits comes as a fraction, and what is beyond their half is
// unsigned and would be a negative number here.
Result<int64_t> whole_number(const Cell& entry, const char* name, int64_t low, int64_t high) {
  const auto found = entry.find(name);
  const bool whole = found != entry.end() && found->is_number_integer();
  const bool fits =
      whole && (!found->is_number_unsigned() || std::in_range<int64_t>(found->get<uint64_t>()));
  if (fits && found->get<int64_t>() >= low && found->get<int64_t>() <= high) {
    return found->get<int64_t>();
  }
  return fail(Errc::invalid,
              fmt::format("\"{}\" must be a whole number from {} to {}", name, low, high));
}

Result<DeleteBefore> parse_entry(const Cell& entry) {
  if (!entry.is_object()) return fail(Errc::invalid, "must have topic, partition and offset");
  const auto topic = entry.find("topic");
  if (topic == entry.end() || !topic->is_string()) {
    return fail(Errc::invalid, "\"topic\" must be the name of a topic");
  }
  TRY_ASSIGN(const int64_t partition, whole_number(entry, "partition", 0, INT32_MAX));
  TRY_ASSIGN(const int64_t offset, whole_number(entry, "offset", -1, INT64_MAX));
  return DeleteBefore{topic->get<std::string>(), static_cast<int32_t>(partition), offset};
}

}  // namespace

Result<std::vector<DeleteBefore>> parse_delete_file(std::string_view text) {
  const Cell json = Cell::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return fail(Errc::invalid, "is not a JSON object");
  if (json.contains("version") && json["version"] != 1) {
    return fail(Errc::invalid, "has another version than 1");
  }
  if (!json.contains("partitions") || !json["partitions"].is_array()) {
    return fail(Errc::invalid, "has no array \"partitions\"");
  }
  std::vector<DeleteBefore> out;
  for (const Cell& one : json["partitions"]) {
    auto wanted = parse_entry(one);
    if (!wanted) {
      return fail(Errc::invalid, fmt::format("entry {} of \"partitions\", {}: {}", out.size() + 1,
                                             json_text(one), wanted.error().context));
    }
    out.push_back(std::move(*wanted));
    const auto same = [&](const DeleteBefore& other) {
      return other.topic == out.back().topic && other.partition == out.back().partition;
    };
    if (std::ranges::count_if(out, same) > 1) {
      return fail(Errc::invalid,
                  fmt::format("names {}-{} twice", out.back().topic, out.back().partition));
    }
  }
  if (out.empty()) return fail(Errc::invalid, "names no partition");
  return out;
}

int run_delete_records(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  arguments.connection()
      .value("t,topic", "NAME", "the topic")
      .value("p,partition", "LIST", "only these: 0,2-4 (default: all)")
      .value("o,offset", "N", "delete what stands before; -1: everything")
      .value("offset-json-file", "FILE", "topics, partitions and offsets, in Kafka's JSON");
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return delete_records(client, *request); });
}

}  // namespace odradek::cli
