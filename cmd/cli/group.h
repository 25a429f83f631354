// What `odradek group` was asked for, and the parts that do it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/cli/arguments.h"
#include "cmd/cli/group_reset.h"
#include "net/kafka/client/client.h"

namespace odradek::cli {

// "orders" or "orders:0,2-4": a topic, and which of its partitions.
struct TopicPick {
  std::string topic;
  std::vector<int32_t> partitions;  // empty: all
  bool operator==(const TopicPick&) const = default;
};

struct GroupRequest {
  Common common;
  std::string action;  // list, describe, reset, delete, delete-offsets
  std::vector<std::string> groups;
  bool all_groups = false;
  std::vector<std::string> states;  // list: only these
  std::vector<std::string> types;
  bool members = false;  // describe: only what is asked for; none: everything
  bool offsets = false;
  std::vector<TopicPick> topics;
  bool all_topics = false;
  std::optional<ResetGoal> goal;
  bool execute = false;
};

void declare_group(Arguments& arguments);
// Errc::invalid says what is wrong with it.
Result<GroupRequest> make_group_request(const Arguments& arguments);

// group_show.cc
reactor::Task<Status> list_groups(client::Client& client, const GroupRequest& request);
reactor::Task<Status> describe_groups(client::Client& client, const GroupRequest& request);
// group_change.cc
reactor::Task<Status> reset_offsets(client::Client& client, const GroupRequest& request);
reactor::Task<Status> delete_groups(client::Client& client, const GroupRequest& request);
reactor::Task<Status> delete_offsets(client::Client& client, const GroupRequest& request);

}  // namespace odradek::cli
