#include "log/wal.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::log {

using reactor::File;
using reactor::Task;
using reactor::TaskClass;
using reactor::this_shard;

namespace {

constexpr size_t kTouchedBytes =
    256 * 1024;  // of a staging buffer, before the first append needs it

Status check_options(const WalOptions& options) {
  const uint64_t overhead = kWalFileHeaderBytes + kWalBlockBytes;
  const uint64_t smallest = std::min(options.first_file_bytes, options.file_bytes);
  const bool aligned = options.first_file_bytes % kWalBlockBytes == 0 &&
                       options.file_bytes % kWalBlockBytes == 0 &&
                       options.group_bytes_max % kWalBlockBytes == 0;
  if (aligned && options.group_bytes_max > 0 && smallest >= options.group_bytes_max + overhead) {
    return {};
  }
  return fail(Errc::invalid, "WAL sizes: multiples of 4096, and a group must fit into each file");
}

}  // namespace

Wal::Wal(WalOptions options, Uuid id, std::unique_ptr<WalRing> ring)
    : options_(std::move(options)),
      id_(id),
      ring_(std::move(ring)),
      histograms_(options_.directory),
      collecting_(options_.group_bytes_max),
      in_flight_(options_.group_bytes_max),
      mark_(kWalBlockBytes) {
  const size_t touched = std::min<size_t>(kTouchedBytes, options_.group_bytes_max);
  std::memset(collecting_.data(), 0, touched);
  std::memset(in_flight_.data(), 0, touched);
  begin_group();
}

Wal::~Wal() { CHECK(stopped_); }

Task<Result<std::unique_ptr<Wal>>> Wal::create(WalOptions options) {
  CO_TRY(check_options(options));
  const std::string folder = options.directory + "/" + kWalFolder;
  const Status made = co_await reactor::make_directory(folder);
  if (!made && made.error().code != Errc::exists) co_return fail(made.error());
  if (made) CO_TRY(co_await reactor::sync_directory(options.directory));
  const Uuid id = this_shard().random_uuid();
  WalRingOptions ring_options{folder,
                              id,
                              options.capacity_bytes,
                              options.first_file_bytes,
                              options.file_bytes,
                              options.reserve_bytes,
                              std::move(options.reusable_files)};
  CO_TRY_ASSIGN(auto ring, co_await WalRing::create(std::move(ring_options)));
  if (!ring->direct()) {
    reactor::log_warning("{}: this file system has no O_DIRECT: the WAL is written buffered",
                         folder);
  }
  std::unique_ptr<Wal> wal(new Wal(std::move(options), id, std::move(ring)));
  // Behind the requests of a turn, so that one group takes all that the turn staged.
  wal->gate_.spawn("wal writer", wal->run_writer(), TaskClass::replication);
  wal->gate_.spawn("wal flusher", wal->run_flusher(), TaskClass::replication);
  wal->gate_.spawn("wal growth", wal->run_growth(), TaskClass::background);
  co_return wal;
}

Status Wal::refusal() const {
  if (failure_) return fail(Errc::fenced, failure_->context);
  if (stopping_) return fail(Errc::closed, "the WAL stops");
  return {};
}

// Kept back from appends, so that what destage stages finds room and can free the rest.
uint64_t Wal::reserve_bytes() const {
  return std::max<uint64_t>(ring_->capacity_bytes() / 8, options_.group_bytes_max);
}

bool Wal::has_room(uint64_t payload_bytes, WalRoom room) const {
  if (failure_ || stopping_) return false;
  const uint64_t bytes = wal_record_size(payload_bytes);
  if (fill_ + bytes > options_.group_bytes_max) return false;
  if (room == WalRoom::internal) return true;
  return ring_->free_bytes() >= reserve_bytes() + align_up(fill_ + bytes, uint64_t{kWalBlockBytes});
}

Task<Status> Wal::wait_for_room(uint64_t payload_bytes, WalRoom room, MonoTime deadline) {
  const uint64_t bytes = kWalGroupHeaderBytes + wal_record_size(payload_bytes);
  if (bytes > options_.group_bytes_max) {
    co_return fail(Errc::too_large, "a WAL record of " + std::to_string(payload_bytes) + " bytes");
  }
  while (!has_room(payload_bytes, room)) {
    CO_TRY(refusal());
    const bool in_time = co_await room_.wait(deadline);
    if (!in_time) co_return fail(Errc::timed_out, "waiting for room in the WAL");
  }
  co_return refusal();
}

void Wal::begin_group() {
  fill_ = kWalGroupHeaderBytes;
  record_count_ = 0;
  flush_now_ = false;
  partitions_ = {};
  seed_ = wal_group_seed(id_, sealed_ + 1);
}

