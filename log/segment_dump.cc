#include "log/segment_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "log/batch/batch_walker.h"
#include "log/batch/control_record.h"
#include "log/batch/limits.h"
#include "log/batch/record_reader.h"
#include "log/checkpoint_files.h"
#include "log/producer_state.h"
#include "log/segment_checksums.h"
#include "log/segment_index.h"
#include "log/time_index.h"
#include "log/transaction_index.h"
#include "reactor/file.h"
#include "reactor/wait.h"

namespace odradek::log {

using reactor::File;
using reactor::Task;

// Larger is no derived file of a segment.
static constexpr uint64_t kDerivedBytesMax = 512ull << 20;
// A segment is read in pieces of this, or of one batch.
static constexpr size_t kWindowBytes = 1024 * 1024;

namespace {

constexpr std::array<std::string_view, 8> kCodecNames{"none", "gzip", "snappy", "lz4",
                                                      "zstd", "5",    "6",      "7"};

std::string_view time_name(const BatchHeader& h) {
  return h.attributes.timestamp_type() == TimestampType::create_time ? "CreateTime"
                                                                     : "LogAppendTime";
}

std::string optional_long(std::optional<int64_t> value) {
  return value ? fmt::format("OptionalLong[{}]", *value) : "OptionalLong.empty";
}

std::string batch_line(const BatchHeader& h, uint64_t position, bool valid) {
  std::optional<int64_t> horizon;
  if (h.attributes.delete_horizon()) horizon = h.base_timestamp;
  return fmt::format(
      "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} "
      "producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} isControl: {} "
      "deleteHorizonMs: {} "
      "position: {} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}",
      h.base_offset.value, h.last_offset().value, h.record_count, h.base_sequence,
      h.last_sequence(), h.producer_id.value, h.producer_epoch.value, h.leader_epoch.value,
      h.attributes.transactional(), h.attributes.control(), optional_long(horizon), position,
      time_name(h), h.max_timestamp, h.size_bytes(), h.magic,
      kCodecNames[static_cast<size_t>(h.attributes.codec_id())], h.crc, valid);
}

std::string control_text(const Record& record) {
  const auto type = parse_control_key(record.key.value_or(BytesView{}));
  if (!type) return " controlKey: unreadable";
  if (*type != ControlType::commit && *type != ControlType::abort) {
    return fmt::format(" controlType: {}", static_cast<int16_t>(*type));
  }
  const auto marker = parse_txn_marker(record);
  if (!marker) return " endTxnMarker: unreadable";
  return fmt::format(" endTxnMarker: {} coordinatorEpoch: {}",
                     marker->committed ? "COMMIT" : "ABORT", marker->coordinator_epoch);
}

std::string record_line(const BatchHeader& h, const Record& r, const DumpOptions& options) {
  const int32_t sequence =
      h.base_sequence >= 0 ? sequence_after(h.base_sequence, r.offset_delta) : -1;
  const auto size = [](const std::optional<BytesView>& b) {
    return b ? static_cast<int64_t>(b->size()) : int64_t{-1};
  };
  std::string names;
  for (const RecordHeader& header : r.headers) {
    names.append(names.empty() ? "" : ",").append(header.name());
  }
  std::string line =
      fmt::format("| offset: {} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]",
                  (h.base_offset + int64_t{r.offset_delta}).value, time_name(h), r.timestamp,
                  size(r.key), size(r.value), sequence, names);
  if (options.text) return line;
  if (h.attributes.control()) return line + control_text(r);
  if (options.payloads && r.key) line.append(" key: ").append(as_text(*r.key));
  if (options.payloads && r.value) line.append(" payload: ").append(as_text(*r.value));
  return line;
}

Status dump_index(const SegmentId& id, BytesView file, const LineSink& sink) {
  TRY_ASSIGN(const SegmentIndex index, SegmentIndex::decode(id.base, file));
  for (size_t i = 0; i < index.size(); ++i) {
    sink(fmt::format("offset: {} position: {}", index.entry(i).offset.value,
                     index.entry(i).position));
  }
  return {};
}

Status dump_times(const SegmentId& id, BytesView file, const LineSink& sink) {
  TRY_ASSIGN(const TimeIndex times, TimeIndex::decode(id.base, file));
  for (size_t i = 0; i < times.size(); ++i) {
    sink(fmt::format("timestamp: {} offset: {}", times.entry(i).timestamp_ms,
                     times.entry(i).offset.value));
  }
  return {};
}

std::string producer_line(ProducerId id, const ProducerEntry& entry) {
  std::optional<int64_t> transaction;
  if (entry.transaction_first) transaction = entry.transaction_first->value;
  std::string line = fmt::format(
      "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {} "
      "lastTimestamp: {}",
      id.value, entry.epoch.value, entry.coordinator_epoch, optional_long(transaction),
      entry.last_timestamp_ms);
  if (const ProducerBatch* b = entry.last_batch()) {
    line += fmt::format(
        " firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
        b->first_sequence, b->last_sequence, b->last.value, b->last - b->base, b->timestamp_ms);
  }
  return line;
}

Status dump_snapshot(const SegmentId&, BytesView file, const LineSink& sink) {
  TRY_ASSIGN(const ProducerState state, ProducerState::decode_snapshot(file, 0));
  std::vector<ProducerId> ids;
  for (const auto& [id, entry] : state.producers()) ids.push_back(id);
  std::ranges::sort(ids);
  for (const ProducerId id : ids) sink(producer_line(id, *state.find(id)));
  return {};
}

Status dump_transactions(const SegmentId&, BytesView file, const LineSink& sink) {
  TRY_ASSIGN(const auto aborted, decode_transaction_index(file));
  for (const AbortedTransaction& a : aborted) {
    sink(
        fmt::format("version: 0 producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}",
                    a.producer_id.value, a.first.value, a.last.value, a.last_stable.value));
  }
  return {};
}

// The name on the file is all we have: the checksum inside says whether it is right.
Status dump_checksums(const SegmentId& id, BytesView file, const LineSink& sink) {
  TRY_ASSIGN(const SegmentId named, SegmentChecksums::named_in(file));
  if (named.base != id.base) return fail(Errc::corrupt, "odx: of base " + named.base.to_string());
  TRY_ASSIGN(const SegmentChecksums sums, SegmentChecksums::decode(named, file));
  sink(fmt::format("topicId: {} partition: {} bytes: {} unit: {}",
                   named.partition.topic.to_string(), named.partition.partition.value, sums.bytes(),
                   kReadUnitBytes));
  for (uint32_t unit = 0; unit < sums.unit_count(); ++unit) {
    sink(fmt::format("unit: {} position: {} crc: {}", unit, uint64_t{unit} * kReadUnitBytes,
                     sums.unit(unit).value_or(0)));
  }
  return {};
}

struct Printer {
  std::string_view suffix;
  Status (*print)(const SegmentId& id, BytesView file, const LineSink& sink);
};
constexpr std::array<Printer, 5> kPrinters{{{kIndexSuffix, &dump_index},
                                            {kTimeIndexSuffix, &dump_times},
                                            {kSnapshotSuffix, &dump_snapshot},
                                            {kTransactionIndexSuffix, &dump_transactions},
                                            {kChecksumsSuffix, &dump_checksums}}};

bool all_zero(BytesView bytes) {
  return std::ranges::all_of(bytes, [](uint8_t b) { return b == 0; });
}

// A segment that is read window by window.
class SegmentDump {
 public:
  SegmentDump(File& file, uint64_t size) : file_(file), size_(size) {}

