// Kafka's server-side assignors: who shall have which partitions. Pure; members in ascending order
// of their ids, so that the same group gives the same answer. Racks are not looked at, as in Kafka.
//
//   uniform  as even as it can be, then as few moves as it can be
//   range    of each topic a range to each member, so that equal partitions of topics that are
//            joined meet; static members first, by their instances
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/uuid.h"
#include "replication/group/logged.h"

namespace odradek::group {

inline constexpr std::string_view kUniform = "uniform";
inline constexpr std::string_view kRange = "range";

struct AssignorInput {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::set<Uuid> topics;  // that it wants; each is in `partitions`
    Partitions before;      // the last target
  };
  std::vector<Member> members;
  std::map<Uuid, int32_t> partitions;  // how many a topic has
};
using Targets = std::map<std::string, Partitions, std::less<>>;  // by member; all members

// REQUIRES: `name` is one of the above.
Targets assign_partitions(std::string_view name, const AssignorInput& input);

}  // namespace odradek::group
