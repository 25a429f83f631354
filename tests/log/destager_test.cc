// How what was appended gets to the segments' files.
#include <algorithm>

#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

TEST_CASE("while appends come, what goes to the segments keeps step with them") {
  LogWorld world;
  world.node_options.arena_bytes = 256 << 20;
  world.options.wal_bytes = 64 << 20;
  world.live([](Live& live) -> Task<void> {
    constexpr int kPartitions = 4, kRounds = 600, kValueBytes = 16'000;
    constexpr int64_t kRoundBytes = 2 * kPartitions * kValueBytes;
    for (int i = 0; i < kPartitions; ++i) must(co_await live.open(partition_id(1, i)));
    int64_t before = 0, most = 0;
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < kPartitions; ++i) {
        (void)co_await live.append(partition_id(1, i), {.value_bytes = kValueBytes});
      }
      const int64_t destaged = metric("odradek_destaged_bytes_total");
      most = std::max(most, destaged - std::exchange(before, destaged));
    }
    // One piece, and twice what came.
    EXPECT(most <= (1 << 20) + 3 * kRoundBytes);
    EXPECT(before > kRounds * kRoundBytes / 3);
  });
}

}  // namespace
}  // namespace odradek::log::test
