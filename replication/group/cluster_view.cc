#include "replication/group/cluster_view.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "reactor/base/bytes.h"

namespace odradek::group {

namespace {

// As Kafka's hash library takes values: little-endian, a text as its UTF-16 units and their number.
class HashInput {
 public:
  void byte(uint8_t value) { bytes_.push_back(value); }
  template <class T>
  void integer(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    store_le(bytes_.data() + at, value);
  }
  void text(std::string_view value) {
    const auto units = utf16(value);
    for (const uint16_t unit : units) integer(unit);
    integer(static_cast<int32_t>(units.size()));
  }
  static std::vector<uint16_t> utf16(std::string_view text);
  int64_t hash() const { return static_cast<int64_t>(XXH3_64bits(bytes_.data(), bytes_.size())); }

 private:
  std::vector<uint8_t> bytes_;
};

std::vector<uint16_t> HashInput::utf16(std::string_view text) {
  std::vector<uint16_t> units;
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<uint8_t>(text[at++]);
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t code = more == 0 ? first : first & (0x3fu >> more);
    for (int i = 0; i < more && at < text.size(); ++i) {
      code = (code << 6) | (static_cast<uint8_t>(text[at++]) & 0x3fu);
    }
    if (code >= 0x10000) {
      units.push_back(static_cast<uint16_t>(0xd800 + ((code - 0x10000) >> 10)));
      units.push_back(static_cast<uint16_t>(0xdc00 + ((code - 0x10000) & 0x3ff)));
    } else {
      units.push_back(static_cast<uint16_t>(code));
    }
  }
  return units;
}

constexpr uint8_t kHashVersion = 0;

int64_t topic_hash(const ClusterView& view, const TopicFacts& topic) {
  HashInput input;
  input.byte(kHashVersion);
  input.integer(load_be<int64_t>(topic.id.bytes.data()));
  input.integer(load_be<int64_t>(topic.id.bytes.data() + 8));
  input.text(topic.name);
  input.integer(topic.partitions);
  for (int32_t i = 0; i < topic.partitions; ++i) {
    input.integer(i);
    auto racks = view.racks(topic.id, i);
    std::ranges::sort(racks);
    for (const auto& rack : racks) {
      input.integer(static_cast<int32_t>(HashInput::utf16(rack).size()));
      input.text(rack);
    }
  }
  return input.hash();
}

}  // namespace

int64_t metadata_hash(const ClusterView& view, const std::vector<std::string>& names) {
  HashInput input;
  bool any = false;
  for (const auto& name : names) {
    const auto topic = view.find(name);
    if (!topic) continue;
    any = true;
    input.integer(topic_hash(view, *topic));
  }
  return any ? input.hash() : 0;
}

}  // namespace odradek::group
