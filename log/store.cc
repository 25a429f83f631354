#include "log/store.h"

#include <algorithm>

#include "log/checkpoint_files.h"
#include "log/limits.h"
#include "log/log_disk.h"
#include "log/recovery.h"
#include "log/segment_swap.h"
#include "log/wal_scan.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

Task<Result<std::unique_ptr<LogStore>>> LogStore::open(LogOptions options) {
  CO_TRY_ASSIGN(std::unique_ptr<Store> store, co_await Store::open(std::move(options)));
  co_return std::unique_ptr<LogStore>(std::move(store));
}

// What is wrong with one disk and no reason not to use another.
static bool is_of_disk(const Error& error) {
  return error.code == Errc::io || error.code == Errc::corrupt || error.code == Errc::fenced ||
         error.code == Errc::disk_full;
}

Task<Result<std::unique_ptr<Store>>> Store::open(LogOptions options) {
  CHECK(reactor::this_shard().id().value == 0, reactor::this_shard().id());
  // All of them before any of them is changed.
  for (const std::string& path : options.directories) {
    Status looked = co_await LogDirectory::look(path);
    if (!looked && !is_of_disk(looked.error())) co_return fail(std::move(looked).error());
  }
  std::unique_ptr<Store> store(new Store(options));
  const Status opened = co_await store->open_all();
  if (opened) co_return store;
  for (Directory& directory : store->directories_) directory.failed = true;
  (void)co_await store->close();  // gives the locks back; the first error is the one to tell
  co_return fail(opened.error());
}

Task<Status> Store::open_all() {
  size_t serving = 0;
  for (const std::string& path : options_.directories) {
    const Status opened = co_await open_directory(path);
    if (opened) {
      ++serving;
    } else if (is_of_disk(opened.error())) {
      co_await put_offline(directories_.back(), opened.error());
    } else {
      co_return opened;
    }
  }
  if (serving > 0) co_return co_await settle_moves();
  co_return fail(*directories_.front().offline);
}

// Alone it would be an error; the others go on.
Task<void> Store::put_offline(Directory& directory, Error why) {
  if (options_.directories.size() > 1) {
    reactor::log_error("{} is offline until a restart: {}; the other log directories serve",
                       directory.path, why.to_string());
  }
  directory.failed = true;
  directory.offline = std::move(why);
  // What cannot be closed is gone with the disk.
  if (directory.manifest) (void)co_await directory.manifest->close();
  directory.manifest.reset();
  directory.reusable_files.clear();
  std::erase_if(found_, [&](const FoundPartition& f) { return f.directory == directory.path; });
}

bool Store::offline(const std::string& directory) const {
  const auto it = std::ranges::find(directories_, directory, &Directory::path);
  return it != directories_.end() && it->offline.has_value();
}

Store::~Store() { CHECK(closed_); }

static void tell_of_quarantine(const std::string& path, const ManifestPartition& partition) {
  const std::string name = partition_directory_name(partition.topic_name, partition.id.partition);
  reactor::log_error(
      "{}/{} is quarantined: {}. Clients get KAFKA_STORAGE_ERROR for it, other partitions are "
      "served. Delete the topic, or put back a copy of the log directory, or stop the broker and "
      "take what is left: odradek storage accept-loss {} {}",
      path, name, partition.quarantine, path, name);
}

