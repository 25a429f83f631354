// Asks the coordinators of groups: finds those of many groups with one request (KIP-699), asks each
// once for all of its groups, and asks again where an error may pass or a coordinator moved.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/kafka/client/client.h"

namespace odradek::cli {

using GroupNames = std::vector<std::string>;

inline constexpr size_t kGroupsAskedMax = 500;  // in one request
// Of OffsetCommit and OffsetFetch: then topics are ids, and what was deleted has none.
inline constexpr int16_t kLastVersionWithNames = 9;

struct Coordinators {
  std::map<int32_t, GroupNames> by_node;
  GroupNames open;   // whose coordinator is not there now
  int16_t code = 0;  // why not
};

reactor::Task<Result<Coordinators>> find_coordinators(client::Client& client, GroupNames groups,
                                                      MonoTime deadline);
// "group orders", for errors.
std::string group_text(std::string_view group);
// Why nobody answered for the first of `open`.
Error no_coordinator(const Coordinators& found);

// One answer of one coordinator, while it is taken.
struct Asked {
  int32_t node;
  GroupNames again{};  // those whose answer may be another one soon
};

// `make(names)` is the request for some groups, `take(asked, message)` keeps what was answered and
// fills in asked.again. At the deadline what was taken last stands, but for groups that nobody
// answered for: an error. What `make` and `take` capture outlives this.
template <class Message, class Make, class Take>
reactor::Task<Status> ask_coordinators(client::Client& client, GroupNames groups,
                                       int16_t version_max, MonoTime deadline, Make make,
                                       Take take) {
  Duration back_off = client::kBackOffFirst;
  while (!groups.empty()) {
    const auto middle =
        groups.begin() + static_cast<ptrdiff_t>(std::min(groups.size(), kGroupsAskedMax));
    CO_TRY_ASSIGN(auto found,
                  co_await find_coordinators(client, GroupNames(groups.begin(), middle), deadline));
    Status silent;
    if (!found.open.empty()) silent = fail(no_coordinator(found));
    GroupNames again = std::move(found.open);
    for (const auto& [node, names] : found.by_node) {
      Asked asked{node};
      auto reply = co_await client.call_once<Message>({.node = node, .version_max = version_max},
                                                      make(names), deadline);
      if (reply) {
        take(asked, reply->message);
      } else {
        const Errc code = reply.error().code;
        if (code == Errc::unsupported || code == Errc::malformed) co_return fail(reply.error());
        silent = fail(std::move(reply).error());
        asked.again = names;
      }
      std::ranges::move(asked.again, std::back_inserter(again));
    }
    groups.erase(groups.begin(),
                 groups.begin() + static_cast<ptrdiff_t>(std::min(groups.size(), kGroupsAskedMax)));
    if (again.empty()) continue;
    if (!co_await client.pause(back_off, deadline)) co_return silent;
    (void)co_await client.refresh(std::vector<std::string>(), deadline);
    std::ranges::move(again, std::back_inserter(groups));
  }
  co_return Status{};
}

}  // namespace odradek::cli
