#include "log/compactor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "log/log_disk.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Lease;
using reactor::Task;

namespace {

constexpr size_t kZeroStepBytes = 64 * 1024;

using enum reactor::MetricKind;
using reactor::MetricInfo;
using Unit = reactor::MetricUnit;

constexpr MetricInfo kRuns{counter, "odradek_compaction_runs_total",
                           "Logs that were compacted, each time"};
constexpr MetricInfo kRead{counter, "odradek_compaction_read_bytes_total",
                           "Bytes of segments that compaction read", Unit::bytes};
constexpr MetricInfo kCleaned{counter, "odradek_compaction_cleaned_bytes_total",
                              "Bytes of segments that compaction replaced", Unit::bytes};
constexpr MetricInfo kWritten{counter, "odradek_compaction_written_bytes_total",
                              "Bytes of the segments that replaced them", Unit::bytes};
constexpr MetricInfo kRemoved{counter, "odradek_compaction_removed_records_total",
                              "Records that compaction removed"};
constexpr MetricInfo kDirty{gauge, "odradek_compaction_dirty_percent",
                            "How much of the dirtiest compacted log has not been compacted"};
constexpr MetricInfo kIdle{gauge, "odradek_compaction_idle_seconds",
                           "Time since a log was compacted, or since the start", Unit::seconds};
constexpr MetricInfo kLastRun{gauge, "odradek_compaction_last_run_seconds",
                              "Time that the last compaction of a log took", Unit::seconds};
constexpr MetricInfo kUncleanable{gauge, "odradek_compaction_uncleanable_partitions",
                                  "Logs that are not compacted because of damage in them"};

reactor::Counter& counted(const MetricInfo& info) {
  return reactor::this_shard().metrics().counter(info, "");
}

// Of the log itself, and not of the moment.
bool is_of_log(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::malformed ||
         error.code == Errc::too_large || error.code == Errc::unsupported;
}

}  // namespace

Compactor::Compactor(CompactionOptions options, Logs logs)
    : logs_(std::move(logs)),
      pace_(logs_.appends),
      began_(reactor::this_shard().now()),
      runs_(counted(kRuns)),
      read_bytes_(counted(kRead)),
      cleaned_bytes_(counted(kCleaned)),
      written_bytes_(counted(kWritten)),
      records_removed_(counted(kRemoved)) {
  configure(options);
  const std::string here =
      reactor::metric_labels({{"shard", reactor::this_shard().id().to_string()}});
  const auto watch = [&](const MetricInfo& info, std::function<int64_t()> read) {
    watches_.push_back(reactor::this_shard().metrics().watch(info, here, std::move(read)));
  };
  watch(kDirty, [this] { return dirty_percent_; });
  watch(kIdle, [this] { return idle_nanoseconds(); });
  watch(kLastRun, [this] { return last_run_ / 1ns; });
  watch(kUncleanable, [this] { return uncleanable_; });
}

int64_t Compactor::idle_nanoseconds() const {
  return (reactor::this_shard().now() - cleaned_at_.value_or(began_)) / 1ns;
}

void Compactor::configure(const CompactionOptions& options) {
  options_ = options;
  pace_.set_rate(options.bytes_per_second);
  pace_.wake();
}

Task<void> Compactor::run() {
  while (!pace_.stopped()) {
    bool cleaned = false;
    if (options_.enabled) cleaned = co_await clean_one();
    if (!cleaned) co_await pace_.rest(reactor::this_shard().now() + options_.backoff);
  }
}

Task<void> Compactor::clean_all() {
  while (!pace_.stopped() && co_await clean_one()) continue;
}

// False when there is nothing to clean.
Task<bool> Compactor::clean_one() {
  (void)co_await turn_.acquire(1);
  std::optional<Candidate> found = co_await dirtiest();
  bool begun = false;
  while (found && !begun && !pace_.stopped()) {
    begun = co_await logs_.begin(std::max<uint32_t>(options_.threads, 1));
  }
  if (begun) {
    // It may have waited long.
    found = co_await dirtiest();
    if (Partition* partition = found ? logs_.find(found->id) : nullptr) {
      co_await clean(*partition, found->range);
    }
    co_await logs_.end();
  }
  turn_.release(1);
  co_return found.has_value();
}

// What max.compaction.lag.ms goes by, of segments it is not known of.
static Task<Status> load_first_times(Partition& partition, Partition::Pin pin) {
  if (partition.config().max_compaction_lag_ms == INT64_MAX) co_return Status{};
  for (const ClosedSegment& closed : partition.facts().closed) {
    Segment* segment = partition.segments().find(closed.base);
    if (closed.first_timestamp_ms >= 0 || !segment) continue;
    if (segment->size_bytes() < kBatchHeaderBytes) continue;
    const SegmentList::Reader reading(partition.segments().slot_of(*segment));
    AlignedBuffer block(kDiskBlockBytes);
    CO_TRY_ASSIGN(const size_t n, co_await segment->read(block.span(), 0));
    if (n < kBatchHeaderBytes) continue;
    partition.compaction().first_times[closed.base] =
        BatchHeader::parse(block.span()).max_timestamp;
  }
  co_return Status{};
}