Task<Status> Store::open_directory(std::string path) {
  Directory& made = directories_.emplace_back();
  made.path = path;
  CO_TRY_ASSIGN(made.directory, co_await LogDirectory::open(path));
  CO_TRY_ASSIGN(made.manifest, co_await Manifest::open(path));
  CO_TRY(co_await made.directory->begin_use());
  CO_TRY(co_await finish_swaps(path, *made.manifest));
  CO_TRY_ASSIGN(RecoveryReport report, co_await recover_directory(path, *made.manifest, files_));
  made.reusable_files = std::move(report.reusable_files);
  made.directory->check_clean(report.wals);
  CO_TRY(co_await remove_leftovers(path));
  const size_t found_before = found_.size();
  for (const ManifestPartition* partition : made.manifest->state().sorted()) {
    found_.push_back({partition->id, partition->topic_name, path, partition->quarantine});
    if (!partition->quarantine.empty()) tell_of_quarantine(path, *partition);
  }
  reactor::log_info("{}: {} partitions, {} write-ahead bytes read, {} records of {} partitions{}",
                    path, found_.size() - found_before, report.wal_bytes, report.records,
                    report.partitions, made.directory->was_clean() ? ", clean" : "");
  co_return Status{};
}

// What a deletion renamed and did not come to remove, and what a move did not come to copy.
Task<Status> Store::remove_leftovers(std::string path) {
  CO_TRY_ASSIGN(const std::vector<reactor::DirEntry> entries,
                co_await reactor::list_directory(path));
  for (const reactor::DirEntry& entry : entries) {
    const auto parsed = parse_partition_directory(entry.name);
    if (!entry.directory || !parsed || !(parsed->deleted || parsed->future)) continue;
    CO_TRY(co_await remove_tree(path + "/" + entry.name));
    if (!parsed->future) continue;
    cut_off_[partition_directory_name(parsed->topic, parsed->partition)].push_back(
        directories_.size() - 1);
  }
  co_return Status{};
}

Task<Status> remove_tree(std::string path) {
  const auto entries = co_await reactor::list_directory(path);
  if (!entries) {
    if (entries.error().code == Errc::not_found) co_return Status{};
    co_return fail(entries.error());
  }
  for (const reactor::DirEntry& entry : *entries) {
    const Status removed = co_await reactor::remove_file(path + "/" + entry.name);
    if (!removed && removed.error().code != Errc::not_found) co_return removed;
  }
  co_return co_await reactor::remove_directory(path);
}

bool Store::clean() const {
  return std::ranges::all_of(
      directories_, [](const Directory& d) { return !d.offline && d.directory->was_clean(); });
}

Task<Status> Store::close() {
  CHECK(!closed_);
  Status result;
  const auto note = [&result](const Status& status) {
    if (result) result = status;
  };
  for (Directory& directory : directories_) {
    if (directory.manifest) {
      const Status closed = co_await directory.manifest->close();
      note(closed);
      if (!closed) directory.failed = true;
    }
    if (!directory.directory) continue;
    if (!directory.failed) note(co_await leave_clean(directory));
    note(co_await directory.directory->close());
  }
  closed_ = true;
  co_return result;
}

// Everything is in the files and the manifest knows: the next start reads nothing of the WALs.
Task<Status> Store::leave_clean(Directory& directory) {
  CO_TRY(co_await WalScan::retire_all(directory.directory->path()));
  co_return co_await directory.directory->mark_clean(directory.ends);
}

Task<bool> Store::begin_cleaning(uint32_t most) {
  const MonoTime deadline = reactor::this_shard().now() + kCleanTurnWait;
  while (cleanings_ >= most) {
    if (!co_await cleaning_ended_.wait(deadline)) co_return false;
  }
  ++cleanings_;
  co_return true;
}

Task<void> Store::end_cleaning() {
  --cleanings_;
  cleaning_ended_.notify_all();
  co_return;
}

Store::DirectoryGrant Store::grant(size_t index, uint32_t shard_count) {
  Directory& directory = directories_[index];
  if (directory.offline) return {.offline = true, .path = directory.path, .reusable_files = {}};
  DirectoryGrant out{.path = directory.directory->path(),
                     .was_clean = directory.directory->was_clean(),
                     .reusable_files = {}};
  std::vector<std::string>& files = directory.reusable_files;
  const size_t share = (files.size() + shard_count - 1) / shard_count;
  while (out.reusable_files.size() < share && !files.empty()) {
    out.reusable_files.push_back(std::move(files.back()));
    files.pop_back();
  }
  return out;
}

