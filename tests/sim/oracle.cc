#include "tests/sim/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace odradek::simulation {

using log::BatchHeader;
using log::TopicPartition;

std::string Oracle::name(const TopicPartition& id, int64_t offset) const {
  return fmt::format("{} offset {}", id.to_string(), offset);
}

void Oracle::fail(std::string invariant, std::string what) {
  if (!violation_) violation_ = Violation{std::move(invariant), std::move(what), now_()};
}

void Oracle::sent(const TopicPartition& to, BytesView batch) {
  const BatchHeader header = BatchHeader::parse(batch);
  // A retry does not change when it was sent first.
  if (!find_sent(header.crc, to, batch.size())) {
    sent_[header.crc].push_back({to, batch.size(), lives_});
  }
  if (keyed_.has(to)) keyed_.sent(to, header.crc, batch, now_());
}

// `bytes` 0: of any size.
const Oracle::Sent* Oracle::find_sent(uint32_t crc, const TopicPartition& to,
                                      uint64_t bytes) const {
  const auto found = sent_.find(crc);
  if (found == sent_.end()) return nullptr;
  for (const Sent& sent : found->second) {
    if (sent.to == to && (bytes == 0 || sent.bytes == bytes)) return &sent;
  }
  return nullptr;
}

void Oracle::acked(const TopicPartition& to, uint32_t crc, int64_t base_offset,
                   const Asked& asked) {
  Partition& partition = partitions_[to];
  const Sent* what = find_sent(crc, to, 0);
  if (!what) return fail("I2", "an answer for nothing sent");
  const auto [at, fresh] = partition.acked.try_emplace(base_offset);
  if (!fresh && at->second.crc != crc && !at->second.may_be_gone) {
    return fail("I4", name(to, base_offset) + " was acknowledged for two batches");
  }
  if (!fresh && at->second.crc == crc) return;
  // An answer from before a power cut that came after it says nothing about now.
  const bool stale = asked.cuts != cuts(to);
  at->second = Acked{crc, now_(), lives_, killed_, stale};
  if (keyed_.has(to)) keyed_.acked(to, crc, base_offset);
  if (!stale) partition.floor = std::max(partition.floor, base_offset + 1);
  ++acked_batches_;
  if (asked.stops == stops_) ++acked_since_stop_;
  acked_bytes_ += what->bytes;
}

Asked Oracle::ask(const TopicPartition& id) const {
  const auto found = partitions_.find(id);
  return {found == partitions_.end() ? 0 : found->second.floor, cuts(id), stops_};
}

int64_t Oracle::acked_end(const TopicPartition& id) const {
  const auto found = partitions_.find(id);
  if (found == partitions_.end()) return 0;
  for (auto at = found->second.acked.rbegin(); at != found->second.acked.rend(); ++at) {
    if (!at->second.may_be_gone) return at->first + 1;
  }
  return 0;
}

void Oracle::watermark(const TopicPartition& id, const Asked& asked, int64_t value) {
  if (value < asked.floor) {
    fail("I5", fmt::format("{}: high watermark {} after {} was known", id.to_string(), value,
                           asked.floor));
  }
  Partition& partition = partitions_[id];
  if (asked.cuts == cuts(id)) partition.floor = std::max(partition.floor, value);
}

void Oracle::see(Partition& partition, const TopicPartition& id, const BatchHeader& header,
                 bool may_be_gone) {
  const int64_t base = header.base_offset.value;
  const auto [at, fresh] = partition.seen.try_emplace(base);
  Seen& known = at->second;
  const int32_t epoch = header.leader_epoch.value;
  if (!fresh && (known.crc != header.crc || known.epoch != epoch)) {
    if (!known.may_be_gone || (known.crc != header.crc && epoch <= known.epoch)) {
      return fail("I4", fmt::format("{}: crc {:08x} epoch {} where crc {:08x} epoch {} was read",
                                    name(id, base), header.crc, epoch, known.crc, known.epoch));
    }
  }
  known = Seen{header.crc, epoch, may_be_gone};
}

// That somebody sent it, and that it is what was there before.
void Oracle::check_sent(Partition& partition, const TopicPartition& id, BytesView batch,
                        bool may_be_gone) {
  const BatchHeader header = BatchHeader::parse(batch);
  if (keyed_.has(id)) {
    const std::string wrong = keyed_.read(id, batch);
    if (!wrong.empty()) fail("I14", wrong);
    return;
  }
  if (!find_sent(header.crc, id, batch.size())) {
    fail("I2", name(id, header.base_offset.value) + ": nobody sent this there");
  }
  see(partition, id, header, may_be_gone);
}

