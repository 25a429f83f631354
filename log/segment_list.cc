#include "log/segment_list.h"

#include <algorithm>
#include <iterator>

#include "reactor/file.h"

namespace odradek::log {

using reactor::Task;

Segment* SegmentList::find(Offset base) const {
  Segment* segment = empty() ? nullptr : holding(base);
  return segment && segment->base() == base ? segment : nullptr;
}

Segment* SegmentList::holding(Offset offset) const {
  if (slots_.empty()) return nullptr;
  const auto after = std::ranges::upper_bound(
      slots_, offset, {}, [](const auto& slot) { return slot->segment->base(); });
  return after == slots_.begin() ? slots_.front()->segment.get()
                                 : (*std::prev(after))->segment.get();
}

Segment* SegmentList::after(Offset base) const {
  const auto it = std::ranges::upper_bound(slots_, base, {},
                                           [](const auto& slot) { return slot->segment->base(); });
  return it == slots_.end() ? nullptr : (*it)->segment.get();
}

SegmentList::Slot& SegmentList::slot_of(const Segment& segment) {
  const auto it = std::ranges::lower_bound(slots_, segment.base(), {},
                                           [](const auto& slot) { return slot->segment->base(); });
  CHECK(it != slots_.end() && (*it)->segment.get() == &segment, segment.base());
  return **it;
}

uint64_t SegmentList::size_bytes() const {
  uint64_t bytes = 0;
  for (const auto& slot : slots_) bytes += slot->segment->size_bytes();
  return bytes;
}

void SegmentList::add_found(const ManifestSegment& found, const SegmentOptions& options) {
  const SegmentFound what{.size_bytes = found.bytes,
                          .next = found.next,
                          .max_timestamp_ms = found.max_timestamp_ms,
                          .max_timestamp_offset = found.max_timestamp_offset,
                          .sealed = found.sealed};
  add(std::make_unique<Segment>(files_, directory_, SegmentId{id_, found.base}, options, what));
}

void SegmentList::add(std::unique_ptr<Segment> segment) {
  CHECK(slots_.empty() || slots_.back()->segment->next() <= segment->base(), segment->base());
  auto slot = std::make_unique<Slot>();
  slot->segment = std::move(segment);
  slots_.push_back(std::move(slot));
}

// What a crash left of a segment that began here and came to nothing.
Task<Status> SegmentList::remove_remains(Offset base) {
  bool any = false;
  for (const std::string_view suffix :
       {kLogSuffix, kIndexSuffix, kTimeIndexSuffix, kChecksumsSuffix}) {
    const Status removed = co_await reactor::remove_file(segment_path(directory_, base, suffix));
    if (!removed && removed.error().code != Errc::not_found) co_return removed;
    any = any || removed;
  }
  if (any) co_return co_await reactor::sync_directory(directory_);
  co_return Status{};
}

Task<Result<std::unique_ptr<Segment>>> SegmentList::create(NewSegment wanted,
                                                           SegmentOptions options) {
  if (!wanted.new_directory) CO_TRY(co_await remove_remains(wanted.base));
  auto segment =
      std::make_unique<Segment>(files_, directory_, SegmentId{id_, wanted.base}, options);
  if (wanted.new_directory) segment->note_new_directory();
  const Status made = co_await segment->allocate(wanted.bytes);
  if (made) co_return segment;
  (void)co_await segment->close();  // the first error is the one to tell
  co_return fail(made.error());
}

Task<Status> SegmentList::close_slot(Slot& slot) {
  while (slot.readers > 0) (void)co_await slot.idle.wait();
  co_await cache_.drop(*slot.segment);
  co_return co_await slot.segment->close();
}

Task<Status> SegmentList::close_taken(std::unique_ptr<Slot> slot) {
  co_return co_await close_slot(*slot);
}

Task<Status> SegmentList::remove_taken(std::unique_ptr<Slot> slot) {
  CO_TRY(co_await close_slot(*slot));
  co_return co_await slot->segment->remove();
}

Task<Status> SegmentList::remove_oldest() {
  CHECK(slots_.size() > 1);
  std::unique_ptr<Slot> slot = std::move(slots_.front());
  slots_.pop_front();
  co_return co_await remove_taken(std::move(slot));
}

bool SegmentList::has_run(const std::vector<uint64_t>& tokens) const {
  const auto same = [](const std::unique_ptr<Slot>& slot, uint64_t token) {
    return slot->segment->token() == token;
  };
  const auto at = std::ranges::search(slots_, tokens, same);
  return at.size() == tokens.size();
}

std::vector<std::unique_ptr<SegmentList::Slot>> SegmentList::replace(
    size_t count, std::unique_ptr<Segment> segment) {
  const auto from = std::ranges::lower_bound(
      slots_, segment->base(), {}, [](const auto& slot) { return slot->segment->base(); });
  const auto to = from + static_cast<ptrdiff_t>(count);
  CHECK(count > 0 && to < slots_.end() && (*from)->segment->base() == segment->base(), count,
        segment->base());
  std::vector<std::unique_ptr<Slot>> taken(std::make_move_iterator(from),
                                           std::make_move_iterator(to));
  *from = std::make_unique<Slot>();
  (*from)->segment = std::move(segment);
  slots_.erase(from + 1, to);
  return taken;
}

Task<Status> SegmentList::close() {
  Status result;
  while (!slots_.empty()) {
    std::unique_ptr<Slot> slot = std::move(slots_.front());
    slots_.pop_front();
    const Status closed = co_await close_slot(*slot);
    if (result) result = closed;
  }
  co_return result;
}

}  // namespace odradek::log