void Store::join(size_t directory, reactor::ShardId shard, LogDisk* disk) {
  directories_[directory].members.push_back({shard, disk});
}

Task<void> Store::leave(size_t directory, LogDisk* disk, WalEnd end) {
  (void)co_await telling_.acquire(1);
  directories_[directory].ends.push_back(end);
  std::erase_if(directories_[directory].members,
                [disk](const Member& m) { return m.disk == disk; });
  telling_.release(1);
}

static Task<void> fence_member(LogDisk* disk, Error why) {
  disk->fence(why);
  co_return;
}

Task<void> Store::fence(size_t directory, Error why) {
  directories_[directory].failed = true;
  (void)co_await telling_.acquire(1);
  const std::vector<Member> members = directories_[directory].members;
  for (const Member& member : members) {
    co_await reactor::submit_reserved(
        member.shard, [disk = member.disk, why] { return fence_member(disk, why); });
  }
  telling_.release(1);
}

// The one with the fewest partitions, of those that work.
Result<size_t> Store::pick_directory() const {
  std::optional<size_t> fewest;
  const auto count = [this](size_t i) {
    return directories_[i].manifest->state().partitions.size();
  };
  for (size_t i = 0; i < directories_.size(); ++i) {
    if (directories_[i].failed || !directories_[i].manifest) continue;
    if (!fewest || count(i) < count(*fewest)) fewest = i;
  }
  if (!fewest) return fail(Errc::fenced, "every log directory failed");
  return *fewest;
}

// An odd number of moves: see store_moves.cc.
static constexpr const char* kWhereabouts =
    "it was being moved to another log directory, and one is offline";

Task<Result<PlacedPartition>> Store::place(TopicPartition id, std::string topic_name,
                                           bool known_before) {
  for (size_t i = 0; i < directories_.size(); ++i) {
    if (directories_[i].offline) continue;
    Manifest& manifest = *directories_[i].manifest;
    if (const ManifestPartition* found = manifest.find(id)) {
      // Another call may have added it and not be durable yet.
      CO_TRY(co_await manifest.commit());
      const ManifestPartition* again = manifest.find(id);
      if (!again) co_return fail(Errc::not_found, id.to_string() + " was removed meanwhile");
      (void)found;
      if (again->moves % 2 == 1) co_return fail(Errc::fenced, kWhereabouts);
      co_return PlacedPartition{i, *again, manifest.sequence(), take_cut_off(*again, i)};
    }
  }
  for (const Directory& directory : directories_) {
    if (!known_before || !directory.offline) continue;
    co_return fail(Errc::fenced, "it may be in " + directory.path + ", which is offline");
  }
  CO_TRY_ASSIGN(const size_t fewest, pick_directory());
  Manifest& manifest = *directories_[fewest].manifest;
  manifest.edit(PartitionAdded{id, std::move(topic_name), manifest.state().next_generation});
  CO_TRY(co_await manifest.commit());
  const ManifestPartition* added = manifest.find(id);
  if (!added) co_return fail(Errc::not_found, id.to_string() + " was removed meanwhile");
  co_return PlacedPartition{fewest, *added, manifest.sequence(), std::nullopt};
}

Task<Status> Store::remove(size_t directory, TopicPartition id, Generation generation) {
  Manifest& manifest = *directories_[directory].manifest;
  manifest.edit(PartitionRemoved{id, generation});
  co_return co_await manifest.commit();
}

Task<Result<uint64_t>> Store::edit(size_t directory, std::vector<ManifestEdit> edits) {
  Manifest& manifest = *directories_[directory].manifest;
  for (const ManifestEdit& edit : edits) manifest.edit(edit);
  CO_TRY(co_await manifest.commit());
  co_return manifest.sequence();
}

}  // namespace odradek::log