// Offsets of a compacted log have gaps; of any other they follow each other.
void Oracle::check_place(const TopicPartition& id, const BatchHeader& header, int64_t from,
                         int64_t next) {
  const int64_t base = header.base_offset.value;
  const bool gaps = keyed_.has(id);
  if (next >= 0 && (gaps ? base < next : base != next)) {
    fail("I3", name(id, base) + fmt::format(": expected {}", next));
  }
  if (next < 0 && ((base > from && !gaps) || header.next_offset().value <= from)) {
    fail("I3", name(id, base) + fmt::format(": {} was asked for", from));
  }
}

int64_t Oracle::read(const TopicPartition& id, const Asked& asked, int64_t from,
                     int64_t high_watermark, BytesView bytes) {
  Partition& partition = partitions_[id];
  int64_t next = -1;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < log::kBatchHeaderBytes) {
      fail("I18", name(id, next) + ": half a batch");
      return next;
    }
    const BatchHeader header = BatchHeader::parse(bytes.subspan(at));
    const int64_t size = header.size_bytes();
    if (size < static_cast<int64_t>(log::kBatchHeaderBytes) ||
        static_cast<uint64_t>(size) > bytes.size() - at) {
      fail("I18", name(id, header.base_offset.value) + ": half a batch");
      return next;
    }
    const BytesView batch = bytes.subspan(at, static_cast<size_t>(size));
    const int64_t base = header.base_offset.value;
    if (log::batch_crc(batch) != header.crc) fail("I18", name(id, base) + ": bad checksum");
    check_place(id, header, from, next);
    next = header.next_offset().value;
    if (next > high_watermark) fail("I2", name(id, base) + ": above the high watermark");
    check_sent(partition, id, batch, asked.cuts != cuts(id));
    at += batch.size();
  }
  return next < 0 ? from : next;
}

void Oracle::check_acked(Partition& partition, const TopicPartition& id, const Content& content) {
  std::map<int64_t, uint32_t> there;
  for (const BatchHeader& header : content.batches) there[header.base_offset.value] = header.crc;
  for (auto at = partition.acked.begin(); at != partition.acked.end();) {
    const auto found = there.find(at->first);
    const bool kept = found != there.end() && found->second == at->second.crc;
    if (at->first < content.log_start || kept) {
      ++at;
    } else if (at->second.may_be_gone) {
      ++taken_back_;
      at = partition.acked.erase(at);
    } else {
      const uint32_t crc = found == there.end() ? 0 : found->second;
      return fail("I1", fmt::format("{}: acknowledged crc {:08x} in life {}, found {:08x}; log is "
                                    "[{}, {})",
                                    name(id, at->first), at->second.crc, at->second.life, crc,
                                    content.log_start, content.end));
    }
  }
}

void Oracle::check_order(const TopicFacts& topic, const TopicPartition& id,
                         const Content& content) {
  std::set<std::pair<uint32_t, int32_t>> once;  // by checksum and size
  std::map<std::pair<int64_t, int16_t>, int32_t> expected;
  for (const BatchHeader& header : content.batches) {
    const int64_t base = header.base_offset.value;
    if (!once.insert({header.crc, header.length}).second)
      fail("I10", name(id, base) + ": this batch is there twice");
    if (!header.has_producer()) continue;
    const std::pair producer(header.producer_id.value, header.producer_epoch.value);
    const auto [at, first] = expected.try_emplace(producer, header.base_sequence);
    // A broker that lost a producer's batches takes whatever comes next, as Kafka does.
    if (first && content.log_start == 0 && header.base_sequence != 0 && !topic.written_mode) {
      fail("I3", name(id, base) + fmt::format(": first sequence is {}", header.base_sequence));
    }
    if (at->second != header.base_sequence) {
      fail("I3", name(id, base) +
                     fmt::format(": sequence {}, expected {}", header.base_sequence, at->second));
    }
    at->second = log::sequence_after(header.last_sequence(), 1);
  }
}

