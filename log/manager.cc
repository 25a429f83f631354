#include "log/manager.h"

#include <algorithm>

#include "log/checkpoint_files.h"
#include "reactor/file.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::ShardId;
using reactor::submit_reserved;
using reactor::Task;

Task<Result<std::unique_ptr<LogManager>>> LogManager::start(LogOptions options, LogStore* store) {
  auto manager = std::make_unique<Manager>(std::move(options), static_cast<Store*>(store));
  const Status begun = co_await manager->begin();
  if (begun) co_return std::unique_ptr<LogManager>(std::move(manager));
  const Error error = begun.error();
  (void)co_await manager->stop();  // the first error is the one to tell
  co_return fail(error);
}

Manager::Manager(LogOptions options, Store* store)
    : options_(std::move(options)),
      store_(store),
      files_(kOpenFilesMax),
      cache_(reactor::this_shard().arena(), options_.cache_bytes),
      compactor_(options_.compaction, logs_to_compact()) {}

Manager::~Manager() { CHECK(stopped_ && partitions_.empty(), partitions_.size()); }

static Task<Store::DirectoryGrant> grant_on_store(Store* store, size_t index, uint32_t shards) {
  co_return store->grant(index, shards);
}

Task<Status> Manager::begin() {
  const uint32_t shards = reactor::this_shard().shard_count();
  const size_t directories = options_.directories.size();
  const uint64_t wal_bytes = std::min<uint64_t>(
      options_.wal_bytes / shards, reactor::this_shard().arena().limit_bytes() / kWalArenaDivisor);
  for (size_t i = 0; i < directories; ++i) {
    Store::DirectoryGrant grant = co_await submit_reserved(
        ShardId(0), [store = store_, i, shards] { return grant_on_store(store, i, shards); });
    if (grant.offline) {
      disks_.push_back(nullptr);
      continue;
    }
    LogDiskOptions disk{.path = std::move(grant.path),
                        .directory = i,
                        .wal_bytes = wal_bytes / directories,
                        .reserve_bytes = options_.disk_reserve_bytes,
                        .was_clean = grant.was_clean,
                        .reusable_files = std::move(grant.reusable_files),
                        .store = store_,
                        .files = &files_,
                        .cache = &cache_};
    CO_TRY_ASSIGN(std::unique_ptr<LogDisk> started, co_await LogDisk::start(std::move(disk)));
    disks_.push_back(std::move(started));
  }
  cache_.on_shortage([this] { return make_room(); });
  if (options_.only_settles) co_return Status{};
  gate_.spawn("retention", retention_loop(), reactor::TaskClass::background);
  gate_.spawn("compaction", compactor_.run(), reactor::TaskClass::background);
  co_return Status{};
}

// Memory for reads: of tails that only serve reads; what else they hold goes to the files soon.
bool Manager::make_room() {
  bool made = false;
  for (const auto& disk : disks_) {
    if (!disk) continue;
    if (disk->shrink_tails(kReadUnitBytes)) {
      made = true;
    } else {
      disk->destager().wake();
    }
  }
  return made;
}

PartitionLog* Manager::find(const TopicPartition& id) {
  const auto it = partitions_.find(id);
  return it == partitions_.end() ? nullptr : it->second.partition.get();
}

bool Manager::serves(const std::string& directory) const {
  return std::ranges::any_of(disks_, [&](const auto& disk) {
    return disk && disk->path() == directory && !disk->fenced();
  });
}

bool Manager::writable() const {
  return std::ranges::all_of(disks_, [](const auto& disk) { return disk && disk->writable(); });
}

Task<Status> Manager::open_partition(PartitionSpec spec) {
  const TopicPartition id = spec.id;
  while (changing_.contains(id)) (void)co_await changed_.wait();
  if (stopping_) co_return fail(Errc::closed, "the log is stopping");
  if (Entry* there = entry_of(id)) {
    there->partition->configure(spec.config);
    if (spec.leader_epoch > there->partition->leader_epoch()) {
      there->partition->begin_epoch(spec.leader_epoch);
    }
    co_return Status{};
  }
  changing_.insert(id);
  unserved_.erase(id);
  Status opened = co_await open_new(std::move(spec));
  if (!opened) unserved_.try_emplace(id, Unserved{.why = opened.error(), .found = {}});
  changing_.erase(id);
  changed_.notify_all();
  co_return opened;
}

