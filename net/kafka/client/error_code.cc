#include "net/kafka/client/error_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace odradek::client {

namespace {

// org.apache.kafka.common.protocol.Errors of Kafka 4.3: code, name, may a retry help, is the
// client's picture of the cluster old; and what a person can do.
constexpr ErrorInfo kErrors[] = {
    {-1, "UNKNOWN_SERVER_ERROR", false, false,
     "the broker failed in a way it did not expect: see its log"},
    {0, "NONE", false, false, ""},
    {1, "OFFSET_OUT_OF_RANGE", false, false, "the offset is outside of what the partition holds"},
    {2, "CORRUPT_MESSAGE", true, false, ""},
    {3, "UNKNOWN_TOPIC_OR_PARTITION", true, true,
     "no such topic or partition: check its name, or create it"},
    {4, "INVALID_FETCH_SIZE", false, false, ""},
    {5, "LEADER_NOT_AVAILABLE", true, true, ""},
    {6, "NOT_LEADER_OR_FOLLOWER", true, true, ""},
    {7, "REQUEST_TIMED_OUT", true, false,
     "the broker could not finish in time: try again, or give it more time"},
    {8, "BROKER_NOT_AVAILABLE", false, false, ""},
    {9, "REPLICA_NOT_AVAILABLE", true, true, ""},
    {10, "MESSAGE_TOO_LARGE", false, false,
     "one batch is larger than the topic's max.message.bytes: send smaller batches or records"},
    {11, "STALE_CONTROLLER_EPOCH", false, false, ""},
    {12, "OFFSET_METADATA_TOO_LARGE", false, false, ""},
    {13, "NETWORK_EXCEPTION", true, true, ""},
    {14, "COORDINATOR_LOAD_IN_PROGRESS", true, false, ""},
    {15, "COORDINATOR_NOT_AVAILABLE", true, false, ""},
    {16, "NOT_COORDINATOR", true, false, ""},
    {17, "INVALID_TOPIC_EXCEPTION", false, false,
     "a topic's name has at most 249 of the characters a-z A-Z 0-9 . _ -"},
    {18, "RECORD_LIST_TOO_LARGE", false, false, ""},
    {19, "NOT_ENOUGH_REPLICAS", true, false,
     "fewer replicas are in sync than min.insync.replicas asks for"},
    {20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true, false,
     "it is written, but fewer replicas are in sync than min.insync.replicas asks for"},
    {21, "INVALID_REQUIRED_ACKS", false, false, ""},
    {22, "ILLEGAL_GENERATION", false, false, ""},
    {23, "INCONSISTENT_GROUP_PROTOCOL", false, false, ""},
    {24, "INVALID_GROUP_ID", false, false, ""},
    {25, "UNKNOWN_MEMBER_ID", false, false,
     "the group has members, or did not know this one: stop its consumers first"},
    {26, "INVALID_SESSION_TIMEOUT", false, false, ""},
    {27, "REBALANCE_IN_PROGRESS", false, false, ""},
    {28, "INVALID_COMMIT_OFFSET_SIZE", false, false, ""},
    {29, "TOPIC_AUTHORIZATION_FAILED", false, false,
     "the broker's access rules do not allow this on the topic"},
    {30, "GROUP_AUTHORIZATION_FAILED", false, false,
     "the broker's access rules do not allow this on the group"},
    {31, "CLUSTER_AUTHORIZATION_FAILED", false, false,
     "the broker's access rules do not allow this on the cluster"},
    {32, "INVALID_TIMESTAMP", false, false, "the timestamp is outside of what the topic allows"},
    {33, "UNSUPPORTED_SASL_MECHANISM", false, false, ""},
    {34, "ILLEGAL_SASL_STATE", false, false, ""},
    {35, "UNSUPPORTED_VERSION", false, false, "the broker is too old or too new for this request"},
    {36, "TOPIC_ALREADY_EXISTS", false, false, "a topic of this name exists"},
    {37, "INVALID_PARTITIONS", false, false, "a topic's partitions can only grow, from 1 on"},
    {38, "INVALID_REPLICATION_FACTOR", false, false,
     "the replication factor must be from 1 to the number of brokers"},
    {39, "INVALID_REPLICA_ASSIGNMENT", false, false,
     "the replica assignment does not fit the brokers or the partitions"},
    {40, "INVALID_CONFIG", false, false, "the broker does not take this configuration"},
    {41, "NOT_CONTROLLER", true, false, "this broker is not the controller"},
    {42, "INVALID_REQUEST", false, false, "the broker refuses the request as malformed"},
    {43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", false, false, ""},
    {44, "POLICY_VIOLATION", false, false, "a policy of the broker does not allow this"},
    {45, "OUT_OF_ORDER_SEQUENCE_NUMBER", false, false,
     "the broker does not know what this producer wrote before: start it again"},
    {46, "DUPLICATE_SEQUENCE_NUMBER", false, false, ""},
    {47, "INVALID_PRODUCER_EPOCH", false, false, "a newer producer took over"},
    {48, "INVALID_TXN_STATE", false, false, ""},
    {49, "INVALID_PRODUCER_ID_MAPPING", false, false, ""},
    {50, "INVALID_TRANSACTION_TIMEOUT", false, false, ""},
    {51, "CONCURRENT_TRANSACTIONS", true, false, ""},
    {52, "TRANSACTION_COORDINATOR_FENCED", false, false, ""},
    {53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false, false, ""},
    {54, "SECURITY_DISABLED", false, false, ""},
    {55, "OPERATION_NOT_ATTEMPTED", false, false, ""},
    {56, "KAFKA_STORAGE_ERROR", true, true, "the broker's disk failed or is full: see its log"},
    {57, "LOG_DIR_NOT_FOUND", false, false, "the broker has no such log directory"},
    {58, "SASL_AUTHENTICATION_FAILED", false, false, ""},
    {59, "UNKNOWN_PRODUCER_ID", false, false, ""},
    {60, "REASSIGNMENT_IN_PROGRESS", false, false, ""},
    {61, "DELEGATION_TOKEN_AUTH_DISABLED", false, false, ""},
    {62, "DELEGATION_TOKEN_NOT_FOUND", false, false, ""},
    {63, "DELEGATION_TOKEN_OWNER_MISMATCH", false, false, ""},
    {64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", false, false, ""},
    {65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", false, false, ""},
    {66, "DELEGATION_TOKEN_EXPIRED", false, false, ""},
    {67, "INVALID_PRINCIPAL_TYPE", false, false, ""},
    {68, "NON_EMPTY_GROUP", false, false, "the group has members: stop its consumers first"},
    {69, "GROUP_ID_NOT_FOUND", false, false, "there is no such group"},
    {70, "FETCH_SESSION_ID_NOT_FOUND", true, false, ""},
    {71, "INVALID_FETCH_SESSION_EPOCH", true, false, ""},
    {72, "LISTENER_NOT_FOUND", true, true, ""},
    {73, "TOPIC_DELETION_DISABLED", false, false, "the broker has delete.topic.enable=false"},
    {74, "FENCED_LEADER_EPOCH", true, true, ""},
    {75, "UNKNOWN_LEADER_EPOCH", true, false, "the broker has not heard of this leader yet"},
    {76, "UNSUPPORTED_COMPRESSION_TYPE", false, false,
     "the broker or the topic does not take this codec"},
    {77, "STALE_BROKER_EPOCH", false, false, ""},
    {78, "OFFSET_NOT_AVAILABLE", true, false, ""},
    {79, "MEMBER_ID_REQUIRED", false, false, ""},
    {80, "PREFERRED_LEADER_NOT_AVAILABLE", true, true, ""},
    {81, "GROUP_MAX_SIZE_REACHED", false, false, ""},
    {82, "FENCED_INSTANCE_ID", false, false, ""},
    {83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", true, true, ""},
    {84, "ELECTION_NOT_NEEDED", true, true, ""},
    {85, "NO_REASSIGNMENT_IN_PROGRESS", false, false, ""},
    {86, "GROUP_SUBSCRIBED_TO_TOPIC", false, false,
     "members of the group read the topic: stop its consumers first"},
    {87, "INVALID_RECORD", false, false, "the broker refuses a record"},
    {88, "UNSTABLE_OFFSET_COMMIT", true, false, ""},
    {89, "THROTTLING_QUOTA_EXCEEDED", true, false, ""},
    {90, "PRODUCER_FENCED", false, false, ""},
    {91, "RESOURCE_NOT_FOUND", false, false, "there is no such resource"},
    {92, "DUPLICATE_RESOURCE", false, false, ""},
    {93, "UNACCEPTABLE_CREDENTIAL", false, false, ""},
    {94, "INCONSISTENT_VOTER_SET", false, false, ""},
    {95, "INVALID_UPDATE_VERSION", false, false, ""},
    {96, "FEATURE_UPDATE_FAILED", false, false, ""},
    {97, "PRINCIPAL_DESERIALIZATION_FAILURE", false, false, ""},
    {98, "SNAPSHOT_NOT_FOUND", false, false, ""},
    {99, "POSITION_OUT_OF_RANGE", false, false, ""},
    {100, "UNKNOWN_TOPIC_ID", true, true, ""},
    {101, "DUPLICATE_BROKER_REGISTRATION", false, false, ""},
    {102, "BROKER_ID_NOT_REGISTERED", false, false, ""},
    {103, "INCONSISTENT_TOPIC_ID", true, true, ""},
    {104, "INCONSISTENT_CLUSTER_ID", false, false, ""},
    {105, "TRANSACTIONAL_ID_NOT_FOUND", false, false, ""},
    {106, "FETCH_SESSION_TOPIC_ID_ERROR", true, false, ""},
    {107, "INELIGIBLE_REPLICA", false, false, ""},
    {108, "NEW_LEADER_ELECTED", false, false, ""},
    {109, "OFFSET_MOVED_TO_TIERED_STORAGE", false, false, ""},
    {110, "FENCED_MEMBER_EPOCH", false, false, ""},
    {111, "UNRELEASED_INSTANCE_ID", false, false, ""},
    {112, "UNSUPPORTED_ASSIGNOR", false, false, ""},
    {113, "STALE_MEMBER_EPOCH", false, false, ""},
    {114, "MISMATCHED_ENDPOINT_TYPE", false, false, ""},
    {115, "UNSUPPORTED_ENDPOINT_TYPE", false, false, ""},
    {116, "UNKNOWN_CONTROLLER_ID", false, false, ""},
    {117, "UNKNOWN_SUBSCRIPTION_ID", false, false, ""},
    {118, "TELEMETRY_TOO_LARGE", false, false, ""},
    {119, "INVALID_REGISTRATION", false, false, ""},
    {120, "TRANSACTION_ABORTABLE", false, false, ""},
    {121, "INVALID_RECORD_STATE", false, false, ""},
    {122, "SHARE_SESSION_NOT_FOUND", true, false, ""},
    {123, "INVALID_SHARE_SESSION_EPOCH", true, false, ""},
    {124, "FENCED_STATE_EPOCH", false, false, ""},
    {125, "INVALID_VOTER_KEY", false, false, ""},
    {126, "DUPLICATE_VOTER", false, false, ""},
    {127, "VOTER_NOT_FOUND", false, false, ""},
    {128, "INVALID_REGULAR_EXPRESSION", false, false, ""},
    {129, "REBOOTSTRAP_REQUIRED", false, false,
     "the cluster behind the address has changed: start again"},
    {130, "STREAMS_INVALID_TOPOLOGY", false, false, ""},
    {131, "STREAMS_INVALID_TOPOLOGY_EPOCH", false, false, ""},
    {132, "STREAMS_TOPOLOGY_FENCED", false, false, ""},
    {133, "SHARE_SESSION_LIMIT_REACHED", true, false, ""},
};

constexpr ErrorInfo kUnknown{-1, "", false, false, "an error that this program does not know"};

Errc errc_of(int16_t code) {
  switch (code) {
    case 1: return Errc::out_of_range;
    case 3:
    case 91:
    case 100: return Errc::not_found;
    case 7: return Errc::timed_out;
    case 10: return Errc::too_large;
    case 29:
    case 30:
    case 31: return Errc::permission;
    case 35: return Errc::unsupported;
    case 36: return Errc::exists;
    default: return is_retriable(code) ? Errc::overloaded : Errc::invalid;
  }
}

}  // namespace

const ErrorInfo& error_info(int16_t code) {
  const auto* at = std::ranges::find(kErrors, code, &ErrorInfo::code);
  return at == std::end(kErrors) ? kUnknown : *at;
}

std::string error_name(int16_t code) {
  const ErrorInfo& info = error_info(code);
  return info.name.empty() ? fmt::format("error {}", code) : std::string(info.name);
}

Error broker_error(int16_t code, std::string_view what, std::optional<std::string_view> message) {
  const ErrorInfo& info = error_info(code);
  std::string text = fmt::format("{}: {}", what, error_name(code));
  if (message && !message->empty()) {
    text += fmt::format(": {}", *message);
  } else if (!info.hint.empty()) {
    text += fmt::format(": {}", info.hint);
  }
  return Error(errc_of(code), std::move(text));
}

}  // namespace odradek::client
