// Regular expressions over names of topics: RE2's syntax, which is that of Kafka's RE2/J.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "replication/group/cluster_view.h"

namespace odradek::group {

// Why `regex` is none; absent when it is one.
std::optional<std::string> regex_fault(const std::string& regex);

// Which topics each of `regexes` matches as a whole; none for one that is not valid. Looks at all
// topics once.
using RegexTopics = std::map<std::string, std::set<std::string, std::less<>>>;
RegexTopics match_topics(const std::vector<std::string>& regexes, const ClusterView& view);

}  // namespace odradek::group
