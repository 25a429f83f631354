// `odradek group`: Kafka's kafka-consumer-groups.sh and kafka-groups.sh.
#include "cmd/cli/group.h"

#include <fmt/format.h>

#include <algorithm>

#include "cmd/cli/consume.h"
#include "cmd/cli/session.h"
#include "cmd/cli/times.h"
#include "cmd/cli/verbs.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr VerbHelp kHelp = {
    "group", "list|describe|reset|delete|delete-offsets [GROUP...] [options]",
    "Lists and describes consumer groups with what they lag, moves their offsets, deletes them. "
    "The\nflags of Kafka's kafka-consumer-groups.sh work too (--describe --group NAME). A reset is "
    "a dry\nrun unless --execute stands there, and only for a group without members.\n",
    "  odradek group list --state Stable,Empty --type classic\n"
    "  odradek group describe orders-app\n"
    "  odradek group describe --all-groups --offsets --json\n"
    "  odradek group reset orders-app --topic orders --to-earliest\n"
    "  odradek group reset orders-app --topic orders:0,2-4 --shift-by -100 --execute\n"
    "  odradek group reset orders-app --all-topics --to-datetime 2026-01-31T12:00:00 --execute\n"
    "  odradek group delete orders-app\n"
    "  odradek group delete-offsets orders-app --topic old-orders\n"};

// Kafka's word for a reset stands behind ours.
constexpr std::string_view kActions[] = {"list",   "describe",       "reset",
                                         "delete", "delete-offsets", "reset-offsets"};
constexpr std::string_view kStates[] = {
    "Stable",    "Empty",       "PreparingRebalance", "CompletingRebalance",
    "Assigning", "Reconciling", "NotReady",           "Dead"};
constexpr std::string_view kTypes[] = {"classic", "consumer", "share", "streams"};

// The words of --state and --type in Kafka's spelling, whatever their case.
Result<std::vector<std::string>> spelled(const std::string& option,
                                         const std::vector<std::string>& words,
                                         std::span<const std::string_view> known) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  std::vector<std::string> out;
  for (const std::string& word : words) {
    const auto at = std::ranges::find_if(
        known, [&](std::string_view one) { return std::ranges::equal(word, one, same); });
    if (at == known.end()) {
      return fail(Errc::invalid,
                  fmt::format("--{} {}: must be of {}", option, word, fmt::join(known, ", ")));
    }
    out.emplace_back(*at);
  }
  return out;
}

Result<TopicPick> parse_pick(const std::string& text) {
  const size_t colon = text.rfind(':');
  TopicPick pick;
  pick.topic = text.substr(0, colon);
  if (colon != std::string::npos) {
    TRY_ASSIGN(pick.partitions, parse_partitions("--topic", text.substr(colon + 1)));
  }
  const bool whole = colon == std::string::npos || !pick.partitions.empty();
  if (pick.topic.empty() || !whole) {
    return fail(Errc::invalid, "--topic " + text + ": must be NAME or NAME:0,2-4");
  }
  return pick;
}

// The one of the --to-... that stands there; absent for none.
Result<std::optional<ResetGoal>> parse_goal(const Arguments& arguments) {
  using Kind = ResetGoal::Kind;
  std::vector<ResetGoal> goals;
  if (arguments.has("to-earliest")) goals.push_back({Kind::earliest});
  if (arguments.has("to-latest")) goals.push_back({Kind::latest});
  if (arguments.has("to-current")) goals.push_back({Kind::current});
  TRY_ASSIGN(const auto offset, arguments.number("to-offset", 0, INT64_MAX));
  if (offset) goals.push_back({Kind::offset, *offset});
  TRY_ASSIGN(const auto by, arguments.number("shift-by", INT64_MIN, INT64_MAX));
  if (by) goals.push_back({Kind::shift, *by});
  if (arguments.has("to-datetime")) {
    TRY(parse_time("--to-datetime", arguments.text("to-datetime"), 0));
    goals.push_back({Kind::time, 0, arguments.text("to-datetime")});
  }
  if (arguments.has("by-duration")) {
    TRY_ASSIGN(const int64_t ms, parse_duration("--by-duration", arguments.text("by-duration")));
    goals.push_back({Kind::age, ms});
  }
  if (goals.size() > 1) return fail(Errc::invalid, "reset: only one goal at a time");
  return goals.empty() ? std::optional<ResetGoal>() : std::optional(std::move(goals[0]));
}

Status check_reset(const GroupRequest& request) {
  if (!request.goal) {
    return fail(Errc::invalid,
                "reset: say where to: --to-earliest, --to-latest, --to-offset, --shift-by, "
                "--to-datetime, --by-duration or --to-current");
  }
  if (request.all_topics == !request.topics.empty()) {
    return fail(Errc::invalid, "reset: say of what: --topic NAME[:0,1], or --all-topics");
  }
  return {};
}

