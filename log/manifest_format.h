// What a manifest holds and how it is written: the state, the edits that change it, and their
// bytes. A snapshot is the edits that rebuild the state. Specification: log/FORMAT.md. No I/O here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"

namespace odradek::log {

inline constexpr char kManifestFile[] = "odradek.manifest";
inline constexpr char kManifestJournalFile[] = "odradek.manifest.journal";
inline constexpr uint32_t kManifestSnapshotMagic = 0x3153464d;  // "MFS1"
inline constexpr uint32_t kManifestEntryMagic = 0x3145464d;     // "MFE1"
inline constexpr uint16_t kManifestVersion = 1;
inline constexpr uint32_t kManifestHeaderBytes = 40;
inline constexpr uint32_t kManifestEntryAlignment = 8;
inline constexpr uint64_t kManifestBytesMax = 1ull << 30;
inline constexpr size_t kTopicNameBytesMax = 249;

struct ManifestSegment {
  Offset base{0};
  Offset next{0};      // one past its last record, as far as was destaged
  uint64_t bytes = 0;  // of batches, without zeros behind them
  int64_t max_timestamp_ms = -1;
  Offset max_timestamp_offset{-1};
  bool sealed = false;  // never written again; its index files are complete
  // Compaction made it: as long as <base>.log.cleaned and the like are there, they are its files.
  bool swapping = false;
  bool operator==(const ManifestSegment&) const = default;
};

// How far a partition is on stable storage outside the WAL.
struct RecoveryPoint {
  Offset offset{0};        // every record below is in a segment
  Offset segment_base{0};  // the segment that is written next
  uint64_t position = 0;   // and where, in bytes: whole 4 KiB blocks
  bool operator==(const RecoveryPoint&) const = default;
};

struct ManifestPartition {
  TopicPartition id;
  std::string topic_name;
  Generation generation;
  Offset log_start{0};
  Offset local_log_start{0};
  RecoveryPoint recovery;
  std::map<Offset, ManifestSegment> segments;  // by base
  std::map<LeaderEpoch, Offset> epochs;        // to their first offset
  std::string quarantine;                      // what is damaged; empty: nothing known
  Offset clean_to{-1};                         // compaction saw every record below; -1: none
  // Grows with every move between directories: of two that have the partition, the one with more
  // has it. Odd: it is being handed over to another one, which may have it already.
  uint32_t moves = 0;
  bool operator==(const ManifestPartition&) const = default;
};

struct ManifestState {
  std::unordered_map<TopicPartition, ManifestPartition> partitions;
  Generation next_generation{1};  // larger than every generation that was ever used here
  const ManifestPartition* find(const TopicPartition& id) const;
  // The partitions in the order of their ids: for whatever must be the same every time.
  std::vector<const ManifestPartition*> sorted() const;
  bool operator==(const ManifestState&) const = default;
};

// Edits set absolute values, so applying one twice is applying it once. Those that name a
// generation have no effect on another one.
struct PartitionAdded {
  TopicPartition id;
  std::string topic_name;
  Generation generation;
  bool operator==(const PartitionAdded&) const = default;
};
struct PartitionRemoved {
  TopicPartition id;
  Generation generation;
  bool operator==(const PartitionRemoved&) const = default;
};
struct SegmentSet {  // adds the segment or replaces what is known of it
  TopicPartition id;
  ManifestSegment segment;
  bool operator==(const SegmentSet&) const = default;
};
struct SegmentRemoved {
  TopicPartition id;
  Offset base;
  bool operator==(const SegmentRemoved&) const = default;
};
// Those that come at the same time come in any order: a start below the one it has changes nothing.
struct LogStartSet {
  TopicPartition id;
  Offset log_start;
  Offset local_log_start;
  bool operator==(const LogStartSet&) const = default;
};
struct EpochSet {
  TopicPartition id;
  LeaderEpoch epoch;
  Offset start;
  bool operator==(const EpochSet&) const = default;
};
struct EpochsReplaced {  // all of them: after a truncation or when old ones were dropped
  TopicPartition id;
  std::map<LeaderEpoch, Offset> epochs;
  bool operator==(const EpochsReplaced&) const = default;
};
struct RecoveryPointSet {
  TopicPartition id;
  RecoveryPoint point;
  bool operator==(const RecoveryPointSet&) const = default;
};
struct QuarantineSet {  // nothing of the partition is served; an empty reason ends it
  TopicPartition id;
  std::string reason;  // at most kTopicNameBytesMax
  bool operator==(const QuarantineSet&) const = default;
};
struct SegmentsReplaced {  // by compaction: `segment` for itself and those between it and `end`
  TopicPartition id;
  ManifestSegment segment;  // `swapping` until a SegmentSet says that its files have their names
  Offset end;
  bool operator==(const SegmentsReplaced&) const = default;
};
struct CleanedTo {
  TopicPartition id;
  Offset offset;
  bool operator==(const CleanedTo&) const = default;
};
struct MovesSet {
  TopicPartition id;
  uint32_t moves = 0;
  bool operator==(const MovesSet&) const = default;
};
struct NextGenerationSet {
  Generation next;
  bool operator==(const NextGenerationSet&) const = default;
};

using ManifestEdit =
    std::variant<PartitionAdded, PartitionRemoved, SegmentSet, SegmentRemoved, LogStartSet,
                 EpochSet, EpochsReplaced, RecoveryPointSet, NextGenerationSet, QuarantineSet,
                 SegmentsReplaced, CleanedTo, MovesSet>;

// The edits that rebuild a partition in a manifest that does not have it.
std::vector<ManifestEdit> edits_of(const ManifestPartition& partition);

// Applies one edit. False when its partition or generation is not there: nothing changed.
bool apply(ManifestState& state, const ManifestEdit& edit);

// Appends the edit's bytes.
void encode_edit(const ManifestEdit& edit, std::vector<uint8_t>& out);
// Decodes and applies all of `edits`. Errc::corrupt when they are not whole edits,
// Errc::unsupported for a kind this version does not know.
Status apply_edits(ManifestState& state, BytesView edits);
// Calls `visit` for each.
Status decode_edits(BytesView edits, std::vector<ManifestEdit>& out);

// A journal entry: header, edits, padding to 8 bytes.
void encode_entry(uint64_t sequence, BytesView edits, std::vector<uint8_t>& out);
// A snapshot: the same header with the other magic; `sequence` is of the last entry folded into it.
std::vector<uint8_t> encode_snapshot(const ManifestState& state, uint64_t sequence);

struct ManifestSnapshot {
  ManifestState state;
  uint64_t sequence = 0;
};
Result<ManifestSnapshot> decode_snapshot(BytesView file);

// What a journal holds behind a snapshot.
struct ManifestJournal {
  uint64_t sequence = 0;  // of the last whole entry, or the snapshot's
  uint64_t bytes = 0;     // of the whole entries; what follows is a torn tail
  uint64_t entries = 0;
};
// Applies every entry after `snapshot_sequence`. A bad entry with a later good one behind it is
// Errc::corrupt, any other is a torn tail.
Result<ManifestJournal> replay_journal(ManifestState& state, uint64_t snapshot_sequence,
                                       BytesView file);

}  // namespace odradek::log
