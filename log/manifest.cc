#include "log/manifest.h"

#include <algorithm>
#include <utility>

#include "reactor/logger.h"

namespace odradek::log {

using reactor::File;
using reactor::Task;

namespace {

struct Loaded {
  ManifestState state;
  ManifestJournal journal;
  uint64_t snapshot_bytes = 0;
  uint64_t torn_bytes = 0;  // behind the whole entries, without zeros at the end
};

Task<Result<Loaded>> load_manifest(std::string directory) {
  const std::string path = directory + "/" + kManifestFile;
  const std::string journal_path = directory + "/" + kManifestJournalFile;
  const auto snapshot_file = co_await reactor::read_file(path, kManifestBytesMax);
  CO_TRY(snapshot_file);
  auto snapshot = decode_snapshot(*snapshot_file);
  if (!snapshot) co_return fail(snapshot.error().code, path + ": " + snapshot.error().context);
  Loaded out;
  out.state = std::move(snapshot->state);
  out.journal.sequence = snapshot->sequence;
  out.snapshot_bytes = snapshot_file->size();
  const auto journal_file = co_await reactor::read_file(journal_path, kManifestBytesMax);
  if (!journal_file && journal_file.error().code == Errc::not_found) co_return out;
  CO_TRY(journal_file);
  const auto journal = replay_journal(out.state, snapshot->sequence, *journal_file);
  if (!journal) co_return fail(journal.error().code, journal_path + ": " + journal.error().context);
  out.journal = *journal;
  const BytesView rest = BytesView(*journal_file).subspan(journal->bytes);
  const auto last = std::find_if(rest.rbegin(), rest.rend(), [](uint8_t b) { return b != 0; });
  out.torn_bytes = static_cast<uint64_t>(rest.rend() - last);
  co_return out;
}

}  // namespace

Manifest::Manifest(std::string directory, ManifestOptions options)
    : directory_(std::move(directory)), options_(options) {}

Manifest::~Manifest() { CHECK(!writing_ && !journal_.is_open()); }

Task<Result<ManifestState>> Manifest::read(std::string directory) {
  auto loaded = co_await load_manifest(std::move(directory));
  CO_TRY(loaded);
  co_return std::move(loaded->state);
}

Task<Result<std::unique_ptr<Manifest>>> Manifest::open(std::string directory,
                                                       ManifestOptions options) {
  std::unique_ptr<Manifest> manifest(new Manifest(std::move(directory), options));
  const Status loaded = co_await manifest->load();
  if (loaded) co_return manifest;
  // The error of load() is the one to tell.
  if (manifest->journal_.is_open()) (void)co_await manifest->journal_.close();
  co_return fail(loaded.error());
}

Task<Status> Manifest::load() {
  auto loaded = co_await load_manifest(directory_);
  const bool is_new = !loaded && loaded.error().code == Errc::not_found;
  if (!loaded && !is_new) co_return fail(loaded.error());
  if (is_new) {
    const std::vector<uint8_t> empty = encode_snapshot(state_, 0);
    snapshot_bytes_ = empty.size();
    CO_TRY(co_await reactor::replace_file(directory_ + "/" + kManifestFile, empty));
  } else {
    state_ = std::move(loaded->state);
    entry_sequence_ = loaded->journal.sequence;
    snapshot_bytes_ = loaded->snapshot_bytes;
    journal_bytes_ = loaded->journal.bytes;
  }
  reactor::OpenOptions open_options;
  open_options.write = open_options.create = true;
  CO_TRY_ASSIGN(journal_,
                co_await File::open(directory_ + "/" + kManifestJournalFile, open_options));
  if (!is_new && loaded->torn_bytes > 0) {
    reactor::log_warning("{}: cut a torn end of {} bytes", journal_.path(), loaded->torn_bytes);
  }
  // Also when nothing is to be cut: a stale end must not come back behind what is appended from
  // here.
  CO_TRY(co_await journal_.truncate(journal_bytes_));
  CO_TRY(co_await journal_.sync_all());
  co_return co_await reactor::sync_directory(directory_);
}

void Manifest::edit(const ManifestEdit& edit) {
  if (!apply(state_, edit)) return;
  encode_edit(edit, staged_);
  ++edited_;
}

Task<Status> Manifest::commit() {
  const uint64_t wanted = edited_;
  while (durable_ < wanted) {
    if (failed_) co_return fail(Errc::fenced, directory_ + ": the manifest took a write error");
    if (writing_) {
      (void)co_await progress_.wait();
      continue;
    }
    writing_ = true;
    const Status status = co_await write_round();
    writing_ = false;
    failed_ = !status && status.error().code != Errc::disk_full;
    progress_.notify_all();
    CO_TRY(status);
  }
  co_return Status{};
}

void Manifest::forget_staged(size_t bytes) {
  staged_.erase(staged_.begin(), staged_.begin() + static_cast<ptrdiff_t>(bytes));
}

// Makes all that is staged now durable.
Task<Status> Manifest::write_round() {
  const uint64_t covered = edited_;
  CO_TRY(co_await append_journal());
  durable_ = covered;
  if (journal_bytes_ <= std::max(options_.journal_bytes_max, snapshot_bytes_)) co_return Status{};
  Status folded = co_await write_snapshot();
  // The journal grows until there is room for a snapshot.
  if (!folded && folded.error().code == Errc::disk_full) co_return Status{};
  co_return folded;
}

// Space ahead of what is written, or for just that when the disk has no more.
Task<Status> Manifest::reserve_journal(uint64_t bytes) {
  if (journal_bytes_ + bytes <= journal_reserved_) co_return Status{};
  const uint64_t from = std::max(journal_reserved_, journal_bytes_);
  for (const uint64_t ahead : {options_.journal_reserve_bytes, uint64_t{0}}) {
    const uint64_t target = journal_bytes_ + bytes + ahead;
    const Status allocated = co_await journal_.allocate(from, target - from);
    if (allocated) journal_reserved_ = target;
    if (allocated || allocated.error().code != Errc::disk_full) co_return allocated;
  }
  co_return fail(Errc::disk_full, journal_.path() + ": no space left");
}

Task<Status> Manifest::append_journal() {
  std::vector<uint8_t> entry;
  encode_entry(entry_sequence_ + 1, staged_, entry);
  const size_t encoded = staged_.size();
  CO_TRY(co_await reserve_journal(entry.size()));
  // More may have been staged meanwhile: it waits for the next entry.
  forget_staged(encoded);
  std::vector<iovec> parts{{entry.data(), entry.size()}};
  const Status written = co_await journal_.write_durable(std::move(parts), journal_bytes_);
  // Its space was there: this is no full disk to wait for.
  if (!written) co_return fail(Errc::io, written.error().context);
  entry_sequence_ += 1;
  journal_bytes_ += entry.size();
  co_return Status{};
}

// The snapshot holds the edits that were staged meanwhile too, and makes them durable.
Task<Status> Manifest::write_snapshot() {
  const uint64_t covered = edited_;
  std::vector<uint8_t> snapshot = encode_snapshot(state_, entry_sequence_);
  const size_t encoded = staged_.size();
  const uint64_t bytes = snapshot.size();
  CO_TRY(co_await reactor::replace_file(directory_ + "/" + kManifestFile, std::move(snapshot)));
  forget_staged(encoded);
  snapshot_bytes_ = bytes;
  durable_ = covered;
  // Its entries are in the snapshot; should they come back after a crash, their sequence says so.
  CO_TRY(co_await journal_.truncate(0));
  CO_TRY(co_await journal_.sync_all());
  journal_bytes_ = journal_reserved_ = 0;
  co_return Status{};
}

Task<Status> Manifest::close() {
  Status status = co_await commit();
  if (status && journal_bytes_ > 0) status = co_await write_snapshot();
  const Status closed = co_await journal_.close();
  co_return status ? closed : status;
}

}  // namespace odradek::log
