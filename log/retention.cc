// What of a partition's log is old enough to go: whole segments from the front, never the active
// one, never what is not visible or not destaged. Order: the manifest forgets first, then the files
// go.
#include <algorithm>

#include "log/log_disk.h"
#include "log/partition.h"
#include "reactor/file.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

// What no power cut takes back: what is only written does not push out what is kept for its size.
static uint64_t bytes_below(const SegmentList& segments, FilePlace durable) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < segments.size() && segments.at(i).base() <= durable.segment; ++i) {
    const uint64_t whole = segments.at(i).size_bytes();
    bytes += segments.at(i).base() == durable.segment ? std::min(whole, durable.position) : whole;
  }
  return bytes;
}

// How many segments from the front may go now.
size_t Partition::expired_segments(int64_t now_ms) const {
  uint64_t bytes = bytes_below(segments_, durable_);
  size_t count = 0;
  for (; count + 1 < segments_.size(); ++count) {
    const Segment& segment = segments_.at(count);
    if (!segment.sealed() || segment.base() >= destaged_.segment) break;
    if (segment.next() > high_watermark()) break;
    const bool below_start = segment.next() <= log_start_;
    const bool too_old = config_.delete_policy && config_.retention_ms >= 0 &&
                         segment.max_timestamp_ms() >= 0 &&
                         now_ms - segment.max_timestamp_ms() > config_.retention_ms;
    const bool too_much =
        config_.delete_policy && config_.retention_bytes >= 0 &&
        bytes >= segment.size_bytes() + static_cast<uint64_t>(config_.retention_bytes);
    if (!below_start && !too_old && !too_much) break;
    bytes -= std::min(bytes, segment.size_bytes());
  }
  return count;
}

Task<Status> Partition::run_retention(int64_t now_ms) {
  Pin pin(*this);
  (void)co_await turn_.acquire(1);
  Status status = usable();
  if (status && active_expired(now_ms)) status = co_await roll();
  turn_.release(1);
  CO_TRY(status);
  producers_.expire(now_ms, config_.producer_id_expiration_ms);
  (void)co_await swap_turn_.acquire(1);
  const size_t count = expired_segments(now_ms);
  if (count > 0) status = co_await remove_segments(count);
  swap_turn_.release(1);
  co_return status;
}

// How long a segment may be the active one: what is not closed is not compacted. segment.jitter.ms
// shortens it by chance, as Kafka's does, so that logs that began together do not all roll at once.
int64_t Partition::segment_ms() const {
  int64_t most = config_.segment_ms;
  if (config_.compact_policy && config_.max_compaction_lag_ms > 0) {
    most = std::min(most, config_.max_compaction_lag_ms);
  }
  const int64_t jitter = std::min(config_.segment_jitter_ms, most);
  return jitter > 0 ? most - static_cast<int64_t>(roll_.draw % static_cast<uint64_t>(jitter))
                    : most;
}

// An active segment whose newest record is too old is ended, so that it can go.
bool Partition::active_expired(int64_t now_ms) const {
  if (segments_.empty() || segments_.active().size_bytes() == 0) return false;
  const Segment& active = segments_.active();
  const int64_t age_ms = now_ms - active.max_timestamp_ms();
  if (active.max_timestamp_ms() < 0) return false;
  if (config_.delete_policy && config_.retention_ms >= 0 && age_ms > config_.retention_ms)
    return true;
  return age_ms > segment_ms();
}

Task<Status> Partition::remove_segments(size_t count) {
  removed_segments_ = true;
  std::vector<Offset> bases;
  std::vector<ManifestEdit> edits;
  for (size_t i = 0; i < count; ++i) {
    bases.push_back(segments_.at(i).base());
    edits.push_back(SegmentRemoved{id_, bases.back()});
  }
  const Offset start = std::max(log_start_, segments_.at(count).base());
  edits.push_back(LogStartSet{id_, start, start});
  // Readers stop at the new start before the files go.
  log_start_ = start;
  producers_.on_log_start(start);
  progress_.changed();
  CO_TRY(co_await disk_.edit(std::move(edits)));
  Status status;
  for (const Offset base : bases) {
    CHECK(segments_.at(0).base() == base, base);
    disk_.metrics().retention_segments.add();
    disk_.metrics().retention_bytes.add(segments_.at(0).size_bytes());
    Status taken = co_await segments_.remove_oldest();
    if (status) status = std::move(taken);
  }
  if (!status) disk_.note_failure(status.error());
  co_return status;
}

// A name of ours, also in the making or marked as deleted, whose offset begins no segment; of what
// compaction had in the making or took out, any. A snapshot may stand at the log's end too.
bool Partition::is_orphan(std::string_view name) const {
  bool marked = false;
  for (const std::string_view end : {std::string_view(".tmp"), kDeletedSuffix, kCleanedSuffix}) {
    if (!name.ends_with(end)) continue;
    name.remove_suffix(end.size());
    marked |= end != ".tmp";
  }
  const auto parsed = parse_segment_file_name(name);
  if (!parsed || (!marked && segments_.find(parsed->base))) return false;
  const auto& ours = kSegmentSuffixes;
  if (std::ranges::find(ours, parsed->suffix) == ours.end()) return false;
  return marked || parsed->suffix != kSnapshotSuffix || parsed->base != log_end_;
}

Task<Status> Partition::sweep() {
  Pin pin(*this);
  // Nothing is made meanwhile.
  (void)co_await turn_.acquire(1);
  const auto entries = co_await reactor::list_directory(segments_.directory());
  std::vector<std::string> orphans;
  // What retention took may be read until its readers end.
  if (entries && usable() && !removed_segments_) {
    for (const reactor::DirEntry& entry : *entries) {
      if (!entry.directory && is_orphan(entry.name)) orphans.push_back(entry.name);
    }
  }
  Status status;
  for (const std::string& name : orphans) {
    reactor::log_info("{}/{} was left by a crash; removed", segments_.directory(), name);
    Status removed = co_await reactor::remove_file(segments_.directory() + "/" + name);
    if (status && !removed && removed.error().code != Errc::not_found) status = std::move(removed);
  }
  turn_.release(1);
  compaction_.swept = true;
  if (!entries && entries.error().code != Errc::not_found) co_return fail(entries.error());
  co_return status;
}

}  // namespace odradek::log
