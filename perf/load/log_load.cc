// Loads the log alone, without a network, on a real disk: producers that append one batch at a time
// and wait until it is visible. Prints batches and bytes a second, latencies, and how long a
// restart takes.
//   log_load <directory> [partitions] [producers] [batch bytes] [seconds]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "log/batch/batch_builder.h"
#include "log/log_manager.h"
#include "reactor/runtime.h"
#include "reactor/shard.h"

namespace odradek::log {
namespace {

using reactor::Task;

struct Load {
  std::string directory;
  int32_t partitions = 1;
  int producers = 20;
  size_t batch_bytes = 16'384;
  int seconds = 5;

  LogManager* manager = nullptr;
  std::vector<uint8_t> batch;
  BatchInfo info;
  MonoTime end{};
  uint64_t batches = 0;
  std::vector<int64_t> latencies_us;
};

TopicPartition nth(int32_t p) {
  TopicPartition id;
  id.topic.bytes.fill(7);
  id.partition = PartitionId(p);
  return id;
}

std::vector<uint8_t> make_batch(size_t bytes) {
  BatchBuilder builder({});
  const std::vector<uint8_t> value(bytes - kBatchHeaderBytes - 16, 'x');
  Record record;
  record.value = BytesView(value);
  builder.append(record);
  return *builder.finish();
}

Task<void> produce(Load& load, int32_t partition) {
  while (reactor::this_shard().now() < load.end) {
    const MonoTime begin = reactor::this_shard().precise_now();
    PartitionLog* log = load.manager->find(nth(partition));
    const Appended appended = co_await log->append(Chain{BytesView(load.batch)}, load.info, -1);
    if (appended.fault != AppendFault::none) {
      fmt::print("append: {}\n", appended.message);
      co_return;
    }
    const Status visible = co_await log->wait_visible(appended.last, kMonoMax);
    if (!visible) {
      fmt::print("wait: {}\n", visible.error().to_string());
      co_return;
    }
    const Duration took = reactor::this_shard().precise_now() - begin;
    load.latencies_us.push_back(took.count() / 1000);
    ++load.batches;
  }
}

Task<Status> read_all(Load& load) {
  uint64_t bytes = 0;
  const MonoTime begin = reactor::this_shard().precise_now();
  for (int32_t p = 0; p < load.partitions; ++p) {
    PartitionLog* log = load.manager->find(nth(p));
    for (Offset at = log->log_start(); at < log->high_watermark();) {
      CO_TRY_ASSIGN(
          const LogSlice slice,
          co_await log->read({.from = at, .limit = log->high_watermark(), .at_least_one = true}));
      if (slice.bytes == 0) co_return fail(Errc::corrupt, "nothing at " + at.to_string());
      bytes += slice.bytes;
      at = slice.next;
    }
  }
  const double seconds =
      std::chrono::duration<double>(reactor::this_shard().precise_now() - begin).count();
  fmt::print("read back {:.1f} MB in {:.2f} s: {:.0f} MB/s\n", static_cast<double>(bytes) / 1e6,
             seconds, static_cast<double>(bytes) / 1e6 / seconds);
  co_return Status{};
}

Task<Status> run(Load& load) {
  LogOptions options;
  options.directories = {load.directory};
  const MonoTime opening = reactor::this_shard().precise_now();
  CO_TRY_ASSIGN(auto store, co_await LogStore::open(options));
  CO_TRY_ASSIGN(auto manager, co_await LogManager::start(options, store.get()));
  load.manager = manager.get();
  for (int32_t p = 0; p < load.partitions; ++p) {
    PartitionSpec spec;
    spec.id = nth(p);
    spec.topic_name = "load";
    CO_TRY(co_await manager->open_partition(std::move(spec)));
  }
  const MonoTime begin = reactor::this_shard().precise_now();
  fmt::print("opened in {} ms\n", (begin - opening).count() / 1'000'000);
  load.end = begin + std::chrono::seconds(load.seconds);
  reactor::Gate gate;
  for (int i = 0; i < load.producers; ++i) {
    gate.spawn("producer", produce(load, i % load.partitions));
  }
  co_await gate.close();
  const double seconds =
      std::chrono::duration<double>(reactor::this_shard().precise_now() - begin).count();
  std::ranges::sort(load.latencies_us);
  const auto at = [&](double q) {
    if (load.latencies_us.empty()) return int64_t{0};
    return load
        .latencies_us[static_cast<size_t>(q * static_cast<double>(load.latencies_us.size() - 1))];
  };
  fmt::print(
      "{} producers, {} partitions, {} bytes: {:.0f} batches/s, {:.0f} MB/s, p50 {} us, p99 {} us, "
      "max {} us\n",
      load.producers, load.partitions, load.batch.size(),
      static_cast<double>(load.batches) / seconds,
      static_cast<double>(load.batches * load.batch.size()) / 1e6 / seconds, at(0.5), at(0.99),
      at(1.0));
  CO_TRY(co_await read_all(load));
  const MonoTime stopping = reactor::this_shard().precise_now();
  CO_TRY(co_await manager->stop());
  CO_TRY(co_await store->close());
  fmt::print("stopped in {} ms\n",
             (reactor::this_shard().precise_now() - stopping).count() / 1'000'000);
  co_return Status{};
}

Task<int> run_main(Load& load) {
  const Status done = co_await run(load);
  if (!done) fmt::print("{}\n", done.error().to_string());
  co_return done ? 0 : 1;
}

}  // namespace
}  // namespace odradek::log

int main(int argc, char** argv) {
  using namespace odradek::log;
  if (argc < 2) {
    fmt::print("usage: log_load <directory> [partitions] [producers] [batch bytes] [seconds]\n");
    return 2;
  }
  Load load;
  load.directory = argv[1];
  if (argc > 2) load.partitions = std::atoi(argv[2]);
  if (argc > 3) load.producers = std::atoi(argv[3]);
  if (argc > 4) load.batch_bytes = static_cast<size_t>(std::atoll(argv[4]));
  if (argc > 5) load.seconds = std::atoi(argv[5]);
  load.batch = make_batch(load.batch_bytes);
  load.info.header = odradek::log::BatchHeader::parse(load.batch);
  odradek::reactor::RuntimeOptions options;
  options.arena_bytes_per_shard = size_t{512} << 20;
  const auto code = odradek::reactor::run_shards(options, [&load] { return run_main(load); });
  if (!code) {
    fmt::print("{}\n", code.error().to_string());
    return 1;
  }
  return *code;
}