  // The batch at `position`, whole, or why there is none; its bytes are batch() until the next
  // call.
  Task<Result<WalkStep>> at(uint64_t position);
  BytesView batch(const WalkStep& step) const {
    return BytesView(window_).subspan(step.position - start_, step.size_bytes);
  }
  // Whether only zeros follow.
  Task<Result<bool>> zeros_from(uint64_t position);
  uint64_t size() const { return size_; }

 private:
  Task<Status> fill(uint64_t position, size_t bytes);

  File& file_;
  uint64_t size_;
  uint64_t start_ = 0;
  std::vector<uint8_t> window_;
};

Task<Status> SegmentDump::fill(uint64_t position, size_t bytes) {
  const uint64_t end = std::min<uint64_t>(size_, position + bytes);
  if (position >= start_ && end <= start_ + window_.size()) co_return Status{};
  window_.resize(std::min<uint64_t>(size_ - position, std::max(bytes, kWindowBytes)));
  CO_TRY_ASSIGN(const size_t got, co_await file_.read(window_, position));
  window_.resize(got);
  start_ = position;
  co_return Status{};
}

Task<Result<WalkStep>> SegmentDump::at(uint64_t position) {
  CO_TRY(co_await fill(position, kBatchHeaderBytes));
  const auto look = [&] {
    WalkStep step = look_at_batch(Chain(BytesView(window_)), position - start_, CrcCheck::no);
    step.position = position;
    return step;
  };
  WalkStep step = look();
  if (step.kind == WalkStep::Kind::truncated && step.size_bytes > 0 &&
      position + step.size_bytes <= size_) {
    CO_TRY(co_await fill(position, step.size_bytes));
    step = look();
  }
  co_return step;
}

Task<Result<bool>> SegmentDump::zeros_from(uint64_t position) {
  while (position < size_) {
    CO_TRY(co_await fill(position, 1));
    const BytesView rest = BytesView(window_).subspan(position - start_);
    if (!all_zero(rest)) co_return false;
    if (rest.empty()) break;
    position += rest.size();
  }
  co_return true;
}

// Whether the batch that begins at `position` is all below what is settled.
bool is_settled(const WalkStep& step, uint64_t position, uint64_t settled_bytes) {
  return position + std::max<uint64_t>(step.size_bytes, kBatchHeaderBytes) <= settled_bytes;
}

// What stands where no whole batch does: zeros, an end that is being written, or damage.
Task<Status> tell_end(SegmentDump& segment, WalkStep step, uint64_t settled_bytes,
                      const LineSink& sink) {
  const uint64_t position = step.position;
  std::string what(step.reason);
  if (step.kind == WalkStep::Kind::end_of_data) {
    CO_TRY_ASSIGN(const bool zeros, co_await segment.zeros_from(position));
    if (zeros) sink(fmt::format("zeros from position {} to {}", position, segment.size()));
    if (zeros) co_return Status{};
    what = "zeros, then other bytes";
  } else if (step.kind == WalkStep::Kind::truncated) {
    what = "a cut batch";
  } else if (step.kind == WalkStep::Kind::batch) {
    what = "checksum mismatch";
  }
  const uint64_t bytes = segment.size() - position;
  if (!is_settled(step, position, settled_bytes)) {
    sink(
        fmt::format("{} bytes from position {} on are not settled yet: {}", bytes, position, what));
    co_return Status{};
  }
  sink(fmt::format("Found {} invalid bytes at position {}: {}", bytes, position, what));
  co_return fail(Errc::corrupt, fmt::format("position {}: {}", position, what));
}

using BatchVisitor =
    std::function<Status(const BatchHeader& header, BytesView batch, uint64_t position)>;

// Goes on behind a batch that `visit` has something against; the first such error is the result.
Task<Status> walk(SegmentDump& segment, uint64_t settled_bytes, const BatchVisitor& visit,
                  const LineSink& sink) {
  Status worst;
  uint64_t position = 0;
  while (position < segment.size()) {
    CO_TRY_ASSIGN(const WalkStep step, co_await segment.at(position));
    const bool whole = step.kind == WalkStep::Kind::batch;
    const bool unfinished = whole && !is_settled(step, position, settled_bytes) &&
                            batch_crc(segment.batch(step)) != step.header.crc;
    if (!whole || unfinished) {
      const Status end = co_await tell_end(segment, step, settled_bytes, sink);
      co_return worst ? end : worst;
    }
    const Status visited = visit(step.header, segment.batch(step), position);
    if (!visited && worst) worst = visited;
    position += step.size_bytes;
    co_await reactor::yield();
  }
  co_return worst;
}

// Opens `path`, walks it and closes it.
Task<Status> walk_file(std::string path, uint64_t settled_bytes, const BatchVisitor& visit,
                       const LineSink& sink) {
  CO_TRY_ASSIGN(const auto stat, co_await reactor::stat_file(path));
  CO_TRY_ASSIGN(File file, co_await File::open(path, {}));
  SegmentDump segment(file, stat.size);
  const Status walked = co_await walk(segment, settled_bytes, visit, sink);
  const Status closed = co_await file.close();
  co_return walked ? closed : walked;
}

// Says which entries name a position whose batch does not end at their offset.
Task<Status> check_index(const SegmentIndex& index, SegmentDump& segment, const LineSink& sink) {
  Status worst;
  for (size_t i = 0; i < index.size(); ++i) {
    const IndexEntry entry = index.entry(i);
    std::string found = "nothing";
    if (entry.position < segment.size()) {
      CO_TRY_ASSIGN(const WalkStep step, co_await segment.at(entry.position));
      const bool batch = step.kind == WalkStep::Kind::batch;
      if (batch && step.header.last_offset() == entry.offset) continue;
      found = batch ? step.header.last_offset().to_string() : "no batch";
    }
    sink(fmt::format("Mismatch: index offset: {}, log offset: {}", entry.offset.value, found));
    if (worst) {
      worst = fail(Errc::corrupt,
                   fmt::format("index entry {} does not fit the segment", entry.offset.value));
    }
  }
  co_return worst;
}

Task<Status> dump_derived(std::string path, const Printer& printer, SegmentId id,
                          const LineSink& sink) {
  CO_TRY_ASSIGN(const auto file, co_await reactor::read_file(path, kDerivedBytesMax));
  CO_TRY(printer.print(id, file, sink));
  if (printer.suffix != kIndexSuffix) co_return Status{};
  const std::string log = path.substr(0, path.rfind(kIndexSuffix)) + std::string(kLogSuffix);
  const auto stat = co_await reactor::stat_file(log);
  if (!stat) co_return Status{};  // an index by itself is all there is to print
  CO_TRY_ASSIGN(File segment_file, co_await File::open(log, {}));
  SegmentDump segment(segment_file, stat->size);
  const auto index = SegmentIndex::decode(id.base, file);
  const Status checked = co_await check_index(*index, segment, sink);
  const Status closed = co_await segment_file.close();
  co_return checked ? closed : checked;
}

Task<Status> dump_segment(std::string path, Offset base, DumpOptions options,
                          const LineSink& sink) {
  sink(fmt::format("Log starting offset: {}", base.value));
  co_return co_await dump_batches(std::move(path), std::move(options), sink);
}

}  // namespace

Status dump_batch(BytesView batch, uint64_t position, const DumpOptions& options,
                  const LineSink& sink) {
  const BatchHeader header = BatchHeader::parse(batch);
  const bool valid = batch_crc(batch) == header.crc;
  sink(batch_line(header, position, valid));
  const std::string where = fmt::format("batch at position {}: ", position);
  if (!valid) return fail(Errc::corrupt, where + "checksum mismatch");
  if (!options.deep && !options.payloads && !options.text) return {};
  RecordReader reader(Chain(batch), batch_expansion_bytes_max(batch.size()));
  for (;;) {
    const auto record = reader.next();
    if (!record) return fail(Errc::corrupt, where + record.error().context);
    if (!*record) return {};
    std::string line = record_line(header, **record, options);
    if (!options.text) {
      sink(line);
      continue;
    }
    const auto text = options.text(header, **record);
    sink(line + " " + (text ? *text : "unreadable: " + text.error().context));
    if (!text) return fail(Errc::corrupt, where + text.error().context);
  }
}

Task<Status> dump_batches(std::string path, DumpOptions options, LineSink sink) {
  const BatchVisitor print = [&](const BatchHeader&, BytesView batch, uint64_t position) {
    return dump_batch(batch, position, options, sink);
  };
  co_return co_await walk_file(std::move(path), options.settled_bytes, print, sink);
}

static Status add_batch(BatchesSummary& summary, const BatchHeader& header, BytesView batch,
                        uint64_t position) {
  if (summary.batches++ == 0) summary.first = header.base_offset;
  summary.last = header.last_offset();
  summary.records += static_cast<uint64_t>(std::max(header.record_count, 0));
  summary.bytes = position + batch.size();
  summary.timestamp_ms_max = std::max(summary.timestamp_ms_max, header.max_timestamp);
  if (batch_crc(batch) == header.crc) return {};
  return fail(Errc::corrupt, fmt::format("batch at position {}: checksum mismatch", position));
}

Task<Result<BatchesSummary>> summarise_batches(std::string path, uint64_t settled_bytes,
                                               LineSink sink) {
  BatchesSummary summary;
  const BatchVisitor add = [&](const BatchHeader& header, BytesView batch, uint64_t position) {
    return add_batch(summary, header, batch, position);
  };
  CO_TRY(co_await walk_file(std::move(path), settled_bytes, add, sink));
  co_return summary;
}

static std::string_view without_deleted(std::string_view name) {
  if (name.ends_with(kDeletedSuffix)) name.remove_suffix(kDeletedSuffix.size());
  return name;
}

bool is_dumpable(std::string_view name) {
  name = without_deleted(name);
  const auto parsed = parse_segment_file_name(name);
  if (!parsed) return name.ends_with("checkpoint") || name == kPartitionMetadataFile;
  return parsed->suffix == kLogSuffix ||
         std::ranges::find(kPrinters, parsed->suffix, &Printer::suffix) != kPrinters.end();
}

Task<Status> dump_file(std::string path, DumpOptions options, LineSink sink) {
  sink("Dumping " + path);
  const std::string_view name = without_deleted(std::string_view(path).substr(path.rfind('/') + 1));
  if (!is_dumpable(name)) {
    co_return fail(Errc::unsupported, path + ": no file of a partition's log by its name");
  }
  const auto parsed = parse_segment_file_name(name);
  if (!parsed) {
    CO_TRY_ASSIGN(const auto text, co_await reactor::read_file(path, kDerivedBytesMax));
    for (const std::string_view line : detail::lines_of(as_text(text))) sink(line);
    co_return Status{};
  }
  Status status;
  if (parsed->suffix == kLogSuffix) {
    status = co_await dump_segment(path, parsed->base, options, sink);
  } else {
    const auto printer = std::ranges::find(kPrinters, parsed->suffix, &Printer::suffix);
    status = co_await dump_derived(path, *printer, SegmentId{{}, parsed->base}, sink);
  }
  if (!status) co_return fail(status.error().code, path + ": " + status.error().context);
  co_return Status{};
}

}  // namespace odradek::log
