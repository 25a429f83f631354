// A process of shards on real threads.
#include "reactor/runtime.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/shard.h"
#include "reactor/submit.h"
#include "reactor/uring/driver_impl.h"

namespace odradek::reactor {

namespace {

struct Process {
  explicit Process(const RuntimeOptions& o)
      : options(o),
        mailboxes(o.shards),
        drivers(o.shards, nullptr),
        created(o.shards),
        ended(o.shards),
        errors(o.shards),
        stop_mail(o.shards) {}
  RuntimeOptions options;
  Mailboxes mailboxes;
  std::vector<Driver*> drivers;
  std::latch created;  // every shard has its driver, or its error
  std::latch ended;    // no shard sends or wakes any more: drivers may go
  std::vector<std::optional<Error>> errors;
  std::vector<Envelope> stop_mail;  // ends each shard's loop; delivered like any mail
  Offload offload;
  int signal_fd = -1;
  ShardMain main;
  int exit_code = 0;

  bool failed() const {
    return std::ranges::any_of(errors, [](const auto& e) { return e.has_value(); });
  }
};

void pin_to_core(uint32_t shard) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  uint32_t seen = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || seen++ != shard) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::pthread_setaffinity_np(::pthread_self(), sizeof one, &one);
    return;
  }
}

Task<void> run_main(Process& process) {
  process.exit_code = co_await process.main();
  for (uint32_t i = 0; i < process.options.shards; ++i) {
    if (i == this_shard().id().value) continue;
    process.stop_mail[i].deliver = [](Envelope&) { this_shard().stop_loop(); };
    this_shard().send(ShardId(i), process.stop_mail[i]);
  }
  this_shard().stop_loop();
}

void run_shard(Process& process, uint32_t index) {
  if (process.options.pin) pin_to_core(index);
  auto driver = open_uring_driver(process.offload, process.signal_fd);
  if (driver) {
    process.drivers[index] = driver->get();
  } else {
    process.errors[index] = driver.error();
  }
  process.created.arrive_and_wait();
  if (process.failed()) return;
  ShardOptions options;
  options.id = ShardId(index);
  options.arena_bytes = process.options.arena_bytes_per_shard;
  Shard shard(options, std::move(*driver), process.mailboxes, process.drivers);
  Gate gate;
  if (index == 0) {
    Shard* before = exchange_current_shard(&shard);
    gate.spawn("main", run_main(process));
    exchange_current_shard(before);
  }
  // Mail that is still outgoing (the last stop letters, leases on their way home) leaves first.
  while (!shard.loop_stopped() || shard.has_work()) shard.turn(kMonoMax);
  // A ring whose last entries (a wake to a peer) were not submitted yet would lose them.
  shard.turn(kMonoMax);
  // A peer that still has a turn to go may wake this shard's driver.
  process.ended.arrive_and_wait();
}

Result<int> block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const int fd = ::signalfd(-1, &set, SFD_CLOEXEC);
  if (fd < 0) return fail(errno_error(errno, "signalfd"));
  return fd;
}

std::optional<uint64_t> first_number(const char* path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

}  // namespace

Result<int> run_shards(const RuntimeOptions& options, ShardMain main) {
  CHECK(options.shards >= 1 && options.shards <= kShardsMax, options.shards);
  TRY_ASSIGN(const int signal_fd, block_signals());
  auto process = std::make_unique<Process>(options);
  process->signal_fd = signal_fd;
  if (!options.log_lines) process->offload.drop_lines();
  process->main = std::move(main);
  std::vector<std::thread> threads;
  for (uint32_t i = 1; i < options.shards; ++i) {
    threads.emplace_back([&process, i] { run_shard(*process, i); });
  }
  run_shard(*process, 0);
  for (auto& thread : threads) thread.join();
  ::close(signal_fd);
  for (const auto& error : process->errors) {
    if (error) return fail(*error);
  }
  return process->exit_code;
}

Task<int> next_signal() {
  Op op;
  op.code = OpCode::signal;
  const int32_t number = co_await run(op);
  co_return number;
}

static void exit_now(int) { ::_exit(130); }

// The signals go back to their handlers: no shard needs to be alive for it.
void exit_on_next_signal() {
  ::signal(SIGINT, &exit_now);
  ::signal(SIGTERM, &exit_now);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

uint32_t usable_cores() {
  cpu_set_t allowed;
  uint32_t cores = 1;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    cores = static_cast<uint32_t>(std::max(1, CPU_COUNT(&allowed)));
  }
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  if (v2 >> quota >> period && period > 0) {
    cores = std::min(cores, static_cast<uint32_t>(std::max(1.0, quota / period)));
  }
  const auto quota_v1 = first_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto period_v1 = first_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_v1 && period_v1 && *period_v1 > 0 && *quota_v1 < (uint64_t{1} << 40)) {
    cores = std::min(cores, static_cast<uint32_t>(std::max<uint64_t>(1, *quota_v1 / *period_v1)));
  }
  return cores;
}

static uint64_t open_descriptors() {
  struct stat folder{};
  // Linux 6.2 tells the number as the size; before it was 0, and they have to be counted.
  if (::stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
    return static_cast<uint64_t>(folder.st_size);
  }
  uint64_t count = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // the directory's own
}

ProcessUsage process_usage() {
  ProcessUsage usage;
  rusage times{};
  ::getrusage(RUSAGE_SELF, &times);
  for (const timeval& part : {times.ru_utime, times.ru_stime}) {
    usage.cpu += std::chrono::seconds(part.tv_sec) + std::chrono::microseconds(part.tv_usec);
  }
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  if (statm >> total >> resident) {
    usage.resident_bytes = resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  usage.open_files = open_descriptors();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) usage.open_files_max = files.rlim_cur;
  return usage;
}

uint64_t usable_memory() {
  struct sysinfo info{};
  ::sysinfo(&info);
  uint64_t bytes = uint64_t{info.totalram} * info.mem_unit;
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    if (const auto limit = first_number(path)) bytes = std::min(bytes, *limit);
  }
  return bytes;
}

}  // namespace odradek::reactor
