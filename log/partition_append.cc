// The append path of a partition: one batch at a time, everything that may wait first, then its
// place.
#include <algorithm>
#include <array>

#include "log/batch/control_record.h"
#include "log/batch/limits.h"
#include "log/batch/record_reader.h"
#include "log/log_disk.h"
#include "log/partition.h"
#include "reactor/file.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::Task;

SegmentOptions segment_options_of(const LogConfig& config);

static Appended refused_append(AppendFault fault, std::string message) {
  Appended out;
  out.fault = fault;
  out.message = std::move(message);
  return out;
}

static AppendFault fault_of(const Error& error) {
  if (error.code == Errc::too_large) return AppendFault::record_list_too_large;
  return error.code == Errc::closed ? AppendFault::not_leader : AppendFault::storage_error;
}

// The transaction marker that a control batch carries; absent for other control records.
static std::optional<TxnMarker> marker_of(const Chain& batch) {
  RecordReader reader(batch, kBatchBytesMax);
  const auto record = reader.next();
  if (!record || !*record) return std::nullopt;
  const auto marker = parse_txn_marker(**record);
  if (!marker) return std::nullopt;
  return *marker;
}

Task<Appended> Partition::append(Chain batch, BatchInfo info, int64_t log_append_time_ms) {
  Pin pin(*this);
  (void)co_await turn_.acquire(1);
  Appended out = co_await append_in_turn(std::move(batch), info.header, log_append_time_ms);
  turn_.release(1);
  co_return out;
}

std::optional<Appended> Partition::check_producer(const BatchHeader& header) const {
  if (!header.has_producer() || header.attributes.control()) return std::nullopt;
  const ProducerState::Check check = producers_.check(header);
  switch (check.verdict) {
    case ProducerState::Verdict::accept: return std::nullopt;
    case ProducerState::Verdict::duplicate: {
      Appended out;
      out.duplicate = true;
      out.base = check.first_attempt.base;
      out.last = check.first_attempt.last;
      // Kafka tells the first attempt's greatest time, whatever the topic's kind of time.
      out.log_append_time_ms = check.first_attempt.timestamp_ms;
      out.log_start = log_start_;
      return out;
    }
    case ProducerState::Verdict::out_of_order:
      return refused_append(AppendFault::out_of_order_sequence,
                            "producer " + header.producer_id.to_string() + " sent sequence " +
                                std::to_string(header.base_sequence) + ", expected " +
                                std::to_string(check.expected_sequence));
    case ProducerState::Verdict::stale_epoch:
      return refused_append(AppendFault::invalid_producer_epoch,
                            "producer " + header.producer_id.to_string() + " has epoch " +
                                header.producer_epoch.to_string() + ", known is " +
                                check.current_epoch.to_string());
  }
  return std::nullopt;
}

Task<Appended> Partition::append_in_turn(Chain batch, BatchHeader header,
                                         int64_t log_append_time_ms) {
  if (auto answer = check_producer(header)) co_return std::move(*answer);
  if (batch.size() > config_.segment_bytes) {
    co_return refused_append(AppendFault::record_list_too_large,
                             "the batch is larger than segment.bytes");
  }
  header.base_offset = log_end_;
  header.leader_epoch = leader_epoch_;
  const Status ready = co_await prepare(header, batch.size());
  if (!ready) co_return refused_append(fault_of(ready.error()), ready.error().to_string());
  Appended out;
  out.base = log_end_;
  out.last = log_end_ + header.last_offset_delta;
  out.log_append_time_ms = log_append_time_ms;
  out.log_start = log_start_;
  put(batch);
  co_return out;
}

Status Partition::usable() const {
  if (closing_) return fail(Errc::closed, "the log is closing");
  if (disk_.fenced())
    return fail(Errc::fenced, disk_.path() + " failed: " + disk_.fenced()->to_string());
  return {};
}

