#include "reactor/sim/file_data.h"

#include <algorithm>
#include <cstring>

#include "reactor/base/check.h"

namespace odradek::reactor::sim {

static bool chance(Prng& prng, PerMillion per_million) {
  return per_million > 0 && prng.below(1'000'000) < per_million;
}

static uint64_t page_end(uint64_t offset) { return (offset + kPageBytes - 1) / kPageBytes; }

const FileData::PageBytes* FileData::seen(const Page& page) {
  if (page.dirty || page.lost) return page.latest.get();
  return page.masks.empty() ? page.stable.get() : nullptr;
}

FileData::PagePointer FileData::copy(const PageBytes* bytes) {
  return bytes ? std::make_unique<PageBytes>(*bytes) : nullptr;
}

FileData::Page& FileData::page_for_write(uint64_t index) {
  if (index >= pages_.size()) pages_.resize(index + 1);
  Page& page = pages_[index];
  if (!page.allocated) {
    page.allocated = true;
    ++allocated_pages_;
  }
  return page;
}

void FileData::touch(uint64_t index) {
  if (pages_[index].listed) return;
  pages_[index].listed = true;
  touched_.push_back(index);
}

uint64_t FileData::pages_missing(uint64_t offset, uint64_t length) const {
  uint64_t missing = 0;
  for (uint64_t i = offset / kPageBytes; i < page_end(offset + length); ++i) {
    missing += i >= pages_.size() || !pages_[i].allocated;
  }
  return missing;
}

uint64_t FileData::writable_bytes(uint64_t offset, uint64_t length, uint64_t pages_free) const {
  for (uint64_t i = offset / kPageBytes; i < page_end(offset + length); ++i) {
    if (i < pages_.size() && pages_[i].allocated) continue;
    if (pages_free-- == 0) return i * kPageBytes > offset ? i * kPageBytes - offset : 0;
  }
  return length;
}

size_t FileData::read(MutableBytes to, uint64_t offset) const {
  if (offset >= size_) return 0;
  const size_t length = std::min<uint64_t>(to.size(), size_ - offset);
  for (size_t done = 0; done < length;) {
    const uint64_t index = (offset + done) / kPageBytes;
    const size_t from = (offset + done) % kPageBytes;
    const size_t n = std::min<size_t>(length - done, kPageBytes - from);
    const PageBytes* bytes = index < pages_.size() ? seen(pages_[index]) : nullptr;
    if (bytes) {
      std::memcpy(to.data() + done, bytes->data() + from, n);
    } else {
      std::memset(to.data() + done, 0, n);
    }
    done += n;
  }
  return length;
}

// A sync in flight covers the version that is about to go: keep it for finish_sync().
void FileData::pin(uint64_t index, Page& page) {
  if (!page.dirty) return;
  for (auto& [id, sync] : syncs_) {
    if (!sync.covers(index)) continue;
    if (page.written > sync.sequence || sync.pins.contains(index)) continue;
    sync.pins[index] = Pin{page.written, copy(page.latest.get())};
  }
}

void FileData::patch(uint64_t index, size_t from, BytesView bytes, uint64_t sequence) {
  Page& page = page_for_write(index);
  if (page.written != sequence) pin(index, page);
  const PageBytes* before = seen(page);
  PagePointer next;
  if (bytes.size() == kPageBytes) {
    const bool zeros = std::ranges::all_of(bytes, [](uint8_t b) { return b == 0; });
    if (!zeros)
      next = page.dirty && page.latest ? std::move(page.latest) : std::make_unique<PageBytes>();
  } else {
    next = before ? copy(before) : std::make_unique<PageBytes>(PageBytes{});
  }
  if (next) std::memcpy(next->data() + from, bytes.data(), bytes.size());
  page.latest = std::move(next);
  page.dirty = true;
  page.lost = false;
  page.written = sequence;
  touch(index);
}

void FileData::write(std::span<const iovec> parts, uint64_t length, uint64_t offset, Prng& prng,
                     PerMillion write_back) {
  if (length == 0) return;
  const uint64_t sequence = ++sequence_;
  if (write_back > 0) {
    for (uint64_t i = offset / kPageBytes; i < std::min(page_end(offset + length), pages_.size());
         ++i) {
      Page& page = pages_[i];
      if (!page.dirty || !page.masks.empty() || truncated_ || !chance(prng, write_back)) continue;
      page.stable = copy(page.latest.get());
      page.stable_version = page.written;
    }
  }
  uint64_t at = offset;
  uint64_t left = length;
  for (const iovec& part : parts) {
    BytesView bytes(static_cast<const uint8_t*>(part.iov_base), std::min(part.iov_len, left));
    left -= bytes.size();
    while (!bytes.empty()) {
      const size_t from = at % kPageBytes;
      const size_t n = std::min<size_t>(bytes.size(), kPageBytes - from);
      patch(at / kPageBytes, from, bytes.first(n), sequence);
      bytes = bytes.subspan(n);
      at += n;
    }
  }
  size_ = std::max(size_, offset + length);
}

void FileData::allocate(uint64_t offset, uint64_t length, bool keep_size) {
  if (length == 0) return;
  ++sequence_;
  for (uint64_t i = offset / kPageBytes; i < page_end(offset + length); ++i) page_for_write(i);
  if (!keep_size) size_ = std::max(size_, offset + length);
}

void FileData::mask(uint64_t index, uint64_t sequence) {
  Page& page = pages_[index];
  pin(index, page);
  page.latest.reset();
  page.dirty = page.lost = false;
  if (page.masks.empty() || page.written > page.masks.back()) page.masks.push_back(sequence);
  if (page.allocated) --allocated_pages_;
  page.allocated = false;
  touch(index);
}

void FileData::truncate(uint64_t length) {
  const uint64_t sequence = ++sequence_;
  if (length < size_) {
    for (uint64_t i = page_end(length); i < pages_.size(); ++i) mask(i, sequence);
    const size_t tail = length % kPageBytes;
    if (tail != 0 && length / kPageBytes < pages_.size()) {
      const PageBytes zeros{};
      patch(length / kPageBytes, tail, BytesView(zeros).subspan(tail), sequence);
    }
    truncated_ = last_truncation_ = sequence;
    truncated_least_ = std::min(truncated_least_, length);
  }
  size_ = length;
}

uint64_t FileData::begin_sync() {
  const uint64_t id = ++sequence_;
  syncs_[id] = Sync{.sequence = id, .size = size_, .truncation = last_truncation_};
  return id;
}

uint64_t FileData::begin_range_sync(uint64_t offset, uint64_t length) {
  const uint64_t id = begin_sync();
  syncs_[id].from = offset;
  syncs_[id].to = offset + length;
  return id;
}

// The size shrinks by a truncation only, and the file's record of a sync holds every one before it.
void FileData::settle_size(const Sync& sync) {
  if (sync.truncation < stable_truncation_) return;
  if (sync.truncation > stable_truncation_) {
    stable_size_ = sync.size;
    stable_truncation_ = sync.truncation;
  } else {
    stable_size_ = std::max(stable_size_, std::min(sync.size, sync.to));
  }
}

void FileData::finish_sync(uint64_t id) {
  auto node = syncs_.extract(id);
  CHECK(!node.empty(), id);
  Sync& sync = node.mapped();
  std::vector<uint64_t> still;
  for (const uint64_t index : touched_) {
    Page& page = pages_[index];
    const auto covered = std::ranges::upper_bound(page.masks, sync.sequence);
    if (covered != page.masks.begin()) {
      const uint64_t last = *std::prev(covered);
      if (page.stable_version < last) {
        page.stable.reset();
        page.stable_version = last;
      }
      page.masks.erase(page.masks.begin(), covered);
    }
    const auto pinned = sync.pins.find(index);
    if (page.dirty && page.written <= sync.sequence && sync.covers(index)) {
      page.stable = std::move(page.latest);
      page.stable_version = page.written;
      page.dirty = false;
    } else if (pinned != sync.pins.end() && pinned->second.version > page.stable_version) {
      page.stable = std::move(pinned->second.bytes);
      page.stable_version = pinned->second.version;
    }
    page.listed = page.dirty || page.lost || !page.masks.empty();
    if (page.listed) still.push_back(index);
  }
  touched_ = std::move(still);
  settle_size(sync);
  if (truncated_ <= sync.sequence) {
    truncated_ = 0;
    truncated_least_ = UINT64_MAX;
  }
}

void FileData::fail_sync(uint64_t id, bool evict) {
  auto node = syncs_.extract(id);
  CHECK(!node.empty(), id);
  for (const uint64_t index : touched_) {
    Page& page = pages_[index];
    if (!page.dirty || page.written > node.mapped().sequence) continue;
    if (!node.mapped().covers(index)) continue;
    page.dirty = false;
    page.lost = !evict;
    if (evict) page.latest.reset();
  }
}

// Truncations are journaled: all that were not synced survive together or not at all. What was
// written over the space of one that did not survive has no place to be.
void FileData::resolve_truncation(bool survives) {
  for (const uint64_t index : touched_) {
    Page& page = pages_[index];
    if (page.masks.empty()) continue;
    if (survives) {
      page.stable.reset();
    } else {
      page.dirty = false;
      page.latest.reset();
    }
    page.masks.clear();
  }
}

// The pages of the last write: a prefix or a suffix of them lands, cut at `tear_bytes`.
void FileData::keep_torn(const std::vector<uint64_t>& last_write, Prng& prng, uint32_t tear_bytes) {
  const uint64_t units_a_page = kPageBytes / tear_bytes;
  const uint64_t cut = prng.between(0, last_write.size() * units_a_page);
  const bool prefix = prng.chance(1, 2);
  uint64_t unit = 0;
  for (const uint64_t index : last_write) {
    Page& page = pages_[index];
    for (uint64_t i = 0; i < units_a_page; ++i, ++unit) {
      if ((unit < cut) != prefix) continue;
      if (!page.stable) page.stable = std::make_unique<PageBytes>(PageBytes{});
      uint8_t* to = page.stable->data() + i * tear_bytes;
      if (page.latest) {
        std::memcpy(to, page.latest->data() + i * tear_bytes, tear_bytes);
      } else {
        std::memset(to, 0, tear_bytes);
      }
    }
  }
}

void FileData::keep_pages(DiskOutcome outcome, Prng& prng, uint32_t tear_bytes) {
  std::ranges::sort(touched_);
  uint64_t last = 0;
  for (const uint64_t index : touched_) {
    if (pages_[index].dirty) last = std::max(last, pages_[index].written);
  }
  std::vector<uint64_t> last_write;
  for (const uint64_t index : touched_) {
    Page& page = pages_[index];
    if (!page.dirty || outcome == DiskOutcome::all_lost) continue;
    if (outcome == DiskOutcome::torn && page.written == last) {
      last_write.push_back(index);
    } else if (outcome == DiskOutcome::all_kept || prng.chance(1, 2)) {
      page.stable = std::move(page.latest);
    }
  }
  if (!last_write.empty()) keep_torn(last_write, prng, tear_bytes);
}

void FileData::forget_page(Page& page) {
  page.latest.reset();
  page.dirty = page.lost = page.listed = false;
  page.masks.clear();
  page.written = page.stable_version = 0;
}

void FileData::after_crash(uint64_t size) {
  for (const uint64_t index : touched_) forget_page(pages_[index]);
  touched_.clear();
  syncs_.clear();
  size_ = stable_size_ = size;
  truncated_ = 0;
  truncated_least_ = UINT64_MAX;
  if (page_end(size) < pages_.size()) pages_.resize(page_end(size));
  const size_t tail = size % kPageBytes;
  if (tail != 0 && size / kPageBytes < pages_.size() && pages_[size / kPageBytes].stable) {
    auto& bytes = *pages_[size / kPageBytes].stable;
    std::memset(bytes.data() + tail, 0, kPageBytes - tail);
  }
  allocated_pages_ = 0;
  for (Page& page : pages_) {
    page.stable_version = 0;
    page.allocated = page.allocated || page.stable;
    allocated_pages_ += page.allocated;
  }
  sequence_ = last_truncation_ = stable_truncation_ = 0;
}

void FileData::crash(DiskOutcome outcome, Prng& prng, uint32_t tear_bytes) {
  const bool some = outcome == DiskOutcome::torn || outcome == DiskOutcome::random;
  const bool survives = outcome == DiskOutcome::all_kept || (some && prng.chance(1, 2));
  const bool truncated = truncated_ != 0;
  const uint64_t least = truncated ? std::min(stable_size_, truncated_least_) : stable_size_;
  resolve_truncation(survives);
  keep_pages(outcome, prng, tear_bytes);
  uint64_t size = stable_size_;
  if (outcome == DiskOutcome::all_kept) {
    size = size_;
  } else if (some && (survives || !truncated)) {
    size = prng.chance(1, 2) ? size_ : least;
  }
  after_crash(size);
}

void FileData::flip_bit(uint64_t offset, uint32_t bit) {
  CHECK(offset < size_, offset, size_);
  const uint64_t index = offset / kPageBytes;
  if (index >= pages_.size()) pages_.resize(index + 1);
  Page& page = pages_[index];
  const auto mask = static_cast<uint8_t>(1u << (bit & 7));
  if (!page.stable) page.stable = std::make_unique<PageBytes>(PageBytes{});
  (*page.stable)[offset % kPageBytes] ^= mask;
  if (!page.dirty && !page.lost) return;
  if (!page.latest) page.latest = std::make_unique<PageBytes>(PageBytes{});
  (*page.latest)[offset % kPageBytes] ^= mask;
}

void FileData::settle() { finish_sync(begin_sync()); }

}  // namespace odradek::reactor::sim
