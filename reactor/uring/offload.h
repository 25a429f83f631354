// The low-priority helper threads of the process, for calls that have no ring operation: one for
// files (ftruncate, readdir, statfs), which produces wait for, and one for name look-up, which a
// dead name server holds up for many seconds. Each is bounded by the number of operations that wait
// for it. Also the writer of log lines, on a thread of its own so that neither holds them up.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "reactor/op.h"

namespace odradek::reactor {

// Where a finished operation is reported: the submitting driver's list and its eventfd.
struct OffloadHome {
  std::mutex mutex;
  std::deque<Op*> done;
  int event_fd = -1;
};

class Offload {
 public:
  Offload();
  ~Offload();
  // Runs `op` on its helper thread; then it is in `home.done` and the eventfd is written.
  void submit(Op& op, OffloadHome& home);
  // False when kLogLinesQueued lines wait already; the drop is counted and told with the next line.
  bool write_line(std::string line);
  // From now on lines go nowhere. REQUIRES: no shard runs yet.
  void drop_lines() { lines_wanted_ = false; }

 private:
  struct Job {
    Op* op;
    OffloadHome* home;
  };
  struct Helper {
    std::condition_variable wake;
    std::deque<Job> jobs;
    std::thread thread;
  };
  void run_jobs(Helper& helper);
  void run_lines();

  std::mutex mutex_;
  std::condition_variable wake_lines_;
  std::deque<std::string> lines_;
  uint64_t lines_dropped_ = 0;
  bool lines_wanted_ = true;
  bool stopping_ = false;
  Helper files_;
  Helper names_;
  std::thread lines_thread_;
};

}  // namespace odradek::reactor
