// Validation of one produce batch: {records, value bytes, codec}. "per_record" is the whole cost,
// checksum included; the longest single step is what the reactor's 500 us promise rests on.
#include <benchmark/benchmark.h>

#include <chrono>
#include <string>
#include <vector>

#include "log/batch/batch_builder.h"
#include "log/batch/batch_validator.h"

namespace {

using namespace odradek;
using namespace odradek::log;

std::vector<uint8_t> make_batch(int64_t records, int64_t value_bytes, Codec codec) {
  BatchBuilder builder({.compression = {codec, std::nullopt}});
  std::string value(static_cast<size_t>(value_bytes), 'v');
  for (int64_t i = 0; i < records; ++i) {
    for (size_t k = 0; k < value.size(); k += 3)
      value[k] = static_cast<char>('a' + (i * 31 + k) % 23);
    builder.append({.timestamp = 1000 + i / 10, .value = as_bytes(value)});
  }
  return *builder.finish();
}

void run(benchmark::State& state, std::optional<Compression> target) {
  const auto bytes = make_batch(state.range(0), state.range(1), static_cast<Codec>(state.range(2)));
  CodecContexts contexts;
  const ValidationOptions options{.now = WallTime{1000},
                                  .message_bytes_max = 100 << 20,
                                  .compression = target,
                                  .contexts = &contexts};
  using Clock = std::chrono::steady_clock;
  Clock::duration longest{};
  for (auto _ : state) {
    BatchValidator validator(Chain(bytes), options);
    for (bool more = true; more;) {
      const auto before = Clock::now();
      more = validator.step() == BatchValidator::Progress::more;
      longest = std::max(longest, Clock::now() - before);
    }
    if (validator.fault() != BatchFault::none) state.SkipWithError("refused");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
  state.counters["per_record"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["longest_step_us"] = std::chrono::duration<double, std::micro>(longest).count();
}

void validate(benchmark::State& state) { run(state, std::nullopt); }
BENCHMARK(validate)
    ->Args({1, 1024, 0})
    ->Args({1, 100, 0})
    ->Args({150, 100, 0})
    ->Args({10'000, 100, 0})
    ->Args({1000, 1024, 0})
    ->Args({60'000, 1, 0})
    ->Args({10'000, 100, 1})
    ->Args({10'000, 100, 2})
    ->Args({10'000, 100, 3})
    ->Args({10'000, 100, 4})
    ->Args({1, 1024, 1})
    ->Args({1, 1024, 2})
    ->Args({1, 1024, 3})
    ->Args({1, 1024, 4});

void recompress(benchmark::State& state) {
  run(state, Compression{static_cast<Codec>(state.range(3)), std::nullopt});
}
BENCHMARK(recompress)
    ->Args({10'000, 100, 0, 1})
    ->Args({10'000, 100, 0, 2})
    ->Args({10'000, 100, 0, 3})
    ->Args({10'000, 100, 0, 4})
    ->Args({10'000, 100, 4, 0});

}  // namespace
