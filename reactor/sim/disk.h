// The disk of a simulated machine: names, files and what a power cut does to them. Names are
// durable only after a sync of their directory, contents after a sync of their file: nothing more
// is promised, which is what POSIX promises and less than most file systems do.
//
// World owns it and drives it; a test may inject faults, look at files and prepare them at any
// time. Calls answer as the kernel does: a count or 0, or -errno.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/prng.h"
#include "reactor/op.h"
#include "reactor/sim/file_data.h"
#include "reactor/sim/options.h"

namespace odradek::reactor::sim {

using InodeId = uint64_t;  // 0: none

// Makes operations fail on purpose.
struct DiskFault {
  OpCode code = OpCode::write;  // write and write_sync are one; so are fdatasync and fsync
  std::string path_part;        // of paths that contain this; empty: of all
  int error = 0;                // errno
  uint64_t skip = 0;            // let so many pass first
  uint64_t count = UINT64_MAX;  // then fail so many
};

class Disk {
 public:
  Disk(const DiskOptions& options, uint64_t seed);

  // For tests.
  DiskOptions& options() { return options_; }
  void inject(DiskFault fault) { faults_.push_back(std::move(fault)); }
  void clear_faults() { faults_.clear(); }
  // Damages a byte at rest. REQUIRES: the file is there and longer than `offset`.
  void flip_bit(std::string_view path, uint64_t offset, uint32_t bit);
  // What a reader sees now; absent when there is no such file.
  std::optional<std::vector<uint8_t>> contents(std::string_view path) const;
  // A durable file with these bytes, its directories made.
  void put(std::string_view path, BytesView bytes);
  void remove(std::string_view path);
  // Paths of all files, sorted.
  std::vector<std::string> files() const;
  uint64_t used_bytes() const;
  uint64_t syncs() const { return syncs_done_; }  // completed without an error
  // A power cut: what the outcome does not keep is gone. No operation may be in flight.
  void crash(DiskOutcome outcome);

  // For the engine. `wall_ms` stamps what changes.
  int32_t open(std::string_view path, int flags, int64_t wall_ms, InodeId& id);
  void close(InodeId id, uint32_t process);
  bool is_directory(InodeId id) const { return inode(id).directory; }
  int32_t read(InodeId id, std::span<const iovec> parts, uint64_t offset, bool direct);
  int32_t write(InodeId id, std::span<const iovec> parts, uint64_t offset, bool direct,
                int64_t wall_ms);
  // What was in flight when the power went: lands before crash() decides what stays.
  void write_in_flight(InodeId id, std::span<const iovec> parts, uint64_t offset);
  uint64_t begin_sync(InodeId id);
  uint64_t begin_range_sync(InodeId id, uint64_t offset, uint64_t length);  // of a file
  int32_t finish_sync(InodeId id, uint64_t sync);
  void fail_sync(InodeId id, uint64_t sync);
  int32_t allocate(InodeId id, uint64_t offset, uint64_t length, bool keep_size);
  int32_t truncate(InodeId id, uint64_t length, int64_t wall_ms);
  int32_t rename(std::string_view from, std::string_view to);
  int32_t unlink(std::string_view path);
  int32_t remove_dir(std::string_view path);
  int32_t make_dir(std::string_view path, int64_t wall_ms);
  int32_t stat(std::string_view path, FileStat& out) const;
  int32_t stat_fs(std::string_view path, FsStat& out) const;
  int32_t list_dir(std::string_view path, std::vector<DirEntry>& out) const;
  // POSIX: the lock is the process's, and goes when it closes any descriptor of the file.
  int32_t lock(InodeId id, uint32_t process);
  void release_locks(uint32_t process);
  // The errno that an injected fault or the disk's own rates give this operation; 0: none.
  int error_for(OpCode code, std::string_view path);
  Prng& prng() { return prng_; }

 private:
  struct Inode {
    bool directory = false;
    FileData data;
    std::map<std::string, InodeId, std::less<>> names;         // of a directory: as seen
    std::map<std::string, InodeId, std::less<>> stable_names;  // and as on the medium
    uint32_t opens = 0;
    uint32_t links = 0;         // names that are seen
    uint32_t stable_links = 0;  // names on the medium
    uint32_t locked_by = 0;     // process; 0: nobody
    int64_t modified_ms = 0;
  };
  // A change of names that no directory sync has covered yet.
  struct NameChange {
    uint64_t sequence;
    InodeId target;
    InodeId from_directory = 0;  // loses `from`
    InodeId to_directory = 0;    // gains `to`
    std::string from;
    std::string to;
  };
  struct Place {
    InodeId directory = 0;
    std::string name;
    InodeId id = 0;  // 0: not there
  };

  Inode& inode(InodeId id);
  const Inode& inode(InodeId id) const;
  // The directory and last name of a path; -ENOENT, -ENOTDIR when its parent is not there.
  int32_t locate(std::string_view path, Place& out) const;
  InodeId make_inode(bool directory, int64_t wall_ms);
  void link(InodeId directory, const std::string& name, InodeId id);
  void unlink_name(InodeId directory, const std::string& name);
  void note(NameChange change);
  void apply_stable(const NameChange& change);
  void set_stable_name(InodeId directory, const std::string& name, InodeId id);
  void collect(InodeId id);
  void keep_names(DiskOutcome outcome);
  void forget_unreachable();
  uint64_t pages_free() const;
  uint64_t shorten(uint64_t length);
  void list_files(InodeId directory, const std::string& path, std::vector<std::string>& out) const;

  DiskOptions options_;
  Prng prng_;
  std::map<InodeId, std::unique_ptr<Inode>> inodes_;
  std::vector<NameChange> changes_;
  std::map<uint64_t, uint64_t> directory_syncs_;  // token -> the last change it covers
  std::vector<DiskFault> faults_;
  InodeId root_ = 0;
  InodeId last_inode_ = 0;
  uint64_t sequence_ = 0;
  uint64_t syncs_done_ = 0;
};

}  // namespace odradek::reactor::sim
