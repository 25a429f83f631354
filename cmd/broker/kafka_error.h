// Kafka's error codes as the handlers answer them (org.apache.kafka.common.protocol.Errors; the
// numbers are the protocol's), and the one place where an Error becomes one.
#pragma once

#include <cstdint>

#include "reactor/base/result.h"

namespace odradek::broker {

enum class KafkaError : int16_t {
  unknown_server_error = -1,
  none = 0,
  offset_out_of_range = 1,
  corrupt_message = 2,
  unknown_topic_or_partition = 3,
  leader_not_available = 5,
  not_leader_or_follower = 6,
  request_timed_out = 7,
  replica_not_available = 9,
  coordinator_not_available = 15,
  invalid_topic = 17,
  not_enough_replicas = 19,
  invalid_required_acks = 21,
  invalid_timestamp = 32,
  unsupported_version = 35,
  topic_already_exists = 36,
  invalid_request = 42,
  out_of_order_sequence = 45,
  invalid_producer_epoch = 47,
  invalid_txn_state = 48,
  security_disabled = 54,
  kafka_storage_error = 56,
  log_dir_not_found = 57,
  fetch_session_id_not_found = 70,
  invalid_fetch_session_epoch = 71,
  fenced_leader_epoch = 74,
  unknown_leader_epoch = 75,
  unsupported_compression_type = 76,
  offset_not_available = 78,
  preferred_leader_not_available = 80,
  eligible_leaders_not_available = 83,
  election_not_needed = 84,
  invalid_record = 87,
  resource_not_found = 91,
  duplicate_resource = 92,
  unknown_topic_id = 100,
  inconsistent_topic_id = 103,
  fetch_session_topic_id_error = 106,
  mismatched_endpoint_type = 114,
  unsupported_endpoint_type = 115,
  rebootstrap_required = 129,
};

constexpr int16_t code(KafkaError error) { return static_cast<int16_t>(error); }

// What a client may do about `errc`: retriable wherever a retry can help.
constexpr KafkaError kafka_error(Errc errc) {
  switch (errc) {
    case Errc::not_found: return KafkaError::unknown_topic_or_partition;
    case Errc::moved:
    case Errc::closed:
    case Errc::canceled: return KafkaError::not_leader_or_follower;
    case Errc::out_of_range: return KafkaError::offset_out_of_range;
    case Errc::timed_out: return KafkaError::request_timed_out;
    case Errc::unsupported: return KafkaError::unsupported_version;
    case Errc::malformed:
    case Errc::invalid: return KafkaError::invalid_request;
    case Errc::exists: return KafkaError::topic_already_exists;
    case Errc::corrupt:  // in the log: what a client sends wrong has its own faults
    case Errc::io:
    case Errc::fenced:
    case Errc::disk_full:
    case Errc::too_large:
    case Errc::overloaded:
    case Errc::permission: return KafkaError::kafka_storage_error;
  }
  return KafkaError::unknown_server_error;
}

}  // namespace odradek::broker
