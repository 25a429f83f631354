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
  // Writes everything that is durable, the last part of a block too, for a partition whose log
  // ends: REQUIRES: nothing is appended to it any more.
  reactor::Task<Status> finish(Partition& partition);
  // Waits until a piece of so many bytes may be written in a round. A flush of the WAL carries to
  // the platter whatever was written to the disk before it: in one go, what collected in a second
  // would hold up acknowledgements for tens of milliseconds. So pieces go out no faster than
  // kDestageSpeedup times what is appended; at once while nothing is, and when space or memory is
  // wanted.
  reactor::Task<void> pace(uint64_t bytes);
  // The round under way goes on without a pace: a log of it is to be closed, or to move.
  void hurry() { hurried_ = true; }
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
  bool hurried_ = false;
  // Written by pace().
  uint64_t credit_bytes_ = 0;
  uint64_t appended_seen_ = 0;  // bytes of the WAL
  reactor::WaitList work_;
  reactor::Gate gate_;
};

}  // namespace odradek::log
