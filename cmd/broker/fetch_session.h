// Incremental fetch sessions (KIP-227): what a client fetches, remembered between requests, so that
// it sends and receives only what changed. One cache a shard, bounded; the shard is in the
// session's id.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "log/types.h"
#include "reactor/base/time.h"

namespace odradek::broker {

// One partition of a session, in the order in which it is fetched. Named as the client named it.
struct SessionPartition {
  std::string topic;      // empty when the client uses topic ids
  log::TopicId topic_id;  // zero when the client uses names
  int32_t partition = 0;
  int64_t fetch_offset = 0;
  int32_t bytes_max = 0;
  int32_t leader_epoch = -1;
  int32_t last_fetched_epoch = -1;
  int64_t log_start_of_follower = -1;
  // What the client was told last; -1 makes it be told again.
  int64_t told_high_watermark = -1;
  int64_t told_log_start = -1;
  std::string found_as;  // the name that `topic_id` once had; empty as long as it is unknown
};

class FetchSession {
 public:
  using Partitions = std::list<SessionPartition>;
  int32_t id = 0;
  int32_t epoch = 1;  // expected in the next request
  bool by_topic_id = false;
  WallTime last_used;
  bool busy = false;  // a request is running on it

  Partitions& partitions() { return order_; }
  size_t size() const { return order_.size(); }
  // Adds the partition at the end, or updates what the client asks of it.
  void put(const SessionPartition& wanted);
  void forget(std::string_view topic, const log::TopicId& topic_id, int32_t partition);
  // It returned data: the others come first next time (trap 38).
  void move_to_end(Partitions::iterator it) { order_.splice(order_.end(), order_, it); }

 private:
  struct Key {
    std::string topic;
    log::TopicId topic_id;
    int32_t partition;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const {
      return std::hash<std::string>{}(k.topic) ^ std::hash<Uuid>{}(k.topic_id) * 31 ^
             static_cast<size_t>(k.partition) * 0x9e3779b97f4a7c15;
    }
  };
  Partitions order_;
  std::unordered_map<Key, Partitions::iterator, KeyHash> by_key_;
};

class FetchSessionCache {
 public:
  // Ids are random, positive, and congruent to the shard modulo kShardsMax.
  FetchSessionCache(uint32_t shard, size_t sessions_max)
      : shard_(shard), sessions_max_(sessions_max) {}
  // A new session, or null when the cache is full of sessions in use: legal, the client then stays
  // sessionless (trap 39).
  FetchSession* create(uint64_t random, bool by_topic_id, size_t partitions, WallTime now);
  FetchSession* find(int32_t id);
  void remove(int32_t id);
  size_t size() const { return sessions_.size(); }
  static int32_t next_epoch(int32_t epoch) { return epoch == 0x7fffffff ? 1 : epoch + 1; }

 private:
  bool make_room(size_t partitions, WallTime now);
  uint32_t shard_;
  size_t sessions_max_;
  std::unordered_map<int32_t, FetchSession> sessions_;
};

}  // namespace odradek::broker
