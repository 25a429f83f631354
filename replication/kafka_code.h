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
  invalid_topic = 17,
  topic_already_exists = 36,
  invalid_partitions = 37,
  invalid_replication_factor = 38,
  invalid_replica_assignment = 39,
  invalid_config = 40,
  not_controller = 41,
  invalid_request = 42,
  policy_violation = 44,
  kafka_storage_error = 56,
  resource_not_found = 91,
  unknown_topic_id = 100,
  broker_id_not_registered = 102,
};

}  // namespace odradek
