// The files of a partition's log, as far as they are in its segments for good, copied piece by
// piece into a folder of another directory while the log goes on. Nothing reads the copy before
// manager_move.cc makes it the log. Owned by one move on one shard.
//
//   segments     sealed, sealed, active
//   the source   [..........][.......][....destaged]....tail
//   the copy     [..........][...>                           a step copies one piece
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "log/aligned_buffer.h"
#include "log/partition.h"
#include "log/types.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

class PartitionCopy {
 public:
  // Into a folder of `to`, which outlives this.
  PartitionCopy(LogDisk& to, std::string folder);

  const std::string& folder() const { return folder_; }
  uint64_t bytes() const;                // of batches that are in the copy
  Offset next() const { return next_; }  // every record below is in the copy, or was removed

  // Makes the folder. Durable with the first finish().
  reactor::Task<Status> begin();
  // Copies one piece more and returns its bytes; 0: the copy has all that the files have for good.
  // What retention or compaction took meanwhile leaves the copy too. Errc::closed when the log is
  // closing; Errc::disk_full when what is left does not fit beside the directory's reserve. `from`
  // may be closed at any time after this.
  reactor::Task<Result<uint64_t>> step(Partition& from);
  // Copies all that is left, to the last byte, and what lies beside the segments; then all of it
  // is durable. REQUIRES: nothing is appended to `from`, it was destaged and trimmed, and the
  // caller alone uses it.
  reactor::Task<Status> finish(Partition& from);
  // Removes the folder.
  reactor::Task<Status> discard();

 private:
  struct Piece {
    uint64_t token = 0;  // of the segment
    Offset base{0};
    uint64_t from = 0;
    uint64_t to = 0;
    bool last = false;  // the segment is complete with it
  };
  struct Copied {
    Offset base{0};
    uint64_t bytes = 0;
    bool complete = false;
  };
  std::optional<Piece> next_piece(Partition& from, bool to_the_end) const;
  std::optional<Offset> take_removed(Partition& from);
  reactor::Task<Status> forget_removed(Partition& from);
  reactor::Task<Status> check_space(uint64_t bytes);
  reactor::Task<Status> copy(Partition& from, Piece piece);
  reactor::Task<Status> copy_beside(const Segment& segment);
  reactor::Task<Status> copy_file(std::string from, std::string name);
  void note_next(Partition& from);

  // Fixed at construction.
  LogDisk& to_;
  std::string folder_;
  // Written by step() and finish().
  AlignedBuffer buffer_;
  std::map<uint64_t, Copied> copied_;  // by the segments' tokens
  Offset next_{0};
};

}  // namespace odradek::log
