// What a coordinator is given and what it gives: its configuration, the time, what is to be done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reactor/base/strong.h"
#include "reactor/base/time.h"
#include "replication/group/logged.h"
#include "replication/group/requests.h"

namespace odradek::group {

// group.consumer.*: of groups of the consumer protocol.
struct ConsumerConfig {
  int32_t session_timeout_ms = 45'000;
  int32_t heartbeat_interval_ms = 5'000;
  int32_t assignment_interval_ms = 1'000;                  // between two assignments of a group
  int32_t members_max = INT32_MAX;                         // group.consumer.max.size
  std::vector<std::string> assignors{"uniform", "range"};  // offered; the first is the default
  // group.consumer.migration.policy
  bool upgrades = true;
  bool downgrades = true;
};

struct Config {
  int32_t session_timeout_min_ms = 6'000;      // group.min.session.timeout.ms
  int32_t session_timeout_max_ms = 1'800'000;  // group.max.session.timeout.ms
  int32_t initial_delay_ms = 3'000;            // group.initial.rebalance.delay.ms
  int32_t members_max = INT32_MAX;             // group.max.size
  int32_t metadata_max = 4'096;                // offset.metadata.max.bytes
  int64_t retention_ms = 604'800'000;          // offsets.retention.minutes
  ConsumerConfig consumer;
};

struct Now {
  MonoTime mono;
  WallTime wall;
};

using Ticket = Strong<struct TicketTag, uint64_t>;  // of an append; 0: none

struct Effects {
  struct Reply {
    RequestId request;
    Answer answer;
  };
  std::vector<Reply> replies;         // to be sent now
  Ticket ticket{0};                   // not 0: append `records`, all or none of them, then
  std::vector<LoggedRecord> records;  // committed() or failed()
};

}  // namespace odradek::group
