// What the group verb asks brokers, as values: which groups there are, who is in one, what it
// committed; and what it changes there. What may pass is asked again until the deadline.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmd/cli/group_coordinators.h"
#include "net/kafka/client/client.h"

namespace odradek::cli {

using PartitionName = std::pair<std::string, int32_t>;  // topic, index
using PartitionOffsets = std::map<PartitionName, int64_t>;

struct ListedGroup {
  std::string name;
  std::string type;      // "classic", "consumer"; empty from brokers before 3.8
  std::string protocol;  // the type of protocol: "consumer"; empty: of offsets alone
  std::string state;
  int32_t coordinator = -1;  // node id
};

struct GroupMember {
  std::string id;
  std::optional<std::string> instance;
  std::string client_id;
  std::string host;
  std::optional<int32_t> epoch;  // of the consumer protocol
  std::vector<PartitionName> assigned;
};

struct GroupDescription {
  std::string type;  // "classic", "consumer"
  std::string protocol;
  std::string state;
  std::string assignor;              // of the server, or the protocol that members agreed on
  std::optional<int32_t> epoch;      // of the consumer protocol
  int32_t coordinator = -1;          // node id
  std::vector<GroupMember> members;  // by client id, then id
  std::optional<Error> error;        // instead of all this; Errc::not_found: no such group

  bool is_active() const { return !error && state != "Empty" && state != "Dead"; }
};

// The groups of all brokers, by name.
reactor::Task<Result<std::vector<ListedGroup>>> find_groups(client::Client& client,
                                                            std::vector<std::string> states,
                                                            std::vector<std::string> types,
                                                            MonoTime deadline);
// One of each name.
reactor::Task<Result<std::map<std::string, GroupDescription>>> fetch_groups(client::Client& client,
                                                                            GroupNames groups,
                                                                            MonoTime deadline);
// What each group committed; nothing for a group that does not exist.
reactor::Task<Result<std::map<std::string, PartitionOffsets>>> fetch_offsets(client::Client& client,
                                                                             GroupNames groups,
                                                                             MonoTime deadline);
// group_client_change.cc: what was refused, by partition or by group.
using PartitionErrors = std::map<PartitionName, Error>;
// As of nobody: the group must have no members. REQUIRES: `offsets` has some.
reactor::Task<Result<PartitionErrors>> commit_offsets(client::Client& client, std::string group,
                                                      PartitionOffsets offsets, MonoTime deadline);
// An error of the whole when the group is active or does not exist.
reactor::Task<Result<PartitionErrors>> forget_offsets(client::Client& client, std::string group,
                                                      std::vector<PartitionName> partitions,
                                                      MonoTime deadline);
reactor::Task<Result<std::map<std::string, Error>>> remove_groups(client::Client& client,
                                                                  GroupNames groups,
                                                                  MonoTime deadline);

}  // namespace odradek::cli
