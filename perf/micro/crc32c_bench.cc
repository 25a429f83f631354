// CRC-32C by size: hot in L1/L2 for the small ones, from L3 or memory for the large.
#include <benchmark/benchmark.h>

#include <vector>

#include "reactor/base/crc32c.h"

namespace {

void crc32c_fast(benchmark::State& state) {
  const std::vector<uint8_t> bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(odradek::crc32c(0, bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(crc32c_fast)
    ->Arg(61)
    ->Arg(256)
    ->Arg(1 << 10)
    ->Arg(16 << 10)
    ->Arg(64 << 10)
    ->Arg(1 << 20)
    ->Arg(64 << 20);

void crc32c_narrow(benchmark::State& state) {
  const std::vector<uint8_t> bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(odradek::detail::crc32c_narrow(0, bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(crc32c_narrow)->Arg(256)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20)->Arg(64 << 20);

void crc32c_table(benchmark::State& state) {
  const std::vector<uint8_t> bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(odradek::detail::crc32c_by_table(0, bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(crc32c_table)->Arg(16 << 10);

void crc32c_shift(benchmark::State& state) {
  uint32_t crc = 1;
  for (auto _ : state) benchmark::DoNotOptimize(crc = odradek::crc32c_shift(crc, 1'000'003));
}
BENCHMARK(crc32c_shift);

}  // namespace
