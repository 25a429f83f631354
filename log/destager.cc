#include "log/destager.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <utility>

#include "log/limits.h"
#include "log/log_disk.h"
#include "log/partition.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

void Destager::start() { gate_.spawn("destage", run(), reactor::TaskClass::background); }

Task<void> Destager::stop() {
  if (gate_.closed()) co_return;
  stopping_ = true;
  work_.notify_all();
  co_await gate_.close();
}

Task<void> Destager::run() {
  while (!stopping_) {
    bool done = false;
    if (!disk_.fenced()) done = co_await round();
    if (done || stopping_) continue;
    // Woken by commits; the deadline is for what a full disk left undone.
    (void)co_await work_.wait(reactor::this_shard().now() + kDiskFullRetry);
  }
}

// Those with a long run, and, when the oldest WAL file is to be emptied, those that keep it: unless
// what they have is short and carrying all of it costs little. Extents, which the WAL does not
// bound, go when all of them together take too much memory; so do short runs when all memory is
// short.
Destager::Choice Destager::choose(WalSequence through) const {
  Choice choice;
  std::vector<Partition*> keepers;
  uint64_t carry_bytes = 0;
  const bool memory_pressed = disk_.memory_pressed();
  const bool extents_pressed = memory_pressed || disk_.extents_pressed();
  for (Partition* partition : disk_.partitions()) {
    if (partition->settled()) continue;
    const uint64_t bytes = partition->destage_bytes();
    const auto needed = partition->needed_sequence();
    const bool keeps = needed && *needed <= through;
    const bool short_runs = keeps || memory_pressed;
    const bool extent = (keeps || extents_pressed) && partition->extent_durable();
    if (bytes > (short_runs ? kCarryRunBytesMax : kDestageRunBytes - 1) || extent) {
      choice.partitions.push_back(partition);
      if (choice.partitions.size() == kDestagePartitionsPerRound) return choice;
    } else if (keeps && partition->carry_bytes() > 0) {
      keepers.push_back(partition);
      carry_bytes += partition->carry_bytes();
    }
  }
  choice.carry = carry_bytes <= carry_bytes_max();
  if (choice.carry) return choice;
  // Too much to carry: into the files, to the last byte where nothing is on its way.
  std::ranges::sort(keepers, std::greater(), &Partition::destage_bytes);
  const size_t room = kDestagePartitionsPerRound - choice.partitions.size();
  keepers.resize(std::min(keepers.size(), room));
  choice.to_the_end = keepers;
  return choice;
}

// Carrying takes room in the ring before it gives any back.
uint64_t Destager::carry_bytes_max() const {
  const Wal& wal = disk_.wal();
  const uint64_t left = wal.capacity_bytes() - std::min(wal.capacity_bytes(), wal.used_bytes());
  return std::min(wal.capacity_bytes() / kCarryWalDivisor, left / 4);
}

Task<bool> Destager::round() {
  Wal& wal = disk_.wal();
  hurried_ = false;
#ifdef ODRADEK_PLANT_RECYCLE_EARLY
  wal.release_through(wal.durable());
#endif
  const bool pressed = wal.pressure() >= kWalPressureDestage;
  const WalSequence through = pressed ? wal.oldest_file_end() : WalSequence(0);
  const Choice choice = choose(through);
  const bool any = !choice.partitions.empty() || !choice.to_the_end.empty();
  if (any) {
    disk_.metrics().destage_rounds.add();
    const Status destaged = co_await destage(choice);
    if (!destaged) {
      disk_.note_failure(destaged.error());
      co_return false;
    }
  }
  const WalSequence before = wal.released();
  if (through.value > 0 && choice.carry) {
    const Status carried = co_await carry(through);
    if (!carried && carried.error().code != Errc::timed_out) co_return false;
  }
  release();
  co_return any || wal.released() > before;
}

