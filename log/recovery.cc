#include "log/recovery.h"

#include <fmt/format.h>

#include <map>
#include <memory>

#include "log/checkpoint_files.h"
#include "log/limits.h"
#include "log/replay.h"
#include "log/wal_scan.h"
#include "reactor/file.h"
#include "reactor/logger.h"
#include "reactor/shard.h"
#include "reactor/wait.h"

namespace odradek::log {

using reactor::Task;

namespace {

class Recovery {
 public:
  Recovery(std::string path, Manifest& manifest, FileCache& files)
      : path_(std::move(path)), manifest_(manifest), files_(files) {}
  Task<Result<RecoveryReport>> run();

 private:
  // Groups whose records are not known.
  struct Hole {
    size_t wal;
    const WalDamage* damage;
  };
  struct Trace {
    size_t wal = 0;       // in which its records are
    WalSequence last{0};  // of the last group with bytes that stand nowhere else
  };
  Status check_manifest(const WalScan& scan) const;
  Task<Status> gather(WalScan& scan);
  Task<Status> gather_damaged(WalScan& scan, size_t wal, const WalDamage& damage);
  Result<bool> gather_group(size_t wal, WalGroupView group, bool damaged);
  void take(size_t wal, WalSequence sequence, const WalRecordCursor::Item& item);
  Replay& replay_of(const ManifestPartition& partition);
  void judge_holes();
  Task<Status> finish_all();
  struct Finished {
    std::vector<ManifestEdit> edits;
    Status status;  // the first failure that no quarantine answers
  };
  Task<void> finish(const TopicPartition& id, Replay& replay, Finished& out);
  void quarantine(const TopicPartition& id, std::string reason);

