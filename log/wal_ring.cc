#include "log/wal_ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "log/aligned_buffer.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::File;
using reactor::OpenOptions;
using reactor::Task;

namespace {

constexpr uint64_t kZeroChunkBytes = 256 * 1024;  // small, so that commits pass between two of them
constexpr size_t kFilesAtStart = 2;
constexpr Duration kDiskFullPause = 30s;

OpenOptions options_for(bool create) {
  OpenOptions options;
  options.write = true;
  options.direct = true;
  options.create = create;
  options.exclusive = create;
  return options;
}

}  // namespace

WalRing::~WalRing() { CHECK(!current_ && full_.empty() && empty_.empty()); }

Task<Result<std::unique_ptr<WalRing>>> WalRing::create(WalRingOptions options) {
  std::unique_ptr<WalRing> ring(new WalRing(std::move(options)));
  Status status;
  while (status && ring->empty_.size() < kFilesAtStart) status = co_await ring->add_next();
  if (!status) {
    // The first error is the one to tell; the files it leaves are found and reused at the next
    // start.
    (void)co_await ring->close();
    co_return fail(status.error());
  }
  ring->open_next();
  co_return ring;
}

// One more file: the next reusable one, else a new one.
Task<Status> WalRing::add_next() {
  while (!options_.reusable_files.empty()) {
    std::string path = std::move(options_.reusable_files.front());
    options_.reusable_files.erase(options_.reusable_files.begin());
    CO_TRY_ASSIGN(const bool adopted, co_await adopt(std::move(path)));
    if (adopted) co_return Status{};
  }
  const bool at_start = current_ == nullptr;
  if (!at_start && capacity_ >= options_.capacity_bytes) co_return Status{};
  if (!at_start) CO_TRY(co_await check_space());
  co_return co_await add_new(at_start ? options_.first_file_bytes : options_.file_bytes);
}

// The space that is left is for segments.
Task<Status> WalRing::check_space() {
  CO_TRY_ASSIGN(const reactor::FsStat stat, co_await reactor::stat_filesystem(options_.folder));
  if (stat.available >= options_.file_bytes + options_.reserve_bytes) co_return Status{};
  co_return fail(Errc::disk_full, std::to_string(stat.available) + " bytes left on the disk");
}

Task<Result<bool>> WalRing::adopt(std::string path) {
  CO_TRY_ASSIGN(const reactor::FileStat stat, co_await reactor::stat_file(path));
  const uint64_t bytes_min = std::min(options_.first_file_bytes, options_.file_bytes);
  const bool surplus = capacity_ >= options_.capacity_bytes;
  if (surplus || stat.size < bytes_min || stat.size % kWalBlockBytes != 0) {
    CO_TRY(co_await reactor::remove_file(path));
    co_return false;
  }
  CO_TRY_ASSIGN(File file, co_await File::open(path, options_for(false)));
  const Status claimed = co_await claim(file, stat.size);
  if (!claimed) {
    (void)co_await file.close();  // the claim's error is the one to tell
    co_return fail(claimed.error());
  }
  add(std::move(file), stat.size);
  co_return true;
}

Task<Status> WalRing::add_new(uint64_t bytes) {
  const std::string path =
      options_.folder + "/" + reactor::this_shard().random_uuid().to_string() + kWalSuffix;
  CO_TRY_ASSIGN(File file, co_await File::open(path, options_for(true)));
  Status status = co_await prewrite(file, bytes);
  if (status) status = co_await claim(file, bytes);
  if (status) status = co_await reactor::sync_directory(options_.folder);
  if (!status) {
    (void)co_await file.close();                // the first error is the one to tell
    (void)co_await reactor::remove_file(path);  // if it stays, the next start finds it
    co_return status;
  }
  add(std::move(file), bytes);
  co_return Status{};
}

// Writes zeros over the whole file, so that later writes change no extents and no size.
Task<Status> WalRing::prewrite(File& file, uint64_t bytes) {
  AlignedBuffer zeros(kZeroChunkBytes);
  std::memset(zeros.data(), 0, zeros.size());
  CO_TRY(co_await file.allocate(0, bytes));
  for (uint64_t at = 0; at < bytes; at += kZeroChunkBytes) {
    if (!growing_) co_return fail(Errc::canceled, "the WAL stops");
    const uint64_t n = std::min<uint64_t>(kZeroChunkBytes, bytes - at);
    CO_TRY(co_await file.write(BytesView(zeros.data(), n), at));
  }
  co_return Status{};
}

