#include "reactor/uring/offload.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/limits.h"

namespace odradek::reactor {

static int32_t list_directory_now(Op& op) {
  DIR* directory = ::opendir(op.path);
  if (!directory) return -errno;
  int32_t result = 0;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (!entry) {
      result = -errno;
      break;
    }
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    op.entries->push_back({name, entry->d_type == DT_DIR});
  }
  ::closedir(directory);
  return result;
}

static int32_t stat_fs_now(Op& op) {
  struct statfs st{};
  if (::statfs(op.path, &st) != 0) return -errno;
  const auto unit = static_cast<uint64_t>(st.f_bsize);
  *op.fs_stat = {st.f_blocks * unit, st.f_bavail * unit, static_cast<uint64_t>(st.f_type)};
  return 0;
}

static int32_t resolve_now(Op& op) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(op.path, op.path_to, &hints, &found);
  if (error != 0) return error == EAI_SYSTEM ? -errno : -ENOENT;
  for (const addrinfo* a = found; a; a = a->ai_next) {
    char text[INET6_ADDRSTRLEN] = {};
    const void* raw = a->ai_family == AF_INET6
                          ? static_cast<const void*>(
                                &reinterpret_cast<const sockaddr_in6*>(a->ai_addr)->sin6_addr)
                          : &reinterpret_cast<const sockaddr_in*>(a->ai_addr)->sin_addr;
    if (!::inet_ntop(a->ai_family, raw, text, sizeof text)) continue;
    op.addresses->push_back(
        {text, ntohs(reinterpret_cast<const sockaddr_in*>(a->ai_addr)->sin_port)});
  }
  ::freeaddrinfo(found);
  return 0;
}

static int32_t run_now(Op& op) {
  switch (op.code) {
    case OpCode::truncate:
      return ::ftruncate(op.fd, static_cast<off_t>(op.length)) == 0 ? 0 : -errno;
    case OpCode::list_dir: return list_directory_now(op);
    case OpCode::stat_fs: return stat_fs_now(op);
    case OpCode::resolve: return resolve_now(op);
    default: return -ENOSYS;
  }
}

Offload::Offload() {
  files_.thread = std::thread([this] { run_jobs(files_); });
  names_.thread = std::thread([this] { run_jobs(names_); });
  lines_thread_ = std::thread([this] { run_lines(); });
}

Offload::~Offload() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  files_.wake.notify_all();
  names_.wake.notify_all();
  wake_lines_.notify_all();
  files_.thread.join();
  names_.thread.join();
  lines_thread_.join();
}

void Offload::submit(Op& op, OffloadHome& home) {
  Helper& helper = op.code == OpCode::resolve ? names_ : files_;
  {
    const std::lock_guard lock(mutex_);
    helper.jobs.push_back({&op, &home});
  }
  helper.wake.notify_one();
}

bool Offload::write_line(std::string line) {
  if (!lines_wanted_) return true;
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() >= kLogLinesQueued) {
      ++lines_dropped_;
      return false;
    }
    if (lines_dropped_ > 0) {
      line += " (" + std::to_string(std::exchange(lines_dropped_, 0)) + " lines dropped before)";
    }
    lines_.push_back(std::move(line));
  }
  wake_lines_.notify_one();
  return true;
}

// Under one lock: a driver that took its last operation may close the eventfd at once.
static void report(Op& op, OffloadHome& home) {
  const std::lock_guard lock(home.mutex);
  home.done.push_back(&op);
  const uint64_t one = 1;
  CHECK(::write(home.event_fd, &one, sizeof one) == sizeof one, errno);
}

void Offload::run_jobs(Helper& helper) {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  std::unique_lock lock(mutex_);
  for (;;) {
    helper.wake.wait(lock, [&] { return stopping_ || !helper.jobs.empty(); });
    if (helper.jobs.empty()) return;
    const Job job = helper.jobs.front();
    helper.jobs.pop_front();
    lock.unlock();
    job.op->result = run_now(*job.op);
    report(*job.op, *job.home);
    lock.lock();
  }
}

void Offload::run_lines() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_lines_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
    if (lines_.empty()) return;
    std::string text;
    while (!lines_.empty()) {
      text.append(lines_.front()).push_back('\n');
      lines_.pop_front();
    }
    lock.unlock();
    for (size_t done = 0; done < text.size();) {
      const ssize_t n = ::write(STDERR_FILENO, text.data() + done, text.size() - done);
      if (n < 0 && errno != EINTR)
        break;  // nobody reads standard error: there is nowhere to say so
      if (n > 0) done += static_cast<size_t>(n);
    }
    lock.lock();
  }
}

}  // namespace odradek::reactor
