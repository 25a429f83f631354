// `odradek group reset`, `delete` and `delete-offsets`.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cmd/cli/group.h"
#include "cmd/cli/group_client.h"
#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "net/kafka/client/list_offsets.h"
#include "reactor/shard.h"

namespace odradek::cli {

using client::Client;
using client::OffsetQuery;
using reactor::Task;

namespace {

// One partition of one group: where it is, where it goes, or why not.
struct Move {
  std::string group;
  PartitionName partition;
  std::optional<int64_t> before;
  std::optional<int64_t> after;
  std::optional<Error> error;
};

std::string partition_text(const PartitionName& partition) {
  return fmt::format("{}-{}", partition.first, partition.second);
}

// The partitions that --topic names, by topic and number.
Task<Result<std::set<PartitionName>>> find_picked(Client& client, const GroupRequest& request) {
  std::set<PartitionName> out;
  for (const TopicPick& pick : request.topics) {
    CO_TRY(co_await client.need_topic(pick.topic, deadline_of(request.common)));
    const client::Topic& topic = *client.metadata().topic(pick.topic);
    for (const int32_t index : pick.partitions) {
      if (topic.partition(index)) continue;
      co_return fail(Errc::not_found, fmt::format("topic {} has {} partitions, and no partition {}",
                                                  pick.topic, topic.partitions.size(), index));
    }
    for (const client::Partition& partition : topic.partitions) {
      const auto& only = pick.partitions;
      if (!only.empty() && std::ranges::find(only, partition.index) == only.end()) continue;
      out.emplace(pick.topic, partition.index);
    }
  }
  co_return out;
}

// What brokers say of partitions: earliest, latest, and at the goal's time.
Task<Result<std::map<PartitionName, std::vector<OffsetQuery>>>> ask_leaders(
    Client& client, const ResetGoal& goal, const std::set<PartitionName>& partitions,
    MonoTime deadline) {
  std::vector<int64_t> times{client::kEarliest, client::kLatest};
  if (goal.by_time()) {
    CO_TRY_ASSIGN(const int64_t time, time_of(goal, reactor::this_shard().wall_now().ms));
    times.push_back(time);
  }
  std::vector<OffsetQuery> queries;
  std::vector<std::string> topics;
  for (const auto& [topic, index] : partitions) {
    if (topics.empty() || topics.back() != topic) topics.push_back(topic);
    for (const int64_t time : times) {
      queries.push_back({.topic = topic, .partition = index, .time = time});
    }
  }
  CO_TRY(co_await client.refresh(std::move(topics), deadline));
  CO_TRY_ASSIGN(auto answers, co_await client::list_offsets(client, std::move(queries), deadline));
  std::map<PartitionName, std::vector<OffsetQuery>> out;
  for (OffsetQuery& answer : answers) {
    out[{answer.topic, answer.partition}].push_back(std::move(answer));
  }
  co_return out;
}

void plan(Move& move, const ResetGoal& goal, const std::vector<OffsetQuery>& answers) {
  for (const OffsetQuery& answer : answers) {
    if (answer.error) move.error = *answer.error;
  }
  if (move.error) return;
  ResetFacts facts;
  facts.committed = move.before;
  facts.earliest = answers[0].offset.value_or(0);
  facts.latest = answers[1].offset.value_or(0);
  if (answers.size() > 2) facts.at_time = answers[2].offset;
  const auto planned = plan_reset(goal, facts);
  if (planned) {
    move.after = *planned;
  } else {
    move.error = Error(planned.error().code,
                       partition_text(move.partition) + ": " + planned.error().context);
  }
}

// Errc::invalid for a group whose members would go on where they are, whatever is committed.
Status check_inactive(const std::string& name, const GroupDescription& group) {
  if (group.error && group.error->code == Errc::not_found) return {};  // it begins with this
  if (group.error) return fail(*group.error);
  if (!group.is_active()) return {};
  return fail(Errc::invalid,
              fmt::format("group {} is active ({}, {} members): its offsets can be reset only "
                          "while it has no members; stop its consumers first",
                          name, group.state, group.members.size()));
}

Task<Result<std::vector<Move>>> plan_group(Client& client, const GroupRequest& request,
                                           std::string name, std::set<PartitionName> partitions,
                                           PartitionOffsets committed) {
  if (request.all_topics) {
    for (const auto& [partition, offset] : committed) partitions.insert(partition);
  }
  if (partitions.empty()) {
    co_return fail(Errc::not_found, fmt::format("group {} has committed no offsets: say which "
                                                "topics with --topic",
                                                name));
  }
  CO_TRY_ASSIGN(const auto answers, co_await ask_leaders(client, *request.goal, partitions,
                                                         deadline_of(request.common)));
  std::vector<Move> moves;
  for (const PartitionName& partition : partitions) {
    Move& move = moves.emplace_back(Move{name, partition, {}, {}, {}});
    const auto at = committed.find(partition);
    if (at != committed.end()) move.before = at->second;
    plan(move, *request.goal, answers.at(partition));
  }
  co_return moves;
}

bool has_error(const Move& move) { return move.error.has_value(); }

// All of a group's partitions, or none when one of them cannot be.
Task<Status> execute(Client& client, std::vector<Move>& moves, MonoTime deadline) {
  if (std::ranges::any_of(moves, has_error)) co_return Status{};
  PartitionOffsets offsets;
  for (const Move& move : moves) offsets[move.partition] = *move.after;
  CO_TRY_ASSIGN(const PartitionErrors refused,
                co_await commit_offsets(client, moves.front().group, std::move(offsets), deadline));
  for (Move& move : moves) {
    const auto at = refused.find(move.partition);
    if (at != refused.end()) move.error = at->second;
  }
  co_return Status{};
}

void print_moves(const GroupRequest& request, const std::vector<Move>& moves) {
  Table table({"group", "topic", "partition", "before", "after", "error"});
  for (const Move& move : moves) {
    table.add({move.group, move.partition.first, move.partition.second,
               move.before ? Cell(*move.before) : Cell(nullptr),
               move.after ? Cell(*move.after) : Cell(nullptr),
               move.error ? Cell(move.error->context) : Cell(nullptr)});
  }
  const Format format = format_of(request.common.json, request.common.quiet);
  if (format == Format::json) {
    Cell json = Cell::object();
    json["executed"] = request.execute;
    json["offsets"] = table.json();
    print_out(json_text(json, 2) + "\n");
    return;
  }
  print_out(table.text(format));
  if (format == Format::table && !request.execute) {
    fmt::print(stderr, "nothing was changed: this was a dry run; --execute does it\n");
  }
}

// The partitions of delete-offsets: also of topics that are gone, as far as the group knows them.
Task<Result<std::vector<PartitionName>>> find_committed(Client& client, const GroupRequest& request,
                                                        const std::string& group) {
  CO_TRY_ASSIGN(auto committed,
                co_await fetch_offsets(client, GroupNames{group}, deadline_of(request.common)));
  std::set<PartitionName> out;
  for (const TopicPick& pick : request.topics) {
    for (const int32_t index : pick.partitions) out.emplace(pick.topic, index);
    const size_t before = out.size();
    for (const auto& [partition, offset] : committed[group]) {
      if (pick.partitions.empty() && partition.first == pick.topic) out.insert(partition);
    }
    if (pick.partitions.empty() && out.size() == before) {
      co_return fail(Errc::not_found, fmt::format("group {} has committed no offset of topic {}",
                                                  group, pick.topic));
    }
  }
  co_return std::vector<PartitionName>(out.begin(), out.end());
}

}  // namespace

Task<Status> reset_offsets(Client& client, const GroupRequest& request) {
  const MonoTime deadline = deadline_of(request.common);
  CO_TRY_ASSIGN(auto described, co_await fetch_groups(client, request.groups, deadline));
  CO_TRY_ASSIGN(const auto picked, co_await find_picked(client, request));
  CO_TRY_ASSIGN(auto committed, co_await fetch_offsets(client, request.groups, deadline));
  std::vector<Move> all;
  std::optional<Error> wrong;
  for (const std::string& name : request.groups) {
    Status done = check_inactive(name, described[name]);
    if (done) {
      auto moves = co_await plan_group(client, request, name, picked, committed[name]);
      if (moves && request.execute) done = co_await execute(client, *moves, deadline);
      if (!moves) done = fail(std::move(moves).error());
      if (moves) std::ranges::move(*moves, std::back_inserter(all));
    }
    if (!done && !wrong) wrong = done.error();
  }
  if (!all.empty()) print_moves(request, all);
  if (wrong) co_return fail(*wrong);
  const auto bad = std::ranges::find_if(all, has_error);
  if (bad != all.end()) co_return fail(*bad->error);
  co_return Status{};
}

Task<Status> delete_groups(Client& client, const GroupRequest& request) {
  CO_TRY_ASSIGN(const auto refused,
                co_await remove_groups(client, request.groups, deadline_of(request.common)));
  const Format format = format_of(request.common.json, request.common.quiet);
  Table table({"group", "error"});
  for (const std::string& name : request.groups) {
    const auto at = refused.find(name);
    const bool deleted = at == refused.end();
    table.add({name, deleted ? Cell(nullptr) : Cell(at->second.context)});
    if (deleted && format == Format::table) print_out(fmt::format("Deleted group {}.\n", name));
  }
  if (format != Format::table) print_out(table.text(format));
  if (refused.empty()) co_return Status{};
  std::string why;
  for (const auto& [name, error] : refused) why += (why.empty() ? "" : "; ") + error.context;
  co_return fail(refused.begin()->second.code, std::move(why));
}

Task<Status> delete_offsets(Client& client, const GroupRequest& request) {
  Table table({"group", "topic", "partition", "error"});
  std::optional<Error> wrong;
  for (const std::string& name : request.groups) {
    CO_TRY_ASSIGN(const auto partitions, co_await find_committed(client, request, name));
    CO_TRY_ASSIGN(const PartitionErrors refused,
                  co_await forget_offsets(client, name, partitions, deadline_of(request.common)));
    for (const PartitionName& partition : partitions) {
      const auto at = refused.find(partition);
      const bool deleted = at == refused.end();
      if (!deleted && !wrong) wrong = at->second;
      table.add({name, partition.first, partition.second,
                 deleted ? Cell(nullptr) : Cell(at->second.context)});
    }
  }
  print_out(table.text(format_of(request.common.json, request.common.quiet)));
  if (wrong) co_return fail(*wrong);
  co_return Status{};
}

}  // namespace odradek::cli
