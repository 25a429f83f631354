// How a partition takes part in compaction: what may be cleaned, and the swap of segments.
//
//   files                        manifest                       a crash here finds
//   B.log, C.log, B.log.cleaned  B, C                           B, C
//   the same                     B' (swapping), durable         B': recovery renames
//   B.log.deleted, B.log         B' (swapping)                  B'
//   the same                     B'                             B'
//
// In memory readers go to B' as soon as the manifest is durable; who reads B or C ends in peace,
// and their files go after file.delete.delay.ms.
#include <algorithm>

#include "log/cleaned_segment.h"
#include "log/log_disk.h"
#include "log/partition.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

LogFacts Partition::facts() const {
  LogFacts out{.closed = {},
               .log_start = log_start_,
               .last_stable = last_stable(),
               .log_end = log_end_,
               .clean_to = compaction_.clean_to};
  for (size_t i = 0; i + 1 < segments_.size(); ++i) {
    const Segment& segment = segments_.at(i);
    if (!segment.sealed() || segment.base() >= destaged_.segment) break;
    const auto first = compaction_.first_times.find(segment.base());
    out.closed.push_back(
        {.base = segment.base(),
         .next = segments_.at(i + 1).base(),
         .bytes = segment.size_bytes(),
         .max_timestamp_ms = segment.max_timestamp_ms(),
         .first_timestamp_ms = first == compaction_.first_times.end() ? -1 : first->second});
  }
  return out;
}

Task<Result<bool>> Partition::swap_in(std::vector<uint64_t> tokens, CleanedSegment& cleaned) {
  Pin pin(*this);
  (void)co_await swap_turn_.acquire(1);
  Result<bool> swapped = co_await swap_in_turn(std::move(tokens), cleaned);
  swap_turn_.release(1);
  co_return swapped;
}

static ManifestSegment entry_of(const Segment& segment) {
  return {.base = segment.base(),
          .next = segment.next(),
          .bytes = segment.size_bytes(),
          .max_timestamp_ms = segment.max_timestamp_ms(),
          .max_timestamp_offset = segment.max_timestamp_offset(),
          .sealed = true};
}

// While the disk is full the manifest has the edit already, and writes it as soon as it can.
Task<Status> Partition::commit_swap(ManifestSegment entry) {
  std::vector<ManifestEdit> edits;
  edits.push_back(SegmentsReplaced{id_, entry, entry.next});
  Status edited = co_await disk_.edit(std::move(edits));
  while (!edited && edited.error().code == Errc::disk_full && !closing_ && !stopping_) {
    (void)co_await closing_wait_.wait(reactor::this_shard().now() + kDiskFullRetry);
    edited = co_await disk_.edit({});
  }
  co_return edited;
}

Task<Result<bool>> Partition::swap_in_turn(std::vector<uint64_t> tokens, CleanedSegment& cleaned) {
  const Status open = usable();
  if (!open) co_return fail(open.error());
  if (!segments_.has_run(tokens)) co_return false;
  std::unique_ptr<Segment> segment = cleaned.take();
  const ManifestSegment entry = entry_of(*segment);
  const Status committed = co_await commit_swap(entry);
  if (!committed) {
    (void)co_await segment->close();  // the first error is the one to tell
    co_return fail(committed.error());
  }
  // Positions in what memory has of the old ones mean nothing in the new one.
  (void)tail_.evict({entry.next, 0}, UINT64_MAX);
  Slots old = segments_.replace(tokens.size(), std::move(segment));
  ++compaction_.swaps;
  for (const auto& slot : old) compaction_.first_times.erase(slot->segment->base());
  const Status named = co_await name_swapped(old, entry);
  if (!named) disk_.note_failure(named.error());
  disk_.spawn("retire compacted segments", retire(Pin(*this), std::move(old), named.has_value()));
  if (!named) co_return fail(named.error());
  co_return true;
}

Task<Status> Partition::name_swapped(const Slots& old, ManifestSegment entry) {
  for (size_t i = 0; i < old.size(); ++i) {
    // The producers' state at the first one's base stays true.
    CO_TRY(co_await old[i]->segment->rename_to(kDeletedSuffix, i > 0));
  }
  CO_TRY(co_await segments_.find(entry.base)->rename_to("", false));
  std::vector<ManifestEdit> edits;
  edits.push_back(SegmentSet{id_, entry});
  const Status edited = co_await disk_.edit(std::move(edits));
  // Said late it is as true: a start that finds nothing to rename says it.
  co_return edited || edited.error().code == Errc::disk_full ? Status{} : edited;
}

// When what replaced them did not get its name, their files stay.
Task<void> Partition::retire(Pin pin, Slots old, bool remove) {
  const MonoTime when =
      reactor::this_shard().now() + duration_from_ms(config_.file_delete_delay_ms);
  while (!closing_ && reactor::this_shard().now() < when) {
    (void)co_await closing_wait_.wait(when);
  }
  for (std::unique_ptr<SegmentList::Slot>& slot : old) {
    const std::string name = slot->segment->path(kLogSuffix);
    const Status removed = remove ? co_await segments_.remove_taken(std::move(slot))
                                  : co_await segments_.close_taken(std::move(slot));
    if (!removed) {
      reactor::log_warning("{} stays until the next start: {}", name, removed.error().to_string());
    }
  }
}

Task<Status> Partition::note_clean(Offset to) {
  Pin pin(*this);
  CO_TRY(usable());
  std::vector<ManifestEdit> edits;
  edits.push_back(CleanedTo{id_, to});
  CO_TRY(co_await disk_.edit(std::move(edits)));
  compaction_.clean_to = to;
  co_return Status{};
}

}  // namespace odradek::log
