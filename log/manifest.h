// The manifest of one log directory: every partition's segments, offsets, epochs and recovery
// point, in memory and in two files: odradek.manifest (a snapshot) and odradek.manifest.journal
// (edits since). Nothing per partition is read one by one at start. Owned by the LogStore; used on
// one shard.
//
// edit() changes the memory at once and stages bytes; commit() makes everything staged before it
// durable: one append and one fdatasync for any number of edits and callers. After an error the
// manifest is fenced for good, but for a full disk: what is staged stays so, and the next commit()
// tries again. Space for the journal is kept ahead, so that deletions go on when the disk is full.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "log/manifest_format.h"
#include "log/types.h"
#include "reactor/base/result.h"
#include "reactor/file.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

struct ManifestOptions {
  // The journal is folded into a new snapshot when it is larger than this and than the snapshot.
  uint64_t journal_bytes_max = 4u << 20;
  // Of the journal's file, zeros behind the entries, as long as the disk has room.
  uint64_t journal_reserve_bytes = 256u << 10;
};

class Manifest {
 public:
  // Reads both files and cuts a torn end of the journal; makes an empty manifest when there is
  // none. Errc::corrupt names what is broken, Errc::unsupported is a newer version: both touch
  // nothing.
  static reactor::Task<Result<std::unique_ptr<Manifest>>> open(std::string directory,
                                                               ManifestOptions options = {});
  // Reads without changing anything. Errc::not_found when there is none.
  static reactor::Task<Result<ManifestState>> read(std::string directory);
  ~Manifest();
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  const ManifestState& state() const { return state_; }
  const ManifestPartition* find(const TopicPartition& id) const { return state_.find(id); }

  // Applies `edit` and stages it. Edits of a partition (or generation) that is not there have no
  // effect.
  void edit(const ManifestEdit& edit);
  // Ends when every edit made before this call is durable. Concurrent calls share their writes.
  reactor::Task<Status> commit();

  // Of the last entry that is durable here, or in the snapshot.
  uint64_t sequence() const { return entry_sequence_; }
  uint64_t journal_bytes() const { return journal_bytes_; }
  // Commits, folds the journal when it is not empty, closes. Run before destruction.
  reactor::Task<Status> close();

 private:
  Manifest(std::string directory, ManifestOptions options);
  reactor::Task<Status> load();
  reactor::Task<Status> write_round();
  reactor::Task<Status> append_journal();
  reactor::Task<Status> reserve_journal(uint64_t bytes);
  void forget_staged(size_t bytes);
  reactor::Task<Status> write_snapshot();

  // Fixed at construction.
  std::string directory_;
  ManifestOptions options_;
  ManifestState state_;
  reactor::File journal_;
  std::vector<uint8_t> staged_;  // encoded edits
  uint64_t edited_ = 0;          // edits made by this process
  uint64_t durable_ = 0;         // of them on stable storage
  uint64_t entry_sequence_ = 0;  // of the last journal entry written or folded
  uint64_t journal_bytes_ = 0;
  uint64_t journal_reserved_ = 0;  // of the file; zeros from journal_bytes_ on
  uint64_t snapshot_bytes_ = 0;
  bool writing_ = false;
  bool failed_ = false;
  reactor::WaitList progress_;
};

}  // namespace odradek::log
