#include "log/log_metrics.h"

#include "log/log_disk.h"
#include "log/partition.h"
#include "log/read_cache.h"
#include "reactor/shard.h"

namespace odradek::log {

namespace {

using enum reactor::MetricKind;
using reactor::MetricInfo;
using Unit = reactor::MetricUnit;

constexpr MetricInfo kGroups{counter, "odradek_wal_groups_total",
                             "Commit groups written to the write-ahead log"};
constexpr MetricInfo kRecords{counter, "odradek_wal_records_total",
                              "Records written to the write-ahead log"};
constexpr MetricInfo kWritten{counter, "odradek_wal_written_bytes_total",
                              "Bytes written to the write-ahead log, padding included",
                              Unit::bytes};
constexpr MetricInfo kFlushes{counter, "odradek_wal_flushes_total",
                              "Flushes of the write-ahead log: durable writes and fdatasyncs"};
constexpr MetricInfo kFlushSeconds{
    histogram, "odradek_wal_flush_duration_seconds",
    "Time to make a commit group durable: its durable write, or an fdatasync", Unit::seconds};
constexpr MetricInfo kGroupBytes{histogram, "odradek_wal_group_size_bytes", "Size of commit groups",
                                 Unit::bytes};
constexpr MetricInfo kUsed{gauge, "odradek_wal_used_bytes",
                           "Bytes of the write-ahead log that recovery would need", Unit::bytes};
constexpr MetricInfo kCapacity{gauge, "odradek_wal_capacity_bytes",
                               "Bytes that the write-ahead log can hold so far", Unit::bytes};
constexpr MetricInfo kUndestaged{gauge, "odradek_undestaged_bytes",
                                 "Bytes of logs that are not in their segment files yet",
                                 Unit::bytes};
constexpr MetricInfo kRounds{counter, "odradek_destage_rounds_total",
                             "Times that memory was written to segment files"};
constexpr MetricInfo kDestaged{counter, "odradek_destaged_bytes_total",
                               "Bytes written from memory to segment files", Unit::bytes};
constexpr MetricInfo kRetentionSegments{
    counter, "odradek_retention_deleted_segments_total",
    "Segments deleted for their age, for their size, or because their records were"};
constexpr MetricInfo kRetentionBytes{counter, "odradek_retention_deleted_bytes_total",
                                     "Bytes of the segments that were deleted so", Unit::bytes};
constexpr MetricInfo kFenced{gauge, "odradek_log_directory_fenced",
                             "1 after a write error: nothing is acknowledged here until a restart"};
constexpr MetricInfo kFull{gauge, "odradek_log_directory_full",
                           "1 while appends are refused because the disk is full"};
constexpr MetricInfo kPartitions{gauge, "odradek_partitions", "Logs of partitions that are open"};
constexpr MetricInfo kLogBytes{gauge, "odradek_log_size_bytes",
                               "Bytes of all logs, in memory and in segment files", Unit::bytes};
constexpr MetricInfo kOffsets{gauge, "odradek_log_offsets",
                              "Offsets from the starts of the logs to their high watermarks"};
constexpr MetricInfo kUnseen{gauge, "odradek_log_unacknowledged_offsets",
                             "Offsets from the high watermarks to the ends of the logs"};
constexpr MetricInfo kHits{counter, "odradek_read_cache_hits_total",
                           "Reads of log blocks that were in the read cache"};
constexpr MetricInfo kMisses{counter, "odradek_read_cache_misses_total",
                             "Reads of log blocks that were read from disk"};
constexpr MetricInfo kAhead{counter, "odradek_read_cache_read_ahead_total",
                            "Log blocks read from disk before anybody asked"};
constexpr MetricInfo kEvicted{counter, "odradek_read_cache_evictions_total",
                              "Log blocks that left the read cache for others"};
constexpr MetricInfo kCorrupt{counter, "odradek_read_cache_corrupt_total",
                              "Log blocks whose checksum did not match what is on disk"};
constexpr MetricInfo kCacheUsed{gauge, "odradek_read_cache_used_bytes",
                                "Memory of the read cache that is in use", Unit::bytes};

int64_t number(uint64_t value) { return static_cast<int64_t>(value); }

// The sum of what `of` says of each log of the directory.
template <class F>
int64_t sum(const LogDisk& disk, F of) {
  int64_t total = 0;
  for (const Partition* partition : disk.partitions()) total += number(of(*partition));
  return total;
}

uint64_t span(Offset from, Offset to) {
  return to > from ? static_cast<uint64_t>(to.value - from.value) : 0;
}

}  // namespace

std::string directory_labels(const std::string& path) {
  return reactor::metric_labels({{"directory", path}});
}

WalHistograms::WalHistograms(const std::string& directory)
    : flush_seconds(
          reactor::this_shard().metrics().histogram(kFlushSeconds, directory_labels(directory))),
      group_bytes(
          reactor::this_shard().metrics().histogram(kGroupBytes, directory_labels(directory))) {}

DiskMetrics::DiskMetrics(LogDisk& disk)
    : destage_rounds(
          reactor::this_shard().metrics().counter(kRounds, directory_labels(disk.path()))),
      destaged_bytes(
          reactor::this_shard().metrics().counter(kDestaged, directory_labels(disk.path()))),
      retention_segments(reactor::this_shard().metrics().counter(kRetentionSegments,
                                                                 directory_labels(disk.path()))),
      retention_bytes(
          reactor::this_shard().metrics().counter(kRetentionBytes, directory_labels(disk.path()))) {
  const LogDisk* d = &disk;
  const Wal* wal = &disk.wal();
  const auto watch = [&](const MetricInfo& info, std::function<int64_t()> read) {
    watches_.push_back(reactor::this_shard().metrics().watch(info, directory_labels(disk.path()),
                                                             std::move(read)));
  };
  watch(kGroups, [wal] { return number(wal->stats().groups); });
  watch(kRecords, [wal] { return number(wal->stats().records); });
  watch(kWritten, [wal] { return number(wal->stats().bytes); });
  watch(kFlushes, [wal] { return number(wal->stats().flushes); });
  watch(kUsed, [wal] { return number(wal->used_bytes()); });
  watch(kCapacity, [wal] { return number(wal->capacity_bytes()); });
  watch(kFenced, [d] { return d->fenced() ? 1 : 0; });
  watch(kFull, [d] { return d->full() ? 1 : 0; });
  watch(kPartitions, [d] { return number(d->partitions().size()); });
  watch(kUndestaged,
        [d] { return sum(*d, [](const Partition& p) { return p.undestaged_bytes(); }); });
  watch(kLogBytes, [d] { return sum(*d, [](const Partition& p) { return p.size_bytes(); }); });
  watch(kOffsets, [d] {
    return sum(*d, [](const Partition& p) { return span(p.log_start(), p.high_watermark()); });
  });
  watch(kUnseen, [d] {
    return sum(*d, [](const Partition& p) { return span(p.high_watermark(), p.log_end()); });
  });
}

CacheMetrics::CacheMetrics(const ReadCache& cache) {
  const ReadCacheStats* s = &cache.stats();
  const ReadCache* c = &cache;
  const auto watch = [&](const MetricInfo& info, std::function<int64_t()> read) {
    watches_.push_back(reactor::this_shard().metrics().watch(info, "", std::move(read)));
  };
  watch(kHits, [s] { return number(s->hits); });
  watch(kMisses, [s] { return number(s->misses); });
  watch(kAhead, [s] { return number(s->read_ahead); });
  watch(kEvicted, [s] { return number(s->evicted); });
  watch(kCorrupt, [s] { return number(s->corrupt); });
  watch(kCacheUsed, [c] { return number(c->used_bytes()); });
}

}  // namespace odradek::log
