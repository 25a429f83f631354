#include "cmd/cli/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "reactor/base/check.h"
#include "reactor/submit.h"

namespace odradek::cli {

using reactor::Op;
using reactor::OpCode;
using reactor::Task;

static constexpr size_t kBufferBytes = 256 * 1024;

Input::~Input() { CHECK(fd_ < 0 || !owned_, fd_); }

Task<Status> Input::open(std::string path) {
  CHECK(fd_ < 0);
  path_ = path == "-" ? "standard input" : path;
  owned_ = path != "-";
  fd_ = STDIN_FILENO;
  if (owned_) {
    Op op;
    op.code = OpCode::open;
    op.path = path.c_str();
    op.open_flags = O_RDONLY | O_CLOEXEC;
    fd_ = co_await reactor::run(op);
    if (fd_ < 0) co_return fail(errno_error(-fd_, "open " + path));
  }
  struct stat about{};
  if (::fstat(fd_, &about) == 0 && S_ISREG(about.st_mode)) {
    const off_t at = ::lseek(fd_, 0, SEEK_CUR);
    seekable_ = at >= 0;
    offset_ = seekable_ ? static_cast<uint64_t>(at) : 0;
    size_ = static_cast<uint64_t>(about.st_size) - offset_;
  }
  buffer_.resize(kBufferBytes);
  co_return Status{};
}

Task<Result<BytesView>> Input::read() {
  for (;;) {
    iovec part{buffer_.data(), buffer_.size()};
    Op op;
    op.code = OpCode::read;
    op.fd = fd_;
    op.iov = &part;
    op.iov_count = 1;
    op.offset = seekable_ ? offset_ : UINT64_MAX;  // no position: the next bytes
    const int32_t n = co_await reactor::run(op);
    if (n == -EINTR || n == -EAGAIN) continue;
    if (n < 0) co_return fail(errno_error(-n, "read " + path_));
    offset_ += static_cast<uint64_t>(n);
    co_return BytesView(buffer_).first(static_cast<size_t>(n));
  }
}

Task<void> Input::close() {
  if (fd_ >= 0 && owned_) {
    Op op;
    op.code = OpCode::close;
    op.fd = fd_;
    (void)co_await reactor::run(op);
  }
  fd_ = -1;
}

}  // namespace odradek::cli
