// Kafka's error codes that replication answers with (org.apache.kafka.common.protocol.Errors). The
// numbers are the protocol's.
#pragma once

#include <cstdint>

namespace odradek {

enum class KafkaCode : int16_t {
  unknown_server_error = -1,
  none = 0,
  unknown_topic_or_partition = 3,
  not_leader_or_follower = 6,
  request_timed_out = 7,
  broker_not_available = 8,
  offset_metadata_too_large = 12,
  coordinator_load_in_progress = 14,
  coordinator_not_available = 15,
  not_coordinator = 16,
  invalid_topic = 17,
  illegal_generation = 22,
  inconsistent_group_protocol = 23,
  invalid_group_id = 24,
  unknown_member_id = 25,
  invalid_session_timeout = 26,
  rebalance_in_progress = 27,
  unsupported_version = 35,
  topic_already_exists = 36,
  invalid_partitions = 37,
  invalid_replication_factor = 38,
  invalid_replica_assignment = 39,
  invalid_config = 40,
  not_controller = 41,
  invalid_request = 42,
  policy_violation = 44,
  kafka_storage_error = 56,
  non_empty_group = 68,
  group_id_not_found = 69,
  member_id_required = 79,
  group_max_size_reached = 81,
  fenced_instance_id = 82,
  no_reassignment_in_progress = 85,
  group_subscribed_to_topic = 86,
  throttling_quota_exceeded = 89,
  resource_not_found = 91,
  invalid_update_version = 95,
  unknown_topic_id = 100,
  broker_id_not_registered = 102,
  fenced_member_epoch = 110,
  unreleased_instance_id = 111,
  unsupported_assignor = 112,
  stale_member_epoch = 113,
  invalid_regular_expression = 128,
};

}  // namespace odradek
