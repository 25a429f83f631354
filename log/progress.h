// How far a log is visible, and who waits for it: the high watermark, appends that wait for an
// acknowledgement, and long polls (watchers). Owned by one log, used by its shard only.
#pragma once

#include <optional>

#include "log/partition_log.h"
#include "log/types.h"
#include "reactor/wait.h"

namespace odradek::log {

class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  Offset high_watermark() const { return high_watermark_; }
  // Where a log starts after recovery. REQUIRES: nobody waits yet.
  void start_at(Offset high_watermark) { high_watermark_ = high_watermark; }
  // INVARIANT: never decreases. Wakes waiters and watchers when it moved.
  void advance(Offset high_watermark);
  // The log start moved, or something else that long polls look at.
  void changed();
  // Ends every wait, now and later, with `code`: fenced, or closed, which also lets the watchers
  // go.
  void fail(Errc code);
  // Tells those who watch, and takes them out: they look for the log again.
  void dismiss();
  std::optional<Errc> failed() const { return failed_; }

  // Ends when `last` is below the high watermark, or with timed_out, or with what fail() said.
  reactor::Task<Status> wait(Offset last, MonoTime deadline);

  void add(PartitionLog::Watcher& watcher);
  void remove(PartitionLog::Watcher& watcher);

 private:
  void wake_visible();

  Offset high_watermark_{0};
  std::optional<Errc> failed_;
  reactor::WaitList waiting_;  // units: the offset that is waited for
  PartitionLog::Watcher* watchers_ = nullptr;
};

}  // namespace odradek::log
