// The segments of one partition, oldest first; the last is the active one. Keeps a segment alive
// while somebody reads it, also after it was taken out. Owned by a Partition.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/manifest_format.h"
#include "log/read_cache.h"
#include "log/segment.h"
#include "reactor/wait.h"

namespace odradek::log {

class SegmentList {
 public:
  SegmentList(FileCache& files, ReadCache& cache, std::string directory, TopicPartition id)
      : files_(files), cache_(cache), directory_(std::move(directory)), id_(id) {}
  SegmentList(const SegmentList&) = delete;
  SegmentList& operator=(const SegmentList&) = delete;

  const std::string& directory() const { return directory_; }
  bool empty() const { return slots_.empty(); }
  size_t size() const { return slots_.size(); }
  // REQUIRES: not empty, or index < size().
  Segment& active() { return *slots_.back()->segment; }
  const Segment& active() const { return *slots_.back()->segment; }
  Segment& at(size_t index) { return *slots_[index]->segment; }
  const Segment& at(size_t index) const { return *slots_[index]->segment; }
  // The segment with this base, null when it is not there (any more).
  Segment* find(Offset base) const;
  // The segment that would hold `offset`: the last with base <= offset; the first one for less.
  Segment* holding(Offset offset) const;
  // The next one, null after the last.
  Segment* after(Offset base) const;
  uint64_t size_bytes() const;

  // One that is on disk.
  void add_found(const ManifestSegment& found, const SegmentOptions& options);
  struct NewSegment {
    Offset base;
    uint64_t bytes;              // to reserve
    bool new_directory = false;  // it was made just now, and its name is not durable
  };
  // A new, empty file with its space; its name is durable with its first sync. Not in the list yet.
  // What an earlier, forgotten attempt left under its name is gone.
  reactor::Task<Result<std::unique_ptr<Segment>>> create(NewSegment wanted, SegmentOptions options);
  void add(std::unique_ptr<Segment> segment);
  // Takes the oldest out, waits for its readers, and removes its files.
  reactor::Task<Status> remove_oldest();
  reactor::Task<Status> close();
  // True when each of these segments, by their tokens, is here: one behind the other.
  bool has_run(const std::vector<uint64_t>& tokens) const;

  // Keeps a segment while its holder reads.
  struct Slot {
    std::unique_ptr<Segment> segment;
    uint32_t readers = 0;
    reactor::WaitList idle;
  };
  class Reader {
   public:
    explicit Reader(Slot& slot) : slot_(slot) { ++slot_.readers; }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() {
      if (--slot_.readers == 0) slot_.idle.notify_all();
    }

   private:
    Slot& slot_;
  };
  Slot& slot_of(const Segment& segment);
  // Puts `segment` in the place of the `count` from its base on, and returns those: they may still
  // be read.
  std::vector<std::unique_ptr<Slot>> replace(size_t count, std::unique_ptr<Segment> segment);
  // Waits for the readers of one that was taken out, and removes its files.
  reactor::Task<Status> remove_taken(std::unique_ptr<Slot> slot);
  reactor::Task<Status> close_taken(std::unique_ptr<Slot> slot);  // its files stay

 private:
  reactor::Task<Status> close_slot(Slot& slot);
  reactor::Task<Status> remove_remains(Offset base);
  // Fixed at construction.
  FileCache& files_;
  ReadCache& cache_;
  std::string directory_;
  TopicPartition id_;
  std::deque<std::unique_ptr<Slot>> slots_;
};

}  // namespace odradek::log
