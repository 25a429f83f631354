// One cleaning of one log: reads the dirty part into a map of keys, then rewrites the segments from
// the first to where the map ends, group by group, and swaps each in. Yields after every step, and
// gives up (Errc::canceled) when the log closes, retention took what is being read, or the
// compactor stops. Owned by the compactor; holds a Pin while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "log/batch_filter.h"
#include "log/checked_scan.h"
#include "log/cleaned_segment.h"
#include "log/compaction_plan.h"
#include "log/key_map.h"
#include "log/partition.h"
#include "log/transaction_filter.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

// What bounds the I/O of all cleanings of a shard: bytes read and written a second. Waits end at
// stop().
//
// While the shard takes appends it works, its reads and writes included, an eighth of the time:
// those who produce share its core and its disk.
class CompactionPace {
 public:
  // `appends` counts what was appended on this shard.
  explicit CompactionPace(std::function<uint64_t()> appends = {}) : appends_(std::move(appends)) {}
  // What was spent under another rate is forgotten.
  void set_rate(double bytes_per_second);
  // Waits until `bytes` more may be read or written. False once stopped.
  reactor::Task<bool> spend(uint64_t bytes);
  // So many bytes were looked at: after some of them everybody else has a turn of the loop, its
  // completions included; or, while there are appends, kCleanRests times as long as it took to get
  // and look at them, and no more than kCleanRestMax.
  reactor::Task<void> worked(uint64_t bytes);
  // From now on nothing is cleaned.
  void stop();
  bool stopped() const { return stopped_; }
  // Waits until `when` or the stop.
  reactor::Task<void> rest(MonoTime when);
  // Ends rest() early.
  void wake() { wake_.notify_all(); }

 private:
  double bytes_per_second_ = 0;  // 0: unbounded
  MonoTime free_at_{};           // until then what was spent takes
  uint64_t worked_ = 0;          // since the last turn
  std::function<uint64_t()> appends_;
  uint64_t appends_seen_ = 0;
  MonoTime busy_until_{};
  MonoTime resumed_{};  // the last turn's end
  bool stopped_ = false;
  reactor::WaitList wake_;
};

struct CleaningReport {
  uint64_t read_bytes = 0;     // of all reading
  uint64_t cleaned_bytes = 0;  // of segments that were replaced
  uint64_t written_bytes = 0;  // of those that replaced them
  uint64_t records_removed = 0;
  Offset clean_to{-1};
};

class Compaction {
 public:
  // What is given outlives this. REQUIRES: `range` is of `partition` as it is now.
  Compaction(Partition& partition, CompactionPace& pace, KeyMap& keys, const Cleanable& range,
             int64_t now_ms);
  // Errc::corrupt, malformed and too_large mean that the log cannot be cleaned; after any error
  // what was swapped in stays.
  reactor::Task<Status> run();
  const CleaningReport& report() const { return report_; }

 private:
  reactor::Task<Status> build_map(const LogFacts& facts);
  reactor::Task<Result<bool>> map_segment(Segment& segment);
  reactor::Task<Result<bool>> map_batch(const CheckedScan::Batch& batch);
  reactor::Task<Status> clean_group(const LogFacts& facts, SegmentGroup group);
  reactor::Task<Status> replace(const LogFacts& facts, SegmentGroup group, CleanedSegment& out);
  reactor::Task<Result<bool>> rewrite(const LogFacts& facts, SegmentGroup group,
                                      CleanedSegment* out);
  reactor::Task<Result<bool>> rewrite_segment(Segment& segment, CleanedSegment* out);
  reactor::Task<Result<bool>> rewrite_batch(const CheckedScan::Batch& batch, CleanedSegment* out);
  Result<BatchFate> fate_of(const CheckedScan::Batch& batch);
  bool last_of_producer(const BatchHeader& header) const;
  reactor::Task<Status> spend(const CheckedScan& scan, uint64_t& spent);
  Status still_wanted(const Segment& segment) const;

  // Fixed at construction.
  Partition& partition_;
  Partition::Pin pin_;
  CompactionPace& pace_;
  KeyMap& keys_;
  Cleanable range_;
  FilterRules rules_;
  // Written by run().
  TransactionFilter transactions_{{}};
  CleaningReport report_;
};

}  // namespace odradek::log
