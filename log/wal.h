// The write-ahead log of one shard in one log directory: the one place where appends become
// durable. Owned by the shard's LogManager; only that shard touches it. Format: log/FORMAT.md.
//
//   stage() ... stage()  ->  group n (collecting)     one write at a time: group n-1 in flight
//   while
//                            group n-1 (in flight)    group n collects; nothing waits for a timer
//
// A group goes out as soon as the one before it is written; with WalFlush::now in it, as one
// durable write. What is lazily flushed follows within 256 KiB or 100 ms. Bounds: two staging
// buffers of group_bytes_max, and the ring of files on disk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/aligned_buffer.h"
#include "log/log_metrics.h"
#include "log/wal_format.h"
#include "log/wal_ring.h"
#include "reactor/base/result.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

class Wal;

// Told, on the shard, whenever written() or durable() advanced or the WAL failed. Must not wait.
class WalListener {
 public:
  virtual void on_wal_progress(Wal& wal) = 0;

 protected:
  ~WalListener() = default;
};

enum class WalFlush : uint8_t {
  now,     // the group is made durable with its write
  lazily,  // within lazy_flush_bytes / lazy_flush_delay
};

// Which appends may use the last eighth of the ring: without it a full ring could not be emptied.
enum class WalRoom : uint8_t {
  append,    // refused while the ring is nearly full
  internal,  // carried residues, truncations, epochs: what destage and replication need to go on
};

struct WalOptions {
  std::string directory;                   // the log directory; files go to odradek.wal/ in it
  uint64_t capacity_bytes = 256ull << 20;  // of the ring, grown to in the background
  uint32_t first_file_bytes = 4u << 20;    // two of these exist before create() ends
  uint32_t file_bytes = 32u << 20;         // of the others
  uint32_t group_bytes_max = 2u << 20;     // a staging buffer; a record and its header must fit
  uint64_t reserve_bytes = 0;              // left free on the disk when the ring grows
  uint64_t lazy_flush_bytes = 256u << 10;
  Duration lazy_flush_delay = 100ms;
  std::vector<std::string>
      reusable_files;               // pre-written files of retired WALs: WalScan::reusable()
  WalListener* listener = nullptr;  // outlives the Wal
};

class Wal {
 public:
  // Makes odradek.wal/ if need be, prepares two files and starts the writer. Errc::disk_full when
  // not even they fit.
  static reactor::Task<Result<std::unique_ptr<Wal>>> create(WalOptions options);
  ~Wal();
  Wal(const Wal&) = delete;
  Wal& operator=(const Wal&) = delete;

  const Uuid& id() const { return id_; }

  // True when a record with this payload can be staged now. Ask again after every await.
  bool has_room(uint64_t payload_bytes, WalRoom room) const;
  // Waits until has_room() was true at least for a moment: ask again. Errc::fenced after a failure,
  // Errc::closed after stop(), Errc::timed_out at the deadline.
  reactor::Task<Status> wait_for_room(uint64_t payload_bytes, WalRoom room, MonoTime deadline);

  // Copies the record into the group being collected and returns that group's sequence: the record
  // is written when written() >= it, durable when durable() >= it. Never waits, allocates nothing.
  // A batch payload must be one whole batch unless record.payload_hashed. Order of calls is order
  // on disk. REQUIRES: has_room(payload.size(), ...); after a failure it returns a sequence that
  // never commits.
  WalSequence stage(const WalRecord& record, const Chain& payload, WalFlush flush);

  WalSequence written() const { return written_; }
  WalSequence durable() const { return durable_; }
  // The sequence the next stage() would get.
  WalSequence collecting() const { return sealed_ + 1; }
  // Waits until durable() >= `sequence`. Errors as wait_for_room().
  reactor::Task<Status> wait_durable(WalSequence sequence, MonoTime deadline);
  // Waits until written() or durable() advanced, or the WAL failed; false at the deadline.
  [[nodiscard]] reactor::WaitList::Awaiter wait_progress(MonoTime deadline) {
    return progress_.wait(deadline);
  }
  // Makes everything that was staged before the call durable.
  reactor::Task<Status> flush();

  // Everything in groups up to `sequence` is durable elsewhere or void: their space may be reused.
  // REQUIRES: sequence <= written(). Going back is ignored.
  void release_through(WalSequence sequence);
  WalSequence released() const { return released_; }

