// The bytes of one simulated file, twice: what a reader sees now, and what the medium would give
// back after a power cut. Writes land in the first; only a sync moves them to the second. No clock,
// no names, no faults of its own: a state machine that Disk drives.
//
//   write()       seen at once, lost at a crash unless the outcome keeps it
//   begin_sync()  marks what the sync covers: everything written before it, or of it one range
//   finish_sync() makes exactly that durable, even when it was overwritten meanwhile
//   fail_sync()   what it covered is clean and not durable: no later sync brings it back
//   crash()       forgets what the outcome does not keep
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/prng.h"
#include "reactor/sim/options.h"

namespace odradek::reactor::sim {

inline constexpr uint64_t kPageBytes = 4096;

class FileData {
 public:
  uint64_t size() const { return size_; }
  uint64_t stable_size() const { return stable_size_; }
  uint64_t allocated_bytes() const { return allocated_pages_ * kPageBytes; }
  // Pages that a write or an allocation of this range would newly take, and how many of its bytes
  // can be had with `pages_free` more pages.
  uint64_t pages_missing(uint64_t offset, uint64_t length) const;
  uint64_t writable_bytes(uint64_t offset, uint64_t length, uint64_t pages_free) const;

  // Copies what is there; returns how many bytes, less than asked only at the end of the file.
  size_t read(MutableBytes to, uint64_t offset) const;
  // The first `length` bytes of `parts`, as one write. `write_back` draws overwritten dirty pages
  // that reach the medium by themselves.
  void write(std::span<const iovec> parts, uint64_t length, uint64_t offset, Prng& prng,
             PerMillion write_back);
  void allocate(uint64_t offset, uint64_t length, bool keep_size);
  void truncate(uint64_t length);

  uint64_t begin_sync();
  // Of the pages that hold [offset, offset + length) and of the size as far as these bytes need it.
  uint64_t begin_range_sync(uint64_t offset, uint64_t length);
  void finish_sync(uint64_t id);
  // `evict`: readers fall back to the old bytes at once; otherwise they see the new ones until a
  // crash.
  void fail_sync(uint64_t id, bool evict);
  void crash(DiskOutcome outcome, Prng& prng, uint32_t tear_bytes);

  // Damage at rest: in what is seen and on the medium. REQUIRES: offset < size().
  void flip_bit(uint64_t offset, uint32_t bit);
  // Makes all that is seen durable at once: fixtures.
  void settle();

 private:
  using PageBytes = std::array<uint8_t, kPageBytes>;
  using PagePointer = std::unique_ptr<PageBytes>;  // null: all zeros
  struct Page {
    PagePointer stable;
    PagePointer latest;           // seen while `dirty` or `lost`
    uint64_t stable_version = 0;  // sequence of the write that `stable` holds
    uint64_t written = 0;         // sequence of the write that `latest` holds
    std::vector<uint64_t> masks;  // sequences of truncations that hide `stable`, ascending
    bool dirty = false;
    bool lost = false;  // by a failed sync
    bool allocated = false;
    bool listed = false;  // in touched_
  };
  struct Pin {
    uint64_t version;
    PagePointer bytes;
  };
  struct Sync {
    uint64_t sequence;
    uint64_t size;        // of the file when it began
    uint64_t truncation;  // the last one before it
    uint64_t from = 0;    // bytes
    uint64_t to = UINT64_MAX;
    std::map<uint64_t, Pin> pins;  // versions it covers that were overwritten meanwhile

    bool covers(uint64_t page) const {
      return page * kPageBytes < to && (page + 1) * kPageBytes > from;
    }
  };

  static const PageBytes* seen(const Page& page);
  static PagePointer copy(const PageBytes* bytes);
  Page& page_for_write(uint64_t index);
  void touch(uint64_t index);
  void pin(uint64_t index, Page& page);
  void patch(uint64_t index, size_t from, BytesView bytes, uint64_t sequence);
  void mask(uint64_t index, uint64_t sequence);
  void settle_size(const Sync& sync);
  void forget_page(Page& page);
  void resolve_truncation(bool survives);
  void keep_pages(DiskOutcome outcome, Prng& prng, uint32_t tear_bytes);
  void keep_torn(const std::vector<uint64_t>& last_write, Prng& prng, uint32_t tear_bytes);
  void after_crash(uint64_t size);

  std::vector<Page> pages_;
  std::vector<uint64_t> touched_;  // pages whose two versions may differ
  std::map<uint64_t, Sync> syncs_;
  uint64_t sequence_ = 0;
  uint64_t size_ = 0;
  uint64_t stable_size_ = 0;
  uint64_t last_truncation_ = 0;           // its sequence; 0: none
  uint64_t stable_truncation_ = 0;         // the last that is durable
  uint64_t truncated_ = 0;                 // sequence of the last truncation; 0: durable or none
  uint64_t truncated_least_ = UINT64_MAX;  // shortest size since then
  uint64_t allocated_pages_ = 0;
};

}  // namespace odradek::reactor::sim
