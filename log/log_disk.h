// What the logs of one shard in one log directory share: the WAL, who waits for which commit, the
// destager, and whether the directory is fenced or full. Owned by the shard's manager.
//
//   serving --write or fsync error--> fenced (for good)
//   serving --ENOSPC--> full --an allocation succeeds--> serving
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/destager.h"
#include "log/file_cache.h"
#include "log/limits.h"
#include "log/log_metrics.h"
#include "log/manifest_format.h"
#include "log/read_cache.h"
#include "log/tail.h"
#include "log/wal.h"
#include "reactor/wait.h"

namespace odradek::log {

class Partition;
class Store;

struct LogDiskOptions {
  std::string path;
  size_t directory = 0;  // which of the store's
  uint64_t wal_bytes = 0;
  uint64_t reserve_bytes = 0;  // an allocation that would leave less is refused
  bool was_clean = false;      // the directory's last stop
  std::vector<std::string> reusable_files;
  Store* store = nullptr;      // on shard 0
  FileCache* files = nullptr;  // of this shard
  ReadCache* cache = nullptr;  // of this shard
};

class LogDisk final : public WalListener {
 public:
  static reactor::Task<Result<std::unique_ptr<LogDisk>>> start(LogDiskOptions options);
  ~LogDisk();

  const std::string& path() const { return options_.path; }
  size_t directory() const { return options_.directory; }
  bool was_clean() const { return options_.was_clean; }
  Wal& wal() { return *wal_; }
  // Batches of so many bytes go past the WAL, as extents.
  uint64_t extent_bytes_min() const { return extent_bytes_min_; }
  FileCache& files() { return *options_.files; }
  ReadCache& cache() { return *options_.cache; }
  Destager& destager() { return *destager_; }
  DiskMetrics& metrics() { return *metrics_; }

  // Batches that went past the WAL stay in memory until they are destaged, and the WAL does not
  // bound them: all of them together are at most what the WAL may hold, or one. wait_for_extents()
  // ends when there was room at least for a moment: ask again. Errc::too_large when it never fits.
  bool extents_fit(uint64_t bytes) const;
  // True when they take half of that, or somebody waits for their room: then they are destaged
  // whatever the length of the runs.
  bool extents_pressed() const {
    return extent_bytes_ >= extent_bytes_max_ / 2 || !extents_gone_.empty();
  }
  // True when the arena is nearly full, or a read waits for memory: then short runs are destaged
  // too, so that tails can shrink.
  bool memory_pressed() const;
  reactor::Task<Status> wait_for_extents(uint64_t bytes, MonoTime deadline);
  void note_extent(uint64_t bytes) { extent_bytes_ += bytes; }
  void forget_extent(uint64_t bytes);
  // Runs a task that stop() waits for.
  void spawn(const char* name, reactor::Task<void> task) { gate_.spawn(name, std::move(task)); }

  // The logs in this directory, in the order they came.
  const std::vector<Partition*>& partitions() const { return partitions_; }
  void enter(Partition& partition);
  // The partition hears of no commit any more.
  void leave(Partition& partition);

  // `partition` staged everything below `next`, up to `end`, in groups up to `sequence`; it is told
  // when they are written and when they are durable. Order of calls is the order of the log.
  void note_staged(Partition& partition, WalSequence sequence, Offset next, FilePlace end);
  void on_wal_progress(Wal& wal) override;

  // Changes the manifest, durably. After a failure other than a full disk the directory is fenced.
  reactor::Task<Status> edit(std::vector<ManifestEdit> edits);
  // Whether the reserve stays free when `bytes` are taken.
  reactor::Task<Result<bool>> has_space(uint64_t bytes);
  // Says no while less than the reserve would stay free, and remembers that the disk is full.
  reactor::Task<Status> check_space(uint64_t bytes);

  // Gives about `bytes` of the tails that only serve reads back to the arena; false when there is
  // none.
  bool shrink_tails(uint64_t bytes);
  // Keeps part of the arena free for those who read files and receive requests.
  void leave_memory();

  // Takes the first error; every wait in this directory ends with Errc::fenced, on all shards.
  void fence(const Error& why);
  const std::optional<Error>& fenced() const { return fenced_; }
  // Any write failed with `error`: full or fenced.
  void note_failure(const Error& error);
  void note_full();
  void note_space() { full_ = false; }
  // True while the disk is full and it is not yet time to ask again.
  bool refuses_for_space() const;
  bool full() const { return full_; }
  bool writable() const { return !fenced_ && !full_; }

  // Flushes the WAL and ends the tasks. REQUIRES: every partition left.
  reactor::Task<Status> stop();

 private:
  struct Staged {
    Partition* partition;  // null: it left
    WalSequence sequence;
    Offset next;
    FilePlace end;
  };
  explicit LogDisk(LogDiskOptions options) : options_(std::move(options)) {}
  reactor::Task<void> tell_others(Error why);

  // Fixed at construction.
  LogDiskOptions options_;
  uint64_t extent_bytes_min_ = 0;
  uint64_t extent_bytes_max_ = 0;  // of all that are not destaged
  std::unique_ptr<Wal> wal_;
  std::unique_ptr<Destager> destager_;
  std::unique_ptr<DiskMetrics> metrics_;  // before wal_ goes
  // Written by enter() and leave().
  std::vector<Partition*> partitions_;
  // Written by note_staged() and on_wal_progress().
  std::deque<Staged> staged_;  // not durable yet, in order
  size_t staged_written_ = 0;  // how many of them are written
  std::vector<Partition*> touched_;
  // Written by note_extent() and forget_extent().
  uint64_t extent_bytes_ = 0;
  reactor::WaitList extents_gone_;
  // State.
  std::optional<Error> fenced_;
  bool full_ = false;
  MonoTime full_asked_{};
  reactor::Gate gate_;
};

}  // namespace odradek::log
