// One segment of a partition's log: its .log file, and what is derived from it (.index, .timeindex,
// .odx).
//
// The tail owns the newest bytes in memory; the segment knows where they belong. append() gives a
// batch its position and feeds the indexes; write() puts whole 4 KiB blocks on disk later; seal()
// trims the file and leaves what Kafka would leave beside it.
//
//   0                        written                 size               allocated
//   +------------------------+-----------------------+------------------+
//   | on disk, readable      | in the tail's memory  | zeros            |
//   +------------------------+-----------------------+------------------+
//
// Owned by one partition's log on one shard; every task started here must end before destruction.
// Nothing is read when a found segment is opened: the derived files are loaded by the first use
// that needs them.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "log/batch/batch.h"
#include "log/file_cache.h"
#include "log/segment_checksums.h"
#include "log/segment_format.h"
#include "log/segment_index.h"
#include "log/segment_indexer.h"
#include "log/time_index.h"
#include "reactor/base/chain.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

struct SegmentOptions {
  uint32_t index_interval_bytes = 4096;  // index.interval.bytes
  uint32_t index_bytes_max = 10u << 20;  // segment.index.bytes
};

// What the manifest says about a segment that is there.
struct SegmentFound {
  uint64_t size_bytes =
      0;           // of batches on disk; above it the file may hold zeros or an unacknowledged tail
  Offset next{0};  // one past its last record
  int64_t max_timestamp_ms = -1;
  Offset max_timestamp_offset{-1};  // last offset of the batch that has it; -1 when not known
  bool sealed = false;
};

class Segment {
 public:
  // A new, empty segment. The file, and its directory if need be, are made by the first allocate()
  // or write(); their names are durable with the first sync(). `mark`: what its files' names end
  // in, until rename_to().
  Segment(FileCache& files, std::string directory, SegmentId id, SegmentOptions options,
          std::string_view mark = "");
  // One that is on disk. Reads nothing yet.
  Segment(FileCache& files, std::string directory, SegmentId id, SegmentOptions options,
          const SegmentFound& found);
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  const SegmentId& id() const { return id_; }
  Offset base() const { return id_.base; }
  Offset next() const { return next_; }  // one past the last record; base() when empty
  uint64_t size_bytes() const { return size_bytes_; }  // of batches, in memory or on disk
  uint64_t allocated_bytes() const { return allocated_bytes_; }
  int64_t max_timestamp_ms() const { return indexer_.max_time.timestamp_ms; }
  Offset max_timestamp_offset() const {
    return indexer_.max_time.offset;
  }  // of its batch's last record
  bool sealed() const { return sealed_; }
  // Unique among all segments this process ever opened on this shard: the read cache's key.
  uint64_t token() const { return token_; }
  const std::string& directory() const { return directory_; }
  std::string path(std::string_view suffix) const;

  // True when a batch of `bytes` ending at `last` does not fit: positions and relative offsets are
  // 32 bits, and the index has a maximum. Kafka rolls then too.
  bool full_for(uint64_t bytes, Offset last) const;

  // Its directory was made for it, and its name is not durable.
  void note_new_directory() { new_directory_ = true; }

  // The batch (with its offsets assigned) lies at size_bytes(), which grows by it. No I/O.
  // REQUIRES: !sealed(), !full_for() it, header.base_offset >= next().
  void append(const BatchHeader& header, const Chain& batch);

  // Reserves space on disk for positions below `bytes`; what was there stays. Errc::disk_full
  // changes nothing.
  reactor::Task<Status> allocate(uint64_t bytes);
  // Writes whole blocks at `position` (both multiples of 4 KiB, memory aligned). Not durable before
  // sync(). Several may run at once on different ranges; writing the same bytes again is harmless.
  reactor::Task<Status> write(uint64_t position, std::vector<iovec> blocks);
  // The same, durably: these blocks, and no others, are on stable storage at the end.
  reactor::Task<Status> write_durable(uint64_t position, std::vector<iovec> blocks);
  // fdatasync: every write() that ended before is durable. One runs at a time: calls that come
  // meanwhile share the next.
  reactor::Task<Status> sync();
  // Reads [position, position + to.size()): position and size multiples of 4 KiB, memory aligned.
  // Returns how much there was before the file's end; of a file that may never have been made, 0.
  reactor::Task<Result<size_t>> read(MutableBytes to, uint64_t position);

