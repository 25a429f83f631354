// What a request of few bytes may make its answer hold. A resource that is named again and again
// costs some bytes each time, and what there is to tell of it may be thousands of entries: clients
// name each once, Kafka answers each time. So do we, a few times; and no answer grows without end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "cmd/broker/limits.h"

namespace odradek::broker {

// As much of a name as a topic may have: one that cannot be is told with each of its partitions.
inline std::string_view told_name(std::string_view name) { return name.substr(0, 249); }

// Of one answer, by what names a resource. Owned by its handler; bounds itself as it bounds the
// answer. `Key` views nothing that goes before it.
template <class Key>
class AnswerBounds {
 public:
  // Why the resource is not told of this time; what is refused so is INVALID_REQUEST.
  std::optional<std::string_view> fault(Key key) {
    if (items_ >= kAnswerItemsMax) {
      return "The answer would be too large: ask for less in one request";
    }
    ++items_;
    if (++times_[std::move(key)] <= kAnswerRepeatsMax) return std::nullopt;
    return "The request names this too often";
  }
  // The answer has `count` entries more.
  void told(size_t count) { items_ += count; }

 private:
  size_t items_ = 0;
  std::map<Key, uint32_t> times_;
};

}  // namespace odradek::broker