Task<void> Destager::pace(uint64_t bytes) {
  for (;;) {
    Wal& wal = disk_.wal();
    const uint64_t appended = wal.stats().bytes - std::exchange(appended_seen_, wal.stats().bytes);
    credit_bytes_ = std::min(credit_bytes_ + kDestageSpeedup * appended, kDestageWriteBytes);
    const bool wanted = hurried_ || wal.pressure() >= kWalPressureUrgent || disk_.memory_pressed();
    if (credit_bytes_ >= bytes || wanted || stopping_ || disk_.fenced()) break;
    const bool moved = co_await wal.wait_progress(reactor::this_shard().now() + kDestagePause);
    // A flush that takes long is no reason to write more.
    const bool flushing = wal.durable() + 1 < wal.collecting();
    if (!moved && !flushing) break;
  }
  credit_bytes_ -= std::min(credit_bytes_, bytes);
}

struct Destager::Job {
  Job(Partition& p, bool end) : partition(p), pin(p), to_the_end(end) {}
  Partition& partition;
  Partition::Pin pin;
  bool to_the_end;
  Result<Partition::Destaged> result = Partition::Destaged{};
};

Task<void> Destager::run_job(Job& job) {
  job.result = co_await job.partition.destage(job.to_the_end);
}

// Several files at a time: their writes and syncs overlap.
Task<Status> Destager::destage(const Choice& choice) {
  std::deque<Job> jobs;
  for (Partition* partition : choice.partitions) jobs.emplace_back(*partition, false);
  for (Partition* partition : choice.to_the_end) jobs.emplace_back(*partition, true);
  reactor::Gate gate;
  for (Job& job : jobs) gate.spawn("destage", run_job(job), reactor::TaskClass::background);
  co_await gate.close();
  std::vector<ManifestEdit> edits;
  Status failed;
  for (Job& job : jobs) {
    if (job.result) {
      std::ranges::move(job.result->edits, std::back_inserter(edits));
    } else if (failed) {
      failed = fail(job.result.error());
    }
  }
  // What did succeed counts, unless the directory is fenced for the rest.
  CO_TRY(co_await disk_.edit(std::move(edits)));
  for (Job& job : jobs) {
    if (job.result) job.partition.set_destaged(*job.result);
  }
  disk_.leave_memory();
  co_return failed;
}

Task<Status> Destager::finish(Partition& partition) {
  co_await partition.wait_extents();
  while (!partition.all_destaged()) {
    if (disk_.fenced()) co_return fail(*disk_.fenced());
    CO_TRY_ASSIGN(Partition::Destaged result, co_await partition.destage(true));
    CO_TRY(co_await disk_.edit(std::move(result.edits)));
    partition.set_destaged(result);
  }
  co_return Status{};
}

Task<Status> Destager::carry(WalSequence through) {
  WalSequence last{0};
  uint64_t budget = carry_bytes_max();
  // Appends go on in between: look the list up anew after every wait.
  for (size_t i = 0; i < disk_.partitions().size(); ++i) {
    Partition& partition = *disk_.partitions()[i];
    const auto needed = partition.needed_sequence();
    if (partition.settled() || !needed || *needed > through || !partition.carry_helps(through))
      continue;
    if (partition.extent_durable()) continue;
    const uint64_t bytes = partition.carry_bytes();
    if (bytes == 0 || bytes > std::min(budget, 2 * kCarryRunBytesMax)) continue;
    budget -= std::min(budget, bytes);
    if (!disk_.wal().has_room(bytes, WalRoom::internal)) break;
    last = partition.carry();
  }
  if (last.value == 0) co_return Status{};
  co_return co_await disk_.wal().wait_durable(last, reactor::this_shard().now() + kCarryWait);
}

void Destager::release() {
  Wal& wal = disk_.wal();
  WalSequence needed = wal.durable() + 1;
  for (const Partition* partition : disk_.partitions()) {
    if (const auto sequence = partition->needed_sequence()) needed = std::min(needed, *sequence);
  }
  wal.release_through(needed - 1);
}

}  // namespace odradek::log