  // Fixed at construction.
  std::string path_;
  Manifest& manifest_;
  FileCache& files_;
  // By id, so that the same directory is recovered in the same order every time.
  std::map<TopicPartition, std::unique_ptr<Replay>> replays_;
  std::map<TopicPartition, Trace> traces_;
  std::vector<Hole> holes_;
  std::map<TopicPartition, std::string> quarantined_;
  RecoveryReport report_;
};

// A WAL is newer than the manifest's entry that it names.
Status Recovery::check_manifest(const WalScan& scan) const {
  for (const ScannedWal& wal : scan.wals()) {
    if (wal.manifest_sequence <= manifest_.sequence()) continue;
    return fail(
        Errc::corrupt,
        fmt::format("{}/{}: entries {} to {} were on stable storage and are gone: restore "
                    "the directory from a copy, or move it away",
                    path_, kManifestJournalFile, manifest_.sequence() + 1, wal.manifest_sequence));
  }
  return {};
}

Replay& Recovery::replay_of(const ManifestPartition& partition) {
  std::unique_ptr<Replay>& replay = replays_[partition.id];
  if (!replay) {
    std::string directory =
        path_ + "/" + partition_directory_name(partition.topic_name, partition.id.partition);
    replay = std::make_unique<Replay>(files_, std::move(directory), partition);
  }
  return *replay;
}

void Recovery::take(size_t wal, WalSequence sequence, const WalRecordCursor::Item& item) {
  ++report_.records;
  const WalRecord& record = item.record;
  // Not in the manifest: the partition was deleted after the record was staged.
  const ManifestPartition* found = manifest_.find(record.id);
  if (!found || record.generation != found->generation) return;
  if (record.kind != WalKind::batch && record.kind != WalKind::extent) return;
  Trace& trace = traces_[record.id];
  trace.wal = wal;
  // What is carried was durable before: it says nothing of what was staged meanwhile.
  if (!record.carried) trace.last = std::max(trace.last, sequence);
  Replay& replay = replay_of(*found);
  if (item.broken) {
    replay.add_broken(record, item.payload);
    return;
  }
  const Status added = replay.add(record, item.payload);
  if (!added) quarantine(record.id, added.error().context);
}

// False when the group cannot be read to its end.
Result<bool> Recovery::gather_group(size_t wal, WalGroupView group, bool damaged) {
  WalRecordCursor cursor = group.cursor();
  if (damaged) cursor.pass_broken_batches();
  for (;;) {
    const auto item = cursor.next();
    if (!item && damaged) return false;
    TRY(item);
    if (!*item) return true;
    take(wal, group.header.sequence, **item);
  }
}

Task<Status> Recovery::gather_damaged(WalScan& scan, size_t wal, const WalDamage& damage) {
  report_.damaged += damage.last.value - damage.first.value + 1;
  reactor::log_error("{}: the write-ahead log lost groups {} to {} that were on stable storage: {}",
                     path_, damage.first.value, damage.last.value, damage.what);
  bool known = false;
  if (damage.group) {
    const auto group = co_await scan.read_damaged(*damage.group);
    if (group) {
      CO_TRY_ASSIGN(known, gather_group(wal, *group, true));
    }
  }
  if (!known) holes_.push_back({wal, &damage});
  co_return Status{};
}

Task<Status> Recovery::gather(WalScan& scan) {
  for (size_t wal = 0; wal < scan.wals().size(); ++wal) {
    const ScannedWal& scanned = scan.wals()[wal];
    if (scanned.torn) ++report_.torn;
    for (size_t i = 0; i < scanned.live.size(); ++i) {
      CO_TRY_ASSIGN(const WalGroupView group, co_await scan.read_group(wal, i));
      CO_TRY(gather_group(wal, group, false));
    }
    for (const WalDamage& damage : scanned.damage) {
      CO_TRY(co_await gather_damaged(scan, wal, damage));
    }
  }
  report_.partitions = replays_.size();
  co_return Status{};
}

void Recovery::judge_holes() {
  for (const Hole& hole : holes_) {
    const WalDamage& damage = *hole.damage;
    for (const ManifestPartition* partition : manifest_.state().sorted()) {
      // A segment is in the manifest before any record names it.
      if (partition->segments.empty()) continue;
      if (damage.partitions && !damage.partitions->may_hold(partition->id)) continue;
      const auto trace = traces_.find(partition->id);
      if (trace != traces_.end()) {
        // A partition has live records in one WAL only; and a gap before a later record of its own
        // is found by its replay.
        if (trace->second.wal != hole.wal || trace->second.last > damage.last) continue;
      }
      quarantine(
          partition->id,
          fmt::format("records at its end may be gone: {}/{} lost groups {} to {}: {}", path_,
                      kWalFolder, damage.first.value, damage.last.value, damage.what));
    }
  }
}

// The first reason is the one that is kept.
void Recovery::quarantine(const TopicPartition& id, std::string reason) {
  reason.resize(std::min(reason.size(), kTopicNameBytesMax));
  quarantined_.emplace(id, std::move(reason));
}

Task<void> Recovery::finish(const TopicPartition& id, Replay& replay, Finished& out) {
  const Status finished = co_await replay.finish(out.edits);
  if (finished && !replay.damage().empty()) quarantine(id, replay.damage());
  if (finished) co_return;
  const Errc code = finished.error().code;
  if (code == Errc::corrupt || code == Errc::not_found) {
    quarantine(id, finished.error().context);
  } else if (out.status) {
    out.status = finished;
  }
}

Task<Status> Recovery::finish_all() {
  // A segment that was rolled just before the stop may have nothing in the WAL and yet want its
  // end.
  for (const ManifestPartition* partition : manifest_.state().sorted()) {
    if (partition->segments.empty()) continue;
    const bool rolled = partition->recovery.segment_base != partition->segments.rbegin()->first;
    if (rolled) (void)replay_of(*partition);
  }
  Finished out;
  for (auto next = replays_.begin(); next != replays_.end() && out.status;) {
    reactor::Gate some;
    for (size_t i = 0; i < kLogsFinishedAtOnce && next != replays_.end(); ++i, ++next) {
      some.spawn("replay", finish(next->first, *next->second, out));
    }
    co_await some.close();
  }
  CO_TRY(out.status);
  // Of partitions that got their directory just before the stop, or now.
  if (!replays_.empty()) CO_TRY(co_await reactor::sync_directory(path_));
  std::vector<ManifestEdit>& edits = out.edits;
  judge_holes();
  for (auto& [id, reason] : quarantined_) {
    const ManifestPartition* partition = manifest_.find(id);
    if (partition && partition->quarantine.empty()) edits.push_back(QuarantineSet{id, reason});
  }
  for (const ManifestEdit& edit : edits) manifest_.edit(edit);
  co_return co_await manifest_.commit();
}

Task<Result<RecoveryReport>> Recovery::run() {
  CO_TRY_ASSIGN(std::unique_ptr<WalScan> scan, co_await WalScan::open(path_));
  CO_TRY(check_manifest(*scan));
  report_.wal_bytes = scan->bytes_read();
  for (const ScannedWal& wal : scan->wals()) report_.wals.push_back({wal.id, wal.last});
  const Status gathered = co_await gather(*scan);
  const Status closed = co_await scan->close();
  CO_TRY(gathered);
  CO_TRY(closed);
  CO_TRY(co_await finish_all());
  CO_TRY(co_await scan->retire());
  if (report_.damaged > 0) CO_TRY(co_await scan->set_aside());
  report_.reusable_files = scan->reusable();
  co_return std::move(report_);
}

}  // namespace

Task<Result<RecoveryReport>> recover_directory(std::string path, Manifest& manifest,
                                               FileCache& files) {
  Recovery recovery(std::move(path), manifest, files);
  co_return co_await recovery.run();
}

}  // namespace odradek::log
