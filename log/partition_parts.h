// What a Partition is made of and what belongs to one of its jobs only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "log/compaction_plan.h"
#include "log/manifest_format.h"
#include "log/tail.h"
#include "log/wal_format.h"
#include "reactor/base/time.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

struct Carried {  // the bytes from `from` to `end` stand in group `sequence`
  WalSequence sequence{0};
  FilePlace from;
  FilePlace end;
};

// What Partition::destage() did.
struct DestagedPart {
  FilePlace place;    // everything below is in the files, durable
  size_t epochs = 0;  // how many leader epochs the edits tell
  std::vector<ManifestEdit> edits;
};

// How fast blocks go to a segment's file: see Destager::pace().
enum class WritePace : uint8_t { at_once, with_appends };

// Whole blocks of a large batch that went to the segment and not through the WAL.
struct Extent {
  TailBatch batch;
  uint64_t from;  // positions in the segment, multiples of 4 KiB
  uint64_t to;
  bool written = false;
  bool durable = false;
  FilePlace end() const { return {batch.at.segment, to}; }
};

// When the active segment ends by time.
struct RollState {
  int64_t first_ms = -1;  // of its first batch; -1: not known
  uint64_t draw = 0;      // of each active segment, for segment.jitter.ms
  bool owed = false;      // the manifest has a segment that the log has not
};

// Who is inside of something that must not be closed meanwhile.
class Pins {
 public:
  class Pin {
   public:
    explicit Pin(Pins& pins) : pins_(&pins) { ++pins.count_; }
    Pin(Pin&& other) noexcept : pins_(std::exchange(other.pins_, nullptr)) {}
    Pin& operator=(Pin&&) = delete;
    ~Pin() {
      if (pins_ && --pins_->count_ == 0) pins_->none_.notify_all();
    }

   private:
    Pins* pins_;
  };
  uint32_t count() const { return count_; }
  reactor::Task<void> wait_none() {
    while (count_ > 0) (void)co_await none_.wait();
  }

 private:
  uint32_t count_ = 0;
  reactor::WaitList none_;
};

// What compaction remembers of a log between its runs. Written by the compactor and by swap_in().
struct CompactionState {
  Offset clean_to{-1};      // every record below was cleaned; -1: none yet
  std::string uncleanable;  // why it is left alone until the next start; empty: it is not
  MonoTime not_before{};    // after a run that lacked space or memory
  bool swept = true;        // false: sweep() would take what a run makes for what a crash left
  uint64_t swaps = 0;       // since the log was opened: who walks the segments looks again
  std::map<Offset, int64_t> first_times;  // of closed segments' first batches, by base
};

}  // namespace odradek::log
