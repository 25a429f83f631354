#include "log/segment.h"

#include <algorithm>
#include <optional>

#include "log/segment_walk.h"
#include "reactor/base/check.h"
#include "reactor/limits.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::kIoAlignment;
using reactor::Task;

Segment::Segment(FileCache& files, std::string directory, SegmentId id, SegmentOptions options,
                 std::string_view mark)
    : id_(id),
      options_(options),
      token_(files.next_token()),
      next_(id.base),
      indexer_(id.base, options.index_interval_bytes),
      checksums_(id),
      directory_(std::move(directory)),
      files_(files),
      file_(files, segment_path(directory_, id.base, kLogSuffix).append(mark)),
      mark_(mark) {}

Segment::Segment(FileCache& files, std::string directory, SegmentId id, SegmentOptions options,
                 const SegmentFound& found)
    : Segment(files, std::move(directory), id, options) {
  CHECK(found.next >= id.base && found.size_bytes <= kSegmentBytesMax, found.next, id.base,
        found.size_bytes);
  next_ = found.next;
  size_bytes_ = found_bytes_ = found.size_bytes;
  // The batch that had it may be gone with what a crash took; the time stays as an upper bound.
  const bool held = found.max_timestamp_offset < found.next;
  indexer_.max_time = {found.max_timestamp_ms, held ? found.max_timestamp_offset : Offset(-1)};
  checksums_ = SegmentChecksums(id, found.size_bytes);
  allocated_bytes_ = align_down<uint64_t>(found.size_bytes, kIoAlignment);
  created_ = found.size_bytes > 0 || found.sealed;
  name_durable_ = created_;
  // An earlier life may have made the folder and ended before it had to sync any name.
  new_directory_ = !created_;
  sealed_ = found.sealed;
  loaded_ = found.size_bytes == 0;
}

Segment::~Segment() { CHECK(!loading_, id_.base); }

std::string Segment::path(std::string_view suffix) const {
  return segment_path(directory_, id_.base, suffix).append(mark_);
}

bool Segment::full_for(uint64_t bytes, Offset last) const {
  return size_bytes_ + bytes > kSegmentBytesMax || last - id_.base > INT32_MAX ||
         indexer_.index.file_bytes() + kIndexEntryBytes > options_.index_bytes_max ||
         indexer_.times.file_bytes() + kTimeIndexEntryBytes > options_.index_bytes_max;
}

void Segment::append(const BatchHeader& header, const Chain& batch) {
  CHECK(!sealed_ && header.base_offset >= next_, id_.base, header.base_offset, next_);
  CHECK(size_bytes_ + batch.size() <= kSegmentBytesMax, size_bytes_, batch.size());
  indexer_.note(header, size_bytes_);
  checksums_.append(header, batch);
  size_bytes_ += batch.size();
  next_ = header.next_offset();
}

// A crash may have taken the directory with the file: neither name was durable.
Task<Result<FilePin>> Segment::pin_to_write() {
  auto pin = co_await files_.pin(file_, !created_);
  if (!pin && pin.error().code == Errc::not_found && !created_) {
    const Status made = co_await reactor::make_directory(directory_);
    if (!made && made.error().code != Errc::exists) co_return fail(made.error());
    new_directory_ = true;
    pin = co_await files_.pin(file_, true);
  }
  if (pin) created_ = true;
  co_return pin;
}

Task<Status> Segment::allocate(uint64_t bytes) {
  const uint64_t target = align_up<uint64_t>(bytes, kIoAlignment);
  if (target <= allocated_bytes_) co_return Status{};
  CO_TRY_ASSIGN(FilePin pin, co_await pin_to_write());
  CO_TRY(co_await pin->allocate(allocated_bytes_, target - allocated_bytes_));
  allocated_bytes_ = std::max(allocated_bytes_, target);
  co_return Status{};
}

void Segment::check_blocks(uint64_t position, std::span<const iovec> blocks) const {
  CHECK(!sealed_ && position % kIoAlignment == 0, id_.base, position);
  for (const iovec& b : blocks) CHECK(b.iov_len % kIoAlignment == 0, position, b.iov_len);
}

