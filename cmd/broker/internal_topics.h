// Topics that the broker keeps for itself. Clients see them marked; only Kafka's admin client
// writes there (trap 19).
#pragma once

#include <string_view>

namespace odradek::broker {

inline constexpr std::string_view kAdminClientId = "__admin_client";

constexpr bool is_internal_topic(std::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state" ||
         name == "__share_group_state";
}

}  // namespace odradek::broker