static Task<Result<PlacedPartition>> place_on_store(Store* store, TopicPartition id,
                                                    std::string name, bool known_before) {
  return store->place(id, std::move(name), known_before);
}

Task<Status> Manager::open_new(PartitionSpec spec) {
  Result<PlacedPartition> placed = co_await submit_reserved(
      ShardId(0),
      [store = store_, id = spec.id, name = spec.topic_name, known = spec.known_before]() mutable {
        return place_on_store(store, id, std::move(name), known);
      });
  if (!placed) co_return fail(placed.error());
  LogDisk& disk = *disks_[placed->directory];
  disk.wal().note_manifest(placed->manifest_sequence);
  const TopicPartition id = spec.id;
  const std::optional<size_t> moving_to = placed->moving_to;
  Unserved unserved{.why = Error(Errc::corrupt),
                    .disk = &disk,
                    .found = placed->partition,
                    .file_delete_delay_ms = spec.config.file_delete_delay_ms};
  const Status opened = co_await open_placed(std::move(*placed), std::move(spec));
  if (!opened) {
    unserved.why = opened.error();
    unserved_.emplace(id, std::move(unserved));
    co_return opened;
  }
  const bool moves_on = moving_to && !stopping_ && !options_.only_settles;
  const Status moving = moves_on ? begin_move(id, *moving_to) : Status{};
  if (!moving) {
    reactor::log_warning("the move of {} does not go on: {}", id.to_string(),
                         moving.error().to_string());
  }
  co_return opened;
}

Task<Status> Manager::open_placed(PlacedPartition placed, PartitionSpec spec) {
  LogDisk& disk = *disks_[placed.directory];
  if (!placed.partition.quarantine.empty()) {
    co_return fail(Errc::corrupt, "quarantined: " + placed.partition.quarantine);
  }
  Entry entry{std::make_unique<Partition>(disk, std::move(placed.partition), spec.config), &disk};
  const Status opened = co_await entry.partition->open();
  if (!opened) {
    (void)co_await entry.partition->close();  // the first error is the one to tell
    co_return opened;
  }
  entry.partition->begin_epoch(std::max(spec.leader_epoch, entry.partition->leader_epoch()));
  configure_as_told(*entry.partition);
  disk.enter(*entry.partition);
  entry.partition->compaction().swept = disk.was_clean();
  partitions_.emplace(spec.id, std::move(entry));
  if (disk.was_clean()) co_return Status{};
  to_sweep_.push_back(spec.id);
  if (!std::exchange(sweeping_, true) && !gate_.closed()) {
    gate_.spawn("sweep", sweep_loop(), reactor::TaskClass::background);
  }
  co_return Status{};
}

// One directory after the other, behind everything else: 10,000 of them do not hold up a start.
Task<void> Manager::sweep_loop() {
  while (!to_sweep_.empty() && !stopping_) {
    const TopicPartition id = to_sweep_.front();
    to_sweep_.pop_front();
    Entry* entry = entry_of(id);
    if (!entry) continue;
    const Status swept = co_await entry->partition->sweep();
    if (!swept) reactor::log_warning("sweeping {}: {}", id.to_string(), swept.error().to_string());
  }
  sweeping_ = false;
}

Manager::Entry* Manager::entry_of(const TopicPartition& id) {
  const auto it = partitions_.find(id);
  return it == partitions_.end() ? nullptr : &it->second;
}

Errc Manager::absence(const TopicPartition& id) const {
  return unserved_.contains(id) ? Errc::corrupt : Errc::moved;
}

static Task<Status> remove_on_store(Store* store, size_t directory, TopicPartition id,
                                    Generation generation) {
  return store->remove(directory, id, generation);
}

