#include "replication/metadata/metadata_log.h"

#include <algorithm>

#include "log/batch/batch.h"
#include "reactor/base/check.h"
#include "replication/metadata/limits.h"

namespace odradek::metadata {

using reactor::File;
using reactor::Task;

MetadataLog::MetadataLog(MetadataLogOptions options)
    : options_(std::move(options)),
      folder_(options_.directory + "/" + std::string(kMetadataFolder)) {}

MetadataLog::~MetadataLog() { CHECK(!active_.is_open(), folder_); }

Task<Result<std::unique_ptr<MetadataLog>>> MetadataLog::open(MetadataLogOptions options) {
  std::unique_ptr<MetadataLog> log(new MetadataLog(std::move(options)));
  Status status = co_await log->format();
  if (status) status = co_await log->recover();
  if (!status) {
    // The first error is the one to tell.
    (void)co_await log->close();
    co_return fail(std::move(status).error());
  }
  co_return log;
}

std::string MetadataLog::path(std::string_view name) const {
  return folder_ + "/" + std::string(name);
}

uint64_t MetadataLog::bytes() const {
  uint64_t bytes = 0;
  for (const Segment& segment : segments_) bytes += segment.bytes;
  return bytes;
}

Task<Status> MetadataLog::save(quorum::HardState state) {
  if (broken_) co_return fail(Errc::fenced, folder_);
  CHECK(state.epoch >= hard_state_.epoch, state.epoch, hard_state_.epoch);
  const std::string text = quorum_state_text(state, voters_.kraft_version, voters_.voters);
  const Status written =
      co_await reactor::replace_file(path("quorum-state"), {text.begin(), text.end()});
  if (written) {
    hard_state_ = state;
  } else {
    broken_ = true;
  }
  co_return written;
}

// A write that meets a full disk may have written a part, and after any failed write nothing is
// known: so the space is taken first, where failing is harmless.
Task<Status> MetadataLog::reserve(uint64_t bytes) {
  if (broken_) co_return fail(Errc::fenced, folder_);
  const uint64_t from = segments_.back().bytes;
  if (from + bytes <= reserved_bytes_) co_return Status{};
  uint64_t length = std::max(bytes, kReserveBytes);
  Status reserved = co_await active_.reserve(from, length);
  if (!reserved && reserved.error().code == Errc::disk_full && bytes < length) {
    length = bytes;
    reserved = co_await active_.reserve(from, length);
  }
  if (reserved) reserved_bytes_ = from + length;
  co_return reserved;
}

// The header of the batch says what follows: a batch that is not the next one would be found only
// by the next recovery.
Task<Status> MetadataLog::append(std::vector<uint8_t> batch) {
  if (broken_) co_return fail(Errc::fenced, folder_);
  const log::BatchHeader header = log::BatchHeader::parse(BytesView(batch));
  CHECK(header.base_offset == end_, header.base_offset, end_);
  CHECK(header.leader_epoch >= last_epoch_, header.leader_epoch, last_epoch_);
  Segment& segment = segments_.back();
  std::vector<iovec> parts;
  parts.push_back({batch.data(), batch.size()});
  const Status written = co_await active_.write_durable(std::move(parts), segment.bytes);
  if (!written) {
    broken_ = true;
    co_return written;
  }
  segment.bytes += batch.size();
  end_ = header.next_offset();
  last_epoch_ = header.leader_epoch;
  co_return Status{};
}

Task<Status> MetadataLog::append_leader_change(quorum::Lead lead, int64_t timestamp_ms) {
  CHECK(lead.at == end_, lead.at, end_);
  const VoterSet* formatted = end_ == log::Offset(0) ? &voters_ : nullptr;
  CO_TRY_ASSIGN(std::vector<uint8_t> batch, leader_change_batch(lead, formatted, timestamp_ms));
  CO_TRY(co_await append(std::move(batch)));
  epochs_.push_back({lead.epoch, lead.at});
  const std::string text = leader_epochs_text(epochs_);
  const Status written =
      co_await reactor::replace_file(path("leader-epoch-checkpoint"), {text.begin(), text.end()});
  broken_ = broken_ || !written;
  co_return written;
}

// Each step leaves a directory that opens: the snapshot stands before the log is cut, and a new
// segment stands before the old ones go.
Task<Status> MetadataLog::write_snapshot(RecordList records, int64_t contained_ms, int64_t now_ms) {
  if (broken_) co_return fail(Errc::fenced, folder_);
  const SnapshotId id{end_, last_epoch_};
  if (snapshot_ == id) co_return Status{};
  CO_TRY_ASSIGN(std::vector<uint8_t> bytes,
                snapshot_bytes(id, voters_, records, contained_ms, now_ms));
  CO_TRY(co_await reactor::replace_file(path(snapshot_name(id)), std::move(bytes)));
  snapshot_ = id;
  const Status rolled = co_await roll();
  broken_ = broken_ || !rolled;
  CO_TRY(rolled);
  co_return co_await remove_replaced();
}

Task<Status> MetadataLog::roll() {
  if (segments_.back().base == end_) co_return Status{};
  reactor::OpenOptions open;
  open.write = open.create = open.truncate = true;
  CO_TRY_ASSIGN(File file, co_await File::open(path(segment_name(end_)), open));
  Status status = co_await reactor::sync_directory(folder_);
  if (status) status = co_await active_.close();
  if (!status) {
    (void)co_await file.close();
    co_return status;
  }
  active_ = std::move(file);
  reserved_bytes_ = 0;
  segments_.push_back({end_, 0});
  co_return Status{};
}

// Segments and snapshots that lie wholly below the newest snapshot. What a crash leaves is found
// again the next time.
Task<Status> MetadataLog::remove_replaced() {
  CHECK(snapshot_.has_value());
  CO_TRY_ASSIGN(const auto entries, co_await reactor::list_directory(folder_));
  for (const auto& entry : entries) {
    const auto base = parse_segment_name(entry.name);
    const auto id = parse_snapshot_name(entry.name);
    const bool old_segment = base && *base < segments_.back().base;
    const bool old_snapshot = id && *id < *snapshot_;
    if (!old_segment && !old_snapshot) continue;
    CO_TRY(co_await reactor::remove_file(path(entry.name)));
    if (!old_segment) continue;
    // Kafka's indexes of the segment, where there are any.
    for (const char* suffix : {".index", ".timeindex", ".snapshot"}) {
      const Status removed = co_await reactor::remove_file(path(entry.name.substr(0, 20) + suffix));
      if (!removed && removed.error().code != Errc::not_found) co_return removed;
    }
  }
  CO_TRY(co_await reactor::sync_directory(folder_));
  segments_.erase(segments_.begin(), segments_.end() - 1);
  start_ = segments_.back().base;
  co_return Status{};
}

Task<Status> MetadataLog::close() {
  if (!active_.is_open()) co_return Status{};
  co_return co_await active_.close();
}

}  // namespace odradek::metadata
