// `odradek group list` and `describe`.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cmd/cli/group.h"
#include "cmd/cli/group_client.h"
#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "net/kafka/client/list_offsets.h"

namespace odradek::cli {

using client::Client;
using client::OffsetQuery;
using reactor::Task;

namespace {

// One group with everything that is shown of it.
struct Shown {
  std::string name;
  GroupDescription group;
  PartitionOffsets committed;
};

Cell text_cell(const std::string& text) { return text.empty() ? Cell(nullptr) : Cell(text); }

std::string coordinator_text(const Client& client, int32_t node) {
  const auto& brokers = client.metadata().brokers();
  const auto at = brokers.find(node);
  if (at == brokers.end()) return std::to_string(node);
  return fmt::format("{} ({})", node, at->second.endpoint.to_string());
}

// "orders:0,1 payments:2"
std::string assigned_text(const std::vector<PartitionName>& assigned) {
  std::string out;
  const std::string* topic = nullptr;
  for (const auto& [name, index] : assigned) {
    const bool same = topic && *topic == name;
    out += same ? fmt::format(",{}", index)
                : fmt::format("{}{}:{}", out.empty() ? "" : " ", name, index);
    topic = &name;
  }
  return out.empty() ? "-" : out;
}

Cell assigned_json(const std::vector<PartitionName>& assigned) {
  Cell out = Cell::object();
  for (const auto& [name, index] : assigned) out[name].push_back(index);
  return out;
}

Table member_table(const GroupDescription& group, bool json) {
  Table table({"client id", "host", "member", "instance", "epoch", "partitions"});
  for (const GroupMember& member : group.members) {
    table.add({member.client_id, member.host, member.id,
               member.instance ? Cell(*member.instance) : Cell(nullptr),
               member.epoch ? Cell(*member.epoch) : Cell(nullptr),
               json ? assigned_json(member.assigned) : Cell(assigned_text(member.assigned))});
  }
  return table;
}

using MemberOf = std::map<PartitionName, const GroupMember*>;

MemberOf owners_of(const GroupDescription& group) {
  MemberOf out;
  for (const GroupMember& member : group.members) {
    for (const PartitionName& partition : member.assigned) out.emplace(partition, &member);
  }
  return out;
}

// What was committed, and what members read without having committed anything.
std::set<PartitionName> partitions_of(const Shown& shown) {
  std::set<PartitionName> out;
  for (const auto& [partition, offset] : shown.committed) out.insert(partition);
  for (const GroupMember& member : shown.group.members) {
    out.insert(member.assigned.begin(), member.assigned.end());
  }
  return out;
}

// A row a partition; adds up what lags.
Table offset_table(const Shown& shown, const PartitionOffsets& ends, int64_t& lag) {
  Table table({"topic", "partition", "committed", "log end", "lag", "client id", "host", "member"});
  const MemberOf owners = owners_of(shown.group);
  for (const PartitionName& partition : partitions_of(shown)) {
    const auto committed = shown.committed.find(partition);
    const auto end = ends.find(partition);
    const auto owner = owners.find(partition);
    const bool has_committed = committed != shown.committed.end();
    const bool has_lag = has_committed && end != ends.end();
    const bool has_owner = owner != owners.end();
    if (has_lag) lag += end->second - committed->second;
    table.add({partition.first, partition.second,
               has_committed ? Cell(committed->second) : Cell(nullptr),
               end != ends.end() ? Cell(end->second) : Cell(nullptr),
               has_lag ? Cell(end->second - committed->second) : Cell(nullptr),
               has_owner ? Cell(owner->second->client_id) : Cell(nullptr),
               has_owner ? Cell(owner->second->host) : Cell(nullptr),
               has_owner ? Cell(owner->second->id) : Cell(nullptr)});
  }
  return table;
}

// Each line of a table behind the group's name.
void print_tabs(const std::string& group, const Table& table) {
  for (const std::string& line : split_at(table.text(Format::tabs), '\n')) {
    print_out(group + "\t" + line + "\n");
  }
}

std::string heading(const Client& client, const Shown& shown, int64_t lag) {
  const GroupDescription& group = shown.group;
  std::string out = fmt::format("group {}  type {}", shown.name, group.type);
  if (!group.protocol.empty()) out += "  protocol " + group.protocol;
  out += "  state " + group.state;
  if (!group.assignor.empty()) out += "  assignor " + group.assignor;
  if (group.epoch) out += fmt::format("  epoch {}", *group.epoch);
  return out + fmt::format("  coordinator {}  members {}  lag {}\n",
                           coordinator_text(client, group.coordinator), group.members.size(), lag);
}

Cell group_json(const Shown& shown, const Table& members, const Table& offsets, int64_t lag) {
  const GroupDescription& group = shown.group;
  Cell out = Cell::object();
  out["group"] = shown.name;
  out["type"] = group.type;
  out["protocol"] = text_cell(group.protocol);
  out["state"] = group.state;
  out["assignor"] = text_cell(group.assignor);
  out["epoch"] = group.epoch ? Cell(*group.epoch) : Cell(nullptr);
  out["coordinator"] = group.coordinator;
  out["lag"] = lag;
  out["members"] = members.json();
  out["offsets"] = offsets.json();
  return out;
}

// Prints the group, or adds it to `all`.
void show(const Client& client, const GroupRequest& request, const Shown& shown,
          const PartitionOffsets& ends, Cell& all) {
  const Format format = format_of(request.common.json, request.common.quiet);
  const bool everything = request.members == request.offsets;
  int64_t lag = 0;
  const Table members = member_table(shown.group, format == Format::json);
  const Table offsets = offset_table(shown, ends, lag);
  if (format == Format::json) {
    all.push_back(group_json(shown, members, offsets, lag));
    return;
  }
  if (format == Format::tabs) {
    if (request.members) print_tabs(shown.name, members);
    if (request.offsets || everything) print_tabs(shown.name, offsets);
    return;
  }
  std::string out = (all.empty() ? "" : "\n") + heading(client, shown, lag);
  if ((request.members || everything) && members.rows() > 0) out += "\n" + members.text(format);
  if ((request.offsets || everything) && offsets.rows() > 0) out += "\n" + offsets.text(format);
  all.push_back(shown.name);
  print_out(out);
}

// The ends of partitions that still are.
Task<Result<PartitionOffsets>> find_ends(Client& client, const std::vector<Shown>& groups,
                                         MonoTime deadline) {
  std::set<PartitionName> partitions;
  for (const Shown& shown : groups) partitions.merge(partitions_of(shown));
  PartitionOffsets out;
  if (partitions.empty()) co_return out;
  std::vector<std::string> topics;
  std::vector<OffsetQuery> queries;
  for (const auto& [topic, index] : partitions) {
    if (topics.empty() || topics.back() != topic) topics.push_back(topic);
    queries.push_back({.topic = topic, .partition = index, .time = client::kLatest});
  }
  CO_TRY(co_await client.refresh(std::move(topics), deadline));
  CO_TRY_ASSIGN(const auto answers,
                co_await client::list_offsets(client, std::move(queries), deadline));
  for (const OffsetQuery& answer : answers) {
    if (answer.offset) out[{answer.topic, answer.partition}] = *answer.offset;
  }
  co_return out;
}

Task<Result<GroupNames>> names_of(Client& client, const GroupRequest& request) {
  if (!request.all_groups) co_return request.groups;
  CO_TRY_ASSIGN(const auto listed, co_await find_groups(client, request.states, request.types,
                                                        deadline_of(request.common)));
  GroupNames out;
  for (const ListedGroup& group : listed) out.push_back(group.name);
  co_return out;
}

}  // namespace

Task<Status> list_groups(Client& client, const GroupRequest& request) {
  CO_TRY_ASSIGN(const auto groups, co_await find_groups(client, request.states, request.types,
                                                        deadline_of(request.common)));
  Table table({"group", "type", "protocol", "state", "coordinator"});
  std::string only_names;
  for (const ListedGroup& group : groups) {
    table.add({group.name, text_cell(group.type), text_cell(group.protocol), text_cell(group.state),
               group.coordinator});
    only_names += group.name + "\n";
  }
  const Format format = format_of(request.common.json, request.common.quiet);
  print_out(format == Format::tabs ? only_names : table.text(format));
  co_return Status{};
}

Task<Status> describe_groups(Client& client, const GroupRequest& request) {
  const MonoTime deadline = deadline_of(request.common);
  CO_TRY_ASSIGN(const GroupNames names, co_await names_of(client, request));
  CO_TRY_ASSIGN(auto described, co_await fetch_groups(client, names, deadline));
  std::vector<Shown> groups;
  std::optional<Error> wrong;
  for (const std::string& name : names) {
    GroupDescription& group = described[name];
    if (group.error && !wrong) wrong = group.error;
    if (!group.error) groups.push_back({name, std::move(group), {}});
  }
  GroupNames there;
  for (const Shown& shown : groups) there.push_back(shown.name);
  CO_TRY_ASSIGN(auto committed, co_await fetch_offsets(client, std::move(there), deadline));
  for (Shown& shown : groups) shown.committed = std::move(committed[shown.name]);
  CO_TRY_ASSIGN(const PartitionOffsets ends, co_await find_ends(client, groups, deadline));
  Cell all = Cell::array();
  for (const Shown& shown : groups) show(client, request, shown, ends, all);
  if (request.common.json) print_out(json_text(all, 2) + "\n");
  if (wrong) co_return fail(*wrong);
  co_return Status{};
}

}  // namespace odradek::cli