Task<Status> Manager::delete_partition(TopicPartition id) {
  while (changing_.contains(id)) (void)co_await changed_.wait();
  const auto it = partitions_.find(id);
  if (it == partitions_.end() && !unserved_.contains(id)) co_return Status{};
  changing_.insert(id);
  Status forgotten;
  if (it == partitions_.end()) {
    forgotten = co_await forget_unserved(id);
  } else {
    Entry entry = std::move(it->second);
    partitions_.erase(it);
    forgotten = co_await forget(std::move(entry));
  }
  changing_.erase(id);
  changed_.notify_all();
  co_return forgotten;
}

// Out of the manifest first: from then on the files are garbage, whatever happens to them.
Task<Status> Manager::forget(Entry entry) {
  Partition& partition = *entry.partition;
  co_await partition.quiesce();
  partition.end_destage();
  co_await partition.wait_unpinned();
  const Status removed = co_await remove_entry(*entry.disk, partition.id(), partition.generation());
  // Only now: with the entry there, and its records not in the WAL any more, a start would miss
  // them.
  entry.disk->leave(partition);
  const Status closed = co_await partition.close();
  if (!closed) entry.disk->note_failure(closed.error());
  CO_TRY(removed);
  co_return co_await remove_folder(*entry.disk, partition.id(), partition.topic_name(),
                                   partition.config().file_delete_delay_ms);
}

Task<Status> Manager::forget_unserved(TopicPartition id) {
  Unserved unserved = std::move(unserved_.find(id)->second);
  unserved_.erase(id);
  if (!unserved.disk) co_return fail(std::move(unserved.why));
  CO_TRY(co_await remove_entry(*unserved.disk, id, unserved.found.generation));
  co_return co_await remove_folder(*unserved.disk, id, std::move(unserved.found.topic_name),
                                   unserved.file_delete_delay_ms);
}

// From the manifest.
Task<Status> Manager::remove_entry(LogDisk& disk, TopicPartition id, Generation generation) {
  Status removed = co_await submit_reserved(
      ShardId(0), [store = store_, directory = disk.directory(), id, generation] {
        return remove_on_store(store, directory, id, generation);
      });
  if (!removed) disk.note_failure(removed.error());
  co_return removed;
}

Task<Status> Manager::remove_folder(LogDisk& disk, TopicPartition id, std::string topic_name,
                                    int64_t delay_ms) {
  const std::string name =
      deleted_directory_name(topic_name, id.partition, reactor::this_shard().random_uuid());
  const std::string path = disk.path() + "/" + name;
  const std::string from = disk.path() + "/" + partition_directory_name(topic_name, id.partition);
  const Status renamed = co_await reactor::rename_file(from, path);
  if (!renamed && renamed.error().code == Errc::not_found) co_return Status{};
  if (!renamed) co_return renamed;
  CO_TRY(co_await reactor::sync_directory(disk.path()));
  const Duration delay = duration_from_ms(delay_ms);
  gate_.spawn("delete files", remove_later(path, delay), reactor::TaskClass::background);
  co_return Status{};
}

Task<void> Manager::remove_later(std::string path, Duration delay) {
  const MonoTime when = reactor::this_shard().now() + delay;
  while (!stopping_ && reactor::this_shard().now() < when) (void)co_await stop_.wait(when);
  // After a stop the next start finds the directory by its name.
  if (stopping_) co_return;
  const Status removed = co_await remove_tree(path);
  if (!removed)
    reactor::log_warning("{} stays until the next start: {}", path, removed.error().to_string());
}

std::vector<TopicPartition> Manager::ids() const {
  std::vector<TopicPartition> out;
  for (const auto& [id, entry] : partitions_) out.push_back(id);
  std::ranges::sort(out);
  return out;
}

