#include "log/read_cache.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "reactor/limits.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Lease;
using reactor::Task;

// Enough for a few readers at once, whatever the option says.
static constexpr uint64_t kCacheUnitsMin = 16;
// Names of units that left probation, for each unit the cache can hold.
static constexpr uint64_t kGhostsPerUnit = 4;
// Units being read before anybody asked; more would only queue at the disk.
static constexpr uint32_t kReadAheadMax = 8;
// How long a read waits for memory that slow consumers hold.
static constexpr Duration kBlockWait = 5s;
// How often it asks meanwhile for memory that tails keep.
static constexpr Duration kRoomEvery = 50ms;

ReadCache::ReadCache(reactor::Arena& arena, uint64_t bytes_max)
    : arena_(arena), bytes_max_(std::max(bytes_max, kCacheUnitsMin * kReadUnitBytes)) {}

ReadCache::~ReadCache() = default;

Task<void> ReadCache::stop() {
  co_await gate_.close();
  shrink(UINT64_MAX);
}

CachedUnit ReadCache::share(const Entry& entry) {
  return {entry.lease.share(), entry.length, entry.checked};
}

void ReadCache::touch(Entry& entry) {
  if (entry.place == Place::main) main_.splice(main_.begin(), main_, entry.position);
}

void ReadCache::place(Entry& entry) {
  const auto ghost = ghost_at_.find(entry.key);
  std::list<Key>& list = ghost != ghost_at_.end() ? main_ : probation_;
  entry.place = ghost != ghost_at_.end() ? Place::main : Place::probation;
  if (ghost != ghost_at_.end()) {
    ghosts_.erase(ghost->second);
    ghost_at_.erase(ghost);
  }
  entry.position = list.insert(list.begin(), entry.key);
}

void ReadCache::unplace(Entry& entry) {
  if (entry.place == Place::main) main_.erase(entry.position);
  if (entry.place == Place::probation) probation_.erase(entry.position);
  if (entry.place != Place::none) used_bytes_ -= kReadUnitBytes;
  entry.place = Place::none;
  entry.lease.reset();
}

void ReadCache::remember(const Key& key) {
  if (ghost_at_.contains(key)) return;
  ghosts_.push_front(key);
  ghost_at_[key] = ghosts_.begin();
  if (ghosts_.size() > kGhostsPerUnit * (bytes_max_ / kReadUnitBytes)) {
    ghost_at_.erase(ghosts_.back());
    ghosts_.pop_back();
  }
}

// Probation gives way first while it has more than its quarter: what passes through once never
// pushes out what was asked for twice.
bool ReadCache::evict_one() {
  const bool from_probation =
      !probation_.empty() && (main_.empty() || probation_.size() * kReadUnitBytes > bytes_max_ / 4);
  std::list<Key>& list = from_probation || main_.empty() ? probation_ : main_;
  if (list.empty()) return false;
  const auto found = entries_.find(list.back());
  CHECK(found != entries_.end(), list.back().segment, list.back().unit);
  if (from_probation) remember(found->first);
  unplace(found->second);
  entries_.erase(found);
  ++stats_.evicted;
  return true;
}

void ReadCache::shrink(uint64_t bytes) {
  const uint64_t target = used_bytes_ > bytes ? used_bytes_ - bytes : 0;
  while (used_bytes_ > target && evict_one()) {
  }
}

Task<Result<CachedUnit>> ReadCache::get(Segment& segment, uint32_t unit, uint32_t length) {
  CHECK(length > 0 && length <= kReadUnitBytes, length);
  const Key key{segment.token(), unit};
  for (;;) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) break;
    if (!found->second.loading) {
      if (found->second.length < length) break;
      ++stats_.hits;
      touch(found->second);
      co_return share(found->second);
    }
    (void)co_await loaded_.wait();
  }
  ++stats_.misses;
  begin_load(key);
  co_return co_await finish_load(segment, key, length);
}

void ReadCache::begin_load(const Key& key) {
  Entry& entry = entries_[key];
  CHECK(!entry.loading, key.segment, key.unit);
  entry.key = key;
  unplace(entry);
  entry.loading = true;
  used_bytes_ += kReadUnitBytes;
}

Task<Result<CachedUnit>> ReadCache::finish_load(Segment& segment, Key key, uint32_t length) {
  CachedUnit unit;
  unit.length = length;
  const Status fetched = co_await fetch(segment, key, unit);
  Entry& entry = entries_.at(key);
  entry.loading = false;
  loaded_.notify_all();
  if (!fetched) {
    used_bytes_ -= kReadUnitBytes;
    entries_.erase(key);
    co_return fail(fetched.error());
  }
  entry.lease = std::move(unit.lease);
  entry.length = unit.length;
  entry.checked = unit.checked;
  place(entry);
  co_return share(entry);
}

