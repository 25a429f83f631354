// Moves of partitions between the log directories (KIP-113). A partition's shard stays, its WAL and
// its segments change: the segments are copied while the log goes on, then appends are refused for
// as long as the rest takes, the manifests say where it is (store_moves.cc), and it is opened there
// as at a start.
#include <algorithm>
#include <utility>

#include "log/checkpoint_files.h"
#include "log/manager.h"
#include "log/partition_copy.h"
#include "reactor/file.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::ShardId;
using reactor::submit_reserved;
using reactor::Task;

std::optional<FutureLog> Manager::future_of(const TopicPartition& id) const {
  const auto it = moves_.find(id);
  if (it == moves_.end()) return std::nullopt;
  const Move& move = *it->second;
  const auto log = partitions_.find(id);
  const bool there = log != partitions_.end() && log->second.disk->directory() == move.target;
  if (there) return std::nullopt;
  return FutureLog{disks_[move.target]->path(), move.copy.bytes(), move.copy.next()};
}

Task<void> Manager::wait_handed_over(TopicPartition id) {
  while (changing_.contains(id) && moves_.contains(id)) (void)co_await changed_.wait();
}

void Manager::configure_partition(const TopicPartition& id, const LogConfig& config) {
  if (Entry* entry = entry_of(id)) return entry->partition->configure(config);
  const auto move = moves_.find(id);
  if (move != moves_.end()) move->second->config = config;
}

// What was said when nobody found it.
void Manager::configure_as_told(Partition& partition) {
  const auto move = moves_.find(partition.id());
  if (move == moves_.end()) return;
  if (const auto told = std::exchange(move->second->config, {})) partition.configure(*told);
}

void Manager::configure_moves(double bytes_per_second) {
  move_rate_ = bytes_per_second;
  move_wake_.notify_all();
}

Task<Status> Manager::move_partition(TopicPartition id, std::string directory) {
  const auto disk =
      std::ranges::find_if(disks_, [&](const auto& d) { return d && d->path() == directory; });
  if (disk == disks_.end()) co_return fail(Errc::fenced, directory + " is offline");
  const auto target = static_cast<size_t>(disk - disks_.begin());
  while (!stopping_) {
    while (changing_.contains(id)) (void)co_await changed_.wait();
    const auto running = moves_.find(id);
    if (running == moves_.end()) break;
    Move& move = *running->second;
    if (move.target == target && !move.canceled) co_return Status{};
    move.canceled = true;
    move_wake_.notify_all();
    (void)co_await changed_.wait();
  }
  if (stopping_) co_return fail(Errc::closed, "the log is stopping");
  co_return begin_move(id, target);
}

// REQUIRES: no move of it is under way.
Status Manager::begin_move(const TopicPartition& id, size_t target) {
  Entry* entry = entry_of(id);
  if (!entry) return fail(absence(id), id.to_string());
  if (entry->disk->directory() == target) return {};
  LogDisk& to = *disks_[target];
  if (!to.writable()) return fail(to.fenced() ? Errc::fenced : Errc::disk_full, to.path());
  // While one is offline nobody could tell after a crash which of two copies is right.
  if (std::ranges::any_of(disks_, [](const auto& d) { return d == nullptr; })) {
    return fail(Errc::fenced, "a log directory is offline");
  }
  const std::string name = future_directory_name(entry->partition->topic_name(), id.partition,
                                                 reactor::this_shard().random_uuid());
  moves_.emplace(
      id, std::make_unique<Move>(entry->partition->generation(), to, to.path() + "/" + name));
  gate_.spawn("move partition", run_move(id), reactor::TaskClass::background);
  return {};
}

// One at a time: a disk that reads for two moves is not faster. Its folder is there from the
// beginning, and stays when the broker stops: then the next start begins the move again.
Task<void> Manager::run_move(TopicPartition id) {
  Move& move = *moves_.find(id)->second;
  Status moved = co_await move.copy.begin();
  while (moved && copying_ && !move.canceled && !stopping_) (void)co_await move_wake_.wait();
  if (moved && !move.canceled && !stopping_) {
    copying_ = true;
    moved = co_await move_now(id, move);
    copying_ = false;
  }
  if (!moved && moved.error().code != Errc::canceled) {
    reactor::log_warning("{} does not move to {}: {}", id.to_string(), move.copy.folder(),
                         moved.error().to_string());
  }
  if (move.canceled || !stopping_) {
    // Not there any more when it is the log.
    const Status discarded = co_await move.copy.discard();
    if (!discarded) {
      reactor::log_warning("{} stays until the next start: {}", move.copy.folder(),
                           discarded.error().to_string());
    }
  }
  moves_.erase(id);
  move_wake_.notify_all();
  changed_.notify_all();
}

