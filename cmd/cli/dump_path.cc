#include "cmd/cli/dump_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "cmd/cli/dump_metadata.h"
#include "log/checkpoint_files.h"
#include "log/directory.h"
#include "log/manifest.h"
#include "log/segment_dump.h"
#include "log/segment_format.h"
#include "log/wal_format.h"
#include "reactor/file.h"
#include "replication/metadata/metadata_files.h"

namespace odradek::cli {

using log::LineSink;
using reactor::Task;

namespace {

constexpr uint64_t kTextBytesMax = 64u << 20;
// A running broker replaces the manifest's two files one after the other.
constexpr int kManifestTries = 3;
constexpr std::string_view kCheckpointSuffix = ".checkpoint";
// What is text, beside all that ends in "checkpoint" without a dot before it.
constexpr std::array<std::string_view, 5> kTextFiles{"meta.properties", "quorum-state",
                                                     log::kPartitionMetadataFile,
                                                     log::kCleanShutdownFile, log::kCleanFile};

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

enum class FileKind : uint8_t { manifest, wal, metadata_log, snapshot, text, log_file };

FileKind kind_of(std::string_view path, bool metadata) {
  const std::string_view name = name_of(path);
  const std::string folder = parent_of(path);
  if (name == log::kManifestFile || name == log::kManifestJournalFile) return FileKind::manifest;
  if (name.ends_with(log::kWalSuffix) || name_of(folder) == log::kWalFolder) return FileKind::wal;
  if (name.ends_with(kCheckpointSuffix)) return FileKind::snapshot;
  if (name.ends_with(log::kLogSuffix) &&
      (metadata || name_of(folder) == metadata::kMetadataFolder)) {
    return FileKind::metadata_log;
  }
  const bool text = std::ranges::find(kTextFiles, name) != kTextFiles.end();
  if (text || name.ends_with("checkpoint")) return FileKind::text;
  return FileKind::log_file;
}

bool has_batches(std::string_view name) {
  return name.ends_with(log::kLogSuffix) || name.ends_with(kCheckpointSuffix);
}

bool is_partition(std::string_view name) {
  return log::parse_partition_directory(name).has_value() || log::is_partition_directory(name);
}

// Up to where the manifest vouches for a segment of the partition.
uint64_t settled_bytes(const log::ManifestPartition& partition, log::Offset base) {
  const auto segment = partition.segments.find(base);
  const bool sealed = segment != partition.segments.end() && segment->second.sealed;
  if (sealed || base < partition.recovery.segment_base) return UINT64_MAX;
  return base == partition.recovery.segment_base ? partition.recovery.position : 0;
}

class Dump {
 public:
  Dump(DumpRequest request, LineSink out, LineSink wrong)
      : request_(std::move(request)), out_(std::move(out)), wrong_(std::move(wrong)) {}

  // Whatever `path` is.
  Task<void> path(std::string path);
  int exit_code() const { return failures_ == 0 ? 0 : 1; }
  const DumpRequest& request() const { return request_; }

 private:
  Task<void> directory(std::string path);
  Task<void> log_directory(std::string path, std::vector<reactor::DirEntry> entries);
  Task<size_t> partition(std::string path, bool summary);  // returns how many files it printed
  Task<void> listed_file(std::string path, bool summary);
  Task<Status> file(std::string path);
  Task<Status> summarise(std::string path);
  Task<Status> manifest(std::string log_directory);
  Task<Status> metadata_batches(std::string path);
  Task<Status> text(std::string path);
  Task<Status> segment_file(std::string path);
  Task<void> read_manifest(std::string log_directory);
  Task<uint64_t> settled(std::string path);
  Task<uint64_t> settled_metadata(std::string path);
  log::DumpOptions options() const;
  void note(std::string_view path, const Status& status);

