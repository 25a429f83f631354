#include "log/recovery.h"

#include <map>
#include <memory>

#include "log/checkpoint_files.h"
#include "log/limits.h"
#include "log/replay.h"
#include "log/wal_scan.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

// By id, so that the same directory is recovered in the same order every time.
using Replays = std::map<TopicPartition, std::unique_ptr<Replay>>;

static std::unique_ptr<Replay> make_replay(const std::string& path, const ManifestPartition& found,
                                           FileCache& files, AlignedBuffer& scratch) {
  std::string directory =
      path + "/" + partition_directory_name(found.topic_name, found.id.partition);
  return std::make_unique<Replay>(files, std::move(directory), found, scratch);
}

static Status gather_group(const std::string& path, const Manifest& manifest,
                           const WalGroupView& group, FileCache& files, AlignedBuffer& scratch,
                           Replays& replays, RecoveryReport& report) {
  WalRecordCursor cursor = group.cursor();
  for (;;) {
    TRY_ASSIGN(const auto item, cursor.next());
    if (!item) return {};
    ++report.records;
    // Not in the manifest: the partition was deleted after the record was staged.
    const ManifestPartition* found = manifest.find(item->record.id);
    const WalKind kind = item->record.kind;
    if (!found || (kind != WalKind::batch && kind != WalKind::extent)) continue;
    std::unique_ptr<Replay>& replay = replays[item->record.id];
    if (!replay) replay = make_replay(path, *found, files, scratch);
    TRY(replay->add(item->record, item->payload));
  }
}

static Status refuse_damage(const std::string& path, const WalScan& scan) {
  for (const ScannedWal& wal : scan.wals()) {
    if (wal.damage.empty()) continue;
    const WalDamage& damage = wal.damage.front();
    return fail(Errc::corrupt, path + ": the write-ahead log lost groups " +
                                   damage.first.to_string() + " to " + damage.last.to_string() +
                                   " that were on stable storage: " + damage.what);
  }
  return {};
}

static Task<Status> finish_all(const std::string& path, Manifest& manifest, FileCache& files,
                               AlignedBuffer& scratch, Replays& replays) {
  // A segment that was rolled just before the stop may have nothing in the WAL and yet want its
  // end.
  for (const ManifestPartition* partition : manifest.state().sorted()) {
    if (partition->segments.empty()) continue;
    const bool rolled = partition->recovery.segment_base != partition->segments.rbegin()->first;
    std::unique_ptr<Replay>& replay = replays[partition->id];
    if (!replay && rolled) replay = make_replay(path, *partition, files, scratch);
  }
  std::vector<ManifestEdit> edits;
  for (const auto& [id, replay] : replays) {
    if (replay) CO_TRY(co_await replay->finish(edits));
  }
  for (const ManifestEdit& edit : edits) manifest.edit(edit);
  co_return co_await manifest.commit();
}

static Task<Status> replay_all(const std::string& path, Manifest& manifest, FileCache& files,
                               WalScan& scan, RecoveryReport& report) {
  AlignedBuffer scratch(kDestageRunBytes);
  Replays replays;
  for (size_t wal = 0; wal < scan.wals().size(); ++wal) {
    if (scan.wals()[wal].torn) ++report.torn;
    for (size_t i = 0; i < scan.wals()[wal].live.size(); ++i) {
      CO_TRY_ASSIGN(const WalGroupView group, co_await scan.read_group(wal, i));
      CO_TRY(gather_group(path, manifest, group, files, scratch, replays, report));
      co_await reactor::yield();
    }
  }
  report.partitions = replays.size();
  co_return co_await finish_all(path, manifest, files, scratch, replays);
}

Task<Result<RecoveryReport>> recover_directory(std::string path, Manifest& manifest,
                                               FileCache& files) {
  RecoveryReport report;
  CO_TRY_ASSIGN(std::unique_ptr<WalScan> scan, co_await WalScan::open(path));
  CO_TRY(refuse_damage(path, *scan));
  report.wal_bytes = scan->bytes_read();
  for (const ScannedWal& wal : scan->wals()) report.wals.push_back({wal.id, wal.last});
  const Status replayed = co_await replay_all(path, manifest, files, *scan, report);
  const Status closed = co_await scan->close();
  CO_TRY(replayed);
  CO_TRY(closed);
  CO_TRY(co_await scan->retire());
  report.reusable_files = scan->reusable();
  co_return report;
}

}  // namespace odradek::log
