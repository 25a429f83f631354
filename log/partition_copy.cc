#include "log/partition_copy.h"

#include <algorithm>

#include "log/checkpoint_files.h"
#include "log/limits.h"
#include "log/log_disk.h"
#include "log/segment_format.h"
#include "log/store.h"
#include "reactor/file.h"

namespace odradek::log {

using reactor::Task;

namespace {

Task<Status> write_at(std::string path, BytesView bytes, uint64_t position, bool truncate) {
  CO_TRY_ASSIGN(
      reactor::File file,
      co_await reactor::File::open(path, {.write = true, .create = true, .truncate = truncate}));
  Status written = bytes.empty() ? Status{} : co_await file.write(bytes, position);
  if (written) written = co_await file.sync_data();
  const Status closed = co_await file.close();
  co_return written ? closed : written;
}

}  // namespace

PartitionCopy::PartitionCopy(LogDisk& to, std::string folder)
    : to_(to), folder_(std::move(folder)) {}

uint64_t PartitionCopy::bytes() const {
  uint64_t sum = 0;
  for (const auto& [token, copied] : copied_) sum += copied.bytes;
  return sum;
}

Task<Status> PartitionCopy::begin() { co_return co_await reactor::make_directories(folder_); }

// Of the first segment that has more than its copy.
std::optional<PartitionCopy::Piece> PartitionCopy::next_piece(Partition& from,
                                                              bool to_the_end) const {
  const SegmentList& segments = from.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments.at(i);
    const FilePlace destaged = from.destaged();
    const bool closed = to_the_end || (segment.sealed() && segment.base() < destaged.segment);
    if (!closed && segment.base() != destaged.segment) return std::nullopt;
    const uint64_t end =
        closed ? segment.size_bytes() : align_down(destaged.position, kDiskBlockBytes);
    const auto known = copied_.find(segment.token());
    const uint64_t begin = known == copied_.end() ? 0 : known->second.bytes;
    const bool complete = known != copied_.end() && known->second.complete;
    if (begin >= end && (complete || !closed)) continue;
    Piece piece{.token = segment.token(),
                .base = segment.base(),
                .from = align_down(begin, kDiskBlockBytes),
                .to = end};
    piece.to = std::min(piece.to, piece.from + kMovePieceBytes);
    piece.last = closed && piece.to == end;
    return piece;
  }
  return std::nullopt;
}

Task<Result<uint64_t>> PartitionCopy::step(Partition& from) {
  Partition::Pin pin(from);
  if (from.closing()) co_return fail(Errc::closed, "the log is closing");
  CO_TRY(co_await forget_removed(from));
  const auto piece = next_piece(from, false);
  if (piece) CO_TRY(co_await copy(from, *piece));
  note_next(from);
  co_return piece ? std::max<uint64_t>(piece->to - piece->from, 1) : 0;
}

// The base of a segment whose copy must go before anything else is copied: what was compacted is
// another segment with the same base, and their files have the same names.
std::optional<Offset> PartitionCopy::take_removed(Partition& from) {
  for (const auto& [token, copied] : copied_) {
    const Segment* segment = from.segments().find(copied.base);
    if (segment && segment->token() == token) continue;
    const Offset base = copied.base;
    copied_.erase(token);
    return base;
  }
  return std::nullopt;
}

// When this ends nothing was removed since it looked last: it awaits nothing after that.
Task<Status> PartitionCopy::forget_removed(Partition& from) {
  while (const auto base = take_removed(from)) {
    for (const std::string_view suffix : kSegmentSuffixes) {
      const Status removed = co_await reactor::remove_file(segment_path(folder_, *base, suffix));
      if (!removed && removed.error().code != Errc::not_found) co_return removed;
    }
  }
  co_return Status{};
}

// The directory is not full for others when a copy does not fit.
Task<Status> PartitionCopy::check_space(uint64_t bytes) {
  CO_TRY_ASSIGN(const bool room, co_await to_.has_space(bytes));
  if (room) co_return Status{};
  co_return fail(Errc::disk_full,
                 to_.path() + " has no room for " + std::to_string(bytes) + " bytes more");
}

