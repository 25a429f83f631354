// Every maximum of log/, with its reason. (log/batch has its own.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "reactor/base/time.h"
#include "reactor/limits.h"

namespace odradek::log {

// The unit of direct I/O and of what a crash may tear: only whole ones count as destaged.
inline constexpr uint64_t kDiskBlockBytes = reactor::kIoAlignment;

// A partition's memory comes in blocks that double while it is busy: 10,000 idle ones cost 40 MB.
inline constexpr uint64_t kTailBlockBytesMin = reactor::kBlockBytesMin;
inline constexpr uint64_t kTailBlockBytesMax = 256 * 1024;

// Above this share of the shard's arena (parts / divisor), tails give back what only serves reads.
inline constexpr size_t kTailArenaParts = 5;
inline constexpr size_t kTailArenaDivisor = 8;
// Above this one, what is not destaged goes to the files in short runs.
inline constexpr size_t kArenaPressedParts = 7;
inline constexpr size_t kArenaPressedDivisor = 8;
// What is not destaged stays in memory, and the WAL bounds it: to this part of the arena at most.
inline constexpr uint64_t kWalArenaDivisor = 4;

// A partition with this much that is durable but not destaged is destaged at once. Each run costs a
// flush of its file and a share of one of the manifest, whatever its length.
inline constexpr uint64_t kDestageRunBytes = 4 * 1024 * 1024;
// It is written in pieces of this: disks reach their bandwidth at about 1 MiB a write.
inline constexpr uint64_t kDestageWriteBytes = 1024 * 1024;
// While there are appends, pieces are written at most this many times as fast as those come; what
// brings nothing to the WAL for so long is no append.
inline constexpr uint64_t kDestageSpeedup = 2;
inline constexpr Duration kDestagePause = 5ms;
// Under pressure, runs shorter than this are carried into the WAL's new lap instead of being
// written: 10,000 lukewarm partitions must not mean 10,000 small writes.
inline constexpr uint64_t kCarryRunBytesMax = 64 * 1024;
// What one round carries is at most this part of the WAL; more is written to the segments.
inline constexpr uint64_t kCarryWalDivisor = 16;
// A full ring may take a carried residue late; the round goes on without it.
inline constexpr Duration kCarryWait = 100ms;
// Parts of one destage write; more goes in several writes.
inline constexpr size_t kDestagePartsMax = 32;
// Partitions whose files one destage round writes and syncs.
inline constexpr size_t kDestagePartitionsPerRound = 64;

// The segment file's space is reserved in steps between these, so that a full disk refuses an
// append before it has a place.
inline constexpr uint64_t kSegmentReserveBytesMin = 16 * 1024;
inline constexpr uint64_t kSegmentReserveBytes = 16 * 1024 * 1024;
// Offsets of a segment fit Kafka's relative i32.
inline constexpr int64_t kSegmentOffsetsMax = 0x7fffffff;

// While a disk is full it is asked again at most this often.
inline constexpr Duration kDiskFullRetry = 1s;
// How long an append waits for memory before it is refused.
inline constexpr Duration kMemoryWait = 10s;
// A WAL of less would be emptied all the time; its first files are small so that a start is fast.
inline constexpr uint64_t kWalBytesMin = 512 * 1024;
inline constexpr uint64_t kWalFirstFileBytes = 4 * 1024 * 1024;
inline constexpr uint64_t kWalFileBytesMax = 32 * 1024 * 1024;
inline constexpr uint64_t kWalGroupBytes = 2 * 1024 * 1024;
// A batch of this or more, or of a quarter of a group if that is less, is written to its segment
// at once; the WAL gets an extent record: at this size one more write costs less than a second
// copy.
inline constexpr uint64_t kExtentBytesMin = 256 * 1024;
// From here on the oldest WAL file is emptied, whatever the length of the runs.
inline constexpr double kWalPressureDestage = 0.5;
// And from here on as fast as the disk can.
inline constexpr double kWalPressureUrgent = 0.75;
// Logs that a stop destages and trims at the same time.
inline constexpr size_t kLogsFinishedAtOnce = 32;
// Open segment files of one shard.
inline constexpr uint32_t kOpenFilesMax = 1024;

// Compaction reads and writes in these, and flushes what it wrote in steps of the last.
inline constexpr uint64_t kCleanReadBytes = 512 * 1024;
inline constexpr uint64_t kCleanWriteBytes = 1024 * 1024;
inline constexpr uint64_t kCleanSyncBytes = 16 * 1024 * 1024;
// Its map of keys is made of these, which tails that give back leave behind; it takes at most this
// part of a shard's arena. Tails give back what only serves reads for it: a map that is too small
// for the keys costs a rewrite of the log for each time it is filled.
inline constexpr size_t kKeyMapChunkBytes = kTailBlockBytesMax;
inline constexpr uint64_t kKeyMapArenaDivisor = 8;
// What it looks at in one turn of the loop: some tens of microseconds.
inline constexpr uint64_t kCleanStepBytes = 64 * 1024;
// Compaction that waits for its rate looks this often whether it is still wanted.
inline constexpr Duration kPaceSlice = 100ms;
inline constexpr Duration kCleanTurnWait = 200ms;   // for other shards' cleanings to end
inline constexpr Duration kCleanBusyWindow = 50ms;  // after an append
inline constexpr int kCleanRests = 7;  // times what a step took, its reads and writes included
inline constexpr Duration kCleanRestMax = 10ms;
// How long compaction leaves a log alone that it could not clean for want of space or memory.
inline constexpr Duration kCleanRetry = 60s;

// A snapshot of producers is about 100 bytes each; 200,000 are kept at most.
inline constexpr uint64_t kSnapshotBytesMax = 256 * 1024 * 1024;
// One read of a segment when it is scanned or searched.
inline constexpr uint64_t kScanBytes = 256 * 1024;

// A move to another directory copies so much at a time, and gives way in between.
inline constexpr uint64_t kMovePieceBytes = 256 * 1024;
// Of a file beside a segment: an index has at most segment.index.bytes, a snapshot a few bytes a
// producer.
inline constexpr uint64_t kMoveFileBytesMax = 256ull << 20;

}  // namespace odradek::log