Task<std::optional<Compactor::Candidate>> Compactor::dirtiest() {
  std::optional<Candidate> best;
  double dirtiest = 0;
  int64_t uncleanable = 0;
  const std::vector<TopicPartition> all = logs_.all();
  for (const TopicPartition& id : all) {
    Partition* partition = logs_.find(id);
    if (!partition || !partition->config().compact_policy) continue;
    if (!partition->compaction().uncleanable.empty()) {
      ++uncleanable;
      continue;
    }
    if (partition->disk().fenced() || partition->closing()) continue;
    if (!partition->compaction().swept) continue;
    (void)co_await load_first_times(*partition, Partition::Pin(*partition));
    if (pace_.stopped()) co_return std::nullopt;
    partition = logs_.find(id);
    if (!partition) continue;
    const int64_t now_ms = reactor::this_shard().wall_now().ms;
    const Cleanable range = cleanable(partition->facts(), partition->config(), now_ms);
    dirtiest = std::max(dirtiest, range.ratio());
    const bool early = reactor::this_shard().now() < partition->compaction().not_before;
    if (!early && wants_cleaning(range, partition->config()) &&
        (!best || range.ratio() > best->range.ratio())) {
      best = Candidate{id, range};
    }
    co_await reactor::yield();
  }
  dirty_percent_ = static_cast<int64_t>(dirtiest * 100);
  uncleanable_ = uncleanable;
  co_return best;
}

// Zeroed blocks of equal size: as many as the dirty part may have keys, as far as there are any.
Task<std::vector<Lease>> Compactor::borrow(const Cleanable& range) {
  reactor::Arena& arena = reactor::this_shard().arena();
  const uint64_t most = std::max<uint64_t>(
      std::min<uint64_t>(options_.memory_bytes, arena.limit_bytes() / kKeyMapArenaDivisor),
      reactor::kBlockBytesMin);
  const uint64_t block = std::min<uint64_t>(std::bit_floor(most), kKeyMapChunkBytes);
  const auto offsets = static_cast<double>(range.end - range.first_dirty);
  const double slots = offsets / std::max(options_.load_factor, 0.01);
  const double wanted =
      slots * static_cast<double>(KeyMap::kEntryBytes) / static_cast<double>(block);
  const auto count = std::min<uint64_t>(most / block, static_cast<uint64_t>(wanted) + 1);
  std::vector<Lease> out;
  const uint64_t in_use_max = arena.limit_bytes() / kArenaPressedDivisor * kArenaPressedParts;
  while (out.size() < count) {
    if (!out.empty() && arena.used_bytes() + block > in_use_max) break;
    Lease lease = arena.try_allocate(block);
    if (!lease) break;
    // Memory that nobody touched yet is slow to touch.
    for (size_t at = 0; at < lease.size(); at += kZeroStepBytes) {
      const size_t n = std::min(kZeroStepBytes, lease.size() - at);
      std::memset(lease.writable().data() + at, 0, n);
      co_await pace_.worked(kCleanStepBytes);
    }
    out.push_back(std::move(lease));
  }
  co_return out;
}

Task<void> Compactor::clean(Partition& partition, Cleanable range) {
  const Partition::Pin pin(partition);
  const MonoTime began = reactor::this_shard().now();
  std::vector<Lease> memory = co_await borrow(range);
  if (memory.empty()) {
    take_result(partition, fail(Errc::overloaded, "no memory for its keys"), {});
    co_return;
  }
  std::vector<MutableBytes> chunks;
  for (Lease& lease : memory) chunks.push_back(lease.writable());
  const uint64_t key_low = reactor::this_shard().random();
  const uint64_t key_high = reactor::this_shard().random();
  KeyMap keys(std::move(chunks), options_.load_factor, KeyHasher(key_low, key_high));
  Compaction compaction(partition, pace_, keys, range, reactor::this_shard().wall_now().ms);
  const Status result = co_await compaction.run();
  if (result) last_run_ = reactor::this_shard().now() - began;
  take_result(partition, result, compaction.report());
}

void Compactor::take_result(Partition& partition, const Status& result,
                            const CleaningReport& report) {
  read_bytes_.add(report.read_bytes);
  cleaned_bytes_.add(report.cleaned_bytes);
  written_bytes_.add(report.written_bytes);
  records_removed_.add(report.records_removed);
  if (result) {
    runs_.add(1);
    cleaned_at_ = reactor::this_shard().now();
    return;
  }
  const Error& error = result.error();
  if (error.code == Errc::canceled || error.code == Errc::closed) return;
  CompactionState& state = partition.compaction();
  if (is_of_log(error)) {
    state.uncleanable = error.to_string();
    ++uncleanable_;
    reactor::log_error(
        "{}: cannot be compacted, and grows until the next start tries again: {}. Everything else "
        "of it is served",
        partition.directory(), error.to_string());
    return;
  }
  state.not_before = reactor::this_shard().now() + kCleanRetry;
  reactor::log_warning("{}: compaction waits: {}", partition.directory(), error.to_string());
}

}  // namespace odradek::log
