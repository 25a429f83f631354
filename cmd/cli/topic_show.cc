// `odradek topic list` and `describe`.
#include <fmt/format.h>

#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/topic.h"

namespace odradek::cli {

using client::Client;
using client::Partition;
using client::Topic;
using reactor::Task;

namespace {

size_t replication_of(const Topic& topic) {
  return topic.partitions.empty() ? 0 : topic.partitions[0].replicas.size();
}

// A leader, or null: none.
Cell leader_cell(const Partition& partition) {
  return partition.leader < 0 ? Cell(nullptr) : Cell(partition.leader);
}

bool shown(const TopicRequest& request, const Partition& partition) {
  if (request.under_replicated && partition.in_sync.size() >= partition.replicas.size()) {
    return false;
  }
  return !request.unavailable || partition.leader < 0;
}

Table partition_table(const TopicRequest& request, const Topic& topic) {
  Table table({"partition", "leader", "epoch", "replicas", "in sync", "offline"});
  for (const Partition& partition : topic.partitions) {
    if (!shown(request, partition)) continue;
    table.add({partition.index, leader_cell(partition), partition.leader_epoch, partition.replicas,
               partition.in_sync, partition.offline});
  }
  return table;
}

Cell overrides_of(const std::vector<ConfigValue>& values) {
  Cell out = Cell::object();
  for (const ConfigValue& value : values) {
    if (!value.is_set_on(ResourceType::topic)) continue;
    out[value.name] = value.value ? Cell(*value.value) : Cell(nullptr);
  }
  return out;
}

Cell topic_json(const Topic& topic, const Cell& overrides, const Table& partitions) {
  Cell out = Cell::object();
  out["topic"] = topic.name;
  out["topic_id"] = topic.id.to_string();
  out["internal"] = topic.internal;
  out["replication_factor"] = replication_of(topic);
  out["configs"] = overrides;
  out["partitions"] = partitions.json();
  return out;
}

std::string heading(const Topic& topic, const Cell& overrides) {
  std::string configs;
  for (const auto& [name, value] : overrides.items()) {
    configs += fmt::format("{}{}={}", configs.empty() ? "" : ", ", name, cell_text(value));
  }
  return fmt::format("topic {}  id {}  partitions {}  replication factor {}{}{}\n", topic.name,
                     topic.id.to_string(), topic.partitions.size(), replication_of(topic),
                     configs.empty() ? "" : "  configs ", configs);
}

// --quiet: a line a partition, the topic's name first.
void print_tabs(const Topic& topic, const Table& partitions) {
  for (const std::string& line : split_at(partitions.text(Format::tabs), '\n')) {
    print_out(topic.name + "\t" + line + "\n");
  }
}

}  // namespace

Task<Status> list_topics(Client& client, const TopicRequest& request) {
  CO_TRY_ASSIGN(const auto names,
                co_await find_topics(client, request.pattern, request.exclude_internal,
                                     deadline_of(request.common)));
  Table table({"topic", "partitions", "replication factor", "internal"});
  std::string only_names;
  for (const std::string& name : names) {
    const Topic& topic = *client.metadata().topic(name);
    table.add({name, topic.partitions.size(), replication_of(topic), topic.internal});
    only_names += name + "\n";
  }
  const Format format = format_of(request.common.json, request.common.quiet);
  print_out(format == Format::tabs ? only_names : table.text(format));
  co_return Status{};
}

Task<Status> describe_topics(Client& client, const TopicRequest& request) {
  const MonoTime deadline = deadline_of(request.common);
  const auto names =
      co_await find_topics(client, request.pattern, request.exclude_internal, deadline);
  if (!names && request.if_exists && names.error().code == Errc::not_found) co_return Status{};
  if (!names) co_return fail(names.error());
  std::vector<Resource> resources;
  for (const std::string& name : *names) resources.push_back({ResourceType::topic, name});
  CO_TRY_ASSIGN(const auto configs,
                co_await describe_configs(client, std::move(resources), deadline));
  const Format format = format_of(request.common.json, request.common.quiet);
  const bool filtered = request.under_replicated || request.unavailable;
  Cell all = Cell::array();
  for (size_t i = 0; i < names->size(); ++i) {
    const Topic* topic = client.metadata().topic((*names)[i]);
    const Cell overrides = overrides_of(configs[i]);
    const Table partitions = partition_table(request, *topic);
    if ((request.with_overrides && overrides.empty()) || (filtered && partitions.rows() == 0)) {
      continue;
    }
    if (format == Format::json) {
      all.push_back(topic_json(*topic, overrides, partitions));
    } else if (format == Format::tabs) {
      print_tabs(*topic, partitions);
    } else {
      print_out((all.empty() ? "" : "\n") + heading(*topic, overrides) + partitions.text(format));
      all.push_back(topic->name);
    }
  }
  if (format == Format::json) print_out(json_text(all, 2) + "\n");
  co_return Status{};
}

}  // namespace odradek::cli