WalSequence Wal::stage(const WalRecord& record, const Chain& payload, WalFlush flush) {
  if (failure_) return WalSequence(UINT64_MAX);
  const uint64_t bytes = wal_record_size(payload.size());
  CHECK(!stopping_);
  CHECK(fill_ + bytes <= options_.group_bytes_max, fill_, bytes);
  encode_wal_record(record, payload, seed_, collecting_.data() + fill_);
  fill_ += static_cast<uint32_t>(bytes);
  partitions_.add(record.id);
  flush_now_ = flush_now_ || flush == WalFlush::now;
  if (record_count_++ == 0) work_.notify_all();
  return sealed_ + 1;
}

Wal::Step Wal::next_step() const {
  const bool pending = record_count_ > 0;
  if (pending && ring_->fits(collecting_bytes(), false)) return Step::group;
  // Nothing else would carry the release to disk that frees a file.
  if (ring_->would_recycle(released_) && ring_->fits(kWalBlockBytes, true)) return Step::mark;
  return pending ? Step::blocked : Step::idle;
}

Task<void> Wal::run_writer() {
  while (!failure_) {
    const Step step = next_step();
    if (step == Step::group || step == Step::mark) {
      co_await write_one(step == Step::group ? seal() : make_mark());
      continue;
    }
    if (stopping_ && step == Step::idle) break;
    if (stopping_) {
      fail_with(
          Error(Errc::overloaded, "the WAL is full and stops: its last group is not written"));
      break;
    }
    co_await work_.wait();
  }
  flush_work_.notify_all();
}

WalGroupHeader Wal::next_header() const {
  WalGroupHeader header;
  header.wal = id_;
  header.flushed_through = durable_;
  header.released_through = released_;
  header.sealed_ms = this_shard().wall_now().ms;
  header.manifest_sequence = manifest_sequence_;
  header.partitions_before = partitions_before_;
  return header;
}

// Closes the group being collected and opens the next one in the other buffer.
Wal::Group Wal::seal() {
  const uint32_t bytes = collecting_bytes();
  std::memset(collecting_.data() + fill_, 0, bytes - fill_);
  WalGroupHeader header = next_header();
  header.sequence = sealed_ + 1;
  header.previous_checksum = previous_checksum_;
  header.group_bytes = bytes;
  header.record_bytes = fill_ - kWalGroupHeaderBytes;
  header.record_count = record_count_;
  previous_checksum_ =
      encode_wal_group_header(header, MutableBytes(collecting_.data(), kWalGroupHeaderBytes));
  std::swap(collecting_, in_flight_);
  partitions_before_ = partitions_;
  sealed_ = header.sequence;
  stats_.groups += 1;
  stats_.records += record_count_;
  stats_.bytes += bytes;
  histograms_.group_bytes.record(bytes);
  const Group group{{in_flight_.data(), bytes}, sealed_, released_, false, flush_now_};
  begin_group();
  room_.notify_all();
  return group;
}

// A block that only says what is released. It repeats the last sequence and is no link of the
// chain.
Wal::Group Wal::make_mark() {
  std::memset(mark_.data(), 0, kWalBlockBytes);
  WalGroupHeader header = next_header();
  header.sequence = sealed_;
  header.group_bytes = kWalBlockBytes;
  encode_wal_group_header(header, MutableBytes(mark_.data(), kWalGroupHeaderBytes));
  stats_.marks += 1;
  stats_.bytes += kWalBlockBytes;
  return {{mark_.data(), kWalBlockBytes}, sealed_, released_, true, true};
}

Task<void> Wal::write_one(Group group) {
  const Status status = co_await write_in_place(group);
  if (!status) fail_with(status.error());
  // After a failed flush of earlier groups no later one may speak for them.
  if (failure_) co_return;
  CHECK(group.sequence >= written_, group.sequence, written_);
  written_ = group.sequence;
  stamps_.push_back({group.sequence, group.released});
  if (group.flush_now) {
    stats_.flushes += 1;
    unflushed_bytes_ = 0;
    unflushed_since_ = kMonoMax;
    on_durable(group.sequence);
  } else {
    unflushed_bytes_ += group.bytes.size();
    if (unflushed_since_ == kMonoMax) unflushed_since_ = this_shard().now();
    flush_work_.notify_all();
  }
  announce();
}

Task<Status> Wal::write_in_place(Group group) {
  const WalRing::Place place =
      ring_->take(static_cast<uint32_t>(group.bytes.size()), group.mark, group.sequence);
  // fdatasync speaks for one file: nothing unflushed may stay behind in the one before.
  const bool left_behind = written_file_ != nullptr && written_file_ != place.file;
  if (left_behind && durable_ < written_) {
    const WalSequence covered = written_;
    CO_TRY(co_await written_file_->sync_data());
    if (failure_) co_return refusal();
    stats_.flushes += 1;
    unflushed_bytes_ = 0;
    unflushed_since_ = kMonoMax;
    on_durable(covered);
  }
  std::vector<iovec> parts{{const_cast<uint8_t*>(group.bytes.data()), group.bytes.size()}};
  if (group.flush_now) {
    const MonoTime begun = this_shard().precise_now();
    // A durable write speaks for its own bytes only.
    if (durable_ == written_) {
      CO_TRY(co_await place.file->write_durable(std::move(parts), place.position));
    } else {
      CO_TRY(co_await place.file->write(std::move(parts), place.position));
      CO_TRY(co_await place.file->sync_data());
    }
    note_flush(begun);
  } else {
    CO_TRY(co_await place.file->write(std::move(parts), place.position));
  }
  written_file_ = place.file;
  co_return Status{};
}

