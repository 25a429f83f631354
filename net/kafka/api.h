// The API table: which APIs exist, their versions, and which headers go with them.
#pragma once

#include <cstdint>

#include "net/kafka/api_table.h"

namespace odradek::kafka {

// The API with `key`, or nullptr.
constexpr const ApiInfo* find_api(int16_t key) {
  for (const ApiInfo& api : api_table) {
    if (api.key == key) return &api;
  }
  return nullptr;
}

// The API with `key`. The table has every ApiKey.
constexpr const ApiInfo& api_info(ApiKey key) { return *find_api(static_cast<int16_t>(key)); }

}  // namespace odradek::kafka
