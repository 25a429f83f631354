// One log directory: its lock, whether it is ours, and the mark of a clean stop. Owned by the
// LogStore on one shard. Recovery's first and last step: everything else in the directory is
// touched only in between.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/wal_format.h"
#include "reactor/base/result.h"
#include "reactor/file.h"
#include "reactor/task.h"

namespace odradek::log {

inline constexpr char kLockFile[] = ".lock";
inline constexpr char kCleanFile[] = "odradek.clean";

// The lock of a directory: `.lock` in it, as a JVM's FileChannel.lock() takes it, so that neither
// Kafka nor a second broker of ours runs beside us. Held until close() or the process ends.
class DirectoryLock {
 public:
  // Errc::permission when another process holds it: the error says who might and what to do.
  static reactor::Task<Result<DirectoryLock>> take(std::string directory);
  reactor::Task<Status> close() { return file_.close(); }
  bool held() const { return file_.is_open(); }

 private:
  reactor::File file_;
};

class LogDirectory {
 public:
  // Whether open() would take the directory for ours or new; changes nothing, takes no lock.
  // Errc::exists: Kafka's data and no manifest of ours; Errc::corrupt: our WAL and no manifest.
  static reactor::Task<Status> look(std::string path);
  // Looks, then makes the directory if need be and takes its lock (Errc::permission when another
  // process, ours or a JVM, holds it).
  static reactor::Task<Result<std::unique_ptr<LogDirectory>>> open(std::string path);
  ~LogDirectory();

  const std::string& path() const { return path_; }
  // True when the last stop was clean: nothing in the WAL is needed. As it was at open().
  bool was_clean() const { return was_clean_; }
  // What recovery found in WALs that are not retired. A group that the mark does not speak of was
  // written after it: then it is the mark of another time (a copy that was put back) and counts for
  // nothing.
  void check_clean(const std::vector<WalEnd>& found);
  // Removes the mark of the clean stop, durably. Before the first change to anything else.
  reactor::Task<Status> begin_use();
  // Leaves the mark of a clean stop, durably. Last of all. `ends` are of the WALs that were
  // written since the start. REQUIRES: begin_use() ran.
  reactor::Task<Status> mark_clean(const std::vector<WalEnd>& ends);
  // Gives the lock back. Run before destruction.
  reactor::Task<Status> close();

 private:
  explicit LogDirectory(std::string path) : path_(std::move(path)) {}
  reactor::Task<Status> look_around();
  std::string path_;
  DirectoryLock lock_;
  bool was_clean_ = false;
  std::vector<WalEnd> clean_ends_;  // as the mark names them
};

// The mark of a clean stop as text, and back; absent for anything else.
std::string encode_clean_mark(const std::vector<WalEnd>& ends);
std::optional<std::vector<WalEnd>> decode_clean_mark(std::string_view text);

// True when `name` is <topic>-<partition>, as Kafka names a partition's directory.
bool is_partition_directory(std::string_view name);

}  // namespace odradek::log