Task<Lease> ReadCache::take_block() {
  while (used_bytes_ > bytes_max_ && evict_one()) {
  }
  Lease block = arena_.try_allocate(kReadUnitBytes);
  while (!block && evict_one()) block = arena_.try_allocate(kReadUnitBytes);
  if (block) co_return block;
  co_return co_await wait_for_block();
}

// Blocks of other sizes may be all over the arena: one unit that comes free is not always enough.
Task<Lease> ReadCache::wait_for_block() {
  const MonoTime deadline = reactor::this_shard().now() + kBlockWait;
  ++waiting_;
  Lease block = arena_.try_allocate(kReadUnitBytes);
  while (!block && reactor::this_shard().now() < deadline) {
    if (!evict_one() && !(make_room_ && make_room_())) {
      const MonoTime soon = reactor::this_shard().now() + kRoomEvery;
      (void)co_await arena_.wait_for_release(std::min(deadline, soon));
    }
    block = arena_.try_allocate(kReadUnitBytes);
  }
  --waiting_;
  co_return block;
}

// What the segment says of the first `length` bytes of a unit; absent when it cannot tell.
static std::optional<uint32_t> expected_checksum(const Segment& segment, uint32_t unit,
                                                 uint32_t length) {
  const SegmentChecksums& sums = segment.checksums();
  const uint64_t start = uint64_t{unit} * kReadUnitBytes;
  const uint64_t whole =
      sums.bytes() > start ? std::min<uint64_t>(kReadUnitBytes, sums.bytes() - start) : 0;
  return whole == length ? sums.unit(unit) : std::nullopt;
}

Task<Status> ReadCache::fetch(Segment& segment, Key key, CachedUnit& into) {
  into.lease = co_await take_block();
  if (!into.lease)
    co_return fail(Errc::overloaded, "no memory for reading " + segment.path(kLogSuffix));
  const uint64_t start = uint64_t{key.unit} * kReadUnitBytes;
  const uint64_t aligned = align_up<uint64_t>(into.length, reactor::kIoAlignment);
  // A read that went astray once may go right the second time; a disk that lost the bytes will not.
  for (int attempt = 0; attempt < 2; ++attempt) {
    CO_TRY_ASSIGN(const size_t got,
                  co_await segment.read(into.lease.writable().first(aligned), start));
    if (got < into.length) {
      co_return fail(Errc::corrupt,
                     segment.path(kLogSuffix) + " ends at " + std::to_string(start + got));
    }
    const auto expected = expected_checksum(segment, key.unit, into.length);
    into.checked = expected.has_value();
    if (!expected) ++stats_.unchecked;
    const BytesView contents = into.lease.bytes().first(into.length);
    if (!expected || segment.checksums().checksum_of(contents) == *expected) co_return Status{};
    ++stats_.corrupt;
  }
  co_return fail(Errc::corrupt, segment.path(kLogSuffix) + ": checksum of the bytes from " +
                                    std::to_string(start) + " to " +
                                    std::to_string(start + into.length));
}

void ReadCache::read_ahead(Segment& segment, uint32_t unit, uint32_t count, uint64_t disk_bytes) {
  for (; count > 0 && reading_ahead_ < kReadAheadMax && !gate_.closed(); --count, ++unit) {
    const uint64_t start = uint64_t{unit} * kReadUnitBytes;
    if (start >= disk_bytes) return;
    const Key key{segment.token(), unit};
    if (entries_.contains(key)) continue;
    ++reading_ahead_;
    ++stats_.read_ahead;
    begin_load(key);
    const auto length =
        static_cast<uint32_t>(std::min<uint64_t>(kReadUnitBytes, disk_bytes - start));
    gate_.spawn("read ahead", load_ahead(segment, key, length));
  }
}

// Whoever asks for the unit later meets the same error and reports it.
Task<void> ReadCache::load_ahead(Segment& segment, Key key, uint32_t length) {
  const auto loaded = co_await finish_load(segment, key, length);
  (void)loaded;
  --reading_ahead_;
}

Task<void> ReadCache::drop(Segment& segment, uint32_t from_unit) {
  const uint64_t token = segment.token();
  const auto matches = [&](const Key& key) {
    return key.segment == token && key.unit >= from_unit;
  };
  for (;;) {
    bool loading = false;
    for (auto it = entries_.begin(); it != entries_.end();) {
      if (matches(it->first) && !it->second.loading) {
        unplace(it->second);
        it = entries_.erase(it);
        continue;
      }
      loading |= matches(it->first);
      ++it;
    }
    if (!loading) co_return;
    (void)co_await loaded_.wait();
  }
}

}  // namespace odradek::log