Compactor::Logs Manager::logs_to_compact() {
  return {.all =
              [this] {
                std::vector<TopicPartition> out = ids();
                std::erase_if(out, [this](const TopicPartition& id) {
                  return !entry_of(id)->partition->config().compact_policy;
                });
                return out;
              },
          .find = [this](const TopicPartition& id) -> Partition* {
            Entry* entry = entry_of(id);
            return entry ? entry->partition.get() : nullptr;
          },
          .appends =
              [this] {
                uint64_t groups = 0;
                for (const auto& disk : disks_) groups += disk ? disk->wal().stats().groups : 0;
                return groups;
              },
          .begin =
              [store = store_](uint32_t most) {
                return submit_reserved(ShardId(0),
                                       [store, most] { return store->begin_cleaning(most); });
              },
          .end =
              [store = store_] {
                return submit_reserved(ShardId(0), [store] { return store->end_cleaning(); });
              }};
}

Task<void> Manager::run_retention() {
  const std::vector<TopicPartition> all = ids();
  for (const TopicPartition& id : all) {
    Entry* entry = entry_of(id);
    if (!entry || entry->disk->fenced()) continue;
    const Status done =
        co_await entry->partition->run_retention(reactor::this_shard().wall_now().ms);
    if (!done)
      reactor::log_warning("retention of {}: {}", id.to_string(), done.error().to_string());
    co_await reactor::yield();
  }
}

Task<void> Manager::retention_loop() {
  while (!stopping_) {
    (void)co_await stop_.wait(reactor::this_shard().now() + options_.retention_interval);
    if (!stopping_) co_await run_retention();
  }
}

static Task<void> unclean_on_store(Store* store, size_t directory) {
  store->note_unclean(directory);
  co_return;
}

Task<void> Manager::tell_unclean(size_t directory) {
  co_await submit_reserved(
      ShardId(0), [store = store_, directory] { return unclean_on_store(store, directory); });
}

static Task<Status> finish_files(LogDisk& disk, Partition& partition) {
  if (disk.fenced()) co_return fail(*disk.fenced());
  CO_TRY(co_await disk.destager().finish(partition));
  co_return co_await partition.trim();
}

// Destages, trims and closes one log. The first failure of all is kept in `result`.
Task<void> Manager::finish(Entry& entry, Status& result) {
  Status finished = co_await finish_files(*entry.disk, *entry.partition);
  entry.disk->leave(*entry.partition);
  const Status closed = co_await entry.partition->close();
  if (finished && !closed) finished = closed;
  if (finished) co_return;
  co_await tell_unclean(entry.disk->directory());
  if (result) result = std::move(finished);
}

// Some at a time: a stop with 10,000 logs waits for the disk, not for one log after the other.
Task<Status> Manager::finish_all() {
  Status result;
  const std::vector<TopicPartition> all = ids();
  for (size_t at = 0; at < all.size(); at += kLogsFinishedAtOnce) {
    reactor::Gate some;
    const size_t end = std::min(all.size(), at + kLogsFinishedAtOnce);
    for (size_t i = at; i < end; ++i) some.spawn("finish log", finish(*entry_of(all[i]), result));
    co_await some.close();
  }
  partitions_.clear();
  co_return result;
}

Task<Status> Manager::stop() {
  stopping_ = true;
  compactor_.stop();
  for (auto& [id, entry] : partitions_) entry.partition->prepare_stop();
  stop_.notify_all();
  move_wake_.notify_all();
  while (!changing_.empty()) (void)co_await changed_.wait();
  co_await gate_.close();
  std::erase(disks_, nullptr);  // offline
  Status result;
  for (auto& [id, entry] : partitions_) co_await entry.partition->quiesce();
  for (auto& disk : disks_) {
    Status flushed = co_await disk->wal().flush();
    co_await disk->destager().stop();
    if (result && !flushed) result = std::move(flushed);
  }
  Status finished = co_await finish_all();
  if (result && !finished) result = std::move(finished);
  for (auto& disk : disks_) {
    Status ended = co_await disk->stop();
    if (!ended) co_await tell_unclean(disk->directory());
    if (result && !ended) result = std::move(ended);
  }
  co_await cache_.stop();
  disks_.clear();
  stopped_ = true;
  co_return result;
}

}  // namespace odradek::log
