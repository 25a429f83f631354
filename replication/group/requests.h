// What the group coordinator is asked and what it answers, as plain values: no bytes of a frame,
// no version but where a version changes what happens. Names are Kafka's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reactor/base/strong.h"
#include "reactor/base/uuid.h"
#include "replication/group/consumer_requests.h"
#include "replication/kafka_code.h"

namespace odradek::group {

using Bytes = std::vector<uint8_t>;
// Names one request until it is answered; given by whoever runs the coordinator.
using RequestId = Strong<struct RequestIdTag, uint64_t>;

struct Protocol {
  std::string name;
  Bytes metadata;
  bool operator==(const Protocol&) const = default;
};

// Who asks, in which generation.
struct Identity {
  std::string member_id;  // empty: not known yet, or a consumer without a group
  std::optional<std::string> instance_id;
};

struct JoinGroup {
  std::string group;
  Identity who;
  std::string client_id;
  std::string client_host;
  std::string protocol_type;
  std::vector<Protocol> protocols;  // in order of preference
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = 0;
  std::string unique;            // makes a new member's id: never given twice
  bool knows_member_id = false;  // version 4: must come with its id (KIP-394)
  bool knows_skip = false;       // version 9: understands skip_assignment (KIP-814)
};
struct JoinAnswer {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    Bytes metadata;
  };
  KafkaCode error = KafkaCode::none;
  int32_t generation = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<Member> members;  // for the leader only
};

struct Assignment {
  std::string member_id;
  Bytes bytes;
};
struct SyncGroup {
  std::string group;
  Identity who;
  int32_t generation = -1;
  std::optional<std::string> protocol_type;  // absent before version 5
  std::optional<std::string> protocol;
  std::vector<Assignment> assignments;  // the leader's
};
struct SyncAnswer {
  KafkaCode error = KafkaCode::none;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  Bytes assignment;
};

struct Heartbeat {
  std::string group;
  Identity who;
  int32_t generation = -1;
};
struct HeartbeatAnswer {
  KafkaCode error = KafkaCode::none;
};

struct LeaveGroup {
  std::string group;
  std::vector<Identity> members;
};
struct LeaveAnswer {
  KafkaCode error = KafkaCode::none;
  std::vector<KafkaCode> members;  // in the order of the request
};

struct OffsetCommit {
  struct Offset {
    std::string topic;
    Uuid topic_id;
    int32_t partition = 0;
    int64_t offset = 0;
    int32_t leader_epoch = -1;
    std::string metadata;
    int64_t timestamp_ms = -1;  // -1: now
  };
  std::string group;
  Identity who;
  int32_t generation = -1;
  int64_t retention_ms = -1;        // versions 2 to 4; -1: as the broker is configured
  bool knows_group_errors = false;  // version 9: GROUP_ID_NOT_FOUND, epochs of members
  std::vector<Offset> offsets;
};
struct OffsetCommitAnswer {
  std::vector<KafkaCode> errors;  // in the order of the request
};

struct OffsetFetch {
  struct Topic {
    std::string name;
    std::vector<int32_t> partitions;
    Uuid id;  // of the topic that has this name now; zero: not known
  };
  std::string group;
  std::optional<std::vector<Topic>> topics;  // absent: all that the group has
  // Version 9: who asks, in a group of the consumer protocol; absent, -1: somebody else.
  std::optional<std::string> member_id;
  int32_t member_epoch = -1;
};
struct OffsetFetchAnswer {
  struct Partition {
    int32_t index = 0;
    int64_t offset = -1;
    int32_t leader_epoch = -1;
    std::string metadata;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
  };
  KafkaCode error = KafkaCode::none;
  std::vector<Topic> topics;
};

struct OffsetDelete {
  std::string group;
  std::vector<std::pair<std::string, int32_t>> partitions;
};
struct OffsetDeleteAnswer {
  KafkaCode error = KafkaCode::none;
  std::vector<KafkaCode> errors;  // in the order of the request
};

struct DescribeGroup {
  std::string group;
};
struct DescribeAnswer {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    Bytes metadata;
    Bytes assignment;
  };
  KafkaCode error = KafkaCode::none;
  bool is_of_other_type = false;  // with GROUP_ID_NOT_FOUND: it is a consumer group
  std::string state;
  std::string protocol_type;
  std::string protocol;
  std::vector<Member> members;
};

struct ListGroups {};
struct ListAnswer {
  struct Group {
    std::string id;
    std::string protocol_type;
    std::string state;
    bool is_classic = true;
  };
  KafkaCode error = KafkaCode::none;
  std::vector<Group> groups;
};

struct DeleteGroup {
  std::string group;
};
struct DeleteAnswer {
  KafkaCode error = KafkaCode::none;
};

using Request = std::variant<JoinGroup, SyncGroup, Heartbeat, LeaveGroup, OffsetCommit, OffsetFetch,
                             OffsetDelete, DescribeGroup, ListGroups, DeleteGroup,
                             ConsumerHeartbeat, DescribeConsumerGroup>;
using Answer =
    std::variant<JoinAnswer, SyncAnswer, HeartbeatAnswer, LeaveAnswer, OffsetCommitAnswer,
                 OffsetFetchAnswer, OffsetDeleteAnswer, DescribeAnswer, ListAnswer, DeleteAnswer,
                 ConsumerHeartbeatAnswer, ConsumerGroupAnswer>;

// The answer of the kind that `request` wants, which says that nothing was done and why.
Answer refusal(const Request& request, KafkaCode error);
// Turns an answer into one that says that nothing was done: its record did not reach the log.
void refuse(Answer& answer, KafkaCode error);

}  // namespace odradek::group
