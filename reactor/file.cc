#include "reactor/file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "reactor/limits.h"
#include "reactor/submit.h"

namespace odradek::reactor {

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), direct_(other.direct_), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  CHECK(fd_ < 0, fd_, path_);
  fd_ = std::exchange(other.fd_, -1);
  direct_ = other.direct_;
  path_ = std::move(other.path_);
  return *this;
}

File::~File() { CHECK(fd_ < 0, fd_, path_); }

static int flags_of(const OpenOptions& options, bool direct) {
  int flags = O_CLOEXEC | (options.write ? O_RDWR : O_RDONLY);
  if (options.create) flags |= O_CREAT;
  if (options.exclusive) flags |= O_EXCL;
  if (options.truncate) flags |= O_TRUNC;
  if (direct) flags |= O_DIRECT;
  return flags;
}

Task<Result<File>> File::open(std::string path, OpenOptions options) {
  bool direct = options.direct;
  for (;;) {
    Op op;
    op.code = OpCode::open;
    op.path = path.c_str();
    op.open_flags = flags_of(options, direct);
    op.mode = options.mode;
    const int32_t fd = co_await run(op);
    if (fd >= 0) {
      File file;
      file.fd_ = fd;
      file.direct_ = direct;
      file.path_ = std::move(path);
      co_return file;
    }
    // The one answer of a file system without O_DIRECT; buffered and fdatasynced instead.
    if (fd == -EINVAL && direct) {
      direct = false;
      continue;
    }
    co_return fail(errno_error(-fd, "open " + path));
  }
}

Task<Result<size_t>> File::read(MutableBytes to, uint64_t offset) {
  size_t done = 0;
  while (done < to.size()) {
    iovec part{to.data() + done, to.size() - done};
    Op op;
    op.code = OpCode::read;
    op.fd = fd_;
    op.iov = &part;
    op.iov_count = 1;
    op.offset = offset + done;
    const int32_t n = co_await run(op);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n < 0) co_return fail(errno_error(-n, "read " + path_));
    if (n == 0) break;
    done += static_cast<size_t>(n);
    // A direct read that is cut off the alignment has met the end of the file.
    if (direct_ && done % kIoAlignment != 0) break;
  }
  co_return done;
}

Task<Status> File::write(BytesView from, uint64_t offset) {
  std::vector<iovec> parts{{const_cast<uint8_t*>(from.data()), from.size()}};
  return write_parts(OpCode::write, std::move(parts), offset);
}

Task<Status> File::write(std::vector<iovec> parts, uint64_t offset) {
  return write_parts(OpCode::write, std::move(parts), offset);
}

Task<Status> File::write_durable(std::vector<iovec> parts, uint64_t offset) {
  return write_parts(OpCode::write_sync, std::move(parts), offset);
}

// Drops the first `written` bytes of the parts from `first` on; returns the new first part.
static size_t advance(std::vector<iovec>& parts, size_t first, size_t written) {
  while (first < parts.size() && written >= parts[first].iov_len) written -= parts[first++].iov_len;
  if (written > 0) {
    parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + written;
    parts[first].iov_len -= written;
  }
  return first;
}

Task<Status> File::write_parts(OpCode code, std::vector<iovec> parts, uint64_t offset) {
  size_t first = advance(parts, 0, 0);
  while (first < parts.size()) {
    const size_t count = std::min(parts.size() - first, kIovecsMax);
    Op op;
    op.code = code;
    op.fd = fd_;
    op.iov = parts.data() + first;
    op.iov_count = static_cast<uint32_t>(count);
    op.offset = offset;
    const int32_t n = co_await run(op);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n < 0) co_return fail(errno_error(-n, "write " + path_));
    if (n == 0) co_return fail(Errc::io, "write " + path_ + ": wrote nothing");
    offset += static_cast<uint64_t>(n);
    first = advance(parts, first, static_cast<size_t>(n));
  }
  co_return Status{};
}

static Task<Status> simple(Op op, std::string what) {
  const int32_t n = co_await run(op);
  if (n < 0) co_return fail(errno_error(-n, what));
  co_return Status{};
}

static Op op_on(OpCode code, int fd, uint64_t offset = 0, uint64_t length = 0) {
  Op op;
  op.code = code;
  op.fd = fd;
  op.offset = offset;
  op.length = length;
  return op;
}

Task<Status> File::sync_data() {
  return simple(op_on(OpCode::fdatasync, fd_), "fdatasync " + path_);
}
Task<Status> File::sync_all() { return simple(op_on(OpCode::fsync, fd_), "fsync " + path_); }
Task<Status> File::allocate(uint64_t offset, uint64_t length) {
  return simple(op_on(OpCode::allocate, fd_, offset, length), "fallocate " + path_);
}
Task<Status> File::reserve(uint64_t offset, uint64_t length) {
  Op op = op_on(OpCode::allocate, fd_, offset, length);
  op.mode = FALLOC_FL_KEEP_SIZE;
  return simple(op, "fallocate " + path_);
}
Task<Status> File::truncate(uint64_t length) {
  return simple(op_on(OpCode::truncate, fd_, 0, length), "truncate " + path_);
}

