// The one low-priority helper thread of the process: calls that have no ring operation (ftruncate,
// readdir, statfs, name look-up). Bounded by the number of operations that wait for it. Also the
// writer of log lines, on a thread of its own so that a slow name server does not hold them up.
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
  // Runs `op` on the helper thread; then it is in `home.done` and the eventfd is written.
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
  void run_jobs();
  void run_lines();

  std::mutex mutex_;
  std::condition_variable wake_jobs_;
  std::condition_variable wake_lines_;
  std::deque<Job> jobs_;
  std::deque<std::string> lines_;
  uint64_t lines_dropped_ = 0;
  bool lines_wanted_ = true;
  bool stopping_ = false;
  std::thread jobs_thread_;
  std::thread lines_thread_;
};

}  // namespace odradek::reactor
