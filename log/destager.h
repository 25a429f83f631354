// Fills segment files from memory, in large blocks, off the path of acknowledgements, and then lets
// the WAL's space be used again. One a LogDisk.
//
// A round:  write whole blocks of some partitions -> fdatasync their segments -> manifest (recovery
//           points) -> carry what is too short to be written into the WAL's newest lap -> release.
#pragma once

#include <vector>

#include "log/manifest_format.h"
#include "log/wal_format.h"
#include "reactor/base/result.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

class LogDisk;
class Partition;

class Destager {
 public:
  explicit Destager(LogDisk& disk) : disk_(disk) {}
  void start();
  // There may be something to do.
  void wake() { work_.notify_all(); }
  // The same, and the oldest WAL file is to be emptied whatever the pressure, for one round.
  void empty_wal() {
    empty_wal_ = true;
    wake();
  }
  // Writes everything that is durable, the last part of a block too, for a partition whose log
  // ends: REQUIRES: nothing is appended to it any more.
  reactor::Task<Status> finish(Partition& partition);
  reactor::Task<void> stop();

 private:
  reactor::Task<void> run();
  // True when it got anything done.
  reactor::Task<bool> round();
  // What a round does.
  struct Choice {
    std::vector<Partition*> partitions;  // whole blocks of these
    std::vector<Partition*> to_the_end;  // these to their last byte
    bool carry = true;                   // what is short goes into the WAL's newest lap
  };
  struct Job;
  Choice choose(WalSequence through) const;
  uint64_t carry_bytes_max() const;
  reactor::Task<Status> destage(const Choice& choice);
  reactor::Task<void> run_job(Job& job);
  reactor::Task<Status> carry(WalSequence through);
  void release();

  LogDisk& disk_;
  bool stopping_ = false;
  bool empty_wal_ = false;
  reactor::WaitList work_;
  reactor::Gate gate_;
};

}  // namespace odradek::log