Status check_action(const GroupRequest& request) {
  const std::string& action = request.action;
  const bool shows = action == "list" || action == "describe";
  if (action == "list" && !request.groups.empty()) {
    return fail(Errc::invalid, "list: takes no names; describe does");
  }
  if (action != "list" && request.groups.empty() && !request.all_groups) {
    return fail(Errc::invalid, action + (shows ? ": say which: GROUP..., or --all-groups"
                                               : ": say which: GROUP..."));
  }
  if (request.all_groups && (action != "describe" || !request.groups.empty())) {
    return fail(Errc::invalid, "--all-groups belongs to describe, without names");
  }
  if (!shows && (!request.states.empty() || !request.types.empty())) {
    return fail(Errc::invalid, "--state and --type belong to list and to describe --all-groups");
  }
  if ((request.members || request.offsets) && action != "describe") {
    return fail(Errc::invalid, "--members and --offsets belong to describe");
  }
  if (action == "reset") return check_reset(request);
  if (request.goal || request.execute || request.all_topics) {
    return fail(Errc::invalid, "goals, --all-topics and --execute belong to reset");
  }
  if (action == "delete-offsets" && request.topics.empty()) {
    return fail(Errc::invalid, "delete-offsets: say of which topic: --topic NAME[:0,1]");
  }
  if (action != "delete-offsets" && !request.topics.empty()) {
    return fail(Errc::invalid, "--topic belongs to reset and delete-offsets");
  }
  return {};
}

Task<Status> work(Client& client, const GroupRequest& request) {
  if (request.action == "list") return list_groups(client, request);
  if (request.action == "describe") return describe_groups(client, request);
  if (request.action == "reset") return reset_offsets(client, request);
  if (request.action == "delete") return delete_groups(client, request);
  return delete_offsets(client, request);
}

}  // namespace

void declare_group(Arguments& arguments) {
  arguments.connection()
      .flag("list", "name the groups")
      .flag("describe", "members, committed offsets and what they lag")
      .flag("reset-offsets", "move committed offsets")
      .flag("delete", "delete groups without members")
      .flag("delete-offsets", "forget what was committed of a topic")
      .values("group", "NAME", "a group; may be repeated; or a word behind the action")
      .flag("all-groups", "describe: all of them")
      .values("state", "NAME,NAME", "list: only groups in these states: Stable, Empty, ...")
      .values("type", "NAME,NAME", "list: only groups of these types: classic, consumer")
      .flag("members", "describe: only the members")
      .flag("offsets", "describe: only the offsets")
      .values("topic", "NAME[:0,2-4]", "a topic, or some of its partitions; may be repeated")
      .flag("all-topics", "reset: everything that the group committed")
      .flag("to-earliest", "reset: to the first record")
      .flag("to-latest", "reset: to the end")
      .flag("to-current", "reset: to where it is, as far as that is there")
      .value("to-offset", "N", "reset: to this offset")
      .value("shift-by", "N", "reset: so many on; back with a minus")
      .value("to-datetime", "WHEN",
             "reset: to the first record from a time on: a date (UTC, or with +02:00), "
             "milliseconds, or an age like -2h")
      .value("by-duration", "LENGTH", "reset: so long ago: P1DT2H30M, or 2h")
      .flag("dry-run", "reset: only say what it would do (default)")
      .flag("execute", "reset: do it");
}

Result<GroupRequest> make_group_request(const Arguments& arguments) {
  GroupRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  TRY_ASSIGN(auto chosen, choose_action_and_names(arguments, kActions));
  request.action = chosen.action == "reset-offsets" ? "reset" : std::move(chosen.action);
  request.groups = arguments.texts("group");
  for (std::string& name : chosen.names) request.groups.push_back(std::move(name));
  std::ranges::sort(request.groups);
  const auto twice = std::ranges::unique(request.groups);
  request.groups.erase(twice.begin(), twice.end());
  request.all_groups = arguments.has("all-groups");
  TRY_ASSIGN(request.states, spelled("state", arguments.split("state"), kStates));
  TRY_ASSIGN(request.types, spelled("type", arguments.split("type"), kTypes));
  request.members = arguments.has("members");
  request.offsets = arguments.has("offsets");
  for (const std::string& text : arguments.texts("topic")) {
    TRY_ASSIGN(auto pick, parse_pick(text));
    request.topics.push_back(std::move(pick));
  }
  request.all_topics = arguments.has("all-topics");
  TRY_ASSIGN(request.goal, parse_goal(arguments));
  request.execute = arguments.has("execute");
  if (request.execute && arguments.has("dry-run")) {
    return fail(Errc::invalid, "--dry-run and --execute exclude each other");
  }
  TRY(check_action(request));
  return request;
}

int run_group(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  declare_group(arguments);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_group_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return work(client, *request); });
}

}  // namespace odradek::cli
