#include "log/destager.h"

#include <algorithm>
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
// what they have is short and carrying all of it costs little.
std::vector<Partition*> Destager::choose(WalSequence through) const {
  std::vector<Partition*> chosen;
  std::vector<Partition*> short_runs;
  uint64_t carry_bytes = 0;
  for (Partition* partition : disk_.partitions()) {
    const uint64_t bytes = partition->destage_bytes();
    const auto needed = partition->needed_sequence();
    if (bytes >= kDestageRunBytes) {
      chosen.push_back(partition);
    } else if (bytes > 0 && needed && *needed <= through) {
      (bytes > kCarryRunBytesMax ? chosen : short_runs).push_back(partition);
      if (bytes <= kCarryRunBytesMax) carry_bytes += partition->carry_bytes();
    }
    if (chosen.size() == kDestagePartitionsPerRound) return chosen;
  }
  if (carry_bytes <= disk_.wal().capacity_bytes() / kCarryWalDivisor) return chosen;
  std::ranges::sort(short_runs, std::greater(), &Partition::destage_bytes);
  for (Partition* partition : short_runs) {
    if (chosen.size() == kDestagePartitionsPerRound) break;
    chosen.push_back(partition);
  }
  return chosen;
}

Task<bool> Destager::round() {
  Wal& wal = disk_.wal();
#ifdef ODRADEK_PLANT_RECYCLE_EARLY
  wal.release_through(wal.durable());
#endif
  const bool pressed = std::exchange(empty_wal_, false) || wal.pressure() >= kWalPressureDestage;
  const WalSequence through = pressed ? wal.oldest_file_end() : WalSequence(0);
  std::vector<Partition*> chosen = choose(through);
  const bool any = !chosen.empty();
  if (any) {
    const Status destaged = co_await destage(std::move(chosen));
    if (!destaged) {
      disk_.note_failure(destaged.error());
      co_return false;
    }
  }
  const WalSequence before = wal.released();
  if (through.value > 0) {
    const Status carried = co_await carry(through);
    if (!carried) co_return false;
  }
  release();
  co_return any || wal.released() > before;
}

Task<Status> Destager::destage(std::vector<Partition*> chosen) {
  std::vector<Partition::Pin> pins;
  for (Partition* partition : chosen) pins.emplace_back(*partition);
  std::vector<Partition::Destaged> results;
  std::vector<ManifestEdit> edits;
  for (Partition* partition : chosen) {
    CO_TRY_ASSIGN(Partition::Destaged result, co_await partition->destage(false));
    std::ranges::move(result.edits, std::back_inserter(edits));
    results.push_back(std::move(result));
  }
  CO_TRY(co_await disk_.edit(std::move(edits)));
  for (size_t i = 0; i < chosen.size(); ++i) chosen[i]->set_destaged(results[i]);
  disk_.leave_memory();
  co_return Status{};
}

Task<Status> Destager::finish(Partition& partition) {
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
  uint64_t budget = disk_.wal().capacity_bytes() / kCarryWalDivisor;
  // Appends go on in between: look the list up anew after every wait.
  for (size_t i = 0; i < disk_.partitions().size(); ++i) {
    Partition& partition = *disk_.partitions()[i];
    const auto needed = partition.needed_sequence();
    if (!needed || *needed > through || !partition.carry_helps(through)) continue;
    // The rest of a block can only be carried; more than that, within the budget.
    const uint64_t bytes = partition.carry_bytes();
    if (bytes == 0 || (bytes >= kDiskBlockBytes && bytes > std::min(budget, kCarryRunBytesMax))) {
      continue;
    }
    budget -= std::min(budget, bytes);
    if (!disk_.wal().has_room(bytes, WalRoom::internal)) break;
    last = partition.carry();
  }
  if (last.value == 0) co_return Status{};
  co_return co_await disk_.wal().wait_durable(last, kMonoMax);
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
