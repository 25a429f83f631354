#include "log/directory.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "log/checkpoint_files.h"
#include "log/manifest_format.h"
#include "log/wal_format.h"

namespace odradek::log {

using reactor::File;
using reactor::Task;

namespace {

constexpr std::string_view kMetadataDirectory = "__cluster_metadata-0";
constexpr std::string_view kCleanLine = "odradek clean stop 1";
constexpr uint64_t kCleanBytesMax = 64 * 1024;
// What a Kafka broker leaves beside its partitions.
constexpr std::array<std::string_view, 5> kKafkaFiles = {
    "recovery-point-offset-checkpoint", "replication-offset-checkpoint",
    "log-start-offset-checkpoint", "cleaner-offset-checkpoint", ".kafka_cleanshutdown"};

bool is_kafka_data(const reactor::DirEntry& entry) {
  if (!entry.directory) return std::ranges::find(kKafkaFiles, entry.name) != kKafkaFiles.end();
  return entry.name != kMetadataDirectory && is_partition_directory(entry.name);
}

// Whether what lies in the directory was written by us, or nothing does.
Status check_ours(const std::string& path, const std::vector<reactor::DirEntry>& entries) {
  const auto named = [&entries](std::string_view name) {
    return std::ranges::find(entries, name, &reactor::DirEntry::name) != entries.end();
  };
  if (named(kManifestFile)) return {};
  if (named(kWalFolder)) {
    return fail(Errc::corrupt, path + " holds " + kWalFolder + " but no " + kManifestFile +
                                   ": when 'odradek storage release' was cut off, run it again; "
                                   "else restore it, or move the directory away");
  }
  const auto kafka = std::ranges::find_if(entries, is_kafka_data);
  if (kafka == entries.end()) return {};
  return fail(Errc::exists, path + " holds data of Apache Kafka (" + kafka->name +
                                "): it was not touched; name an empty directory in log.dirs");
}

}  // namespace

// Makes the name of a new directory durable, and those of the parents that may be new with it.
static Task<Status> sync_parents(std::string path) {
  for (size_t slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/')) {
    path.resize(slash);
    const Status synced = co_await reactor::sync_directory(path.empty() ? "/" : path);
    // A parent that we may not read was not made by us.
    if (!synced && synced.error().code != Errc::permission) co_return synced;
  }
  co_return Status{};
}

std::string encode_clean_mark(const std::vector<WalEnd>& ends) {
  std::string text = std::string(kCleanLine) + "\n";
  for (const WalEnd& end : ends) {
    text += "wal " + end.wal.to_string() + " " + end.last.to_string() + "\n";
  }
  return text + "end " + std::to_string(ends.size()) + "\n";
}

std::optional<std::vector<WalEnd>> decode_clean_mark(std::string_view text) {
  const std::vector<std::string_view> lines = detail::lines_of(text);
  if (lines.size() < 2 || lines.front() != kCleanLine) return std::nullopt;
  std::vector<WalEnd> ends;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    const auto words = detail::words_of(lines[i]);
    if (words.size() != 3 || words[0] != "wal") return std::nullopt;
    const auto wal = Uuid::parse(words[1]);
    const auto last = detail::number_of(words[2]);
    if (!wal || !last || *last < 0) return std::nullopt;
    ends.push_back({*wal, WalSequence(static_cast<uint64_t>(*last))});
  }
  const auto words = detail::words_of(lines.back());
  if (words.size() != 2 || words[0] != "end") return std::nullopt;
  if (detail::number_of(words[1]) != static_cast<int64_t>(ends.size())) return std::nullopt;
  return ends;
}

bool is_partition_directory(std::string_view name) {
  const size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == name.size()) return false;
  return std::ranges::all_of(name.substr(dash + 1), [](char c) { return c >= '0' && c <= '9'; });
}

Task<Result<DirectoryLock>> DirectoryLock::take(std::string directory) {
  DirectoryLock lock;
  reactor::OpenOptions options;
  options.write = options.create = true;
  CO_TRY_ASSIGN(lock.file_, co_await File::open(directory + "/" + kLockFile, options));
  const Status locked = co_await lock.file_.lock();
  if (locked) co_return lock;
  (void)co_await lock.file_.close();  // the first error is the one to tell
  if (locked.error().code != Errc::permission) co_return fail(locked.error());
  co_return fail(Errc::permission, directory + " is in use by another process (" + kLockFile +
                                       " is locked): stop that broker first");
}

LogDirectory::~LogDirectory() { CHECK(!lock_.held()); }

Task<Status> LogDirectory::look(std::string path) {
  const auto entries = co_await reactor::list_directory(path);
  if (!entries && entries.error().code == Errc::not_found) co_return Status{};
  CO_TRY(entries);
  co_return check_ours(path, *entries);
}

Task<Result<std::unique_ptr<LogDirectory>>> LogDirectory::open(std::string path) {
  // Before the lock, whose file is a change too; and again under it.
  CO_TRY(co_await look(path));
  const Status made = co_await reactor::make_directories(path);
  if (!made && made.error().code != Errc::exists) co_return fail(made.error());
  if (made) CO_TRY(co_await sync_parents(path));
  std::unique_ptr<LogDirectory> directory(new LogDirectory(path));
  CO_TRY_ASSIGN(directory->lock_, co_await DirectoryLock::take(path));
  const Status status = co_await directory->look_around();
  if (status) co_return directory;
  (void)co_await directory->lock_.close();  // the first error is the one to tell
  co_return fail(status.error());
}

Task<Status> LogDirectory::look_around() {
  CO_TRY(co_await look(path_));
  const auto text = co_await reactor::read_file(path_ + "/" + kCleanFile, kCleanBytesMax);
  if (!text && text.error().code != Errc::not_found) co_return fail(text.error());
  // An empty directory was not stopped uncleanly either, but nothing is lost by saying so.
  auto ends = text ? decode_clean_mark(as_text(*text)) : std::nullopt;
  was_clean_ = ends.has_value();
  if (ends) clean_ends_ = std::move(*ends);
  co_return Status{};
}

void LogDirectory::check_clean(const std::vector<WalEnd>& found) {
  for (const WalEnd& end : found) {
    const auto named = std::ranges::find(clean_ends_, end.wal, &WalEnd::wal);
    if (named == clean_ends_.end() || named->last < end.last) was_clean_ = false;
  }
}

Task<Status> LogDirectory::begin_use() {
  const Status removed = co_await reactor::remove_file(path_ + "/" + kCleanFile);
  if (!removed && removed.error().code != Errc::not_found) co_return removed;
  co_return co_await reactor::sync_directory(path_);
}

Task<Status> LogDirectory::mark_clean(const std::vector<WalEnd>& ends) {
  const std::string text = encode_clean_mark(ends);
  const BytesView bytes = as_bytes(text);
  co_return co_await reactor::replace_file(path_ + "/" + kCleanFile, {bytes.begin(), bytes.end()});
}

Task<Status> LogDirectory::close() { return lock_.close(); }

}  // namespace odradek::log
