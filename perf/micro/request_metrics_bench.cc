// What it costs a request to be counted, timed and looked at for slowness: the broker's own
// RequestMetrics on a simulated shard, whose virtual time stands still.
#include <benchmark/benchmark.h>

#include "cmd/broker/request_metrics.h"
#include "reactor/shard.h"
#include "reactor/sim/world.h"

namespace {

using namespace odradek;
using reactor::Task;

constexpr uint64_t kRequests = 1'000'000;

Task<void> answer_many() {
  auto& shard = reactor::this_shard();
  broker::RequestMetrics metrics(shard.metrics(), std::chrono::milliseconds(500));
  const broker::RequestSource source{"127.0.0.1", 4242, "rdkafka", "PLAINTEXT"};
  for (uint64_t i = 0; i < kRequests; ++i) {
    broker::RequestRecord record;
    record.api_key = 0;
    record.request_bytes = 1024 + i % 64;
    record.begun = shard.now() - Duration(100'000 + i % 1000 * 1000);
    metrics.answered(record, 60, source);
    metrics.produced_bytes.add(1024);
    metrics.produced_records.add();
    benchmark::ClobberMemory();
  }
  co_return;
}

void one_request(benchmark::State& state) {
  for (auto _ : state) {
    reactor::sim::World world(1);
    world.run([] { return answer_many(); });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRequests));
}
BENCHMARK(one_request)->Unit(benchmark::kMillisecond);

}  // namespace
