#include "cmd/broker/fetch_session.h"

#include "cmd/broker/limits.h"
#include "reactor/limits.h"

namespace odradek::broker {

void FetchSession::put(const SessionPartition& wanted) {
  const Key key{wanted.topic, wanted.topic_id, wanted.partition};
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    order_.push_back(wanted);
    by_key_.emplace(key, std::prev(order_.end()));
    return;
  }
  SessionPartition& have = *found->second;
  have.fetch_offset = wanted.fetch_offset;
  have.bytes_max = wanted.bytes_max;
  have.leader_epoch = wanted.leader_epoch;
  have.last_fetched_epoch = wanted.last_fetched_epoch;
  have.log_start_of_follower = wanted.log_start_of_follower;
}

void FetchSession::forget(std::string_view topic, const log::TopicId& topic_id, int32_t partition) {
  const auto found = by_key_.find(Key{std::string(topic), topic_id, partition});
  if (found == by_key_.end()) return;
  order_.erase(found->second);
  by_key_.erase(found);
}

// Evicts one: idle for long, else smaller than what comes (trap 39).
bool FetchSessionCache::make_room(size_t partitions, WallTime now) {
  if (sessions_.size() < sessions_max_) return true;
  auto victim = sessions_.end();
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    const FetchSession& s = it->second;
    if (s.busy) continue;
    const bool stale = now.ms - s.last_used.ms > kFetchSessionIdleMs;
    if (!stale && s.size() >= partitions) continue;
    const bool older = victim == sessions_.end() || s.last_used < victim->second.last_used ||
                       (s.last_used == victim->second.last_used && s.id < victim->second.id);
    if (older) victim = it;
  }
  if (victim == sessions_.end()) return false;
  sessions_.erase(victim);
  return true;
}

FetchSession* FetchSessionCache::create(uint64_t random, bool by_topic_id, size_t partitions,
                                        WallTime now) {
  if (!make_room(partitions, now)) return nullptr;
  const auto base =
      static_cast<int32_t>(random & 0x7fffffff) / static_cast<int32_t>(reactor::kShardsMax);
  int32_t id = base * static_cast<int32_t>(reactor::kShardsMax) + static_cast<int32_t>(shard_);
  while (id == 0 || sessions_.contains(id)) {
    // Round the end: the next one of this shard is its own number.
    id = static_cast<int32_t>((static_cast<uint32_t>(id) + reactor::kShardsMax) & 0x7fffffff);
  }
  FetchSession& session = sessions_[id];
  session.id = id;
  session.by_topic_id = by_topic_id;
  session.last_used = now;
  return &session;
}

FetchSession* FetchSessionCache::find(int32_t id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

// A session on which a request runs right now stays: that request holds it.
void FetchSessionCache::remove(int32_t id) {
  const auto found = sessions_.find(id);
  if (found != sessions_.end() && !found->second.busy) sessions_.erase(found);
}

}  // namespace odradek::broker
