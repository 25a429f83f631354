#include "log/log_disk.h"

#include <algorithm>

#include "log/partition.h"
#include "log/store.h"
#include "reactor/file.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

static WalOptions wal_options_of(const LogDiskOptions& options, WalListener* listener) {
  const uint64_t capacity =
      align_down(std::max(options.wal_bytes, kWalBytesMin), 8 * kDiskBlockBytes);
  const uint64_t first = std::min(kWalFirstFileBytes, capacity / 2);
  WalOptions wal;
  wal.directory = options.path;
  wal.capacity_bytes = capacity;
  wal.first_file_bytes = static_cast<uint32_t>(first);
  wal.file_bytes = static_cast<uint32_t>(std::clamp(capacity / 8, first, kWalFileBytesMax));
  wal.group_bytes_max = static_cast<uint32_t>(std::min(kWalGroupBytes, first / 2));
  wal.reserve_bytes = options.reserve_bytes;
  wal.reusable_files = options.reusable_files;
  wal.listener = listener;
  return wal;
}

static Task<void> join_store(Store* store, size_t directory, reactor::ShardId shard,
                             LogDisk* disk) {
  store->join(directory, shard, disk);
  co_return;
}

static Task<void> leave_store(Store* store, size_t directory, LogDisk* disk, WalEnd end) {
  return store->leave(directory, disk, end);
}

static Task<void> fence_store(Store* store, size_t directory, Error why) {
  return store->fence(directory, std::move(why));
}

Task<Result<std::unique_ptr<LogDisk>>> LogDisk::start(LogDiskOptions options) {
  std::unique_ptr<LogDisk> disk(new LogDisk(std::move(options)));
  WalOptions wal = wal_options_of(disk->options_, disk.get());
  disk->extent_bytes_min_ = std::min<uint64_t>(kExtentBytesMin, wal.group_bytes_max / 4);
  disk->extent_bytes_max_ = wal.capacity_bytes;
  CO_TRY_ASSIGN(disk->wal_, co_await Wal::create(std::move(wal)));
  disk->metrics_ = std::make_unique<DiskMetrics>(*disk);
  disk->destager_ = std::make_unique<Destager>(*disk);
  disk->destager_->start();
  co_await reactor::submit_reserved(
      reactor::ShardId(0), [store = disk->options_.store, directory = disk->options_.directory,
                            shard = reactor::this_shard().id(), member = disk.get()] {
        return join_store(store, directory, shard, member);
      });
  co_return disk;
}

LogDisk::~LogDisk() { CHECK(partitions_.empty(), partitions_.size()); }

bool LogDisk::extents_fit(uint64_t bytes) const {
  return extent_bytes_ == 0 || extent_bytes_ + bytes <= extent_bytes_max_;
}

Task<Status> LogDisk::wait_for_extents(uint64_t bytes, MonoTime deadline) {
  const uint64_t most = reactor::this_shard().arena().limit_bytes() / kWalArenaDivisor;
  if (bytes > most) {
    co_return fail(Errc::too_large, "a batch of " + std::to_string(bytes) +
                                        " bytes where the log's memory takes one of " +
                                        std::to_string(most));
  }
  while (!extents_fit(bytes)) {
    if (fenced_) co_return fail(Errc::fenced, options_.path + " failed: " + fenced_->to_string());
    destager_->wake();
    if (!co_await extents_gone_.wait(deadline)) {
      co_return fail(Errc::timed_out, "waiting for large batches to be destaged");
    }
  }
  co_return Status{};
}

void LogDisk::forget_extent(uint64_t bytes) {
  CHECK(bytes <= extent_bytes_, bytes, extent_bytes_);
  extent_bytes_ -= bytes;
  extents_gone_.notify_all();
}

void LogDisk::enter(Partition& partition) { partitions_.push_back(&partition); }

void LogDisk::leave(Partition& partition) {
  std::erase(partitions_, &partition);
  for (Staged& staged : staged_) {
    if (staged.partition == &partition) staged.partition = nullptr;
  }
}

void LogDisk::note_staged(Partition& partition, WalSequence sequence, Offset next, FilePlace end) {
  if (fenced_) return;
  CHECK(staged_.empty() || staged_.back().sequence <= sequence, sequence);
#ifdef ODRADEK_PLANT_ACK_BEFORE_WRITE
  partition.on_written(next);
  partition.on_durable(next, end);
  partition.publish();
#else
  staged_.push_back({&partition, sequence, next, end});
#endif
}