  uint64_t used_bytes() const { return ring_->used_bytes(); }          // not released, on disk
  uint64_t capacity_bytes() const { return ring_->capacity_bytes(); }  // pre-written so far
  // 0: empty, 1: appends are being refused. Destage harder from 0.5 on.
  double pressure() const;
  // Where to cut a destage round: releasing through this frees the oldest file in use. 0: none.
  WalSequence oldest_file_end() const { return ring_->oldest_file_end(); }
  // The next group goes into another file, if there is one: what is in use may then be emptied
  // whole.
  void leave_file() { ring_->leave_current(); }

  // The manifest's entry `sequence` is durable. Groups say so from now on: a start that finds less
  // in the manifest knows that it lost something.
  void note_manifest(uint64_t sequence) {
    manifest_sequence_ = std::max(manifest_sequence_, sequence);
  }

  // The first write or fsync error; nothing is written after it.
  const std::optional<Error>& failure() const { return failure_; }

  struct Stats {
    uint64_t groups = 0;
    uint64_t records = 0;
    uint64_t bytes = 0;    // of groups, padding included
    uint64_t flushes = 0;  // durable writes and fdatasyncs
    uint64_t marks = 0;    // groups without records, written to free a file
  };
  const Stats& stats() const { return stats_; }

  // Writes and flushes what is staged, ends the tasks, closes the files (also after a failure,
  // which it returns). Run before destruction.
  reactor::Task<Status> stop();

 private:
  struct Stamp {  // what a written group says about releases
    WalSequence sequence;
    WalSequence released;
  };
  struct Group {  // sealed
    BytesView bytes;
    WalSequence sequence;
    WalSequence released;
    bool mark = false;
    bool flush_now = false;
  };
  enum class Step : uint8_t { idle, blocked, mark, group };
  Wal(WalOptions options, Uuid id, std::unique_ptr<WalRing> ring);
  reactor::Task<void> run_writer();
  reactor::Task<void> run_flusher();
  reactor::Task<void> run_growth();
  Step next_step() const;
  reactor::Task<void> write_one(Group group);
  reactor::Task<Status> write_in_place(Group group);
  Group seal();
  Group make_mark();
  WalGroupHeader next_header() const;
  uint32_t collecting_bytes() const { return align_up(fill_, kWalBlockBytes); }
  void begin_group();
  bool flush_is_due() const;
  reactor::Task<void> flush_written();
  void on_durable(WalSequence sequence);
  void fail_with(Error error);
  void announce();
  void note_flush(MonoTime begun);
  uint64_t reserve_bytes() const;
  Status refusal() const;

  // Fixed at construction.
  WalOptions options_;
  Uuid id_;
  std::unique_ptr<WalRing> ring_;
  WalHistograms histograms_;
  // The group being collected. Written by stage() and seal().
  AlignedBuffer collecting_;
  AlignedBuffer in_flight_;
  AlignedBuffer mark_;
  uint32_t fill_ = 0;  // bytes, header included
  uint32_t record_count_ = 0;
  uint32_t seed_ = 0;
  bool flush_now_ = false;
  WalPartitionFilter partitions_;
  uint64_t manifest_sequence_ = 0;  // by note_manifest()
  // Written by the writer.
  WalPartitionFilter partitions_before_;  // of the group that was sealed last
  WalSequence sealed_{0};
  WalSequence written_{0};
  WalSequence durable_{0};
  uint32_t previous_checksum_ = 0;
  reactor::File* written_file_ = nullptr;  // of the last written group
  std::deque<Stamp> stamps_;               // of the groups that are written but not durable
  uint64_t unflushed_bytes_ = 0;
  MonoTime unflushed_since_ = kMonoMax;
  WalSequence flush_wanted_{0};  // by flush()
  WalSequence released_{0};      // by release_through()
  std::optional<Error> failure_;
  bool stopping_ = false;
  bool stopped_ = false;
  Stats stats_;
  reactor::WaitList work_;        // the writer sleeps here
  reactor::WaitList flush_work_;  // the flusher sleeps here
  reactor::WaitList room_;        // waiters for room
  reactor::WaitList progress_;    // waiters for durability
  reactor::Gate gate_;
};

}  // namespace odradek::log
