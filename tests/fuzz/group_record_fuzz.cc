// Records of `__consumer_offsets`, damaged.
//
//   byte 0   bit 0: a value follows (else a tombstone); the upper seven: the length of the key
//   rest     the key, then the value
//
// Claims beyond "does not crash": what was read is written in the newest version and read as the
// same record, byte for byte.
#include "reactor/base/check.h"
#include "replication/group/record_codec.h"

namespace {

using namespace odradek;
using namespace odradek::group;

std::optional<BytesView> view(const std::optional<std::vector<uint8_t>>& bytes) {
  if (!bytes) return std::nullopt;
  return BytesView(*bytes);
}

void fuzz_record(BytesView key, std::optional<BytesView> value) {
  const auto read = decode_record(key, value);
  if (!read || !*read) return;
  const EncodedRecord first = encode_record(**read);
  const auto again = decode_record(BytesView(first.key), view(first.value));
  CHECK(again.has_value() && again->has_value());
  const EncodedRecord second = encode_record(**again);
  CHECK(second.key == first.key);
  CHECK(second.value == first.value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const BytesView rest{data + 1, size - 1};
  const size_t key_bytes = std::min<size_t>(data[0] >> 1, rest.size());
  const bool has_value = data[0] & 1;
  fuzz_record(rest.first(key_bytes),
              has_value ? std::optional(rest.subspan(key_bytes)) : std::nullopt);
  return 0;
}
