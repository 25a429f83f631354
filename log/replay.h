// Puts one partition's WAL records where they belong: bytes to positions in its segment files, then
// the batches that these bytes are. Used by recovery only.
//
// Records come in the order of the WAL, which is the order of positions but for carried residues:
// those repeat bytes below what was staged before them. So they are gathered, sorted, and then
// applied. An extent's bytes should be in the file: they are read, and the log ends before an
// extent that fails its checksum, for then its write did not end and nothing from there on was
// acknowledged.
//
//   recovery point D     applied so far
//   |  bytes from here on  |
//   v                      v
//   [ image, in memory, written when it is large ][ nothing yet ]
//
// Bounded by what is live in the WALs, which is less than the tails held before the stop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/leader_epochs.h"
#include "log/manifest_format.h"
#include "log/segment.h"
#include "log/wal_format.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::log {

class Replay {
 public:
  Replay(FileCache& files, std::string directory, const ManifestPartition& found);

  // A record of this partition. Copies the payload. REQUIRES: kind batch or extent.
  Status add(const WalRecord& record, BytesView payload);
  // A record whose batch fails its checksum: it counts only as far as a carried record repeats it.
  void add_broken(const WalRecord& record, BytesView payload);
  // After the last record: writes what they hold, cuts what is no whole batch, ends segments that
  // were rolled. Adds what the manifest must say; it may when the directory above was synced as
  // well. Errc::corrupt when the files are damaged: then nothing is added. Those of several
  // partitions may run at once.
  reactor::Task<Status> finish(std::vector<ManifestEdit>& edits);
  // After finish(): what of the records is gone, empty for nothing. What was added speaks of the
  // log up to there.
  const std::string& damage() const { return damage_; }

 private:
  struct Piece {
    Offset segment;
    uint64_t position;
    std::vector<uint8_t> bytes;
    std::optional<WalExtent> extent = std::nullopt;  // then the bytes are in the file, or nowhere
    bool broken = false;                             // then the bytes are nowhere
    uint64_t end() const { return position + (extent ? extent->length : bytes.size()); }
  };
  std::optional<Piece> piece_of(const WalRecord& record, uint64_t end) const;
  void note_damage(std::string what);
  reactor::Task<Status> apply_all();
  void check_broken();
  reactor::Task<Status> begin();
  // False when the log ends before the piece.
  reactor::Task<Result<bool>> apply(const Piece& piece);
  reactor::Task<Result<bool>> apply_extent(const Piece& piece);
  reactor::Task<Status> flush(bool all);
  reactor::Task<Status> measure();
  reactor::Task<Status> settle(bool goes_on);
  void go_to(const ManifestSegment& next);
  reactor::Task<Status> walk(Segment& segment, uint64_t from);
  // False when the log ends before that segment.
  reactor::Task<Result<bool>> advance_to(Offset base);
  const ManifestSegment* segment_after(Offset base) const;
  std::string where(Offset segment, uint64_t position) const;

  // Fixed at construction.
  FileCache& files_;
  std::string directory_;
  ManifestPartition found_;
  std::vector<Piece> pieces_;
  // The segment that is being filled. Written by begin() and advance_to().
  ManifestSegment segment_;   // what is known of it
  uint64_t known_bytes_ = 0;  // where the walk over its batches starts
  uint64_t written_ = 0;      // everything below is in the file; a multiple of 4 KiB
  uint64_t end_ = 0;          // everything below is in the file or in image_
  std::vector<uint8_t> image_;
  bool changed_ = false;  // there were bytes for this segment
  LeaderEpochs epochs_;
  std::vector<ManifestEdit> edits_;
  std::string damage_;
};

}  // namespace odradek::log
