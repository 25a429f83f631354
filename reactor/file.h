// Files and directories of one log directory or of the program, as tasks. All calls go through the
// driver; what has no ring operation runs on its bounded helper thread. Errors name call and path.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/result.h"
#include "reactor/op.h"
#include "reactor/task.h"

namespace odradek::reactor {

struct OpenOptions {
  bool write = false;
  bool create = false;     // make it when missing; durable only after sync_directory(parent)
  bool exclusive = false;  // with create: fail with Errc::exists when it is there
  bool truncate = false;
  bool direct = false;  // O_DIRECT; where the file system has none, buffered: see File::direct()
  uint32_t mode = 0640;
};

// An open file. Owned by one shard. close() must have run before destruction (CHECKed).
class File {
 public:
  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  static Task<Result<File>> open(std::string path, OpenOptions options);
  bool is_open() const { return fd_ >= 0; }
  // False when O_DIRECT was asked for and the file system has none: say so once to the operator.
  bool direct() const { return direct_; }
  const std::string& path() const { return path_; }
  int fd() const { return fd_; }

  // Reads until `to` is full or the file ends; returns how much. With direct: all aligned to 4096.
  Task<Result<size_t>> read(MutableBytes to, uint64_t offset);
  // Writes all of `from`. Done means the kernel has it: not durable before sync_data().
  Task<Status> write(BytesView from, uint64_t offset);
  Task<Status> write(std::vector<iovec> parts, uint64_t offset);
  // Writes all of it, durably (RWF_DSYNC of pwritev2(2)): these bytes, and no others of the file,
  // are on stable storage when this returns success. After an error nothing is known: fence the
  // directory, never retry.
  Task<Status> write_durable(std::vector<iovec> parts, uint64_t offset);
  Task<Status> sync_data();  // fdatasync
  Task<Status> sync_all();   // fsync
  // Reserves [offset, offset + length), reading as zeros; the size grows to cover it.
  Task<Status> allocate(uint64_t offset, uint64_t length);
  // Reserves the same and leaves the size: a later write there finds its space. Errc::disk_full
  // when there is none; nothing is changed then.
  Task<Status> reserve(uint64_t offset, uint64_t length);
  Task<Status> truncate(uint64_t length);
  // An exclusive lock that a JVM's FileChannel.lock() conflicts with. Errc::permission when held.
  Task<Status> lock();
  Task<Status> close();

 private:
  Task<Status> write_parts(OpCode code, std::vector<iovec> parts, uint64_t offset);
  int fd_ = -1;
  bool direct_ = false;
  std::string path_;
};

Task<Status> rename_file(std::string from, std::string to);
Task<Status> remove_file(std::string path);       // Errc::not_found when it is not there
Task<Status> remove_directory(std::string path);  // must be empty
Task<Status> make_directory(std::string path, uint32_t mode = 0750);
Task<Status> make_directories(std::string path);  // and its parents; existing ones are fine
Task<Status> sync_directory(
    std::string path);  // names created, renamed or removed in it are durable
Task<Result<FileStat>> stat_file(std::string path);
Task<Result<FsStat>> stat_filesystem(std::string path);
Task<Result<std::vector<DirEntry>>> list_directory(std::string path);  // sorted by name
// The whole file; Errc::too_large above `bytes_max`.
Task<Result<std::vector<uint8_t>>> read_file(std::string path, uint64_t bytes_max);
// Replaces `path` atomically and durably: temporary file, fsync, rename, fsync of the directory.
Task<Status> replace_file(std::string path, std::vector<uint8_t> contents);

}  // namespace odradek::reactor