// What was first sent after an unclean start lies in a later epoch than what was acknowledged
// before.
void Oracle::check_epochs(Partition& partition, const TopicPartition& id, const Content& content) {
  int32_t epoch = -1;
  int32_t acked_epoch = -1;  // of the last batch that was acknowledged,
  uint32_t acked_life = 0;   // and when
  for (const BatchHeader& header : content.batches) {
    const int64_t base = header.base_offset.value;
    const int32_t mine = header.leader_epoch.value;
    if (mine < epoch) fail("I9", name(id, base) + fmt::format(": epoch {} after {}", mine, epoch));
    epoch = std::max(epoch, mine);
    const Sent* sent = find_sent(header.crc, id, static_cast<uint64_t>(header.size_bytes()));
    if (acked_epoch >= 0 && sent && sent->life > acked_life && mine <= acked_epoch) {
      fail("I9", name(id, base) + fmt::format(": still epoch {} after an unclean start", mine));
    }
    const auto acked = partition.acked.find(base);
    if (acked == partition.acked.end()) continue;
    acked_epoch = mine;
    acked_life = acked->second.life;
  }
}

void Oracle::check_retention(const TopicFacts& topic, Partition& partition,
                             const TopicPartition& id, const Content& content) {
  if (content.log_start < partition.log_start) {
    fail("I14", fmt::format("{}: log start {} after {}", id.to_string(), content.log_start,
                            partition.log_start));
  }
  partition.log_start = content.log_start;
  const auto deleted = topic.deleted.find(id.partition.value);
  if (deleted != topic.deleted.end()) {
    expect(content.log_start >= deleted->second.acked, "I1",
           fmt::format("{}: records below {} were deleted, log start is {}", id.to_string(),
                       deleted->second.acked, content.log_start));
    if (content.log_start <= deleted->second.asked) return;
  }
  if (content.log_start == 0) return;
  if (topic.retention_bytes < 0) {
    return fail("I14", fmt::format("{}: log start {} without retention", id.to_string(),
                                   content.log_start));
  }
  int64_t kept = 0;
  for (const BatchHeader& header : content.batches) kept += header.size_bytes();
  if (kept < topic.retention_bytes) {
    fail("I14", fmt::format("{}: {} bytes kept, retention.bytes={}", id.to_string(), kept,
                            topic.retention_bytes));
  }
}

void Oracle::whole(const TopicFacts& topic, const TopicPartition& id, const Content& content) {
  Partition& partition = partitions_[id];
  if (topic.compacted) {
    const std::string wrong =
        keyed_.whole(id, content.records, content.log_start, topic.delete_retention, now_());
    if (!wrong.empty()) fail("I14", wrong);
  } else {
    check_acked(partition, id, content);
    check_order(topic, id, content);
  }
  check_epochs(partition, id, content);
  check_retention(topic, partition, id, content);
}

void Oracle::killed(Duration window) {
  if (written_topics_.empty()) return;
  killed_ = true;
  const MonoTime since = now_() - window;
  for (auto& [id, partition] : partitions_) {
    if (!written_topics_.contains(id.topic)) continue;
    for (auto& [base, acked] : partition.acked) acked.at_risk = acked.when >= since;
  }
}

void Oracle::recovered(bool clean) {
  if (!clean) ++lives_;
  expect(!clean || acked_since_stop_ == 0, "I9", "an unclean start was taken for a clean one");
  if (!std::exchange(killed_, false)) return;
  for (auto& [id, partition] : partitions_) {
    for (auto& [base, acked] : partition.acked) acked.at_risk = false;
  }
}

void Oracle::power_lost(Duration window) {
  if (written_topics_.empty()) return;
  ++cuts_;
  const MonoTime since = now_() - window;
  for (auto& [id, partition] : partitions_) {
    if (!written_topics_.contains(id.topic)) continue;
    int64_t from = INT64_MAX;
    for (auto& [base, acked] : partition.acked) {
      if (acked.when < since && !acked.at_risk) continue;
      acked.may_be_gone = true;
      from = std::min(from, base);
    }
    // Without an acknowledgement in the window, what was only read may be gone above the last one.
    const int64_t safe = acked_end(id);
    for (auto& [base, seen] : partition.seen) {
      if (base >= safe) seen.may_be_gone = true;
    }
    partition.floor = std::min(partition.floor, std::min(from, safe));
  }
}

}  // namespace odradek::simulation
