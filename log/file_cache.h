// Lazily opened descriptors with a bound, so that 10,000 partitions do not mean 10,000 descriptors.
// One FileCache a shard. A CachedFile belongs to its segment; the cache opens it when it is pinned
// and closes the longest unused one, unpinned, when `open_max` are open. Pinned files may exceed
// the bound: each task pins one at a time, so the number of tasks with I/O bounds them.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/result.h"
#include "reactor/file.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

class FileCache;

// One file that may be open. Owned by whoever uses it; close() before destruction (CHECKed).
class CachedFile {
 public:
  CachedFile(FileCache& cache, std::string path) : cache_(cache), path_(std::move(path)) {}
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;
  ~CachedFile();

  const std::string& path() const { return path_; }
  // The file was renamed, or is about to be. An open descriptor stays what it is.
  void set_path(std::string path) { path_ = std::move(path); }
  bool is_open() const { return file_.is_open(); }
  // Waits until nobody has it pinned, then closes it. It may be pinned again later.
  reactor::Task<Status> close();

 private:
  friend class FileCache;
  friend class FilePin;
  // Fixed at construction.
  FileCache& cache_;
  // Written by the cache only.
  std::string path_;
  reactor::File file_;
  uint32_t pins_ = 0;
  bool busy_ = false;  // being opened or closed
  reactor::WaitList changed_;
  CachedFile* older_ = nullptr;  // in the list of unpinned open files
  CachedFile* newer_ = nullptr;
  bool listed_ = false;
};

// Keeps a file open. Dropping it never waits.
class FilePin {
 public:
  FilePin() = default;
  FilePin(FilePin&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  FilePin& operator=(FilePin&& other) noexcept {
    if (this != &other) {
      reset();
      file_ = std::exchange(other.file_, nullptr);
    }
    return *this;
  }
  ~FilePin() { reset(); }
  reactor::File& operator*() const { return file_->file_; }
  reactor::File* operator->() const { return &file_->file_; }
  void reset();

 private:
  friend class FileCache;
  explicit FilePin(CachedFile* file) : file_(file) {}
  CachedFile* file_ = nullptr;
};

class FileCache {
 public:
  explicit FileCache(uint32_t open_max) : open_max_(open_max) {}
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;
  ~FileCache() { CHECK(open_ == 0, open_); }

  // Opens `file` for reading and writing with O_DIRECT if it is not open, making it when `create`.
  reactor::Task<Result<FilePin>> pin(CachedFile& file, bool create = false);
  uint32_t open_count() const { return open_; }
  // A number never given before on this shard: names a segment in the read cache.
  uint64_t next_token() { return ++last_token_; }

 private:
  friend class CachedFile;
  friend class FilePin;
  void unpin(CachedFile& file);
  void list(CachedFile& file);
  void unlist(CachedFile& file);
  reactor::Task<Status> close_now(CachedFile& file);
  reactor::Task<Status> make_room();

  // Fixed at construction.
  uint32_t open_max_;
  // Written by pin(), unpin() and close_now().
  uint32_t open_ = 0;
  uint64_t last_token_ = 0;
  CachedFile* oldest_ = nullptr;
  CachedFile* newest_ = nullptr;
};

}  // namespace odradek::log