Task<Status> Segment::write(uint64_t position, std::vector<iovec> blocks) {
  check_blocks(position, blocks);
  CO_TRY_ASSIGN(FilePin pin, co_await pin_to_write());
  co_return co_await pin->write(std::move(blocks), position);
}

Task<Status> Segment::write_durable(uint64_t position, std::vector<iovec> blocks) {
  check_blocks(position, blocks);
  CO_TRY_ASSIGN(FilePin pin, co_await pin_to_write());
  CO_TRY(co_await pin->write_durable(std::move(blocks), position));
  co_return co_await sync_name();
}

Task<Status> Segment::sync_parent() {
  if (!new_directory_) co_return Status{};
  CO_TRY(co_await reactor::sync_directory(directory_.substr(0, directory_.rfind('/'))));
  new_directory_ = false;
  co_return Status{};
}

// A file is durable only when its name is.
Task<Status> Segment::sync_name() {
  if (name_durable_ || !created_) co_return Status{};
  CO_TRY(co_await reactor::sync_directory(directory_));
  CO_TRY(co_await sync_parent());
  name_durable_ = true;
  co_return Status{};
}

// The next one: whoever waits for it, or for one before, looks after its end.
Task<void> Segment::sync_next() {
  const uint64_t number = ++syncs_begun_;
  Status status;
  if (auto pin = co_await files_.pin(file_)) {
    status = co_await (*pin)->sync_data();
  } else {
    status = fail(pin.error());
  }
  if (!status) {
    sync_failed_ = number;
    sync_error_ = status.error();
  }
  syncs_ended_ = number;
  sync_done_.notify_all();
}

Task<Status> Segment::sync() {
  if (!created_) co_return Status{};
  // What is under way may have begun before the caller's writes ended: the one after it counts.
  const uint64_t wanted = syncs_begun_ + 1;
  while (syncs_ended_ < wanted) {
    if (syncs_begun_ > syncs_ended_) {
      (void)co_await sync_done_.wait();
    } else {
      co_await sync_next();
    }
  }
  // A later failure speaks for this one too: nobody knows what it left behind.
  if (sync_failed_ >= wanted) co_return fail(sync_error_);
  co_return co_await sync_name();
}

Task<Result<size_t>> Segment::read(MutableBytes to, uint64_t position) {
  auto pin = co_await files_.pin(file_);
  if (!pin && pin.error().code == Errc::not_found) {
    if (!created_) co_return size_t{0};
    co_return fail(Errc::corrupt, pin.error().context);
  }
  if (!pin) co_return fail(pin.error());
  co_return co_await (*pin)->read(to, position);
}

Task<Status> Segment::seal() {
  CHECK(!sealed_, id_.base);
  CO_TRY(co_await load());
  CO_TRY_ASSIGN(FilePin pin, co_await pin_to_write());
  CO_TRY(co_await pin->truncate(size_bytes_));
  CO_TRY(co_await pin->sync_all());
  pin.reset();
  allocated_bytes_ = size_bytes_;
  if (checksums_.known_bytes() != size_bytes_) {
    // A truncation cut a unit: now that all of it is on disk it is read back.
    found_bytes_ = size_bytes_;
    loaded_ = false;
    CO_TRY(co_await load());
  }
  // Kafka closes a segment with an entry for its largest timestamp.
  if (indexer_.max_time.offset.value >= 0) indexer_.times.append(indexer_.max_time);
  sealed_ = true;
  CO_TRY(co_await write_derived(size_bytes_));
  CO_TRY(co_await sync_parent());
  name_durable_ = true;
  co_return Status{};
}

Task<Status> Segment::save_index(uint64_t durable_bytes) {
  CHECK(durable_bytes <= size_bytes_, durable_bytes, size_bytes_);
  CO_TRY(co_await load());
  co_return co_await write_derived(durable_bytes);
}

