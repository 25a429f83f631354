// Small steps between the messages of the group APIs and what the coordinator speaks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reactor/base/bytes.h"
#include "reactor/shard.h"
#include "replication/group/requests.h"
#include "replication/kafka_code.h"

namespace odradek::broker {

constexpr int16_t code(KafkaCode error) { return static_cast<int16_t>(error); }

inline group::Bytes owned(BytesView bytes) { return {bytes.begin(), bytes.end()}; }
inline std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  if (!text) return std::nullopt;
  return std::string(*text);
}
inline group::Identity identity(std::string_view member,
                                const std::optional<std::string_view>& instance) {
  return {std::string(member), owned(instance)};
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