void LogDisk::on_wal_progress(Wal& wal) {
  if (wal.failure()) fence(*wal.failure());
  if (fenced_) return;
  touched_.clear();
  const auto touch = [this](Partition* partition) {
    if (touched_.empty() || touched_.back() != partition) touched_.push_back(partition);
  };
  while (staged_written_ < staged_.size() && staged_[staged_written_].sequence <= wal.written()) {
    Staged& staged = staged_[staged_written_++];
    if (!staged.partition) continue;
    staged.partition->on_written(staged.next);
    touch(staged.partition);
  }
  while (staged_written_ > 0 && staged_.front().sequence <= wal.durable()) {
    Staged& staged = staged_.front();
    if (staged.partition) {
      staged.partition->on_durable(staged.next, staged.end);
      touch(staged.partition);
    }
    staged_.pop_front();
    --staged_written_;
  }
  bool wanted = wal.pressure() >= kWalPressureDestage || extents_pressed();
  for (Partition* partition : touched_) {
    partition->publish();
    wanted = wanted || partition->destage_bytes() >= kDestageRunBytes;
  }
  if (wanted && destager_) destager_->wake();
}

static Task<Result<uint64_t>> edit_on_store(Store* store, size_t directory,
                                            std::vector<ManifestEdit> edits) {
  return store->edit(directory, std::move(edits));
}

Task<Status> LogDisk::edit(std::vector<ManifestEdit> edits) {
  const Result<uint64_t> edited = co_await reactor::submit_reserved(
      reactor::ShardId(0),
      [store = options_.store, directory = options_.directory, edits = std::move(edits)]() mutable {
        return edit_on_store(store, directory, std::move(edits));
      });
  if (!edited) {
    note_failure(edited.error());
    co_return fail(edited.error());
  }
  wal_->note_manifest(*edited);
  co_return Status{};
}

Task<Result<bool>> LogDisk::has_space(uint64_t bytes) {
  CO_TRY_ASSIGN(const reactor::FsStat stat, co_await reactor::stat_filesystem(options_.path));
  co_return stat.available >= bytes + options_.reserve_bytes;
}

Task<Status> LogDisk::check_space(uint64_t bytes) {
  CO_TRY_ASSIGN(const reactor::FsStat stat, co_await reactor::stat_filesystem(options_.path));
  if (stat.available < bytes + options_.reserve_bytes) {
    note_full();
    co_return fail(Errc::disk_full, options_.path + ": " + std::to_string(stat.available) +
                                        " bytes left; free some space, or lower the reserve of " +
                                        std::to_string(options_.reserve_bytes) + " bytes");
  }
  co_return Status{};
}

bool LogDisk::shrink_tails(uint64_t bytes) {
  uint64_t freed = 0;
  for (Partition* partition : partitions_) {
    freed += partition->shrink(bytes - freed);
    if (freed >= bytes) break;
  }
  return freed > 0;
}

bool LogDisk::memory_pressed() const {
  const reactor::Arena& arena = reactor::this_shard().arena();
  return options_.cache->short_of_memory() ||
         arena.used_bytes() > arena.limit_bytes() / kArenaPressedDivisor * kArenaPressedParts;
}

void LogDisk::leave_memory() {
  const reactor::Arena& arena = reactor::this_shard().arena();
  const uint64_t most = arena.limit_bytes() / kTailArenaDivisor * kTailArenaParts;
  if (arena.used_bytes() > most) (void)shrink_tails(arena.used_bytes() - most);
}

void LogDisk::note_failure(const Error& error) {
  if (error.code == Errc::disk_full) {
    note_full();
  } else {
    fence(error);
  }
}

void LogDisk::fence(const Error& why) {
  if (fenced_) return;
  fenced_ = why;
  reactor::log_error("{}: fenced after {}; nothing is acknowledged here until a restart",
                     options_.path, why.to_string());
  for (Partition* partition : partitions_) partition->on_fenced();
  extents_gone_.notify_all();
  if (destager_) destager_->wake();
  if (!gate_.closed()) gate_.spawn("tell of a failed disk", tell_others(why));
}

Task<void> LogDisk::tell_others(Error why) {
  co_await reactor::submit_reserved(reactor::ShardId(0),
                                    [store = options_.store, directory = options_.directory, why] {
                                      return fence_store(store, directory, why);
                                    });
}

void LogDisk::note_full() {
  if (!full_) reactor::log_warning("{}: no space left; appends are refused", options_.path);
  full_ = true;
  full_asked_ = reactor::this_shard().now();
}

bool LogDisk::refuses_for_space() const {
  return full_ && reactor::this_shard().now() < full_asked_ + kDiskFullRetry;
}

Task<Status> LogDisk::stop() {
  CHECK(partitions_.empty(), partitions_.size());
  co_await destager_->stop();
  Status stopped = co_await wal_->stop();
  co_await reactor::submit_reserved(
      reactor::ShardId(0), [store = options_.store, directory = options_.directory, self = this,
                            end = WalEnd{wal_->id(), wal_->durable()}] {
        return leave_store(store, directory, self, end);
      });
  co_await gate_.close();
  if (fenced_) co_return fail(*fenced_);
  co_return stopped;
}

}  // namespace odradek::log
