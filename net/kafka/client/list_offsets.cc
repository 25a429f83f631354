#include "net/kafka/client/list_offsets.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "net/kafka/messages/list_offsets_request.h"
#include "net/kafka/messages/list_offsets_response.h"
#include "reactor/shard.h"

namespace odradek::client {

using reactor::Task;

namespace {

// A partition can stand once in a request, so a second question about it goes into another round.
using Round = std::vector<OffsetQuery*>;

std::string name_of(const OffsetQuery& query) {
  return fmt::format("{}-{}", query.topic, query.partition);
}

// Which leader to ask; null when the partition has none or does not exist.
const Partition* leader_of(const Client& client, const OffsetQuery& query) {
  const Topic* topic = client.metadata().topic(query.topic);
  const Partition* partition = topic ? topic->partition(query.partition) : nullptr;
  return partition && partition->leader >= 0 ? partition : nullptr;
}

std::map<int32_t, Round> next_round(const Client& client, Round& open) {
  std::map<int32_t, Round> by_leader;
  std::set<std::pair<std::string, int32_t>> taken;
  for (OffsetQuery* query : open) {
    if (!taken.emplace(query->topic, query->partition).second) continue;
    const Partition* partition = leader_of(client, *query);
    by_leader[partition ? partition->leader : kAnyNode].push_back(query);
  }
  return by_leader;
}

kafka::ListOffsetsRequest make_request(const Round& round) {
  kafka::ListOffsetsRequest request;
  request.replica_id = -1;
  request.isolation_level = 0;
  for (const OffsetQuery* query : round) {
    if (request.topics.empty() || request.topics.back().name != query->topic) {
      request.topics.emplace_back().name = query->topic;
    }
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition_index = query->partition;
    partition.timestamp = query->time;
  }
  return request;
}

void set_error(OffsetQuery& query, int16_t code) {
  query.error = broker_error(code, "offset of " + name_of(query));
}

// Takes the answers that are final; true when the rest is worth asking again.
bool take(const kafka::ListOffsetsResponse& answer, const Round& round, Round& open) {
  bool again = false;
  for (const auto& topic : answer.topics) {
    for (const auto& partition : topic.partitions) {
      const auto at = std::ranges::find_if(round, [&](const OffsetQuery* query) {
        return query->topic == topic.name && query->partition == partition.partition_index;
      });
      if (at == round.end()) continue;
      OffsetQuery& query = **at;
      query.error.reset();
      if (partition.error_code == 0) {
        if (partition.offset >= 0) query.offset = partition.offset;
        query.timestamp = partition.timestamp;
        query.leader_epoch = partition.leader_epoch;
      } else {
        set_error(query, partition.error_code);
        again |= is_retriable(partition.error_code);
        if (is_retriable(partition.error_code)) continue;
      }
      std::erase(open, &query);
    }
  }
  return again;
}

Task<Status> ask_leader(Client& client, int32_t leader, Round round, Round& open,
                        MonoTime deadline) {
  if (leader == kAnyNode) {
    static constexpr int16_t kLeaderNotAvailable = 5;
    for (OffsetQuery* query : round) {
      const Topic* topic = client.metadata().topic(query->topic);
      const bool there = topic && topic->partition(query->partition);
      set_error(*query, there ? kLeaderNotAvailable : int16_t{3});
      if (!there) std::erase(open, query);
    }
    co_return Status{};
  }
  const auto reply = co_await client.call_once<kafka::ListOffsetsResponse>(
      {.node = leader}, make_request(round), deadline);
  if (reply) {
    (void)take(reply->message, round, open);
    co_return Status{};
  }
  if (reply.error().code == Errc::unsupported || reply.error().code == Errc::malformed) {
    co_return fail(reply.error());
  }
  for (OffsetQuery* query : round) query->error = reply.error();
  co_return Status{};
}

}  // namespace

Task<Result<std::vector<OffsetQuery>>> list_offsets(Client& client,
                                                    std::vector<OffsetQuery> queries,
                                                    MonoTime deadline) {
  Round open;
  std::set<std::string> names;
  for (OffsetQuery& query : queries) {
    open.push_back(&query);
    names.insert(query.topic);
  }
  const std::vector<std::string> topics(names.begin(), names.end());
  Duration back_off = kBackOffFirst;
  while (!open.empty()) {
    const auto by_leader = next_round(client, open);
    bool failed = false;
    for (const auto& [leader, round] : by_leader) {
      CO_TRY(co_await ask_leader(client, leader, round, open, deadline));
      failed |=
          std::ranges::any_of(round, [](const OffsetQuery* q) { return q->error.has_value(); });
    }
    if (open.empty()) break;
    if (!failed) continue;  // second questions about the same partitions
    if (!co_await client.pause(back_off, deadline)) break;
    (void)co_await client.refresh(topics, deadline);
  }
  co_return queries;
}

}  // namespace odradek::client