// Whatever waits. When it ends well nothing more is needed before the batch has its place.
Task<Status> Partition::prepare(const BatchHeader& header, uint64_t bytes) {
  for (;;) {
    const Status open = usable();
    if (!open) co_return open;
    CO_TRY(co_await load_first_time());
    if (needs_roll(header, bytes)) CO_TRY(co_await roll());
    CO_TRY(co_await reserve_space(bytes));
    CO_TRY(co_await load_residue());
    CO_TRY(co_await reserve_memory(bytes));
    CO_TRY(co_await reserve_wal(bytes));
    Status still_open = usable();
    if (still_open && !wants_residue()) co_return still_open;
    // Closed, or destaged into the middle of a block, while this waited.
    if (!still_open) co_return still_open;
  }
}

Task<Status> Partition::reserve_wal(uint64_t bytes) {
  const MonoTime deadline = reactor::this_shard().now() + kMemoryWait;
  const bool large = bytes >= disk_.extent_bytes_min();
  // What stands before the batch: a residue of less than a block. Of a large one, no more than
  // what it has of two blocks.
  const uint64_t staged = (large ? 2 * kDiskBlockBytes : bytes) + 2 * kDiskBlockBytes;
  if (large) CO_TRY(co_await disk_.wait_for_extents(bytes, deadline));
  while (!disk_.wal().has_room(staged, WalRoom::append) || (large && !disk_.extents_fit(bytes))) {
    disk_.destager().wake();
    CO_TRY(co_await disk_.wal().wait_for_room(staged, WalRoom::append, deadline));
    if (large) CO_TRY(co_await disk_.wait_for_extents(bytes, deadline));
  }
  co_return Status{};
}

bool Partition::needs_roll(const BatchHeader& header, uint64_t bytes) const {
  if (segments_.empty()) return true;
  const Segment& active = segments_.active();
  if (active.sealed() || roll_.owed) return true;
  if (active.size_bytes() == 0) return false;
  if (active.size_bytes() + bytes > config_.segment_bytes) return true;
  const int64_t age_ms = header.max_timestamp - roll_.first_ms;
  if (roll_.first_ms >= 0 && age_ms > segment_ms()) return true;
  return active.full_for(bytes, header.last_offset());
}

// Makes the next segment. In the manifest before any batch names it; so is the state of producers.
Task<Status> Partition::roll() {
  if (disk_.refuses_for_space()) co_return fail(Errc::disk_full, disk_.path() + " is full");
  bool new_directory = false;
  if (segments_.empty()) {
    CO_TRY_ASSIGN(new_directory, co_await make_own_directory());
  } else {
    const Status saved = co_await save_for_kafka();
    if (!saved) {
      disk_.note_failure(saved.error());
      co_return saved;
    }
  }
  const uint64_t reserve = std::min<uint64_t>(config_.segment_bytes, kSegmentReserveBytesMin);
  CO_TRY(co_await disk_.check_space(reserve));
  auto made =
      co_await segments_.create({log_end_, reserve, new_directory}, segment_options_of(config_));
  if (!made) {
    disk_.note_failure(made.error());
    co_return fail(made.error());
  }
  std::unique_ptr<Segment> segment = std::move(*made);
  ManifestSegment entry;
  entry.base = entry.next = log_end_;
  std::vector<ManifestEdit> edits;
  edits.push_back(SegmentSet{id_, entry});
  if (segments_.empty()) {
    edits.push_back(
        RecoveryPointSet{id_, {.offset = log_end_, .segment_base = log_end_, .position = 0}});
  }
  const Status edited = co_await disk_.edit(std::move(edits));
  // Of a full disk the manifest has it all the same, and writes it when there is room: the log may
  // not go on in the segment before.
  roll_.owed = !edited;
  if (!edited) {
    (void)co_await segment->close();  // the first error is the one to tell
    co_return edited;
  }
  // With nothing staged since, the end of what is destaged is where the new file begins.
  const bool empty = segments_.empty();
  segments_.add(std::move(segment));
  roll_.first_ms = -1;
  roll_.draw = reactor::this_shard().random();
  if (empty) durable_ = wal_durable_end_ = destaged_ = staged_end();
  residue_.clear();
  disk_.note_space();
  disk_.destager().wake();
  co_return Status{};
}

