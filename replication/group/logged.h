// What the coordinator writes to `__consumer_offsets` and reads back, as values. Their bytes are
// Kafka's: record_codec.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reactor/base/uuid.h"
#include "replication/group/requests.h"

namespace odradek::group {

// A committed offset.
struct CommittedOffset {
  int64_t offset = 0;
  int32_t leader_epoch = -1;
  std::string metadata;
  int64_t commit_ms = 0;
  int64_t expire_ms = -1;  // -1: by the broker's retention
  Uuid topic_id;
  bool operator==(const CommittedOffset&) const = default;
};
// Absent value: a tombstone.
struct OffsetRecord {
  std::string group;
  std::string topic;
  int32_t partition = 0;
  std::optional<CommittedOffset> value;
};

struct LoggedMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  int32_t rebalance_timeout_ms = 0;
  int32_t session_timeout_ms = 0;
  Bytes subscription;
  Bytes assignment;
};
struct LoggedGroup {
  std::string protocol_type;
  int32_t generation = 0;
  std::optional<std::string> protocol;
  std::optional<std::string> leader;
  int64_t state_ms = -1;  // when its state began
  std::vector<LoggedMember> members;
};
struct GroupRecord {
  std::string group;
  std::optional<LoggedGroup> value;
};

using LoggedRecord = std::variant<OffsetRecord, GroupRecord>;

}  // namespace odradek::group
