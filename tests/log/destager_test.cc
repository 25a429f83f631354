// How what was appended gets to the segments' files.
#include <algorithm>
#include <optional>

#include "log/log_disk.h"
#include "log/partition.h"
#include "tests/log/log_testing.h"

namespace odradek::log::test {
namespace {

const TopicPartition kLog = partition_id(1);

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

TEST_CASE("what is staged while the rest of a log is destaged stays as it was") {
  LogWorld world;
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kLog));
    // Several writes: the last one's block is padded with zeros, behind the end it had.
    for (int i = 0; i < 190; ++i) co_await live.append(kLog, {.value_bytes = 20'000});
    auto& log = static_cast<Partition&>(live.log(kLog));
    std::optional<Result<Partition::Destaged>> destaged;
    reactor::Gate gate;
    const auto destage = [](Partition& of, auto& result) -> Task<void> {
      result = co_await of.destage(true);
    };
    gate.spawn("destage", destage(log, destaged));
    while (metric("odradek_destaged_bytes_total") == 0) co_await reactor::sleep_for(100us);
    co_await live.append(kLog, {.value_bytes = 2'000});
    co_await gate.close();
    Partition::Destaged done = must(std::move(*destaged));
    must(co_await log.disk().edit(std::move(done.edits)));
    log.set_destaged(done);
    co_await verify(live, kLog);
  });
  world.live([](Live& live) -> Task<void> {
    must(co_await live.open(kLog));
    co_await verify(live, kLog);
  });
}

}  // namespace
}  // namespace odradek::log::test