// Makes the file this WAL's, durably: whatever groups of others lie in it mean nothing from now on.
Task<Status> WalRing::claim(File& file, uint64_t bytes) {
  AlignedBuffer header(kWalFileHeaderBytes);
  const WalFileHeader fields{options_.wal, bytes, reactor::this_shard().wall_now().ms};
  encode_wal_file_header(fields, header.span().first(kWalBlockBytes));
  std::memcpy(header.data() + kWalBlockBytes, header.data(), kWalBlockBytes);
  CO_TRY(co_await file.write(header.span(), 0));
  co_return co_await file.sync_data();
}

void WalRing::add(File file, uint64_t bytes) {
  direct_ = direct_ && file.direct();
  auto added = std::make_unique<RingFile>();
  added->file = std::move(file);
  added->bytes = bytes;
  added->fill = kWalFileHeaderBytes;
  capacity_ += added->usable();
  empty_bytes_ += added->usable();
  empty_.push_back(std::move(added));
}

void WalRing::open_next() {
  current_ = std::move(empty_.front());
  empty_.pop_front();
  empty_bytes_ -= current_->usable();
}

Task<Status> WalRing::grow(void (*on_grown)(void*), void* owner) {
  bool told = false;
  while (growing_ && (capacity_ < options_.capacity_bytes || !options_.reusable_files.empty())) {
    const uint64_t before = capacity_;
    const Status status = co_await add_next();
    if (status) {
      if (capacity_ != before) on_grown(owner);
      continue;
    }
    if (status.error().code == Errc::canceled) break;
    if (status.error().code != Errc::disk_full) co_return status;
    if (!std::exchange(told, true)) {
      reactor::log_warning("{}: the WAL stays at {} of {} bytes: {}", options_.folder, capacity_,
                           options_.capacity_bytes, status.error().to_string());
    }
    const MonoTime again = reactor::this_shard().now() + kDiskFullPause;
    if (growing_) (void)co_await growth_.wait(again);
  }
  co_return Status{};
}

void WalRing::stop_growing() {
  growing_ = false;
  growth_.notify_all();
}

bool WalRing::fits(uint32_t bytes, bool mark) const {
  if (bytes <= current_->room(mark)) return true;
  return !empty_.empty() && bytes <= empty_.front()->usable();
}

WalRing::Place WalRing::take(uint32_t bytes, bool mark, WalSequence sequence) {
  CHECK(fits(bytes, mark), bytes, mark);
  if (bytes > current_->room(mark)) {
    // A remainder too small for this group is lost until the file is free again.
    full_.push_back(std::move(current_));
    open_next();
  }
  const Place place{&current_->file, current_->fill};
  current_->fill += bytes;
  current_->last = std::max(current_->last, sequence);
  return place;
}

void WalRing::leave_current() {
  if (!full_.empty() || empty_.empty() || current_->fill == kWalFileHeaderBytes) return;
  full_.push_back(std::move(current_));
  open_next();
}

bool WalRing::would_recycle(WalSequence released) const {
  return !full_.empty() && full_.front()->last <= released;
}

void WalRing::recycle(WalSequence released) {
  while (would_recycle(released)) {
    std::unique_ptr<RingFile> file = std::move(full_.front());
    full_.pop_front();
    file->fill = kWalFileHeaderBytes;
    empty_bytes_ += file->usable();
    empty_.push_back(std::move(file));
  }
}

WalSequence WalRing::oldest_file_end() const {
  return full_.empty() ? WalSequence(0) : full_.front()->last;
}

Task<Status> WalRing::close() {
  std::deque<std::unique_ptr<RingFile>> all = std::move(full_);
  full_.clear();
  for (auto& file : empty_) all.push_back(std::move(file));
  empty_.clear();
  if (current_) all.push_back(std::move(current_));
  Status status;
  for (auto& file : all) {
    const Status closed = co_await file->file.close();
    if (status && !closed) status = closed;
  }
  co_return status;
}

}  // namespace odradek::log
