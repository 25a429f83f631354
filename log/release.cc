#include "log/release.h"

#include <algorithm>
#include <utility>

#include "log/checkpoint_files.h"
#include "log/directory.h"
#include "log/leader_epochs.h"
#include "log/log_manager.h"
#include "log/manifest.h"
#include "log/segment_format.h"
#include "log/store.h"
#include "log/wal_format.h"
#include "reactor/file.h"

namespace odradek::log {

using reactor::Task;

namespace {

Task<Result<bool>> exists(std::string path) {
  const auto stat = co_await reactor::stat_file(std::move(path));
  if (stat) co_return true;
  if (stat.error().code == Errc::not_found) co_return false;
  co_return fail(stat.error());
}

Task<Status> remove_if_there(std::string path) {
  Status removed = co_await reactor::remove_file(std::move(path));
  if (!removed && removed.error().code == Errc::not_found) co_return Status{};
  co_return removed;
}

Task<Status> write_text(std::string path, std::string text) {
  const BytesView bytes = as_bytes(text);
  co_return co_await reactor::replace_file(std::move(path), {bytes.begin(), bytes.end()});
}

// The last step: the guards go, the manifest's files before the WAL.
Task<Status> remove_guards(std::string path) {
  for (const char* name : {kManifestFile, kManifestJournalFile, kCleanFile}) {
    CO_TRY(co_await remove_if_there(path + "/" + name));
  }
  CO_TRY(co_await reactor::sync_directory(path));
  const std::string folder = path + "/" + kWalFolder;
  const auto entries = co_await reactor::list_directory(folder);
  CO_TRY(entries);
  for (const reactor::DirEntry& entry : *entries) {
    if (entry.name != kReleasedFile) CO_TRY(co_await remove_if_there(folder + "/" + entry.name));
  }
  CO_TRY(co_await reactor::sync_directory(folder));
  CO_TRY(co_await remove_if_there(folder + "/" + kReleasedFile));
  CO_TRY(co_await reactor::remove_directory(folder));
  co_return co_await reactor::sync_directory(path);
}

std::string directory_of(const std::string& path, const ManifestPartition& partition) {
  return path + "/" + partition_directory_name(partition.topic_name, partition.id.partition);
}

Offset end_of(const ManifestPartition& partition) {
  return partition.segments.empty() ? partition.log_start
                                    : partition.segments.rbegin()->second.next;
}

// What Kafka keeps in the partition's directory, and nothing that only we read.
Task<Status> hand_over_partition(std::string directory, const ManifestPartition& partition) {
  LeaderEpochs epochs;
  for (const auto& [epoch, start] : partition.epochs) epochs.assign(epoch, start);
  CO_TRY(co_await write_text(directory + "/" + std::string(kLeaderEpochFile),
                             epochs.encode_checkpoint()));
  CO_TRY(co_await write_text(directory + "/" + std::string(kPartitionMetadataFile),
                             encode_partition_metadata(partition.id.topic)));
  for (const auto& [base, segment] : partition.segments) {
    CO_TRY(co_await remove_if_there(segment_path(directory, base, kChecksumsSuffix)));
  }
  co_return co_await reactor::sync_directory(directory);
}

Task<Status> write_checkpoints(std::string path, const ManifestState& state) {
  std::vector<PartitionOffset> ends;
  std::vector<PartitionOffset> starts;
  std::vector<PartitionOffset> clean;
  for (const ManifestPartition* partition : state.sorted()) {
    // Kafka makes the directory of a log without records when it first needs it, as we do.
    if (partition->segments.empty()) continue;
    const PartitionId index = partition->id.partition;
    ends.push_back({partition->topic_name, index, end_of(*partition)});
    if (partition->log_start > partition->segments.begin()->first) {
      starts.push_back({partition->topic_name, index, partition->log_start});
    }
    if (partition->clean_to.value >= 0) {
      clean.push_back({partition->topic_name, index, partition->clean_to});
    }
  }
  const std::string text = encode_offset_checkpoint(ends);
  CO_TRY(co_await write_text(path + "/" + std::string(kRecoveryPointFile), text));
  CO_TRY(co_await write_text(path + "/" + std::string(kHighWatermarkFile), text));
  // Kafka's cleaner goes on where ours was.
  CO_TRY(
      co_await write_text(path + "/" + std::string(kCleanerFile), encode_offset_checkpoint(clean)));
  co_return co_await write_text(path + "/" + std::string(kLogStartFile),
                                encode_offset_checkpoint(starts));
}

// From ours, stopped clean, to Kafka's. Under the directory's lock.
Task<Status> hand_over(std::string path, int64_t broker_epoch, ReleasedDirectory& out) {
  CO_TRY_ASSIGN(const ManifestState state, co_await Manifest::read(path));
  for (const ManifestPartition* partition : state.sorted()) {
    if (partition->segments.empty()) continue;
    CO_TRY(co_await hand_over_partition(directory_of(path, *partition), *partition));
    ++out.partitions;
    for (const auto& [base, segment] : partition->segments) out.bytes += segment.bytes;
  }
  CO_TRY(co_await write_checkpoints(path, state));
  CO_TRY(
      co_await write_text(path + "/" + std::string(kCleanShutdownFile),
                          "{\"version\":0,\"brokerEpoch\":" + std::to_string(broker_epoch) + "}"));
  CO_TRY(
      co_await write_text(path + "/" + kWalFolder + "/" + kReleasedFile, "odradek released 1\n"));
  co_return co_await remove_guards(path);
}

Task<Result<ReleasedDirectory>> release_one(std::string path, int64_t broker_epoch) {
  ReleasedDirectory out{.path = path};
  CO_TRY_ASSIGN(std::unique_ptr<LogDirectory> directory, co_await LogDirectory::open(path));
  Status released;
  if (directory->was_clean()) {
    released = co_await hand_over(path, broker_epoch, out);
  } else {
    released = fail(Errc::permission, path + ": a broker used it meanwhile; try again");
  }
  const Status closed = co_await directory->close();
  CO_TRY(released);
  CO_TRY(closed);
  co_return out;
}

Task<Status> finish_release(std::string path) {
  CO_TRY_ASSIGN(DirectoryLock lock, co_await DirectoryLock::take(path));
  const Status removed = co_await remove_guards(path);
  const Status closed = co_await lock.close();
  co_return removed ? closed : removed;
}

Status check_found(const std::vector<FoundPartition>& found) {
  for (const FoundPartition& partition : found) {
    if (partition.quarantine.empty()) continue;
    const std::string name = partition_directory_name(partition.topic_name, partition.id.partition);
    return fail(Errc::corrupt, partition.directory + "/" + name +
                                   " is quarantined: " + partition.quarantine +
                                   ". Delete the topic, or take what is left: odradek storage "
                                   "accept-loss " +
                                   partition.directory + " " + name);
  }
  return {};
}

// Opens every log and stops: all of it is in the files then, as after a clean stop of a broker.
Task<Status> settle(LogStore& store, const LogOptions& options) {
  CO_TRY(check_found(store.found()));
  CO_TRY_ASSIGN(std::unique_ptr<LogManager> manager, co_await LogManager::start(options, &store));
  Status status;
  for (const FoundPartition& found : store.found()) {
    PartitionSpec spec;
    spec.id = found.id;
    spec.topic_name = found.topic_name;
    spec.config.delete_policy = false;  // what the topic keeps, nobody here knows
    status = co_await manager->open_partition(std::move(spec));
    if (!status) break;
  }
  const Status stopped = co_await manager->stop();
  co_return status ? stopped : status;
}

Task<Status> settle_all(std::vector<std::string> directories) {
  LogOptions options;
  options.directories = std::move(directories);
  options.wal_bytes = 0;  // the least
  options.only_settles = true;
  CO_TRY_ASSIGN(std::unique_ptr<LogStore> store, co_await LogStore::open(options));
  const Status settled = co_await settle(*store, options);
  const Status closed = co_await store->close();
  co_return settled ? closed : settled;
}

}  // namespace

namespace {

enum class Stage : uint8_t { ours, ongoing, not_ours };

// A WAL folder without a manifest and with nothing in it is the last thing that a release removes.
Task<Result<Stage>> stage_of(std::string path) {
  const auto wal = co_await reactor::list_directory(path + "/" + kWalFolder);
  if (!wal && wal.error().code != Errc::not_found) co_return fail(wal.error());
  const bool released =
      wal && std::ranges::find(*wal, kReleasedFile, &reactor::DirEntry::name) != wal->end();
  if (released) co_return Stage::ongoing;
  CO_TRY_ASSIGN(const bool manifest, co_await exists(path + "/" + kManifestFile));
  if (manifest) co_return Stage::ours;
  co_return wal && wal->empty() ? Stage::ongoing : Stage::not_ours;
}

}  // namespace

Task<Result<std::vector<ReleasedDirectory>>> release_directories(ReleaseOptions options) {
  std::vector<std::string> ours;
  std::vector<std::string> ongoing;
  for (const std::string& path : options.directories) {
    CO_TRY_ASSIGN(const Stage stage, co_await stage_of(path));
    if (stage == Stage::not_ours) {
      co_return fail(Errc::not_found,
                     path + " is no log directory of Odradek's: it holds no " + kManifestFile);
    }
    (stage == Stage::ours ? ours : ongoing).push_back(path);
  }
  std::vector<ReleasedDirectory> out;
  for (const std::string& path : ongoing) {
    CO_TRY(co_await finish_release(path));
    out.push_back({.path = path, .was_ongoing = true});
  }
  if (ours.empty()) co_return out;
  CO_TRY(co_await settle_all(ours));
  for (const std::string& path : ours) {
    CO_TRY_ASSIGN(ReleasedDirectory released, co_await release_one(path, options.broker_epoch));
    out.push_back(std::move(released));
  }
  co_return out;
}

static Status lift_quarantine(Manifest& manifest, const std::string& name) {
  for (const ManifestPartition* partition : manifest.state().sorted()) {
    if (partition_directory_name(partition->topic_name, partition->id.partition) != name) continue;
    if (partition->quarantine.empty()) break;
    manifest.edit(QuarantineSet{partition->id, ""});
    return {};
  }
  return fail(Errc::not_found, name + ": no such partition is quarantined there");
}

Task<Status> accept_loss(std::string directory, std::string partition) {
  CO_TRY_ASSIGN(const bool ours, co_await exists(directory + "/" + kManifestFile));
  if (!ours) co_return fail(Errc::not_found, directory + " is no log directory of Odradek's");
  CO_TRY_ASSIGN(DirectoryLock lock, co_await DirectoryLock::take(directory));
  Status status;
  auto manifest = co_await Manifest::open(directory);
  if (manifest) {
    status = lift_quarantine(**manifest, partition);
    const Status closed = co_await (*manifest)->close();
    if (status) status = closed;
  } else {
    status = fail(manifest.error());
  }
  const Status closed = co_await lock.close();
  co_return status ? closed : status;
}

}  // namespace odradek::log
