// How a partition's bytes get from memory to its segment files.
#include <algorithm>

#include "log/checkpoint_files.h"
#include "log/log_disk.h"
#include "log/partition.h"
#include "reactor/file.h"

namespace odradek::log {

using reactor::Task;

uint64_t Partition::destage_bytes() const {
  if (segments_.empty() || destaged_ == staged_end()) return 0;
  // A rolled segment waits for its end.
  if (durable_.segment > destaged_.segment) return kDestageRunBytes;
  if (durable_.segment < destaged_.segment) return 0;
  if (segments_.active().base() > durable_.segment && destaged_ <= durable_) {
    const Segment* segment = segments_.find(durable_.segment);
    if (segment && segment->size_bytes() == durable_.position) return kDestageRunBytes;
  }
  const uint64_t end = align_down(durable_.position, kDiskBlockBytes);
  // Of large batches only the edges are left to write. One that is not durable yet counts as well:
  // the sum is a little short then, for a moment.
  const uint64_t left = destaged_.position + extents_in_file_;
  return end > left ? end - left : 0;
}

bool Partition::extent_durable() const {
  return !extents_.empty() && extents_.front().batch.end() <= durable_;
}

uint64_t Partition::undestaged_bytes() const {
  if (all_destaged()) return 0;
  uint64_t bytes = 0;
  for (const Segment* segment = segments_.find(destaged_.segment); segment;
       segment = segments_.after(segment->base())) {
    bytes += segment->size_bytes();
  }
  return bytes - std::min(bytes, destaged_.position);
}

bool Partition::all_destaged() const { return segments_.empty() || destaged_ == staged_end(); }

std::optional<WalSequence> Partition::needed_sequence() const {
  std::optional<WalSequence> needed;
  FilePlace from = destaged_;
  if (carried_.sequence.value != 0 && carried_.end > destaged_) {
    needed = carried_.sequence;
    from = carried_.end;
  }
  const auto& batches = tail_.batches();
  const auto first = std::ranges::upper_bound(batches, from, {}, &TailBatch::end);
  if (first == batches.end()) return needed;
  const WalSequence sequence(first->sequence);
  return needed ? std::min(*needed, sequence) : sequence;
}

uint64_t Partition::carry_bytes() const {
  return durable_.segment == destaged_.segment && durable_ > destaged_
             ? durable_.position - destaged_.position
             : 0;
}

WalSequence Partition::carry() {
  const uint64_t bytes = carry_bytes();
  if (bytes == 0) return WalSequence(0);
  CHECK(destaged_.position % kDiskBlockBytes == 0, destaged_);
  const WalRecord record{.carried = true,
                         .payload_hashed = true,
                         .id = id_,
                         .generation = generation_,
                         .epoch = leader_epoch_,
                         .base = durable_next_ - 1,
                         .last = durable_next_ - 1,
                         .segment_base = destaged_.segment,
                         .position = destaged_.position};
  carried_.sequence = disk_.wal().stage(record, tail_.view(destaged_, bytes), flush_mode());
  carried_.from = destaged_;
  carried_.end = durable_;
  return carried_.sequence;
}

Task<Status> Partition::write_blocks(Segment& segment, uint64_t from, uint64_t to, WritePace pace) {
  CHECK(from % kDiskBlockBytes == 0, from);
  while (from < to) {
    const uint64_t n = std::min(kDestageWriteBytes, to - from);
    if (pace == WritePace::with_appends) co_await disk_.destager().pace(n);
    CO_TRY(co_await segment.write(from, tail_.parts({segment.base(), from}, n)));
    disk_.metrics().destaged_bytes.add(n);
    from += n;
  }
  co_return Status{};
}

// What is durable of `segment`, whose durable part ends at `end`: whole blocks, and the rest of one
// when `complete`, or when it is wanted `to_the_end` of the log. The position up to which it wrote.
Task<Result<uint64_t>> Partition::write_to_file(Segment& segment, uint64_t from, uint64_t end,
                                                bool complete, bool to_the_end) {
  const WritePace pace = to_the_end ? WritePace::at_once : WritePace::with_appends;
  const uint64_t blocks = align_down(end, kDiskBlockBytes);
  if (blocks > from) {
    CO_TRY(co_await write_around_extents(segment, from, blocks, pace));
    from = blocks;
  }
  // The rest of a block is padded with zeros in memory: nothing may be staged behind it by now.
  const FilePlace last{segment.base(), end};
  const bool rest = complete || (to_the_end && durable_ == last && staged_end() == last);
  if (!rest || end <= from) co_return from;
  CO_TRY(co_await write_blocks(segment, from, end, WritePace::at_once));
  co_return end;
}

Task<Status> Partition::seal(Segment& segment) {
  if (!segment.sealed()) co_return co_await segment.seal();
  // Sealed, and yet here again: the disk was full when its index or the manifest was written.
  CO_TRY(co_await segment.save_index(segment.size_bytes()));
  co_return co_await segment.sync();
}

Task<Result<Partition::Destaged>> Partition::destage(bool to_the_end) {
  Destaged out{.place = destaged_};
  const FilePlace durable = durable_;
  Segment* segment = segments_.empty() ? nullptr : segments_.find(out.place.segment);
  while (segment) {
    const Offset base = segment->base();
    const uint64_t end = durable.segment == base  ? durable.position
                         : durable.segment > base ? segment->size_bytes()
                                                  : 0;
    const bool complete = segment != &segments_.active() && end == segment->size_bytes();
    uint64_t to = out.place.position;
    // A sealed one has all of its bytes: what failed came after.
    if (segment->sealed()) {
      to = end;
    } else {
      CO_TRY_ASSIGN(to, co_await write_to_file(*segment, to, end, complete, to_the_end));
    }
    if (!complete) {
      if (to > out.place.position) CO_TRY(co_await segment->sync());
      out.place.position = to;
      out.edits.push_back(SegmentSet{id_, describe(*segment, out.place)});
      break;
    }
    CO_TRY(co_await seal(*segment));
    out.edits.push_back(SegmentSet{id_, describe(*segment, {base, to})});
    segment = segments_.after(base);
    out.place = {segment->base(), 0};
  }
  tell_epochs(out);
  const ManifestSegment* last = nullptr;
  for (const ManifestEdit& edit : out.edits) {
    if (const auto* set = std::get_if<SegmentSet>(&edit)) last = &set->segment;
  }
  if (last) {
    out.edits.push_back(RecoveryPointSet{
        id_,
        {.offset = last->next, .segment_base = out.place.segment, .position = out.place.position}});
  }
  co_return out;
}

// What of `segment` is in its file when everything below `destaged` is.
ManifestSegment Partition::describe(const Segment& segment, FilePlace destaged) const {
  ManifestSegment out{.base = segment.base(),
                      .next = segment.next(),
                      .bytes = segment.size_bytes(),
                      .max_timestamp_ms = segment.max_timestamp_ms(),
                      .max_timestamp_offset = segment.max_timestamp_offset(),
                      .sealed = segment.sealed()};
  const auto& batches = tail_.batches();
  const auto first = std::ranges::upper_bound(batches, destaged, {}, &TailBatch::end);
  if (first == batches.end() || first->at.segment != segment.base()) return out;
  // Batches of this segment from `first` on are not whole in the file.
  out.next = first->base;
  out.bytes = first->at.position;
  return out;
}

void Partition::tell_epochs(Destaged& out) const {
  const auto& entries = epochs_.entries();
  const auto end = std::ranges::lower_bound(entries, durable_next_, {}, &EpochStart::start);
  out.epochs = static_cast<size_t>(end - entries.begin());
  if (out.epochs <= epochs_saved_) return;
  EpochsReplaced edit{.id = id_, .epochs = {}};
  for (auto it = entries.begin(); it != end; ++it) edit.epochs[it->epoch] = it->start;
  out.edits.push_back(std::move(edit));
}

void Partition::set_destaged(const Destaged& destaged) {
  CHECK(destaged.place >= destaged_ && destaged.place <= staged_end(), destaged.place, destaged_);
  destaged_ = destaged.place;
  // Something was staged behind the middle of a block meanwhile: the WAL keeps that block's bytes.
  const Segment* segment = segments_.find(destaged_.segment);
  if (segment && destaged_.position != segment->size_bytes()) {
    destaged_.position = align_down(destaged_.position, kDiskBlockBytes);
  }
  epochs_saved_ = destaged.epochs;
  forget_extents();
}

// What Kafka keeps beside the segments, as it stands where a new one begins.
Task<Status> Partition::save_for_kafka() {
  const std::string& directory = segments_.directory();
  CO_TRY(co_await reactor::replace_file(segment_path(directory, log_end_, kSnapshotSuffix),
                                        producers_.encode_snapshot()));
  if (epochs_ == epochs_in_file_) co_return Status{};
  // Nothing of ours reads it, and a partition's first append must not wait for its three flushes.
  const std::string metadata = encode_partition_metadata(id_.topic);
  const BytesView metadata_bytes = as_bytes(metadata);
  CO_TRY(co_await reactor::replace_file(directory + "/" + std::string(kPartitionMetadataFile),
                                        {metadata_bytes.begin(), metadata_bytes.end()}));
  LeaderEpochs epochs = epochs_;
  const std::string text = epochs.encode_checkpoint();
  const BytesView bytes = as_bytes(text);
  CO_TRY(co_await reactor::replace_file(directory + "/" + std::string(kLeaderEpochFile),
                                        {bytes.begin(), bytes.end()}));
  epochs_in_file_ = std::move(epochs);
  co_return Status{};
}

Task<Status> Partition::trim() {
  CHECK(all_destaged(), destaged_);
  if (segments_.empty() || (!changed_ && end_snapshot_)) co_return Status{};
  Segment& active = segments_.active();
  // Nothing to tell, and perhaps not even a directory.
  const bool empty = segments_.size() == 1 && active.size_bytes() == 0;
  if (empty && producers_.producers().empty()) co_return Status{};
  CO_TRY(co_await active.truncate(active.next(), active.size_bytes()));
  if (active.size_bytes() > 0) CO_TRY(co_await active.save_index(active.size_bytes()));
  // Also without producers: the next start reads no batch to learn that.
  const std::string path = segment_path(segments_.directory(), log_end_, kSnapshotSuffix);
  // The one of the last stop belongs to no segment, unless one began there since. Before the new
  // one, which makes its going durable.
  if (end_snapshot_ && *end_snapshot_ != log_end_ && !segments_.find(*end_snapshot_)) {
    const Status removed = co_await reactor::remove_file(
        segment_path(segments_.directory(), *end_snapshot_, kSnapshotSuffix));
    if (!removed && removed.error().code != Errc::not_found) co_return removed;
  }
  co_return co_await reactor::replace_file(path, producers_.encode_snapshot());
}

}  // namespace odradek::log
