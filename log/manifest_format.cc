#include "log/manifest_format.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/base/crc32c.h"

namespace odradek::log {

namespace {

// In the header of a snapshot and of a journal entry.
// The checksum comes first and covers all that follows it.
constexpr size_t kMagic = 4, kVersion = 8, kSequence = 16, kLength = 24;
static_assert(kLength + 8 <= kManifestHeaderBytes);

class EditWriter {
 public:
  explicit EditWriter(std::vector<uint8_t>& out) : out_(out) {}
  template <std::integral T>
  EditWriter& put(T value) {
    const size_t at = out_.size();
    out_.resize(at + sizeof(T));
    store_le<T>(out_.data() + at, value);
    return *this;
  }
  EditWriter& put(Offset offset) { return put(offset.value); }
  EditWriter& put(LeaderEpoch epoch) { return put(epoch.value); }
  EditWriter& put(Generation generation) { return put(generation.value); }
  EditWriter& put(const TopicPartition& id) {
    out_.insert(out_.end(), id.topic.bytes.begin(), id.topic.bytes.end());
    return put(id.partition.value);
  }
  EditWriter& put(const std::string& text) {
    CHECK(text.size() <= kTopicNameBytesMax, text.size());
    put(static_cast<uint16_t>(text.size()));
    out_.insert(out_.end(), text.begin(), text.end());
    return *this;
  }

