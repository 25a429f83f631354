// The end of a partition's log in memory: the bytes that are not in the segment files yet, and as
// much of what is as memory allows. Each block is an image of a range of a segment file that starts
// on a 4 KiB boundary, so it is written as it lies, and read by lease without a copy.
//
// Owned by one log, used by its shard only. Bounded by the WAL's capacity (what is not destaged)
// and by eviction (what is).
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "log/limits.h"
#include "log/partition_log.h"
#include "log/types.h"
#include "reactor/arena.h"
#include "reactor/base/chain.h"

namespace odradek::log {

// A byte in a partition's files. Segments are ordered by base offset, so places are in log order.
struct FilePlace {
  Offset segment{0};      // base offset
  uint64_t position = 0;  // bytes into the .log file
  auto operator<=>(const FilePlace&) const = default;
  std::string to_string() const { return segment.to_string() + ":" + std::to_string(position); }
};

// One batch in the tail.
struct TailBatch {
  Offset base;
  Offset last;
  FilePlace at;
  uint32_t bytes = 0;
  int64_t max_timestamp = -1;
  uint64_t sequence = 0;  // of its WAL record

  FilePlace end() const { return {at.segment, at.position + bytes}; }
};

class Tail {
 public:
  explicit Tail(reactor::Arena& arena) : arena_(arena) {}

  // Blocks for [at, at + bytes). False when the arena has no room; then nothing changed. Call it
  // again until true, then put(). REQUIRES: `at` is end(), or the start of a newer segment, or any
  // place when the tail is empty.
  bool try_reserve(FilePlace at, uint64_t bytes);
  // Bytes a failed try_reserve() wants in one block: what to wait for.
  static uint64_t block_bytes_wanted(uint64_t bytes);
  // Copies `bytes` to `at`, past the caches when the next to read them is the disk. REQUIRES:
  // reserved.
  void put(FilePlace at, const Chain& bytes, bool for_disk = false);
  // Says that the bytes last put are a batch. REQUIRES: it follows the batch before it.
  void add_batch(const TailBatch& batch);

  // The bytes [from, from + length) as they lie. REQUIRES: held. The views live until the next
  // change.
  Chain view(FilePlace from, uint64_t length) const;
  // The same as parts to write; the last is padded with zeros to a 4 KiB boundary.
  // REQUIRES: from is aligned.
  std::vector<iovec> parts(FilePlace from, uint64_t length);
  MutableBytes header_of(FilePlace at, size_t bytes);

  bool empty() const { return batches_.empty(); }
  // The first offset that can be read here; absent when there is none.
  std::optional<Offset> first_offset() const;
  const std::deque<TailBatch>& batches() const { return batches_; }
  // The batch that contains `offset` or the first one after it; null beyond the end.
  const TailBatch* find(Offset offset) const;
  // Whole batches from `options.from`, below `options.limit`.
  LogSlice read(const ReadOptions& options) const;
  uint64_t available_bytes(Offset from, Offset limit, uint64_t enough) const;

  // Gives memory back: blocks whose batches all end at or before `destaged` and are not needed to
  // write the rest. Returns the bytes given back; stops after about `bytes_wanted`.
  uint64_t evict(FilePlace destaged, uint64_t bytes_wanted);
  uint64_t memory_bytes() const { return memory_bytes_; }
  void clear();

 private:
  struct Block {
    reactor::Lease lease;
    FilePlace at;  // of its first byte; a multiple of 4 KiB
    FilePlace end() const { return {at.segment, at.position + lease.size()}; }
  };
  size_t block_of(FilePlace place) const;
  void add_pieces(LogSlice& slice, FilePlace from, uint64_t length) const;

  reactor::Arena& arena_;
  std::deque<Block> blocks_;
  std::deque<TailBatch> batches_;
  uint64_t memory_bytes_ = 0;
};

}  // namespace odradek::log
