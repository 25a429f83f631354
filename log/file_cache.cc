#include "log/file_cache.h"

#include "reactor/base/check.h"

namespace odradek::log {

using reactor::File;
using reactor::Task;

CachedFile::~CachedFile() { CHECK(!file_.is_open() && pins_ == 0 && !busy_, path_, pins_); }

Task<Status> CachedFile::close() {
  while (busy_ || pins_ > 0) (void)co_await changed_.wait();
  if (!file_.is_open()) co_return Status{};
  co_return co_await cache_.close_now(*this);
}

void FilePin::reset() {
  if (CachedFile* file = std::exchange(file_, nullptr)) file->cache_.unpin(*file);
}

Task<Result<FilePin>> FileCache::pin(CachedFile& file, bool create) {
  while (file.busy_) (void)co_await file.changed_.wait();
  if (!file.file_.is_open()) {
    file.busy_ = true;
    Status room = co_await make_room();
    Result<File> opened = fail(Errc::closed, file.path_);
    if (room) {
      opened = co_await File::open(file.path_, {.write = true, .create = create, .direct = true});
    }
    file.busy_ = false;
    file.changed_.notify_all();
    if (!room) co_return fail(std::move(room).error());
    if (!opened) co_return fail(std::move(opened).error());
    file.file_ = std::move(*opened);
    ++open_;
  }
  unlist(file);
  ++file.pins_;
  co_return FilePin(&file);
}

void FileCache::unpin(CachedFile& file) {
  CHECK(file.pins_ > 0, file.path_);
  if (--file.pins_ > 0) return;
  list(file);
  file.changed_.notify_all();
}

void FileCache::list(CachedFile& file) {
  file.older_ = newest_;
  file.newer_ = nullptr;
  (newest_ ? newest_->newer_ : oldest_) = &file;
  newest_ = &file;
  file.listed_ = true;
}

void FileCache::unlist(CachedFile& file) {
  if (!file.listed_) return;
  (file.older_ ? file.older_->newer_ : oldest_) = file.newer_;
  (file.newer_ ? file.newer_->older_ : newest_) = file.older_;
  file.listed_ = false;
}

Task<Status> FileCache::close_now(CachedFile& file) {
  CHECK(file.pins_ == 0 && !file.busy_, file.path_, file.pins_);
  unlist(file);
  file.busy_ = true;
  Status closed = co_await file.file_.close();
  --open_;
  file.busy_ = false;
  file.changed_.notify_all();
  co_return closed;
}

Task<Status> FileCache::make_room() {
  while (open_ >= open_max_ && oldest_) CO_TRY(co_await close_now(*oldest_));
  co_return Status{};
}

}  // namespace odradek::log
