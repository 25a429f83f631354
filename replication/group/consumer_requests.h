// What the coordinator is asked and answers in the consumer protocol (KIP-848), as plain values;
// part of requests.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reactor/base/uuid.h"
#include "replication/kafka_code.h"

namespace odradek::group {

using Partitions = std::map<Uuid, std::set<int32_t>>;  // by topic; no empty sets

struct ConsumerHeartbeat {
  std::string group;
  std::string member_id;  // empty in version 0: not known yet
  int32_t epoch = 0;      // 0: joins, -1: leaves, -2: leaves for a while
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  int32_t rebalance_timeout_ms = -1;  // -1 and what is absent: as it said last
  std::optional<std::vector<std::string>> topics;
  std::optional<std::string> regex;
  std::optional<std::string> assignor;
  std::optional<Partitions> owned;
  std::string unique;         // a new member's id when it has none: never given twice
  bool makes_own_id = false;  // version 1
};
struct ConsumerHeartbeatAnswer {
  KafkaCode error = KafkaCode::none;
  std::string message;  // for people, with an error
  std::string member_id;
  int32_t epoch = 0;
  int32_t interval_ms = 0;               // until the next one
  std::optional<Partitions> assignment;  // absent: as it was
};

struct DescribeConsumerGroup {
  std::string group;
};
struct ConsumerGroupAnswer {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    int32_t epoch = 0;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> topics;
    std::string regex;
    Partitions assignment;  // also what it has yet to give up
    Partitions target;
    bool is_classic = false;
  };
  KafkaCode error = KafkaCode::none;
  std::string message;  // for people, with an error
  std::string state;
  int32_t epoch = 0;
  int32_t target_epoch = 0;
  std::string assignor;
  std::vector<Member> members;
};

}  // namespace odradek::group
