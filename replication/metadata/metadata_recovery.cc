// How the metadata log comes up: made when it is new, cut where a crash tore it, refused where it
// is damaged.
#include <fmt/format.h>

#include <algorithm>

#include "log/batch/batch_walker.h"
#include "log/batch/record_reader.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/metadata_log.h"

namespace odradek::metadata {

using log::WalkStep;
using reactor::File;
using reactor::Task;

namespace {

// Whether a whole batch of this log stands anywhere behind `position`: then what is at `position`
// was durable once, since an append begins only after the one before it is. Looks at every byte:
// what is damaged may be a length. Bases go up by at least one, so a batch that a recycled block
// brought from elsewhere is not taken for one of ours.
bool whole_batch_behind(const Chain& bytes, uint64_t position, log::Offset next) {
  const BytesView view = bytes.view();
  for (uint64_t at = position + 1; at + log::kBatchHeaderBytes <= view.size(); ++at) {
    if (view[at + log::kMagicAt] != static_cast<uint8_t>(log::kMagic)) continue;
    const auto base = load_be<int64_t>(view.data() + at);
    if (base < next.value || base - next.value > int64_t{1} << 32) continue;
    if (log::look_at_batch(bytes, at, log::CrcCheck::yes).kind == WalkStep::Kind::batch)
      return true;
  }
  return false;
}

// Calls `visit` for the records of a file. `in_snapshot` says what the records of a snapshot have
// in common.
Status visit_records(const Chain& bytes, const LoggedRecord& in_snapshot,
                     const MetadataLog::Visit& visit) {
  LoggedRecord out = in_snapshot;
  log::BatchWalker walker(bytes);
  WalkStep step = walker.next();
  for (; step.kind == WalkStep::Kind::batch; step = walker.next()) {
    log::RecordReader reader(step.bytes, kMetadataFileBytesMax);
    out.control = step.header.attributes.control();
    for (;;) {
      TRY_ASSIGN(const auto record, reader.next());
      if (!record) break;
      out.key = record->key.value_or(BytesView{});
      out.value = record->value.value_or(BytesView{});
      if (!out.from_snapshot) {
        out.offset = reader.offset_of(*record);
        out.epoch = step.header.leader_epoch;
        out.timestamp_ms = record->timestamp;
      } else if (out.control) {
        TRY_ASSIGN(const auto contained, read_snapshot_header(out.key, out.value));
        if (contained) out.timestamp_ms = *contained;
      }
      TRY(visit(out));
    }
  }
  if (walker.position() == bytes.size()) return {};
  return fail(Errc::corrupt, fmt::format("at {}: {}", step.position,
                                         step.reason.empty() ? "a torn batch" : step.reason));
}

}  // namespace

// A directory without the folder is new. With several voters the voters are named in the
// configuration (kraft.version 0); alone, or with KIP-853, the first snapshot names them.
Task<Status> MetadataLog::format() {
  CO_TRY(co_await reactor::make_directories(folder_));
  CO_TRY_ASSIGN(const auto entries, co_await reactor::list_directory(folder_));
  const bool is_new = std::ranges::none_of(entries, [](const reactor::DirEntry& entry) {
    return parse_segment_name(entry.name) || parse_snapshot_name(entry.name);
  });
  if (!is_new) co_return Status{};
  if (!options_.static_voters) {
    VoterSet voters;
    voters.kraft_version = 1;
    voters.voters = {{options_.node_id, options_.directory_id}};
    voters.endpoints = options_.controller_endpoints;
    const SnapshotId id;
    CO_TRY_ASSIGN(std::vector<uint8_t> bytes,
                  snapshot_bytes(id, voters, {}, options_.now_ms, options_.now_ms));
    CO_TRY(co_await reactor::replace_file(path(snapshot_name(id)), std::move(bytes)));
  }
  CO_TRY(co_await reactor::sync_directory(options_.directory));
  co_return Status{};
}

Task<Status> MetadataLog::recover() {
  voters_.voters = {{options_.node_id, Uuid{}}};
  CO_TRY(co_await find_files());
  CO_TRY(co_await read_snapshot());
  for (size_t i = 0; i < segments_.size(); ++i) CO_TRY(co_await recover_segment(i));
  if (snapshot_ && end_ < snapshot_->end) {
    co_return fail(Errc::corrupt, fmt::format("{}: the log ends at {}, below its snapshot {}",
                                              folder_, end_.value, snapshot_name(*snapshot_)));
  }
  // The log may begin below the snapshot or at its end.
  if (snapshot_ && snapshot_->end > log::Offset(0))
    last_epoch_ = std::max(last_epoch_, snapshot_->epoch);
  if (voters_.voters.size() != 1 || voters_.voters[0].id != options_.node_id) {
    co_return fail(
        Errc::unsupported,
        fmt::format("{}: the quorum has {} voters and this node is {}: only a quorum of this "
                    "node alone is supported",
                    folder_, voters_.voters.size(), options_.node_id.value));
  }
  voters_.endpoints = options_.controller_endpoints;
  CO_TRY(co_await read_quorum_state());
  CO_TRY(co_await write_derived_files());
  // What a killed process wrote may not have reached the disk yet, and is built upon from here on.
  co_return co_await active_.sync_all();
}

Task<Status> MetadataLog::find_files() {
  CO_TRY_ASSIGN(const auto entries, co_await reactor::list_directory(folder_));
  for (const auto& entry : entries) {  // sorted by name, so by offset
    if (entry.name.ends_with(".tmp")) CO_TRY(co_await reactor::remove_file(path(entry.name)));
    if (const auto base = parse_segment_name(entry.name)) segments_.push_back({*base, 0});
    if (const auto id = parse_snapshot_name(entry.name)) snapshot_ = *id;
  }
  if (segments_.empty()) {
    reactor::OpenOptions open;
    open.write = open.create = true;
    segments_.push_back({snapshot_ ? snapshot_->end : log::Offset(0), 0});
    CO_TRY_ASSIGN(File file, co_await File::open(path(segment_name(segments_[0].base)), open));
    CO_TRY(co_await file.close());
    CO_TRY(co_await reactor::sync_directory(folder_));
  }
  // What lies wholly below the snapshot is replaced by it; a crash may have removed only some of
  // it.
  const log::Offset needed = snapshot_ ? snapshot_->end : log::Offset(0);
  while (segments_.size() > 1 && segments_[1].base <= needed) segments_.erase(segments_.begin());
  start_ = end_ = segments_[0].base;
  if (start_ <= needed) co_return Status{};
  co_return fail(Errc::corrupt,
                 fmt::format("{}: the log begins at {} and no snapshot holds what is below",
                             folder_, start_.value));
}

// Reads it once, to know the voters and that it is whole.
Task<Status> MetadataLog::read_snapshot() {
  if (!snapshot_) co_return Status{};
  const std::string file = path(snapshot_name(*snapshot_));
  CO_TRY_ASSIGN(const auto bytes, co_await reactor::read_file(file, kMetadataFileBytesMax));
  bool footer = false;
  LoggedRecord in_snapshot;
  in_snapshot.from_snapshot = true;
  const Status read =
      visit_bytes(Chain(BytesView(bytes)), in_snapshot, [&](const LoggedRecord& record) {
        footer = record.control && is_snapshot_footer(record.key);
        return record.control ? read_voters(record.key, record.value, voters_) : Status{};
      });
  if (!read) co_return fail(read.error().code, file + ": " + read.error().context);
  if (!footer) co_return fail(Errc::corrupt, file + ": the footer is missing");
  co_return Status{};
}

Task<Status> MetadataLog::recover_segment(size_t index) {
  const std::string file = path(segment_name(segments_[index].base));
  const bool last = index + 1 == segments_.size();
  if (segments_[index].base != end_) {
    co_return fail(Errc::corrupt,
                   fmt::format("{}: the log before it ends at {}", file, end_.value));
  }
  CO_TRY_ASSIGN(const auto contents, co_await reactor::read_file(file, kMetadataFileBytesMax));
  const Chain bytes{BytesView(contents)};
  log::BatchWalker walker(bytes);
  WalkStep step = walker.next();
  for (; step.kind == WalkStep::Kind::batch; step = walker.next()) {
    const log::BatchHeader& header = step.header;
    if (header.base_offset != end_ || header.leader_epoch < last_epoch_) {
      co_return fail(Errc::corrupt,
                     fmt::format("{} at {}: offset {} epoch {} after end {} epoch {}", file,
                                 step.position, header.base_offset.value, header.leader_epoch.value,
                                 end_.value, last_epoch_.value));
    }
    if (header.leader_epoch > last_epoch_)
      epochs_.push_back({header.leader_epoch, header.base_offset});
    last_epoch_ = header.leader_epoch;
    end_ = header.next_offset();
  }
  segments_[index].bytes = walker.position();
  const bool whole = walker.position() == contents.size();
  if (!whole && (!last || whole_batch_behind(bytes, walker.position(), end_))) {
    co_return fail(Errc::corrupt, fmt::format("{} at {}: {}", file, walker.position(),
                                              step.reason.empty() ? "a torn batch" : step.reason));
  }
  if (!last) co_return Status{};
  co_return co_await cut_tail(file, whole ? contents.size() : walker.position());
}

Task<Status> MetadataLog::cut_tail(std::string file, uint64_t bytes) {
  reactor::OpenOptions open;
  open.write = true;
  CO_TRY_ASSIGN(active_, co_await File::open(file, open));
  CO_TRY_ASSIGN(const reactor::FileStat stat, co_await reactor::stat_file(file));
  if (stat.size == bytes) co_return Status{};
  CO_TRY(co_await active_.truncate(bytes));
  co_return co_await active_.sync_all();
}

// Without the file the log alone tells the epoch: whoever led an epoch has written into it.
Task<Status> MetadataLog::read_quorum_state() {
  const auto contents = co_await reactor::read_file(path("quorum-state"), kSmallFileBytesMax);
  if (!contents && contents.error().code == Errc::not_found) co_return Status{};
  CO_TRY(contents);
  auto state = parse_quorum_state(as_text(*contents));
  if (!state) {
    co_return fail(state.error().code, path("quorum-state") + ": " + state.error().context);
  }
  hard_state_ = *state;
  co_return Status{};
}

// What follows from the log: rewritten when it says something else.
Task<Status> MetadataLog::write_derived_files() {
  const std::string texts[] = {leader_epochs_text(epochs_),
                               partition_metadata_text(kMetadataTopicId)};
  const char* const names[] = {"leader-epoch-checkpoint", "partition.metadata"};
  for (size_t i = 0; i < std::size(texts); ++i) {
    const auto there = co_await reactor::read_file(path(names[i]), kSmallFileBytesMax);
    if (there && as_text(*there) == texts[i]) continue;
    if (!there && there.error().code != Errc::not_found && there.error().code != Errc::too_large) {
      co_return fail(there.error());
    }
    CO_TRY(co_await reactor::replace_file(path(names[i]), {texts[i].begin(), texts[i].end()}));
  }
  co_return Status{};
}

Task<Status> MetadataLog::replay(Visit visit) {
  if (snapshot_) {
    const std::string file = path(snapshot_name(*snapshot_));
    CO_TRY_ASSIGN(const auto bytes, co_await reactor::read_file(file, kMetadataFileBytesMax));
    LoggedRecord in_snapshot;
    in_snapshot.from_snapshot = true;
    in_snapshot.offset = snapshot_->end - 1;
    in_snapshot.epoch = snapshot_->epoch;
    const Status visited = visit_bytes(Chain(BytesView(bytes)), in_snapshot, visit);
    if (!visited) co_return fail(visited.error().code, file + ": " + visited.error().context);
  }
  for (const Segment& segment : segments_) {
    const std::string file = path(segment_name(segment.base));
    CO_TRY_ASSIGN(const auto bytes, co_await reactor::read_file(file, kMetadataFileBytesMax));
    const Status visited = visit_bytes(Chain(BytesView(bytes)), LoggedRecord{}, visit);
    if (!visited) co_return fail(visited.error().code, file + ": " + visited.error().context);
  }
  co_return Status{};
}

Status MetadataLog::visit_bytes(const Chain& bytes, const LoggedRecord& in_snapshot,
                                const Visit& visit) {
  return visit_records(bytes, in_snapshot, [&](const LoggedRecord& record) -> Status {
    const bool in_the_snapshot = snapshot_ && record.offset < snapshot_->end;
    if (in_the_snapshot && !record.from_snapshot) return {};
    return visit(record);
  });
}

Task<Result<RecordList>> read_bootstrap(std::string directory) {
  const std::string file = directory + "/bootstrap.checkpoint";
  const auto bytes = co_await reactor::read_file(file, kSmallFileBytesMax);
  if (!bytes && bytes.error().code == Errc::not_found) co_return RecordList{};
  CO_TRY(bytes);
  RecordList records;
  LoggedRecord in_snapshot;
  in_snapshot.from_snapshot = true;
  const Status read = visit_records(
      Chain(BytesView(*bytes)), in_snapshot, [&](const LoggedRecord& record) -> Status {
        if (!record.control) records.add_encoded({record.value.begin(), record.value.end()});
        return {};
      });
  if (!read) co_return fail(read.error().code, file + ": " + read.error().context);
  co_return records;
}

}  // namespace odradek::metadata
