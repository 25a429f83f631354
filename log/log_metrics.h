// What the logs of one shard tell of themselves. A DiskMetrics belongs to a LogDisk, a CacheMetrics
// to the Manager; both register in the metrics of their shard and read what is counted anyway.
#pragma once

#include <string>
#include <vector>

#include "reactor/metrics.h"

namespace odradek::log {

class LogDisk;
class ReadCache;

// Labels of what belongs to one log directory.
std::string directory_labels(const std::string& path);

// Of one WAL; the references are good as long as the shard.
struct WalHistograms {
  explicit WalHistograms(const std::string& directory);
  reactor::Histogram& flush_seconds;  // durable write of a group, or fdatasync
  reactor::Histogram& group_bytes;
};

class DiskMetrics {
 public:
  // REQUIRES: `disk` has its WAL, and outlives this.
  explicit DiskMetrics(LogDisk& disk);
  // Written by the destager.
  reactor::Counter& destage_rounds;
  // Written by the partitions.
  reactor::Counter& destaged_bytes;
  reactor::Counter& retention_segments;
  reactor::Counter& retention_bytes;

 private:
  std::vector<reactor::MetricWatch> watches_;
};

class CacheMetrics {
 public:
  explicit CacheMetrics(const ReadCache& cache);

 private:
  std::vector<reactor::MetricWatch> watches_;
};

}  // namespace odradek::log
