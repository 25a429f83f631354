// Small steps between the messages of the group APIs and what the coordinator speaks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/request.h"
#include "reactor/base/bytes.h"
#include "reactor/shard.h"
#include "replication/group/requests.h"
#include "replication/kafka_code.h"

namespace odradek::broker {

constexpr int16_t code(KafkaCode error) { return static_cast<int16_t>(error); }

// Everything that can be done to a group, as bits: read, delete, describe, describe_configs,
// alter_configs.
inline constexpr int32_t kAllGroupOperations =
    (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);

// Whether groups of the consumer protocol are served: group.coordinator.rebalance.protocols, and
// the cluster's group.version.
inline bool consumer_protocol_enabled(const RequestContext& context) {
  return context.shard.config().consumer_protocol &&
         context.shard.image().current().feature_level("group.version") >= 1;
}

inline group::Bytes owned(BytesView bytes) { return {bytes.begin(), bytes.end()}; }
inline std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  if (!text) return std::nullopt;
  return std::string(*text);
}
inline group::Identity identity(std::string_view member,
                                const std::optional<std::string_view>& instance) {
  return {std::string(member), owned(instance)};
}

// A group of a description that is not described, and why.
template <class Group>
void refuse(RequestContext& context, std::string_view why, Group& out) {
  out.error_code = code(KafkaCode::invalid_request);
  out.error_message = context.explain(why);
}

// 36 characters, as java.util.UUID prints a random one: member ids end in these.
inline std::string unique_id() {
  constexpr char kDigits[] = "0123456789abcdef";
  const Uuid id = reactor::this_shard().random_uuid();
  std::string out;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[id.bytes[i] >> 4];
    out += kDigits[id.bytes[i] & 15];
  }
  return out;
}

}  // namespace odradek::broker
