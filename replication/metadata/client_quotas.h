// Client quotas (KIP-257, KIP-546, KIP-612) as plain values: whom they apply to, what they set, and
// which of them a filter means. Pure; messages are Kafka's and were checked against Kafka 4.3.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replication/kafka_code.h"
#include "replication/metadata/cluster.h"

namespace odradek::metadata {

class Image;

// The types of an entity's parts.
inline constexpr std::string_view kQuotaUser = "user";
inline constexpr std::string_view kQuotaClientId = "client-id";
inline constexpr std::string_view kQuotaIp = "ip";

// What a quota bounds.
inline constexpr std::string_view kProducerByteRate = "producer_byte_rate";
inline constexpr std::string_view kConsumerByteRate = "consumer_byte_rate";
inline constexpr std::string_view kRequestPercentage = "request_percentage";
inline constexpr std::string_view kControllerMutationRate = "controller_mutation_rate";
inline constexpr std::string_view kConnectionCreationRate = "connection_creation_rate";

// As Java prints it, for messages: "ClientQuotaEntity(entries={client-id=a, user=null})".
std::string entity_text(const QuotaEntity& entity);

// An address as text in the one form that compares equal; nothing when `text` is no numeric
// address. IPv4 may be short ("127.1") as in Java, and IPv6 may stand in brackets; an IPv4 address
// inside IPv6 is that IPv4 address.
std::optional<std::string> canonical_ip(std::string_view text);

// Kafka's match types.
enum class QuotaMatchType : int8_t { exact = 0, fallback = 1, specified = 2 };
struct QuotaFilterPart {
  std::string type;
  QuotaMatchType match = QuotaMatchType::exact;
  std::optional<std::string> name;  // of an exact match
};
struct QuotaEntry {
  QuotaEntity entity;
  QuotaValues values;
};
struct FoundQuotas {
  KafkaCode code = KafkaCode::none;
  std::optional<std::string> message;
  std::vector<QuotaEntry> entries;  // by entity
};
// The entities that have all parts of the filter and, when it is strict, no other.
FoundQuotas find_quotas(const Image& image, const std::vector<QuotaFilterPart>& filter,
                        bool strict);

}  // namespace odradek::metadata
