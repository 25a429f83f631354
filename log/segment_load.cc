// Bringing back what is derived from a segment: from its files as far as they can be believed, and
// from the batches for the rest.
#include <algorithm>
#include <optional>

#include "log/aligned_buffer.h"
#include "log/segment.h"
#include "log/segment_walk.h"
#include "reactor/base/check.h"
#include "reactor/limits.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::kIoAlignment;
using reactor::Task;

// What load() reads at once.
static constexpr uint32_t kWalkBytes = 4 * kReadUnitBytes;
// Larger is no index of a segment of at most 2 GiB.
static constexpr uint64_t kIndexFileBytesMax = 512ull << 20;
// A closed segment's index in memory: finer than the unit that is read is of no use.
static constexpr uint32_t kSealedIndexBytes = kReadUnitBytes / 4;
static constexpr size_t kSealedTimeEntriesMax = 4096;

Task<Status> Segment::load() {
  while (loading_) (void)co_await load_done_.wait();
  if (loaded_) co_return Status{};
  loading_ = true;
  Status status = co_await load_derived();
  loading_ = false;
  loaded_ = status.has_value();
  load_done_.notify_all();
  co_return status;
}

// A derived file that is missing or damaged is not there: it can be rebuilt. Only I/O errors stop.
template <class T>
static Task<Result<std::optional<T>>> read_derived(std::string path,
                                                   Result<T> (*decode)(const SegmentId&, BytesView),
                                                   SegmentId id) {
  const auto file = co_await reactor::read_file(std::move(path), kIndexFileBytesMax);
  if (!file) {
    const Errc code = file.error().code;
    if (code == Errc::not_found || code == Errc::too_large) co_return std::optional<T>();
    co_return fail(file.error());
  }
  auto decoded = decode(id, *file);
  if (!decoded) co_return std::optional<T>();
  co_return std::optional<T>(std::move(*decoded));
}

static Result<SegmentIndex> decode_index(const SegmentId& id, BytesView file) {
  return SegmentIndex::decode(id.base, file);
}
static Result<TimeIndex> decode_times(const SegmentId& id, BytesView file) {
  return TimeIndex::decode(id.base, file);
}

// Drops what the files say above where they can be believed, and returns where the walk begins: at
// the last entry that is left. Entries of times lie below it exactly when their batch does.
static uint64_t cut_to_walk(SegmentIndexer& indexer, Offset next, uint64_t known) {
  indexer.truncate(next, known);
  if (indexer.index.size() == 0) {
    indexer.times.clear();
    return 0;
  }
  const IndexEntry last = indexer.index.entry(indexer.index.size() - 1);
  indexer.truncate(last.offset, last.position);
  indexer.max_time = indexer.times.size() > 0 ? indexer.times.last() : TimeEntry{};
  return last.position;
}

// The files speak of bytes below found_bytes_ only: above it they may speak of another life.
Task<Status> Segment::load_derived() {
  const uint64_t below = found_bytes_;
  const Offset next = next_;
  CO_TRY_ASSIGN(auto saved,
                co_await read_derived(path(kChecksumsSuffix), &SegmentChecksums::decode, id_));
  CO_TRY_ASSIGN(auto index, co_await read_derived(path(kIndexSuffix), &decode_index, id_));
  CO_TRY_ASSIGN(auto times, co_await read_derived(path(kTimeIndexSuffix), &decode_times, id_));
  SegmentChecksums sums(id_, below);
  if (saved) sums.join(*saved, below);
  SegmentIndexer indexer(id_.base, options_.index_interval_bytes);
  uint64_t from = 0;
  if (index && times) {
    indexer.index = std::move(*index);
    indexer.times = std::move(*times);
    if (sealed_ && sums.known_bytes() == below) {
      indexer.max_time = indexer.times.size() > 0 ? indexer.times.last() : TimeEntry{};
      from = below;
    } else {
      from = cut_to_walk(indexer, next, std::min(below, sums.known_bytes()));
    }
  }
  Status walked = co_await walk(indexer, sums, from, below);
  if (!walked && walked.error().code == Errc::corrupt && from > 0) {
    // Perhaps the index named a place where no batch begins: the batches decide.
    indexer = SegmentIndexer(id_.base, options_.index_interval_bytes);
    walked = co_await walk(indexer, sums, 0, below);
  }
  CO_TRY(std::move(walked));
  indexer.append(indexer_);
  indexer_ = std::move(indexer);
  checksums_.join(sums, below);
  if (sealed_) {
    indexer_.index.thin(kSealedIndexBytes);
    indexer_.times.thin(kSealedTimeEntriesMax);
  }
  co_return Status{};
}

// Supplies the checksums that are missing for the units in `bytes`, which begins at unit `unit`.
static void join_units(SegmentChecksums& sums, uint32_t unit, BytesView bytes) {
  for (; !bytes.empty(); ++unit) {
    const BytesView contents = bytes.first(std::min<size_t>(bytes.size(), kReadUnitBytes));
    const uint32_t missing = sums.missing_bytes(unit);
    if (missing > 0) sums.join(unit, contents.first(missing));
    bytes = bytes.subspan(contents.size());
  }
}

// Reads [from, below), where `from` begins a batch, into indexes and checksums.
Task<Status> Segment::walk(SegmentIndexer& indexer, SegmentChecksums& sums, uint64_t from,
                           uint64_t below) {
  if (from >= below) co_return Status{};
  // Not of the arena: what holds all of it may wait for this segment.
  AlignedBuffer block(
      std::min<uint64_t>(kWalkBytes, below - align_down<uint64_t>(from, kReadUnitBytes)));
  SegmentWalk batches(from, id_.base);
  uint64_t at = align_down<uint64_t>(from, kReadUnitBytes);
  for (uint64_t skip = from - at; at < below; skip = 0) {
    const uint64_t length = std::min<uint64_t>(kWalkBytes, below - at);
    const MutableBytes to = block.span().first(align_up<uint64_t>(length, kIoAlignment));
    CO_TRY_ASSIGN(const size_t got, co_await read(to, at));
    if (got < length) {
      co_return fail(Errc::corrupt, file_.path() + " ends at " + std::to_string(at + got) +
                                        ", not at " + std::to_string(below));
    }
    const BytesView bytes(block.data(), length);
    const Status fed =
        batches.feed(bytes.subspan(skip),
                     [&](const BatchHeader& h, uint64_t position) { indexer.note(h, position); });
    if (!fed) co_return fail(Errc::corrupt, file_.path() + ": " + fed.error().context);
    join_units(sums, static_cast<uint32_t>(at / kReadUnitBytes), bytes);
    at += length;
    co_await reactor::yield();
  }
  if (!batches.between_batches()) {
    co_return fail(Errc::corrupt, file_.path() + ": batch at position " +
                                      std::to_string(batches.position()) + " is cut");
  }
  co_return Status{};
}

}  // namespace odradek::log
