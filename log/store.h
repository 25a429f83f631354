// The log directories of this process: locks, manifests, recovery. LogStore's only implementation.
// Lives on shard 0 and is called there; managers of other shards come by submit_to(ShardId(0),
// ...).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/directory.h"
#include "log/file_cache.h"
#include "log/log_manager.h"
#include "log/manifest.h"
#include "reactor/wait.h"

namespace odradek::log {

// Where a partition is, and what the manifest says of it.
struct PlacedPartition {
  size_t directory = 0;
  ManifestPartition partition;
  uint64_t manifest_sequence = 0;   // of a manifest entry that is durable and knows it
  std::optional<size_t> moving_to;  // where it was on its way to when the broker ended
};

class LogDisk;

class Store final : public LogStore {
 public:
  static reactor::Task<Result<std::unique_ptr<Store>>> open(LogOptions options);
  ~Store() override;

  const std::vector<FoundPartition>& found() const override { return found_; }
  bool offline(const std::string& directory) const override;
  bool clean() const override;
  reactor::Task<Status> close() override;

  // What a shard's manager needs of directory `index`: up to `bytes` of pre-written files for its
  // WAL.
  struct DirectoryGrant {
    bool offline = false;  // then the rest is empty
    std::string path;
    bool was_clean = false;
    std::vector<std::string> reusable_files;
  };
  // True when a cleaning may begin on some shard: fewer than `most` are under way. Waits for that,
  // but not long: whoever waits may be about to stop.
  reactor::Task<bool> begin_cleaning(uint32_t most);
  reactor::Task<void> end_cleaning();
  DirectoryGrant grant(size_t index, uint32_t shard_count);
  size_t directory_count() const { return directories_.size(); }

  // The partition as it is, or a new one in the directory with the fewest of those that work.
  // Durable when this ends. Errc::fenced when there is none, or when it is `known_before` and may
  // be in a directory that is offline.
  reactor::Task<Result<PlacedPartition>> place(TopicPartition id, std::string topic_name,
                                               bool known_before);
  // Forgets the partition, durably. Its files are the caller's.
  reactor::Task<Status> remove(size_t directory, TopicPartition id, Generation generation);
  // The partition's log was copied from one directory to another, and nothing is appended: from now
  // on it is there, durably. After an error it is where it was.
  reactor::Task<Result<PlacedPartition>> hand_over(TopicPartition id, Generation generation,
                                                   size_t from, size_t to);
  // Changes the manifest of a directory, durably. Returns the number of an entry that is durable
  // and not before them.
  reactor::Task<Result<uint64_t>> edit(size_t directory, std::vector<ManifestEdit> edits);
  // Who hears of a failure of the directory. leave() returns when nobody speaks to it any more.
  void join(size_t directory, reactor::ShardId shard, LogDisk* disk);
  // `end` is where its WAL ended.
  reactor::Task<void> leave(size_t directory, LogDisk* disk, WalEnd end);
  // A write or fsync failed on one shard: no shard acknowledges in this directory any more.
  reactor::Task<void> fence(size_t directory, Error why);
  // The directory gets no clean marker: something was not written that should be.
  void note_unclean(size_t directory) { directories_[directory].failed = true; }

 private:
  struct Member {
    reactor::ShardId shard;
    LogDisk* disk;  // used on its shard only
  };
  struct Directory {
    std::unique_ptr<LogDirectory> directory;
    std::unique_ptr<Manifest> manifest;
    std::vector<std::string> reusable_files;
    std::vector<Member> members;
    std::vector<WalEnd> ends;  // of those that left
    bool failed = false;
    std::optional<Error> offline;  // since the start; then the others are null
    std::string path;
  };
  explicit Store(LogOptions options) : options_(std::move(options)), files_(kOpenFilesMaxOfStore) {}
  static constexpr uint32_t kOpenFilesMaxOfStore = 64;
  reactor::Task<Status> open_all();
  reactor::Task<Status> open_directory(std::string path);
  reactor::Task<void> put_offline(Directory& directory, Error why);
  Result<size_t> pick_directory() const;
  reactor::Task<Status> leave_clean(Directory& directory);
  reactor::Task<Status> remove_leftovers(std::string path);
  // store_moves.cc
  reactor::Task<Status> settle_moves();
  reactor::Task<Status> remove_moved();
  std::optional<size_t> take_cut_off(const ManifestPartition& partition, size_t directory);

  LogOptions options_;
  FileCache files_;  // for recovery
  std::vector<Directory> directories_;
  std::vector<FoundPartition> found_;
  // Moves that did not end: from the name of a partition's folder to the directories with a copy.
  std::map<std::string, std::vector<size_t>> cut_off_;
  reactor::Semaphore telling_{1};  // held while members are spoken to
  // Written by begin_cleaning() and end_cleaning().
  uint32_t cleanings_ = 0;
  reactor::WaitList cleaning_ended_;
  bool closed_ = false;
};

// Removes a directory and the files in it; what is not there is fine.
reactor::Task<Status> remove_tree(std::string path);

}  // namespace odradek::log
