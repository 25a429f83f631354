#include "reactor/sim/options.h"

#include "reactor/base/prng.h"

namespace odradek::reactor::sim {

// Off in half of the runs; else anything up to `most`, small values as likely as large ones.
static PerMillion draw_chance(Prng& prng, PerMillion most) {
  if (prng.chance(1, 2)) return 0;
  PerMillion ceiling = 10;
  while (ceiling < most && prng.chance(3, 4)) ceiling *= 4;
  return static_cast<PerMillion>(prng.between(1, ceiling < most ? ceiling : most));
}

static Latency draw_latency(Prng& prng, Duration least, Duration most) {
  const auto low = static_cast<uint64_t>(least.count());
  const auto high = static_cast<uint64_t>(most.count());
  const auto start = prng.between(low, high);
  return {Duration(start), Duration(prng.between(start, 4 * high))};
}

WorldOptions swarm_options(uint64_t seed) {
  Prng prng(seed ^ 0x5a3a);
  WorldOptions options;
  DiskOptions& disk = options.disk;
  disk.tear_bytes = prng.chance(1, 2) ? 512 : 4096;
  disk.direct_supported = !prng.chance(1, 8);
  disk.read = draw_latency(prng, 20us, 500us);
  disk.write = draw_latency(prng, 20us, 1ms);
  disk.sync = draw_latency(prng, 50us, 2ms);
  disk.metadata = draw_latency(prng, 5us, 500us);
  disk.slow = draw_chance(prng, 20'000);
  disk.slow_factor = static_cast<uint32_t>(prng.between(10, 1000));
  disk.short_transfer = draw_chance(prng, 300'000);
  disk.write_back = draw_chance(prng, 500'000);
  NetworkOptions& network = options.network;
  network.delay = draw_latency(prng, 10us, 5ms);
  network.slow = draw_chance(prng, 20'000);
  network.slow_factor = static_cast<uint32_t>(prng.between(10, 1000));
  network.segment = draw_chance(prng, 800'000);
  network.short_receive = draw_chance(prng, 500'000);
  network.accept_ends = draw_chance(prng, 500'000);
  network.reset = draw_chance(prng, 500);
  network.no_buffers = draw_chance(prng, 100'000);
  network.buffer_bytes = static_cast<uint32_t>(prng.between(4, 256)) * 1024;
  options.stall = draw_chance(prng, 100'000);
  options.stall_longest = Duration(static_cast<int64_t>(prng.between(10'000, 20'000'000)));
  return options;
}

}  // namespace odradek::reactor::sim