Task<Status> Segment::write_derived(uint64_t below) {
  SegmentIndexer saved = indexer_;
  if (below < size_bytes_) {
    saved.index.truncate(next_, below);
    const size_t left = saved.index.size();
    saved.times.truncate(left > 0 ? saved.index.entry(left - 1).offset + 1 : id_.base);
  }
  std::vector<uint8_t> index = saved.index.encode();
  std::vector<uint8_t> times = saved.times.encode();
  std::vector<uint8_t> sums = checksums_.encode(below);
  CO_TRY(co_await reactor::replace_file(path(kIndexSuffix), std::move(index)));
  CO_TRY(co_await reactor::replace_file(path(kTimeIndexSuffix), std::move(times)));
  co_return co_await reactor::replace_file(path(kChecksumsSuffix), std::move(sums));
}

static Status unless_missing(Status status) {
  if (!status && status.error().code == Errc::not_found) return {};
  return status;
}

// They would speak of bytes that are about to be others.
Task<Status> Segment::remove_derived() {
  for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix, kChecksumsSuffix}) {
    CO_TRY(unless_missing(co_await reactor::remove_file(path(suffix))));
  }
  co_return co_await reactor::sync_directory(directory_);
}

Task<Status> Segment::truncate(Offset to, uint64_t position) {
  CHECK(to >= id_.base && to <= next_ && position <= size_bytes_, to, id_.base, next_, position);
  while (loading_) (void)co_await load_done_.wait();
  indexer_.truncate(to, position);
  checksums_.truncate(position);
  next_ = to;
  size_bytes_ = position;
  if (found_bytes_ > position) {
    found_bytes_ = position;
    loaded_ = loaded_ || position == 0;
  }
  sealed_ = false;
  if (!created_) co_return Status{};
  CO_TRY(co_await remove_derived());
  CO_TRY_ASSIGN(FilePin pin, co_await files_.pin(file_));
  CO_TRY(co_await pin->truncate(position));
  allocated_bytes_ = align_down<uint64_t>(position, kIoAlignment);
  co_return co_await pin->sync_all();
}

void Segment::end_at(Offset next) {
  CHECK(next >= next_, next, next_);
  next_ = next;
}

// Nobody opens one of the files meanwhile: the log is pinned, and loads wait.
Task<Status> Segment::rename_to(std::string_view mark, bool with_snapshot) {
  while (loading_) (void)co_await load_done_.wait();
  loading_ = true;
  Status status = co_await rename_files(mark, with_snapshot);
  loading_ = false;
  load_done_.notify_all();
  co_return status;
}

Task<Status> Segment::rename_files(std::string_view mark, bool with_snapshot) {
  CO_TRY_ASSIGN(FilePin pin, co_await files_.pin(file_));
  const std::string old_mark = mark_;
  for (const std::string_view suffix : kSegmentSuffixes) {
    if (suffix == kSnapshotSuffix && !with_snapshot) continue;
    const std::string name = segment_path(directory_, id_.base, suffix);
    Status renamed = co_await reactor::rename_file(name + old_mark, name + std::string(mark));
    CO_TRY(suffix == kLogSuffix ? renamed : unless_missing(std::move(renamed)));
    if (suffix != kLogSuffix) continue;
    mark_ = mark;
    file_.set_path(path(kLogSuffix));
  }
  co_return co_await reactor::sync_directory(directory_);
}

Task<Status> Segment::remove() {
  CO_TRY(co_await close());
  for (const std::string_view suffix : kSegmentSuffixes) {
    CO_TRY(unless_missing(co_await reactor::remove_file(path(suffix))));
  }
  created_ = false;
  co_return Status{};
}

Task<Status> Segment::close() {
  while (loading_) (void)co_await load_done_.wait();
  co_return co_await file_.close();
}

void Segment::unload() {
  if (!sealed_ || !loaded_ || loading_ || size_bytes_ == 0) return;
  const TimeEntry max_time = indexer_.max_time;
  indexer_ = SegmentIndexer(id_.base, options_.index_interval_bytes);
  indexer_.max_time = max_time;
  checksums_ = SegmentChecksums(id_, size_bytes_);
  found_bytes_ = size_bytes_;
  loaded_ = false;
}

}  // namespace odradek::log