  // Ends the segment. REQUIRES: everything up to size_bytes() was written. Trims the file to it,
  // writes .index, .timeindex and .odx and makes all of it durable.
  reactor::Task<Status> seal();
  // Writes the derived files of a segment that goes on, so that opening it after a crash walks only
  // what came later. They speak of bytes below `durable_bytes` only, which must survive every crash
  // from now on: written, synced, and not to be taken back but by truncate().
  reactor::Task<Status> save_index(uint64_t durable_bytes);
  // Gives up everything at and above `to`, a batch's base offset; `position` is where that batch
  // began. The caller has made the truncation durable elsewhere before. Allocated space goes too;
  // whoever holds the block that `position` cuts writes it again. REQUIRES: no write() is running.
  reactor::Task<Status> truncate(Offset to, uint64_t position);

  // Loads the derived files; rebuilds from the batches what is missing or does not fit.
  // Errc::corrupt names the position when a batch below size_bytes() fails its checksum.
  reactor::Task<Status> load();
  bool loaded() const { return loaded_; }
  // Frees the indexes of a sealed segment; load() brings them back.
  void unload();
  // REQUIRES: loaded() for what is below where the segment was opened.
  const SegmentIndex& index() const { return indexer_.index; }
  const TimeIndex& time_index() const { return indexer_.times; }
  const SegmentChecksums& checksums() const { return checksums_; }

  // Ends a segment that compaction made where those ended that it stands for: offsets below may be
  // gone. REQUIRES: next >= next().
  void end_at(Offset next);
  // Its files get another mark, durably; what is being read stays readable. A snapshot, which
  // belongs to whoever begins at this base, goes with it only `with_snapshot`. Missing ones are
  // fine.
  reactor::Task<Status> rename_to(std::string_view mark, bool with_snapshot);
  // Unlinks every file that has its mark. Missing ones are fine.
  reactor::Task<Status> remove();
  // Closes the descriptor. REQUIRED before destruction.
  reactor::Task<Status> close();

 private:
  reactor::Task<Status> load_derived();
  reactor::Task<Status> walk(SegmentIndexer& indexer, SegmentChecksums& sums, uint64_t from,
                             uint64_t below);
  reactor::Task<Status> write_derived(uint64_t below);
  reactor::Task<Status> remove_derived();
  void check_blocks(uint64_t position, std::span<const iovec> blocks) const;
  reactor::Task<Result<FilePin>> pin_to_write();
  reactor::Task<Status> sync_name();
  reactor::Task<Status> sync_parent();
  reactor::Task<void> sync_next();
  reactor::Task<Status> rename_files(std::string_view mark, bool with_snapshot);

  // Fixed at construction.
  SegmentId id_;
  SegmentOptions options_;
  uint64_t token_;
  // Written by append(), truncate() and load().
  Offset next_;
  uint64_t size_bytes_ = 0;
  uint64_t found_bytes_ = 0;  // on disk when this was opened: below it the indexes come from load()
  SegmentIndexer indexer_;
  SegmentChecksums checksums_;
  // Written by the tasks.
  std::string directory_;
  FileCache& files_;
  CachedFile file_;
  uint64_t allocated_bytes_ = 0;
  bool created_ = false;        // the file exists
  bool name_durable_ = false;   // and its directory was synced since
  bool new_directory_ = false;  // its directory's own name may not be durable
  bool sealed_ = false;
  bool loaded_ = true;
  bool loading_ = false;
  std::string mark_;  // what the names of its files end in: "", ".cleaned" or ".deleted"
  reactor::WaitList load_done_;
  // Written by sync_next().
  uint64_t syncs_begun_ = 0;
  uint64_t syncs_ended_ = 0;
  uint64_t sync_failed_ = 0;  // the last that failed, and how; 0: none
  Error sync_error_{Errc::io, ""};
  reactor::WaitList sync_done_;
};

}  // namespace odradek::log
