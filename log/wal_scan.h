// Reads the whole ring of a log directory after a stop or a crash: every file of every shard's WAL,
// whatever the shard count was. Says which groups are live, where a torn tail was cut and what is
// damaged; then hands out the live groups in order, one at a time. Used on one shard, before any
// Wal of that directory exists. Changes nothing on disk but in retire().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/aligned_buffer.h"
#include "log/wal_format.h"
#include "reactor/base/result.h"
#include "reactor/file.h"
#include "reactor/task.h"

namespace odradek::log {

struct WalGroupPlace {
  WalSequence sequence;
  uint32_t file = 0;  // index into WalScan::files()
  uint64_t position = 0;
  uint32_t group_bytes = 0;
  uint32_t checksum = 0;  // of its header
};

// A hole that is no torn tail: acknowledged records are gone. Recovery goes on around it:
// recovery.h says whose they are.
struct WalDamage {
  WalSequence first;
  WalSequence last;
  std::string what;  // names file and place where they are known
  // Set when the header of the one group is good: what it says of its records counts.
  std::optional<WalGroupPlace> group = std::nullopt;
  // Whose records the groups may hold; absent: anybody's.
  std::optional<WalPartitionFilter> partitions = std::nullopt;
};

// What was found of one WAL, i.e. of one shard since one start.
struct ScannedWal {
  Uuid id;
  WalSequence released_through;     // nothing at or below is needed
  WalSequence flushed_through;      // everything at or below was durable
  WalSequence last;                 // of the last live group; released_through when there is none
  std::vector<WalGroupPlace> live;  // in order, after released_through
  bool torn = false;                // something behind `last` was cut
  std::vector<WalDamage> damage;    // holes at or below flushed_through
  uint64_t manifest_sequence = 0;   // entries of the manifest up to this were durable
};

// A group's bytes; valid until the next read_group() of the same scan.
struct WalGroupView {
  WalGroupHeader header;
  BytesView records;
  WalRecordCursor cursor() const { return {header, records}; }
};

class WalScan {
 public:
  struct FoundFile {
    std::string path;
    Uuid owner = {};  // zero when its header is unreadable
    // Who else the other copy of its header names: when the owner's is lost one day, it counts.
    Uuid other_owner = {};
    bool retired = false;  // its owner is
  };

  // Reads everything. A missing odradek.wal/ is an empty ring. Errc::unsupported for a newer
  // format.
  static reactor::Task<Result<std::unique_ptr<WalScan>>> open(std::string log_directory);

  const std::vector<ScannedWal>& wals() const { return wals_; }
  const std::vector<FoundFile>& files() const { return files_; }
  uint64_t bytes_read() const { return bytes_read_; }

  // Reads live group `index` of wals()[wal] again. Errc::corrupt when it no longer checks out.
  // It leaves the file open for the next call: close() before destruction.
  reactor::Task<Result<WalGroupView>> read_group(size_t wal, size_t index);
  // The same of a damaged group whose header is good: some of its records are not.
  reactor::Task<Result<WalGroupView>> read_damaged(WalGroupPlace place) { return read_at(place); }
  reactor::Task<Status> close();

  // Says durably that nothing in any of these files is needed any more: everything was destaged and
  // the manifest knows. Afterwards their files may be given to new WALs.
  reactor::Task<Status> retire();
  // The same without reading what the WALs hold: for a clean stop, when everything was destaged and
  // every Wal of the directory was stopped. The next scan then reads nothing but headers.
  static reactor::Task<Status> retire_all(std::string log_directory);
  // Renames the files of WALs that are damaged to "<name>.damaged": no start looks at them, and
  // what is left in them can still be studied. REQUIRES: retire() ended well.
  reactor::Task<Status> set_aside();
  // Files a new Wal may take over: WalOptions::reusable_files. Before retire() only those that were
  // retired earlier.
  std::vector<std::string> reusable() const;

 private:
  struct Candidate;
  // What is known of one WAL's groups before they are judged.
  struct Groups {
    std::map<WalSequence, Candidate> found;
    std::map<WalSequence, WalPartitionFilter> partitions;  // as other groups tell
  };
  WalScan() = default;
  reactor::Task<Result<WalGroupView>> read_at(WalGroupPlace place);
  reactor::Task<Status> read_folder(std::string log_directory, bool headers_only);
  reactor::Task<Status> read_files();
  reactor::Task<Status> read_one(reactor::File& file, uint32_t index, std::vector<Candidate>& out);
  Status read_owner(FoundFile& found, BytesView headers) const;
  void judge(std::vector<Candidate> candidates);
  void judge_wal(ScannedWal& wal, const Groups& groups) const;
  static std::string chain_fault(const Candidate& group, const Candidate* previous);
  static std::string fault_of(const Candidate& group, const Candidate* previous);
  static void add_damage(ScannedWal& wal, const Groups& groups, WalDamage damage);

  std::string folder_;
  bool headers_only_ = false;
  std::vector<Uuid> retired_;
  std::vector<FoundFile> files_;
  std::vector<ScannedWal> wals_;
  AlignedBuffer window_;
  reactor::File open_;  // of the last read_group()
  uint32_t open_file_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace odradek::log