// True when it was not there: then its name becomes durable with the segment's.
Task<Result<bool>> Partition::make_own_directory() {
  const std::string& directory = segments_.directory();
  Status made = co_await reactor::make_directory(directory);
  const bool there = !made && made.error().code == Errc::exists;
  if (there) made = co_await clear_own_directory();
  if (made && there) made = co_await reactor::sync_directory(disk_.path());
  if (made) co_return !there;
  disk_.note_failure(made.error());
  co_return fail(made.error());
}

// The manifest knows of no file of this generation: what is there was left by a deletion that a
// crash cut.
Task<Status> Partition::clear_own_directory() {
  const std::string directory = segments_.directory();
  CO_TRY_ASSIGN(const std::vector<reactor::DirEntry> entries,
                co_await reactor::list_directory(directory));
  for (const reactor::DirEntry& entry : entries) {
    CO_TRY(co_await reactor::remove_file(directory + "/" + entry.name));
  }
  co_return co_await reactor::sync_directory(directory);
}

Task<Status> Partition::reserve_space(uint64_t bytes) {
  Segment& active = segments_.active();
  const uint64_t needed = align_up<uint64_t>(active.size_bytes() + bytes, kDiskBlockBytes);
  if (needed <= active.allocated_bytes()) co_return Status{};
  if (disk_.refuses_for_space()) co_return fail(Errc::disk_full, disk_.path() + " is full");
  // Doubling: a small log takes little, a large one asks seldom.
  const uint64_t step = std::clamp(needed, kDiskBlockBytes, kSegmentReserveBytes);
  const uint64_t target = std::max(
      needed, std::min<uint64_t>(needed + step,
                                 align_up<uint64_t>(config_.segment_bytes, kDiskBlockBytes)));
  CO_TRY(co_await disk_.check_space(target - active.allocated_bytes()));
  const Status allocated = co_await active.allocate(target);
  if (allocated) {
    disk_.note_space();
  } else {
    disk_.note_failure(allocated.error());
  }
  co_return allocated;
}

// After a restart: what segment.ms counts from stands in the first batch of the file.
Task<Status> Partition::load_first_time() {
  if (segments_.empty() || roll_.first_ms >= 0 || !tail_.empty()) co_return Status{};
  Segment& active = segments_.active();
  if (active.size_bytes() < kBatchHeaderBytes) co_return Status{};
  AlignedBuffer block(kDiskBlockBytes);
  CO_TRY_ASSIGN(const size_t n, co_await active.read(block.span(), 0));
  if (n < kBatchHeaderBytes) {
    co_return fail(Errc::corrupt, active.path(kLogSuffix) + " is shorter than its manifest says");
  }
  roll_.first_ms = BatchHeader::parse(block.span()).max_timestamp;
  co_return Status{};
}

bool Partition::wants_residue() const {
  return residue_.empty() && destaged_.position % kDiskBlockBytes != 0 && destaged_ == staged_end();
}

// After a restart, or when the WAL had to be emptied, everything is in the file and it ends inside
// a block. That block will be written again as a whole: its beginning is staged with the next
// batch, so that a torn write loses nothing.
Task<Status> Partition::load_residue() {
  if (!wants_residue()) co_return Status{};
  Segment& active = segments_.active();
  const uint64_t bytes = active.size_bytes() % kDiskBlockBytes;
  AlignedBuffer block(kDiskBlockBytes);
  const uint64_t from = active.size_bytes() - bytes;
  const Result<size_t> n = co_await active.read(block.span(), from);
  if (!n) co_return fail(n.error());
  if (*n < bytes)
    co_return fail(Errc::corrupt, active.path(kLogSuffix) + " is shorter than its manifest says");
  residue_.assign(block.data(), block.data() + bytes);
  co_return Status{};
}