Task<Status> Manager::move_now(TopicPartition id, Move& move) {
  CO_TRY(co_await copy_most(id, move));
  for (;;) {
    while (changing_.contains(id)) (void)co_await changed_.wait();
    Entry* entry = entry_of(id);
    const bool same = entry && entry->partition->generation() == move.generation;
    if (stopping_ || move.canceled || !same) co_return fail(Errc::canceled, id.to_string());
    if (!entry->partition->swapping()) break;
    // For as long as its disk is full; whoever deletes the log does not wait for that.
    co_await entry->partition->wait_swapped();
  }
  changing_.insert(id);
  Status moved = co_await cut_over(id, move);
  changing_.erase(id);
  if (Entry* there = entry_of(id)) configure_as_told(*there->partition);
  co_return moved;
}

// The partition is looked up for every piece: it may be deleted in between.
Task<Status> Manager::copy_most(TopicPartition id, Move& move) {
  MonoTime free_at = reactor::this_shard().now();
  for (;;) {
    while (!stopping_ && !move.canceled && reactor::this_shard().now() < free_at) {
      (void)co_await move_wake_.wait(free_at);
    }
    Entry* entry = entry_of(id);
    const bool same = entry && entry->partition->generation() == move.generation;
    if (stopping_ || move.canceled || !same) co_return fail(Errc::canceled, id.to_string());
    CO_TRY_ASSIGN(const uint64_t copied, co_await move.copy.step(*entry->partition));
    if (copied == 0) co_return Status{};
    if (move_rate_ > 0) {
      const std::chrono::duration<double> takes(static_cast<double>(copied) / move_rate_);
      free_at = std::max(free_at, reactor::this_shard().now()) +
                std::chrono::duration_cast<Duration>(takes);
    }
    co_await reactor::yield();
  }
}

static Task<Result<PlacedPartition>> hand_over_on_store(Store* store, TopicPartition id,
                                                        Generation generation, size_t from,
                                                        size_t to) {
  return store->hand_over(id, generation, from, to);
}

// The rest of the copy, which has its name then. REQUIRES: nobody but the caller uses `partition`.
Task<Status> Manager::complete_copy(Partition& partition, Move& move) {
  LogDisk& from = partition.disk();
  CO_TRY(co_await from.destager().finish(partition));
  CO_TRY(co_await partition.trim());
  CO_TRY(co_await move.copy.finish(partition));
  LogDisk& to = *disks_[move.target];
  const std::string name =
      partition_directory_name(partition.topic_name(), partition.id().partition);
  const std::string place = to.path() + "/" + name;
  // A log that was here once and left its folder in a crash: the manifest knows of none.
  CO_TRY(co_await remove_tree(place));
  CO_TRY(co_await reactor::rename_file(move.copy.folder(), place));
  co_return co_await reactor::sync_directory(to.path());
}

// Whatever fails before the manifests say so leaves the log where it was, as it was.
Task<Status> Manager::cut_over(TopicPartition id, Move& move) {
  Status ready = co_await entry_of(id)->partition->settle();
  Entry entry = std::move(*entry_of(id));
  partitions_.erase(id);
  Partition& partition = *entry.partition;
  LogDisk& from = *entry.disk;
  // Nobody finds it any more: who watches it could not take himself out.
  partition.dismiss_watchers();
  co_await partition.wait_unpinned();
  if (ready) ready = co_await complete_copy(partition, move);
  Result<PlacedPartition> placed = fail(Errc::canceled, "");
  if (ready) {
    placed =
        co_await submit_reserved(ShardId(0), [store = store_, id, generation = move.generation,
                                              source = from.directory(), target = move.target] {
          return hand_over_on_store(store, id, generation, source, target);
        });
    if (!placed) ready = fail(placed.error());
  }
  if (!ready) {
    partition.resume();
    partitions_.emplace(id, std::move(entry));
    co_return ready;
  }
  // Only now: the WAL keeps what a log has not destaged only for those it knows.
  from.leave(partition);
  co_return co_await open_moved(std::move(*placed), std::move(entry));
}

Task<Status> Manager::open_moved(PlacedPartition placed, Entry entry) {
  Partition& old = *entry.partition;
  const PartitionSpec spec{.id = old.id(),
                           .topic_name = old.topic_name(),
                           .leader_epoch = old.leader_epoch(),
                           .config = old.config(),
                           .known_before = true};
  disks_[placed.directory]->wal().note_manifest(placed.manifest_sequence);
  Unserved unserved{.why = Error(Errc::corrupt),
                    .disk = disks_[placed.directory].get(),
                    .found = placed.partition,
                    .file_delete_delay_ms = spec.config.file_delete_delay_ms};
  const Status opened = co_await open_placed(std::move(placed), spec);
  if (!opened) {
    reactor::log_error("{} is not served: {}", spec.id.to_string(), opened.error().to_string());
    unserved.why = opened.error();
    unserved_.insert_or_assign(spec.id, std::move(unserved));
  }
  const Status closed = co_await old.close();
  if (!closed) entry.disk->note_failure(closed.error());
  const Status removed = co_await remove_folder(*entry.disk, spec.id, spec.topic_name,
                                                spec.config.file_delete_delay_ms);
  if (!removed) {
    reactor::log_warning("what moved away from {} stays until the next start: {}",
                         entry.disk->path(), removed.error().to_string());
  }
  co_return opened;
}

}  // namespace odradek::log