// Everything through `sequence` is on stable storage, and with it what those groups say of
// releases.
void Wal::on_durable(WalSequence sequence) {
  durable_ = std::max(durable_, sequence);
  WalSequence stamped{0};
  while (!stamps_.empty() && stamps_.front().sequence <= sequence) {
    stamped = std::max(stamped, stamps_.front().released);
    stamps_.pop_front();
  }
  if (!ring_->would_recycle(stamped)) return;
  ring_->recycle(stamped);
  room_.notify_all();
  work_.notify_all();
}

bool Wal::flush_is_due() const {
  if (durable_ >= written_) return false;
  return stopping_ || unflushed_bytes_ >= options_.lazy_flush_bytes || flush_wanted_ > durable_ ||
         this_shard().now() >= unflushed_since_ + options_.lazy_flush_delay;
}

Task<void> Wal::run_flusher() {
  for (;;) {
    if (failure_ ||
        (stopping_ && written_ == sealed_ && durable_ == written_ && record_count_ == 0)) {
      break;
    }
    if (flush_is_due()) {
      co_await flush_written();
      continue;
    }
    const bool waiting = unflushed_since_ != kMonoMax;
    (void)co_await flush_work_.wait(waiting ? unflushed_since_ + options_.lazy_flush_delay
                                            : kMonoMax);
  }
}

// Beside the writer: what it has in flight meanwhile is not covered.
Task<void> Wal::flush_written() {
  const WalSequence covered = written_;
  const uint64_t bytes = unflushed_bytes_;
  const MonoTime begun = this_shard().precise_now();
  const Status status = co_await written_file_->sync_data();
  note_flush(begun);
  if (!status) fail_with(status.error());
  if (failure_) co_return;
  stats_.flushes += 1;
  if (covered <= durable_) co_return;  // a group with a flush of its own was faster
  unflushed_bytes_ -= std::min(unflushed_bytes_, bytes);
  unflushed_since_ = written_ > covered ? this_shard().now() : kMonoMax;
  on_durable(covered);
  announce();
}

Task<void> Wal::run_growth() {
  const auto grown = [](void* owner) {
    auto* wal = static_cast<Wal*>(owner);
    wal->room_.notify_all();
    wal->work_.notify_all();
  };
  const Status status = co_await ring_->grow(grown, this);
  if (!status) fail_with(status.error());
}

Task<Status> Wal::wait_durable(WalSequence sequence, MonoTime deadline) {
  while (durable_ < sequence) {
    if (failure_ || stopped_) co_return refusal();
    const bool in_time = co_await progress_.wait(deadline);
    if (!in_time) co_return fail(Errc::timed_out, "waiting for the WAL");
  }
  co_return Status{};
}

Task<Status> Wal::flush() {
  const WalSequence target = record_count_ > 0 ? sealed_ + 1 : sealed_;
  if (record_count_ > 0) flush_now_ = true;
  flush_wanted_ = std::max(flush_wanted_, target);
  flush_work_.notify_all();
  co_return co_await wait_durable(target, kMonoMax);
}

void Wal::release_through(WalSequence sequence) {
  CHECK(sequence <= written_, sequence, written_);
  if (sequence <= released_) return;
  released_ = sequence;
  if (ring_->would_recycle(released_)) work_.notify_all();
}

double Wal::pressure() const {
  const uint64_t usable =
      ring_->capacity_bytes() - std::min(ring_->capacity_bytes(), reserve_bytes());
  const uint64_t used = ring_->used_bytes();
  if (used >= usable) return 1.0;
  return static_cast<double>(used) / static_cast<double>(usable);
}

void Wal::fail_with(Error error) {
  if (failure_) return;
  reactor::log_error("{}/{}: nothing more is written here: {}", options_.directory, kWalFolder,
                     error.to_string());
  failure_ = std::move(error);
  ring_->stop_growing();
  work_.notify_all();
  flush_work_.notify_all();
  room_.notify_all();
  announce();
}

void Wal::note_flush(MonoTime begun) {
  const Duration took = this_shard().now() - begun;
  histograms_.flush_seconds.record(static_cast<uint64_t>(std::max<int64_t>(0, took.count())));
}

void Wal::announce() {
  progress_.notify_all();
  if (options_.listener != nullptr) options_.listener->on_wal_progress(*this);
}

Task<Status> Wal::stop() {
  CHECK(!stopping_);
  stopping_ = true;
  ring_->stop_growing();
  work_.notify_all();
  flush_work_.notify_all();
  room_.notify_all();
  co_await gate_.close();
  stopped_ = true;
  announce();
  const Status closed = co_await ring_->close();
  if (failure_) co_return fail(Errc::fenced, failure_->context);
  co_return closed;
}

}  // namespace odradek::log
