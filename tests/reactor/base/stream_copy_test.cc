#include "reactor/base/stream_copy.h"

#include <algorithm>
#include <vector>

#include "tests/test.h"

using namespace odradek;

TEST_CASE("a streamed copy is the same bytes at every length and alignment, and no byte more") {
  std::vector<uint8_t> from(400);
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<uint8_t>(i * 7 + 1);
  for (size_t offset = 0; offset < 66; ++offset) {
    for (size_t length = 0; length <= 260; length += 1 + length / 40) {
      std::vector<uint8_t> to(400, 0xee);
      const BytesView source = BytesView(from).subspan(offset % 17, length);
      stream_copy(MutableBytes(to).subspan(offset), source);
      REQUIRE(std::ranges::equal(source, BytesView(to).subspan(offset, length)));
      const auto untouched = [](uint8_t byte) { return byte == 0xee; };
      REQUIRE(std::ranges::all_of(BytesView(to).first(offset), untouched));
      REQUIRE(std::ranges::all_of(BytesView(to).subspan(offset + length), untouched));
    }
  }
}
