// What moving a metric costs: a counter, a histogram, and what one request moves in all.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "reactor/base/prng.h"
#include "reactor/metrics.h"

namespace {

using namespace odradek;
using reactor::MetricKind;

constexpr reactor::MetricInfo kCount{MetricKind::counter, "bench_total", "Counted"};
constexpr reactor::MetricInfo kTook{MetricKind::histogram, "bench_seconds", "Took",
                                    reactor::MetricUnit::seconds};

void counter_add(benchmark::State& state) {
  reactor::Metrics metrics;
  reactor::Counter& counter = metrics.counter(kCount);
  for (auto _ : state) {
    counter.add();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(counter_add);

void histogram_record(benchmark::State& state) {
  reactor::Metrics metrics;
  reactor::Histogram& histogram = metrics.histogram(kTook);
  Prng prng(1);
  uint64_t values[256];
  for (auto& v : values) v = prng.below(10'000'000);
  uint8_t at = 0;
  for (auto _ : state) {
    histogram.record(values[at++]);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(histogram_record);

void snapshot_of_200_series(benchmark::State& state) {
  reactor::Metrics metrics;
  for (int i = 0; i < 160; ++i) {
    metrics.counter(kCount, reactor::metric_labels({{"n", std::to_string(i)}}));
  }
  for (int i = 0; i < 40; ++i) {
    metrics.histogram(kTook, reactor::metric_labels({{"n", std::to_string(i)}}));
  }
  for (auto _ : state) benchmark::DoNotOptimize(metrics.snapshot());
}
BENCHMARK(snapshot_of_200_series)->Unit(benchmark::kMicrosecond);

}  // namespace