  // Fixed at construction.
  DumpRequest request_;
  LineSink out_;
  LineSink wrong_;
  // Written by read_manifest(): the partitions of the log directory read last, by directory name.
  std::string manifest_of_;
  std::map<std::string, log::ManifestPartition, std::less<>> partitions_;
  int failures_ = 0;
};

log::DumpOptions Dump::options() const {
  return {.deep = request_.deep, .payloads = request_.payloads};
}

void Dump::note(std::string_view path, const Status& status) {
  if (status) return;
  ++failures_;
  const std::string& text = status.error().context;
  const bool named = text.find(path) != std::string::npos;
  wrong_(named ? text : fmt::format("{}: {}", path, text));
}

Task<void> Dump::path(std::string path) {
  const auto stat = co_await reactor::stat_file(path);
  if (!stat) {
    note(path, fail(stat.error()));
  } else if (stat->directory) {
    co_await directory(path);
  } else {
    note(path, co_await file(path));
  }
}

Task<void> Dump::directory(std::string path) {
  const std::string_view name = name_of(path);
  if (name == log::kWalFolder) {
    out_("Dumping " + path);
    note(path, co_await log::dump_wal(parent_of(path), {}, out_));
    co_return;
  }
  if (is_partition(name)) {
    const size_t printed = co_await partition(path, false);
    if (printed == 0) note(path, fail(Errc::not_found, path + " holds no file of a log"));
    co_return;
  }
  auto entries = co_await reactor::list_directory(path);
  if (!entries) {
    note(path, fail(entries.error()));
    co_return;
  }
  co_await log_directory(path, std::move(*entries));
}

Task<void> Dump::log_directory(std::string path, std::vector<reactor::DirEntry> entries) {
  const auto named = [&entries](std::string_view name) {
    return std::ranges::find(entries, name, &reactor::DirEntry::name) != entries.end();
  };
  out_("Log directory " + path);
  size_t found = 0;
  if (named(log::kManifestFile)) {
    note(path, co_await manifest(path));
    ++found;
  }
  if (named(log::kWalFolder)) {
    out_(fmt::format("Dumping {}/{}", path, log::kWalFolder));
    const log::WalDumpOptions wal{.groups = request_.deep, .records = request_.deep};
    note(path, co_await log::dump_wal(path, wal, out_));
    ++found;
  }
  for (const reactor::DirEntry& entry : entries) {
    const std::string below = path + "/" + entry.name;
    if (entry.directory && is_partition(entry.name)) {
      found += co_await partition(below, !request_.deep);
    } else if (!entry.directory && (kind_of(below, false) == FileKind::text ||
                                    entry.name.ends_with(kCheckpointSuffix))) {
      co_await listed_file(below, !request_.deep);
      ++found;
    }
  }
  if (found == 0) {
    note(path, fail(Errc::not_found, path + " holds no log: no manifest, partition or checkpoint"));
  }
}

// Files of other names are passed over: the directory may be anything.
Task<size_t> Dump::partition(std::string path, bool summary) {
  const auto entries = co_await reactor::list_directory(path);
  if (!entries) {
    const bool gone = entries.error().code == Errc::not_found;
    if (gone) out_(path + " was removed meanwhile");
    if (!gone) note(path, fail(entries.error()));
    co_return 0;
  }
  size_t printed = 0;
  for (const reactor::DirEntry& entry : *entries) {
    const std::string below = path + "/" + entry.name;
    const bool known = kind_of(below, false) != FileKind::log_file || log::is_dumpable(entry.name);
    if (entry.directory || !known) continue;
    if (printed++ == 0) out_("Directory " + path);
    co_await listed_file(below, summary);
  }
  co_return printed;
}

// A file that a broker removed after the directory was read is no error.
Task<void> Dump::listed_file(std::string path, bool summary) {
  const Status done = summary ? co_await summarise(path) : co_await file(path);
  if (!done && done.error().code == Errc::not_found) {
    out_(path + " was removed meanwhile");
  } else {
    note(path, done);
  }
}

Task<Status> Dump::file(std::string path) {
  switch (kind_of(path, request_.metadata)) {
    case FileKind::manifest: co_return co_await manifest(parent_of(path));
    case FileKind::wal: {
      log::WalDumpOptions wal;
      if (path.ends_with(log::kWalSuffix)) wal.only_file = path;
      out_("Dumping " + path);
      co_return co_await log::dump_wal(parent_of(parent_of(path)), wal, out_);
    }
    case FileKind::metadata_log:
    case FileKind::snapshot: co_return co_await metadata_batches(path);
    case FileKind::text: co_return co_await text(path);
    case FileKind::log_file: break;
  }
  co_return co_await segment_file(path);
}

// One line: offsets and sizes of batches, the number of entries of all else.
Task<Status> Dump::summarise(std::string path) {
  const FileKind kind = kind_of(path, request_.metadata);
  if (kind == FileKind::text) co_return co_await text(path);
  const std::string name(name_of(path));
  if (has_batches(name)) {
    const uint64_t limit = kind == FileKind::metadata_log ? co_await settled_metadata(path)
                           : kind == FileKind::log_file   ? co_await settled(path)
                                                          : UINT64_MAX;
    const auto say = [&](std::string_view line) { out_(fmt::format("{}: {}", name, line)); };
    CO_TRY_ASSIGN(const auto s, co_await log::summarise_batches(path, limit, say));
    out_(fmt::format(
        "{}: baseOffset: {} lastOffset: {} batches: {} count: {} bytes: {} "
        "maxTimestamp: {}",
        name, s.first.value, s.last.value, s.batches, s.records, s.bytes, s.timestamp_ms_max));
    co_return Status{};
  }
  int64_t lines = -1;  // the first one names the file
  CO_TRY(co_await log::dump_file(path, {}, [&lines](std::string_view) { ++lines; }));
  out_(fmt::format("{}: {} entries", name, lines));
  co_return Status{};
}

Task<Status> Dump::manifest(std::string log_directory) {
  out_(fmt::format("Dumping {}/{}", log_directory, log::kManifestFile));
  Status dumped;
  for (int i = 0; i < kManifestTries; ++i) {
    dumped = co_await log::dump_manifest(log_directory, out_);
    if (dumped || dumped.error().code != Errc::corrupt) break;
  }
  co_return dumped;
}

Task<Status> Dump::metadata_batches(std::string path) {
  out_("Dumping " + path);
  log::DumpOptions options;
  options.text = &metadata_text;
  const auto id = metadata::parse_snapshot_name(name_of(path));
  const auto base = metadata::parse_segment_name(name_of(path));
  if (id) {
    out_(fmt::format("Snapshot end offset: {}, epoch: {}", id->end.value, id->epoch.value));
  } else if (base) {
    out_(fmt::format("Log starting offset: {}", base->value));
    options.settled_bytes = co_await settled_metadata(path);
  }
  const Status dumped = co_await log::dump_batches(path, options, out_);
  if (dumped) co_return dumped;
  co_return fail(dumped.error().code, path + ": " + dumped.error().context);
}

Task<Status> Dump::text(std::string path) {
  CO_TRY_ASSIGN(const auto bytes, co_await reactor::read_file(path, kTextBytesMax));
  out_("Dumping " + path);
  for (const std::string_view line : log::detail::lines_of(as_text(bytes))) out_(line);
  co_return Status{};
}

Task<Status> Dump::segment_file(std::string path) {
  log::DumpOptions dump = options();
  if (path.ends_with(log::kLogSuffix)) dump.settled_bytes = co_await settled(path);
  co_return co_await log::dump_file(path, dump, out_);
}

// Read once, before any segment of the directory: what it vouches for is there then. Without one,
// or after a clean stop, nobody is writing.
Task<void> Dump::read_manifest(std::string log_directory) {
  if (manifest_of_ == log_directory) co_return;
  manifest_of_ = log_directory;
  partitions_.clear();
  const auto clean = co_await reactor::stat_file(log_directory + "/" + log::kCleanFile);
  for (int i = 0; !clean && i < kManifestTries; ++i) {
    auto state = co_await log::Manifest::read(log_directory);
    if (!state) continue;
    for (auto& [id, partition] : state->partitions) {
      const std::string name = log::partition_directory_name(partition.topic_name, id.partition);
      partitions_.insert_or_assign(name, std::move(partition));
    }
    co_return;
  }
}

// All of a segment that the manifest knows nothing of.
Task<uint64_t> Dump::settled(std::string path) {
  const auto name = log::parse_segment_file_name(name_of(path));
  const std::string folder = parent_of(path);
  co_await read_manifest(parent_of(folder));
  const auto partition = partitions_.find(name_of(folder));
  if (!name || partition == partitions_.end()) co_return UINT64_MAX;
  co_return settled_bytes(partition->second, name->base);
}

// The controller may be writing at the end of the last segment, and only there.
Task<uint64_t> Dump::settled_metadata(std::string path) {
  const auto entries = co_await reactor::list_directory(parent_of(path));
  const auto stat = co_await reactor::stat_file(path);
  if (!entries || !stat) co_return UINT64_MAX;  // reading the file tells what is wrong
  for (const reactor::DirEntry& entry : *entries) {
    if (metadata::parse_segment_name(entry.name) && entry.name > name_of(path)) {
      co_return UINT64_MAX;
    }
  }
  co_return stat->size;
}

}  // namespace

Task<int> dump_paths(DumpRequest request, LineSink out, LineSink wrong) {
  Dump dump(std::move(request), std::move(out), std::move(wrong));
  for (const std::string& path : dump.request().paths) co_await dump.path(path);
  co_return dump.exit_code();
}

}  // namespace odradek::cli