 private:
  std::vector<uint8_t>& out_;
};

// Reads what EditWriter wrote. After the first value that is not there every value is zero and ok()
// is false.
class EditReader {
 public:
  explicit EditReader(BytesView bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  template <std::integral T>
  T integer() {
    const BytesView bytes = take(sizeof(T));
    return ok_ ? load_le<T>(bytes.data()) : T{};
  }
  Offset offset() { return Offset(integer<int64_t>()); }
  LeaderEpoch epoch() { return LeaderEpoch(integer<int32_t>()); }
  Generation generation() { return Generation(integer<uint32_t>()); }
  TopicPartition partition() {
    TopicPartition id;
    const BytesView bytes = take(id.topic.bytes.size());
    if (ok_) std::ranges::copy(bytes, id.topic.bytes.begin());
    id.partition = PartitionId(integer<int32_t>());
    return id;
  }
  std::string text() {
    const size_t length = integer<uint16_t>();
    if (length > kTopicNameBytesMax) ok_ = false;
    const BytesView bytes = take(length);
    return ok_ ? std::string(as_text(bytes)) : std::string();
  }
  // How many elements of `bytes` each follow; none when they would not fit.
  uint32_t count(size_t bytes) {
    const auto n = integer<uint32_t>();
    if (n > rest_.size() / bytes) ok_ = false;
    return ok_ ? n : 0;
  }

 private:
  BytesView take(size_t bytes) {
    if (bytes > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const BytesView taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
  }
  BytesView rest_;
  bool ok_ = true;
};

void write_fields(EditWriter& w, const PartitionAdded& e) {
  w.put(e.id).put(e.topic_name).put(e.generation);
}
void write_fields(EditWriter& w, const PartitionRemoved& e) { w.put(e.id).put(e.generation); }
void write_segment(EditWriter& w, const TopicPartition& id, const ManifestSegment& s) {
  w.put(id).put(s.base).put(s.next).put(s.bytes).put(s.max_timestamp_ms);
  w.put(s.max_timestamp_offset).put(static_cast<uint8_t>(s.sealed));
}
void write_fields(EditWriter& w, const SegmentSet& e) { write_segment(w, e.id, e.segment); }
void write_fields(EditWriter& w, const SegmentRemoved& e) { w.put(e.id).put(e.base); }
void write_fields(EditWriter& w, const LogStartSet& e) {
  w.put(e.id).put(e.log_start).put(e.local_log_start);
}
void write_fields(EditWriter& w, const EpochSet& e) { w.put(e.id).put(e.epoch).put(e.start); }
void write_fields(EditWriter& w, const EpochsReplaced& e) {
  w.put(e.id).put(static_cast<uint32_t>(e.epochs.size()));
  for (const auto& [epoch, start] : e.epochs) w.put(epoch).put(start);
}
void write_fields(EditWriter& w, const RecoveryPointSet& e) {
  w.put(e.id).put(e.point.offset).put(e.point.segment_base).put(e.point.position);
}
void write_fields(EditWriter& w, const NextGenerationSet& e) { w.put(e.next); }
void write_fields(EditWriter& w, const QuarantineSet& e) { w.put(e.id).put(e.reason); }
void write_fields(EditWriter& w, const SegmentsReplaced& e) {
  write_segment(w, e.id, e.segment);
  w.put(e.end);
}
void write_fields(EditWriter& w, const CleanedTo& e) { w.put(e.id).put(e.offset); }
void write_fields(EditWriter& w, const MovesSet& e) { w.put(e.id).put(e.moves); }

// The braces matter: they evaluate from left to right.
void read_fields(EditReader& r, PartitionAdded& e) {
  e = {r.partition(), r.text(), r.generation()};
}
void read_fields(EditReader& r, PartitionRemoved& e) { e = {r.partition(), r.generation()}; }
ManifestSegment read_segment(EditReader& r) {
  return {r.offset(),           r.offset(), r.integer<uint64_t>(),
          r.integer<int64_t>(), r.offset(), r.integer<uint8_t>() != 0};
}
void read_fields(EditReader& r, SegmentSet& e) {
  e.id = r.partition();
  e.segment = read_segment(r);
}
void read_fields(EditReader& r, SegmentRemoved& e) { e = {r.partition(), r.offset()}; }
void read_fields(EditReader& r, LogStartSet& e) { e = {r.partition(), r.offset(), r.offset()}; }
void read_fields(EditReader& r, EpochSet& e) { e = {r.partition(), r.epoch(), r.offset()}; }
void read_fields(EditReader& r, EpochsReplaced& e) {
  e.id = r.partition();
  for (uint32_t left = r.count(sizeof(int32_t) + sizeof(int64_t)); left > 0; --left) {
    const LeaderEpoch epoch = r.epoch();
    e.epochs[epoch] = r.offset();
  }
}
void read_fields(EditReader& r, RecoveryPointSet& e) {
  e = {r.partition(), {r.offset(), r.offset(), r.integer<uint64_t>()}};
}
void read_fields(EditReader& r, NextGenerationSet& e) { e = {r.generation()}; }
void read_fields(EditReader& r, QuarantineSet& e) { e = {r.partition(), r.text()}; }
void read_fields(EditReader& r, SegmentsReplaced& e) {
  e.id = r.partition();
  e.segment = read_segment(r);
  e.segment.swapping = true;
  e.end = r.offset();
}
void read_fields(EditReader& r, CleanedTo& e) { e = {r.partition(), r.offset()}; }
void read_fields(EditReader& r, MovesSet& e) { e = {r.partition(), r.integer<uint32_t>()}; }

// The kind byte on disk is 1 + the alternative's index: the order in ManifestEdit never changes.
template <size_t I = 0>
bool read_alternative(EditReader& reader, size_t index, ManifestEdit& out) {
  if constexpr (I == std::variant_size_v<ManifestEdit>) {
    return false;
  } else if (index == I) {
    read_fields(reader, out.emplace<I>());
    return true;
  } else {
    return read_alternative<I + 1>(reader, index, out);
  }
}

ManifestPartition* find_mutable(ManifestState& state, const TopicPartition& id) {
  const auto it = state.partitions.find(id);
  return it == state.partitions.end() ? nullptr : &it->second;
}

bool apply_one(ManifestState& state, const PartitionAdded& e) {
  state.next_generation = std::max(state.next_generation, e.generation + 1);
  const ManifestPartition* there = find_mutable(state, e.id);
  if (there != nullptr && there->generation == e.generation) return true;  // applied before
  ManifestPartition partition;
  partition.id = e.id;
  partition.topic_name = e.topic_name;
  partition.generation = e.generation;
  state.partitions.insert_or_assign(e.id, std::move(partition));
  return true;
}
bool apply_one(ManifestState& state, const PartitionRemoved& e) {
  const ManifestPartition* partition = find_mutable(state, e.id);
  if (partition == nullptr || partition->generation != e.generation) return false;
  state.partitions.erase(e.id);
  return true;
}
bool apply_one(ManifestState& state, const NextGenerationSet& e) {
  state.next_generation = std::max(state.next_generation, e.next);
  return true;
}
void change(ManifestPartition& p, const SegmentSet& e) {
  p.segments.insert_or_assign(e.segment.base, e.segment);
}
void change(ManifestPartition& p, const SegmentRemoved& e) { p.segments.erase(e.base); }
void change(ManifestPartition& p, const LogStartSet& e) {
  p.log_start = std::max(p.log_start, e.log_start);
  p.local_log_start = std::max(p.local_log_start, e.local_log_start);
}
void change(ManifestPartition& p, const EpochSet& e) {
  p.epochs.insert_or_assign(e.epoch, e.start);
}
void change(ManifestPartition& p, const EpochsReplaced& e) { p.epochs = e.epochs; }
void change(ManifestPartition& p, const RecoveryPointSet& e) { p.recovery = e.point; }
void change(ManifestPartition& p, const QuarantineSet& e) { p.quarantine = e.reason; }
void change(ManifestPartition& p, const SegmentsReplaced& e) {
  const auto first = p.segments.lower_bound(e.segment.base);
  p.segments.erase(first, p.segments.lower_bound(std::max(e.end, e.segment.base + 1)));
  ManifestSegment segment = e.segment;
  segment.swapping = true;
  p.segments.emplace(segment.base, segment);
}
void change(ManifestPartition& p, const CleanedTo& e) { p.clean_to = e.offset; }
void change(ManifestPartition& p, const MovesSet& e) { p.moves = e.moves; }
template <class Edit>
bool apply_one(ManifestState& state, const Edit& e) {
  ManifestPartition* partition = find_mutable(state, e.id);
  if (partition == nullptr) return false;
  change(*partition, e);
  return true;
}

void encode_framed(uint32_t magic, uint64_t sequence, BytesView edits, std::vector<uint8_t>& out) {
  const size_t start = out.size();
  out.resize(start + kManifestHeaderBytes, 0);
  out.insert(out.end(), edits.begin(), edits.end());
  out.resize(start + align_up<size_t>(out.size() - start, kManifestEntryAlignment), 0);
  uint8_t* h = out.data() + start;
  store_le<uint32_t>(h + kMagic, magic);
  store_le<uint16_t>(h + kVersion, kManifestVersion);
  store_le<uint64_t>(h + kSequence, sequence);
  store_le<uint64_t>(h + kLength, edits.size());
  store_le<uint32_t>(h, crc32c(0, BytesView(out).subspan(start + kMagic)));
}

struct Frame {
  uint64_t sequence = 0;
  BytesView edits;
  size_t bytes = 0;  // with header and padding
};

Result<Frame> decode_framed(uint32_t magic, BytesView bytes) {
  if (bytes.size() < kManifestHeaderBytes || load_le<uint32_t>(bytes.data() + kMagic) != magic) {
    return fail(Errc::corrupt, "no manifest header");
  }
  const uint64_t length = load_le<uint64_t>(bytes.data() + kLength);
  if (length > bytes.size() - kManifestHeaderBytes) {
    return fail(Errc::corrupt, "manifest ends inside its edits");
  }
  const size_t whole = kManifestHeaderBytes + align_up<size_t>(length, kManifestEntryAlignment);
  if (whole > bytes.size() ||
      load_le<uint32_t>(bytes.data()) != crc32c(0, bytes.subspan(kMagic, whole - kMagic))) {
    return fail(Errc::corrupt, "manifest has a bad checksum");
  }
  const uint16_t version = load_le<uint16_t>(bytes.data() + kVersion);
  if (version != kManifestVersion) {
    return fail(Errc::unsupported, "manifest has format version " + std::to_string(version) +
                                       ", known is 1: it was written by a newer odradek");
  }
  return Frame{load_le<uint64_t>(bytes.data() + kSequence),
               bytes.subspan(kManifestHeaderBytes, length), whole};
}

// Entries are written one after the other, each when the one before is durable: a good one behind a
// bad one means that the bad one was good once.
bool later_entry_in(BytesView bytes, uint64_t after_sequence) {
  for (size_t at = kManifestEntryAlignment; at + kManifestHeaderBytes <= bytes.size();
       at += kManifestEntryAlignment) {
    const auto frame = decode_framed(kManifestEntryMagic, bytes.subspan(at));
    if (frame && frame->sequence > after_sequence) return true;
  }
  return false;
}

}  // namespace

const ManifestPartition* ManifestState::find(const TopicPartition& id) const {
  const auto it = partitions.find(id);
  return it == partitions.end() ? nullptr : &it->second;
}

std::vector<const ManifestPartition*> ManifestState::sorted() const {
  std::vector<const ManifestPartition*> out;
  out.reserve(partitions.size());
  for (const auto& [id, partition] : partitions) out.push_back(&partition);
  std::ranges::sort(out, {}, [](const ManifestPartition* p) { return p->id; });
  return out;
}

std::vector<ManifestEdit> edits_of(const ManifestPartition& p) {
  std::vector<ManifestEdit> out;
  out.push_back(PartitionAdded{p.id, p.topic_name, p.generation});
  out.push_back(LogStartSet{p.id, p.log_start, p.local_log_start});
  out.push_back(RecoveryPointSet{p.id, p.recovery});
  if (!p.epochs.empty()) out.push_back(EpochsReplaced{p.id, p.epochs});
  for (const auto& [base, segment] : p.segments) {
    if (segment.swapping) {
      out.push_back(SegmentsReplaced{p.id, segment, segment.next});
    } else {
      out.push_back(SegmentSet{p.id, segment});
    }
  }
  if (p.clean_to.value >= 0) out.push_back(CleanedTo{p.id, p.clean_to});
  if (!p.quarantine.empty()) out.push_back(QuarantineSet{p.id, p.quarantine});
  if (p.moves > 0) out.push_back(MovesSet{p.id, p.moves});
  return out;
}

bool apply(ManifestState& state, const ManifestEdit& edit) {
  return std::visit([&state](const auto& e) { return apply_one(state, e); }, edit);
}

void encode_edit(const ManifestEdit& edit, std::vector<uint8_t>& out) {
  EditWriter writer(out);
  writer.put(static_cast<uint8_t>(edit.index() + 1));
  std::visit([&writer](const auto& e) { write_fields(writer, e); }, edit);
}

Status decode_edits(BytesView edits, std::vector<ManifestEdit>& out) {
  EditReader reader(edits);
  while (!reader.empty()) {
    const auto kind = reader.integer<uint8_t>();
    ManifestEdit edit;
    if (kind == 0 || !read_alternative(reader, kind - 1u, edit)) {
      return fail(Errc::unsupported, "manifest edit of unknown kind " + std::to_string(kind) +
                                         ": it was written by a newer odradek");
    }
    if (!reader.ok()) return fail(Errc::corrupt, "manifest edit is cut short");
    out.push_back(std::move(edit));
  }
  return {};
}

Status apply_edits(ManifestState& state, BytesView edits) {
  std::vector<ManifestEdit> decoded;
  TRY(decode_edits(edits, decoded));
  for (const ManifestEdit& edit : decoded) apply(state, edit);
  return {};
}

void encode_entry(uint64_t sequence, BytesView edits, std::vector<uint8_t>& out) {
  encode_framed(kManifestEntryMagic, sequence, edits, out);
}

std::vector<uint8_t> encode_snapshot(const ManifestState& state, uint64_t sequence) {
  std::vector<uint8_t> edits;
  encode_edit(NextGenerationSet{state.next_generation}, edits);
  for (const ManifestPartition* partition : state.sorted()) {
    for (const ManifestEdit& edit : edits_of(*partition)) encode_edit(edit, edits);
  }
  std::vector<uint8_t> out;
  encode_framed(kManifestSnapshotMagic, sequence, edits, out);
  return out;
}

Result<ManifestSnapshot> decode_snapshot(BytesView file) {
  TRY_ASSIGN(const Frame frame, decode_framed(kManifestSnapshotMagic, file));
  if (frame.bytes != file.size()) return fail(Errc::corrupt, "manifest has bytes behind its end");
  ManifestSnapshot snapshot;
  snapshot.sequence = frame.sequence;
  TRY(apply_edits(snapshot.state, frame.edits));
  return snapshot;
}

Result<ManifestJournal> replay_journal(ManifestState& state, uint64_t snapshot_sequence,
                                       BytesView file) {
  ManifestJournal journal;
  journal.sequence = snapshot_sequence;
  while (journal.bytes < file.size()) {
    const BytesView rest = file.subspan(journal.bytes);
    const auto frame = decode_framed(kManifestEntryMagic, rest);
    if (!frame && frame.error().code == Errc::unsupported) return fail(frame.error());
    if (!frame) {
      if (!later_entry_in(rest, journal.sequence)) return journal;
      return fail(Errc::corrupt, "manifest journal is damaged at byte " +
                                     std::to_string(journal.bytes) + ": " + frame.error().context);
    }
    journal.bytes += frame->bytes;
    journal.entries += 1;
    if (frame->sequence <= snapshot_sequence) continue;  // the snapshot holds it
    if (frame->sequence != journal.sequence + 1) {
      return fail(Errc::corrupt,
                  "manifest journal lacks entry " + std::to_string(journal.sequence + 1));
    }
    TRY(apply_edits(state, frame->edits));
    journal.sequence = frame->sequence;
  }
  return journal;
}

}  // namespace odradek::log