Task<Status> Partition::reserve_memory(uint64_t bytes) {
  FilePlace at = staged_end();
  at.position -= residue_.size();
  const uint64_t wanted = bytes + residue_.size();
  const MonoTime deadline = reactor::this_shard().now() + kMemoryWait;
  while (!tail_.try_reserve(at, wanted)) {
    if (disk_.shrink_tails(wanted)) continue;
    disk_.destager().wake();
    // It may take several blocks of several sizes: whoever gives any back wakes us, and a block
    // that is free but of no use to us does not.
    if (!co_await reactor::this_shard().arena().wait_for_release(deadline)) {
      co_return fail(Errc::overloaded, "no memory for the log's tail");
    }
    const Status open = usable();
    if (!open) co_return open;
  }
  co_return Status{};
}

void Partition::put_residue() {
  FilePlace at = staged_end();
  const FilePlace end = at;
  at.position -= residue_.size();
  tail_.put(at, Chain(BytesView(residue_)));
  residue_.clear();
  destaged_ = at;
  CHECK(extents_.empty(), at);
  wal_durable_end_ = std::max(wal_durable_end_, end);
  durable_ = std::max(durable_, end);
  carry();
}

// The batch gets its place: nothing fails from here on.
void Partition::put(const Chain& batch) {
  if (!residue_.empty()) put_residue();
  std::array<uint8_t, kBatchHeaderBytes> raw;
  batch.copy_out(0, raw);
  assign(raw, log_end_, leader_epoch_);
  const BatchHeader header = BatchHeader::parse(raw);
  Chain placed{BytesView(raw)};
  const Chain records = batch.slice(kBatchHeaderBytes, batch.size() - kBatchHeaderBytes);
  for (size_t i = 0; i < records.part_count(); ++i) placed.append(records.part(i));

  const FilePlace at = staged_end();
  // A smaller batch is copied to the WAL from there at once.
  tail_.put(at, placed, placed.size() >= disk_.extent_bytes_min());
  TailBatch entry{.base = header.base_offset,
                  .last = header.last_offset(),
                  .at = at,
                  .bytes = static_cast<uint32_t>(placed.size()),
                  .max_timestamp = header.max_timestamp,
                  .sequence = disk_.wal().collecting().value};
  tail_.add_batch(entry);
  if (segments_.active().size_bytes() == 0) roll_.first_ms = header.max_timestamp;
  segments_.active().append(header, placed);
  changed_ = true;
  note_producer(header, placed);
  log_end_ = header.next_offset();
  const WalSequence sequence = stage(entry, header.leader_epoch);
  disk_.note_staged(*this, sequence, header.next_offset(), entry.end());
}

WalFlush Partition::flush_mode() const {
  return config_.durability == Durability::flushed ? WalFlush::now : WalFlush::lazily;
}

WalRecord Partition::record_of(const TailBatch& batch, LeaderEpoch epoch) const {
  return {.id = id_,
          .generation = generation_,
          .epoch = epoch,
          .base = batch.base,
          .last = batch.last,
          .segment_base = batch.at.segment,
          .position = batch.at.position};
}

WalSequence Partition::stage(const TailBatch& batch, LeaderEpoch epoch) {
  if (batch.bytes >= disk_.extent_bytes_min()) return stage_extent(batch, epoch);
  return disk_.wal().stage(record_of(batch, epoch), tail_.view(batch.at, batch.bytes),
                           flush_mode());
}

void Partition::note_producer(const BatchHeader& header, const Chain& batch) {
  if (!header.has_producer()) return;
  const int64_t now_ms = reactor::this_shard().wall_now().ms;
  if (!header.attributes.control()) {
    producers_.note(header, now_ms);
    return;
  }
  const auto marker = marker_of(batch);
  if (marker) (void)producers_.note_marker(header, *marker, now_ms);
}

}  // namespace odradek::log
