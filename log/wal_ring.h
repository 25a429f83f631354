// The files of one WAL: pre-written, recycled in turn, grown in the background. Knows which are in
// use, which are free, and where the next group goes; knows nothing of records. Owned by Wal.
//
//   free  ->  current (groups are placed in it, front to back)  ->  full  ->  free
//
// A full file is free again when all its groups are released and a durable group elsewhere says so:
// otherwise a crash in the middle of overwriting it would look like lost records.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/wal_format.h"
#include "reactor/base/result.h"
#include "reactor/file.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::log {

struct WalRingOptions {
  std::string folder;  // <log directory>/odradek.wal
  Uuid wal;
  uint64_t capacity_bytes = 0;
  uint32_t first_file_bytes = 0;
  uint32_t file_bytes = 0;
  uint64_t reserve_bytes = 0;  // left free on the disk by grow()
  std::vector<std::string> reusable_files;
};

class WalRing {
 public:
  // Opens with two files that can be written: reusable ones, or new ones of first_file_bytes.
  static reactor::Task<Result<std::unique_ptr<WalRing>>> create(WalRingOptions options);
  ~WalRing();
  WalRing(const WalRing&) = delete;
  WalRing& operator=(const WalRing&) = delete;

  // Adds files until the capacity is reached, calling `on_grown(owner)` after each; removes
  // reusable files beyond it. A full disk only pauses it. Ends early after stop_growing(). One call
  // a ring.
  reactor::Task<Status> grow(void (*on_grown)(void*), void* owner);
  void stop_growing();

  struct Place {
    reactor::File* file = nullptr;
    uint64_t position = 0;
  };
  // Whether a group of `bytes` has a place now. A mark may use the block kept at the end of each
  // file.
  bool fits(uint32_t bytes, bool mark) const;
  // Takes that place; the group's last sequence is `sequence`. REQUIRES: fits(bytes, mark).
  Place take(uint32_t bytes, bool mark, WalSequence sequence);

  // Goes on in the next file, so that this one can be freed before it is full. Nothing happens
  // while an older file waits to be freed, or when there is no next one.
  void leave_current();
  // Frees the full files whose groups are all at or below `released`. REQUIRES: a durable group or
  // mark carries that number.
  void recycle(WalSequence released);
  // True when recycle(released) would free a file.
  bool would_recycle(WalSequence released) const;
  // The last sequence in the oldest full file, 0 without one.
  WalSequence oldest_file_end() const;

  uint64_t capacity_bytes() const { return capacity_; }  // what groups can take in all files
  uint64_t free_bytes() const { return empty_bytes_ + current_->room(false); }  // not taken
  uint64_t used_bytes() const { return capacity_ - free_bytes(); }
  bool direct() const { return direct_; }

  reactor::Task<Status> close();

 private:
  struct RingFile {
    reactor::File file;
    uint64_t bytes = 0;
    uint64_t fill = 0;  // where the next group goes
    WalSequence last{0};
    // Behind the header, in front of the block kept for a mark.
    uint64_t usable() const { return bytes - kWalFileHeaderBytes - kWalBlockBytes; }
    uint64_t room(bool mark) const {
      const uint64_t kept = mark ? 0 : kWalBlockBytes;
      return bytes - fill > kept ? bytes - fill - kept : 0;
    }
  };
  explicit WalRing(WalRingOptions options) : options_(std::move(options)) {}
  // Claims a reusable file; empty when it is of no use and was removed.
  reactor::Task<Result<bool>> adopt(std::string path);
  reactor::Task<Status> add_new(uint64_t bytes);
  reactor::Task<Status> prewrite(reactor::File& file, uint64_t bytes);
  reactor::Task<Status> claim(reactor::File& file, uint64_t bytes);
  reactor::Task<Status> add_next();
  reactor::Task<Status> check_space();
  void add(reactor::File file, uint64_t bytes);
  void open_next();

  // Fixed at construction.
  WalRingOptions options_;
  bool direct_ = true;
  // Written by take() and recycle().
  std::unique_ptr<RingFile> current_;
  std::deque<std::unique_ptr<RingFile>> full_;  // oldest first
  std::deque<std::unique_ptr<RingFile>> empty_;
  uint64_t capacity_ = 0;
  uint64_t empty_bytes_ = 0;  // usable, in empty_
  // Written by grow() and stop_growing().
  bool growing_ = true;
  reactor::WaitList growth_;
};

}  // namespace odradek::log
