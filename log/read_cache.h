// The read units of one shard that came from disk: bounded, checked once when they enter, shared by
// reference. Units enter a first-in first-out probation; only a unit that is asked for again after
// it left probation (its name is remembered a while) enters the main part, so that a reader
// catching up through gigabytes cannot flush what several readers use.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

#include "log/segment.h"
#include "reactor/arena.h"
#include "reactor/base/result.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

struct ReadCacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t read_ahead = 0;  // units read before anybody asked
  uint64_t evicted = 0;
  uint64_t corrupt = 0;    // units whose checksum did not match
  uint64_t unchecked = 0;  // units that had no checksum: the reader checks their batches
};

// One unit of a segment, from its start up to `length`.
struct CachedUnit {
  reactor::Lease lease;
  uint32_t length = 0;
  bool checked = false;  // its checksum was compared; otherwise check each batch's own
};

class ReadCache {
 public:
  // Takes blocks of `arena` up to `bytes_max` for itself; those lent out count until they come
  // back.
  ReadCache(reactor::Arena& arena, uint64_t bytes_max);
  ReadCache(const ReadCache&) = delete;
  ReadCache& operator=(const ReadCache&) = delete;
  ~ReadCache();

  // Unit `unit` of `segment`, of which `length` bytes are on disk. Errc::corrupt when the checksum
  // does not match or the file is shorter, Errc::overloaded when no block comes free in time.
  // REQUIRES: the segment outlives the task; length <= kReadUnitBytes.
  reactor::Task<Result<CachedUnit>> get(Segment& segment, uint32_t unit, uint32_t length);
  // Starts reading up to `count` units from `unit` on, unless they are there or the cache is busy.
  // `disk_bytes`: how much of the segment is on disk. The segment must live until drop() of it
  // ended.
  void read_ahead(Segment& segment, uint32_t unit, uint32_t count, uint64_t disk_bytes);
  // Forgets every unit of the segment at and above `from_unit`, waiting for reads of it to end.
  reactor::Task<void> drop(Segment& segment, uint32_t from_unit = 0);
  // Asked while a read waits for a block: takes memory from those who keep it only to serve reads.
  // False when they have none.
  void on_shortage(std::function<bool()> make_room) { make_room_ = std::move(make_room); }
  // A read waits for a block.
  bool short_of_memory() const { return waiting_ > 0; }
  // Gives up to `bytes` back to the arena, oldest first.
  void shrink(uint64_t bytes);
  reactor::Task<void> stop();

  uint64_t used_bytes() const { return used_bytes_; }
  const ReadCacheStats& stats() const { return stats_; }

 private:
  struct Key {
    uint64_t segment = 0;
    uint32_t unit = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const {
      return (k.segment * 0x9e3779b97f4a7c15u) ^ (uint64_t{k.unit} * 0xff51afd7ed558ccdu);
    }
  };
  enum class Place : uint8_t { none, probation, main };
  struct Entry {
    Key key;
    reactor::Lease lease;
    uint32_t length = 0;
    bool checked = false;
    bool loading = false;
    Place place = Place::none;
    std::list<Key>::iterator position;
  };
  static CachedUnit share(const Entry& entry);
  void begin_load(const Key& key);
  reactor::Task<Result<CachedUnit>> finish_load(Segment& segment, Key key, uint32_t length);
  reactor::Task<Status> fetch(Segment& segment, Key key, CachedUnit& into);
  reactor::Task<reactor::Lease> take_block();
  reactor::Task<reactor::Lease> wait_for_block();
  reactor::Task<void> load_ahead(Segment& segment, Key key, uint32_t length);
  void touch(Entry& entry);
  void place(Entry& entry);
  void unplace(Entry& entry);
  bool evict_one();
  void remember(const Key& key);

  // Fixed at construction.
  reactor::Arena& arena_;
  uint64_t bytes_max_;
  std::function<bool()> make_room_;
  // Written by the loads, drop() and evict_one().
  uint64_t used_bytes_ = 0;  // of placed entries and of those being read
  std::unordered_map<Key, Entry, KeyHash> entries_;
  std::list<Key> probation_;  // newest first
  std::list<Key> main_;       // most recently used first
  std::list<Key> ghosts_;     // names only, newest first
  std::unordered_map<Key, std::list<Key>::iterator, KeyHash> ghost_at_;
  uint32_t reading_ahead_ = 0;
  uint32_t waiting_ = 0;  // for a block
  reactor::WaitList loaded_;
  reactor::Gate gate_;
  ReadCacheStats stats_;
};

}  // namespace odradek::log