Task<Status> PartitionCopy::copy(Partition& from, Piece piece) {
  // Of all that is left, so that it ends before the directory is full and not when it is.
  const uint64_t whole = from.size_bytes();
  CO_TRY(co_await check_space(std::max(whole - std::min(whole, bytes()), piece.to - piece.from)));
  Segment* segment = from.segments().find(piece.base);
  if (!segment || segment->token() != piece.token) co_return Status{};
  {
    const SegmentList::Reader keep(from.segments().slot_of(*segment));
    const uint64_t bytes = piece.to - piece.from;
    if (buffer_.size() == 0) buffer_ = AlignedBuffer(kMovePieceBytes);
    const MutableBytes space = buffer_.span().first(align_up(bytes, kDiskBlockBytes));
    size_t there = 0;
    if (bytes > 0) {
      CO_TRY_ASSIGN(there, co_await segment->read(space, piece.from));
    }
    if (there < bytes) {
      co_return fail(Errc::corrupt, segment->path(kLogSuffix) + " ends before its batches do");
    }
    CO_TRY(co_await write_at(segment_path(folder_, piece.base, kLogSuffix),
                             BytesView(space).first(bytes), piece.from, false));
    if (piece.last) CO_TRY(co_await copy_beside(*segment));
  }
  copied_[piece.token] = {piece.base, piece.to, piece.last};
  co_return Status{};
}

// One that was compacted just now has a mark at its names, and another has those without. Of a
// snapshot, whoever begins at this base is the owner.
Task<Status> PartitionCopy::copy_beside(const Segment& segment) {
  const std::string& directory = segment.directory();
  for (const std::string_view suffix : kSegmentSuffixes) {
    if (suffix == kLogSuffix) continue;
    const std::string name = segment_path(directory, segment.base(), suffix);
    const bool snapshot = suffix == kSnapshotSuffix;
    CO_TRY(co_await copy_file(snapshot ? name : segment.path(suffix),
                              name.substr(directory.size() + 1)));
  }
  co_return Status{};
}

// What is not there need not be: it is derived from the batches, or of no use to us.
Task<Status> PartitionCopy::copy_file(std::string from, std::string name) {
  const auto contents = co_await reactor::read_file(from, kMoveFileBytesMax);
  if (!contents && contents.error().code == Errc::not_found) co_return Status{};
  if (!contents) co_return fail(contents.error());
  CO_TRY(co_await check_space(contents->size()));
  co_return co_await write_at(folder_ + "/" + name, BytesView(*contents), 0, true);
}

void PartitionCopy::note_next(Partition& from) {
  next_ = from.log_start();
  const SegmentList& segments = from.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    const auto known = copied_.find(segments.at(i).token());
    if (known == copied_.end() || known->second.bytes < segments.at(i).size_bytes()) {
      next_ = std::max(next_, segments.at(i).base());
      return;
    }
    next_ = std::max(next_, segments.at(i).next());
  }
}

Task<Status> PartitionCopy::finish(Partition& from) {
  CO_TRY(co_await forget_removed(from));
  // The active one has a new index since it was trimmed.
  if (!from.segments().empty()) {
    const auto active = copied_.find(from.segments().active().token());
    if (active != copied_.end()) active->second.complete = false;
  }
  while (const auto piece = next_piece(from, true)) CO_TRY(co_await copy(from, *piece));
  note_next(from);
  const std::string& directory = from.directory();
  const std::string snapshot = segment_path(directory, from.log_end(), kSnapshotSuffix);
  CO_TRY(co_await copy_file(snapshot, snapshot.substr(directory.size() + 1)));
  for (const std::string_view name : {kPartitionMetadataFile, kLeaderEpochFile}) {
    CO_TRY(co_await copy_file(directory + "/" + std::string(name), std::string(name)));
  }
  co_return co_await reactor::sync_directory(folder_);
}

Task<Status> PartitionCopy::discard() { return remove_tree(folder_); }

}  // namespace odradek::log