Task<Status> File::lock() {
  Op op = op_on(OpCode::lock, fd_);
  const int32_t n = co_await run(op);
  if (n == -EAGAIN || n == -EACCES) {
    co_return fail(Errc::permission, path_ + " is locked by another process");
  }
  if (n < 0) co_return fail(errno_error(-n, "lock " + path_));
  co_return Status{};
}

Task<Status> File::close() {
  return simple(op_on(OpCode::close, std::exchange(fd_, -1)), "close " + path_);
}

static Task<Status> on_path(OpCode code, std::string path, std::string to, uint32_t mode,
                            const char* call) {
  Op op;
  op.code = code;
  op.path = path.c_str();
  op.path_to = to.c_str();
  op.mode = mode;
  const int32_t n = co_await run(op);
  if (n < 0) co_return fail(errno_error(-n, std::string(call) + " " + path));
  co_return Status{};
}

Task<Status> rename_file(std::string from, std::string to) {
  return on_path(OpCode::rename, std::move(from), std::move(to), 0, "rename");
}
Task<Status> remove_file(std::string path) {
  return on_path(OpCode::unlink, std::move(path), "", 0, "unlink");
}
Task<Status> remove_directory(std::string path) {
  return on_path(OpCode::remove_dir, std::move(path), "", 0, "rmdir");
}
Task<Status> make_directory(std::string path, uint32_t mode) {
  return on_path(OpCode::make_dir, std::move(path), "", mode, "mkdir");
}

Task<Status> make_directories(std::string path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const Status made = co_await make_directory(path.substr(0, slash));
    const bool there = !made && made.error().code == Errc::exists;
    // A parent that may not be written, but is there, is no reason to stop.
    if (!made && !there && slash == std::string::npos) co_return made;
    if (slash == std::string::npos) co_return Status{};
  }
}

Task<Status> sync_directory(std::string path) {
  CO_TRY_ASSIGN(File directory, co_await File::open(path, {}));
  const Status synced = co_await directory.sync_all();
  const Status closed = co_await directory.close();
  co_return synced ? closed : synced;
}

Task<Result<FileStat>> stat_file(std::string path) {
  FileStat out;
  Op op;
  op.code = OpCode::stat;
  op.path = path.c_str();
  op.file_stat = &out;
  const int32_t n = co_await run(op);
  if (n < 0) co_return fail(errno_error(-n, "stat " + path));
  co_return out;
}

Task<Result<FsStat>> stat_filesystem(std::string path) {
  FsStat out;
  Op op;
  op.code = OpCode::stat_fs;
  op.path = path.c_str();
  op.fs_stat = &out;
  const int32_t n = co_await run(op);
  if (n < 0) co_return fail(errno_error(-n, "statfs " + path));
  co_return out;
}

Task<Result<std::vector<DirEntry>>> list_directory(std::string path) {
  std::vector<DirEntry> entries;
  Op op;
  op.code = OpCode::list_dir;
  op.path = path.c_str();
  op.entries = &entries;
  const int32_t n = co_await run(op);
  if (n < 0) co_return fail(errno_error(-n, "readdir " + path));
  std::ranges::sort(entries, {}, &DirEntry::name);
  co_return entries;
}

Task<Result<std::vector<uint8_t>>> read_file(std::string path, uint64_t bytes_max) {
  CO_TRY_ASSIGN(const FileStat stat, co_await stat_file(path));
  if (stat.size > bytes_max) {
    co_return fail(Errc::too_large, path + ": " + std::to_string(stat.size) + " bytes, at most " +
                                        std::to_string(bytes_max));
  }
  CO_TRY_ASSIGN(File file, co_await File::open(path, {}));
  std::vector<uint8_t> contents(stat.size);
  const Result<size_t> n = co_await file.read(contents, 0);
  CO_TRY(co_await file.close());
  CO_TRY_ASSIGN(const size_t bytes, n);
  contents.resize(bytes);
  co_return contents;
}

static Task<Status> write_new_file(std::string path, BytesView contents) {
  OpenOptions options;
  options.write = options.create = options.truncate = true;
  CO_TRY_ASSIGN(File file, co_await File::open(path, options));
  Status status = contents.empty() ? Status{} : co_await file.write(contents, 0);
  if (status) status = co_await file.sync_all();
  const Status closed = co_await file.close();
  co_return status ? closed : status;
}

Task<Status> replace_file(std::string path, std::vector<uint8_t> contents) {
  const std::string temporary = path + ".tmp";
  CO_TRY(co_await write_new_file(temporary, contents));
  CO_TRY(co_await rename_file(temporary, path));
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash);
  co_return co_await sync_directory(directory);
}

}  // namespace odradek::reactor
