#include "log/producer_state.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace odradek::log {

ProducerState::Check ProducerState::check(const BatchHeader& header) const {
  Check result;
  if (!header.has_producer()) return result;
  const auto found = producers_.find(header.producer_id);
  // State that expired is no reason to refuse: a producer cannot know that it did (KIP-360).
  if (found == producers_.end()) {
    // -1 is the epoch of one that has none yet; below it there is nothing.
    if (header.producer_epoch < result.current_epoch) result.verdict = Verdict::stale_epoch;
    return result;
  }
  const ProducerEntry& entry = found->second;
  result.current_epoch = entry.epoch;
  if (header.producer_epoch == entry.epoch) {
    for (size_t i = 0; i < entry.batch_count; ++i) {
      const ProducerBatch& b = entry.batches[i];
      if (b.first_sequence == header.base_sequence && b.last_sequence == header.last_sequence()) {
        result.verdict = Verdict::duplicate;
        result.first_attempt = b;
        return result;
      }
    }
  }
  if (header.producer_epoch < entry.epoch) {
    result.verdict = Verdict::stale_epoch;
    return result;
  }
  const bool same_epoch = header.producer_epoch == entry.epoch;
  // What came without an epoch has no order to keep (as in Kafka).
  if (same_epoch && (entry.any_sequence || entry.epoch.value < 0)) return result;
  const int32_t last = same_epoch ? entry.last_sequence() : -1;
  result.expected_sequence = last == INT32_MAX ? 0 : last + 1;
  if (header.base_sequence != result.expected_sequence) result.verdict = Verdict::out_of_order;
  return result;
}

ProducerEntry& ProducerState::entry_for(ProducerId id, int64_t now_ms) {
  if (producers_.size() >= kProducersPerPartitionMax && !producers_.contains(id)) evict_idle();
  ProducerEntry& entry = producers_[id];
  entry.noted_ms = now_ms;
  return entry;
}

void ProducerState::push(ProducerEntry& entry, const ProducerBatch& batch) {
  if (entry.batch_count == kProducerBatchesKept) {
    std::shift_left(entry.batches.begin(), entry.batches.end(), 1);
    --entry.batch_count;
  }
  entry.batches[entry.batch_count++] = batch;
}

static void raise_epoch(ProducerEntry& entry, ProducerEpoch epoch) {
  if (epoch == entry.epoch) return;
  entry.epoch = epoch;
  entry.batch_count = 0;
  entry.any_sequence = false;
}

void ProducerState::note(const BatchHeader& header, int64_t now_ms) {
  if (!header.has_producer()) return;
  ProducerEntry& entry = entry_for(header.producer_id, now_ms);
  raise_epoch(entry, header.producer_epoch);
  entry.any_sequence = false;
  entry.last_timestamp_ms = header.max_timestamp;
  push(entry, {.first_sequence = header.base_sequence,
               .last_sequence = header.last_sequence(),
               .base = header.base_offset,
               .last = header.last_offset(),
               .timestamp_ms = header.max_timestamp});
  if (header.attributes.transactional() && !entry.transaction_first) {
    entry.transaction_first = header.base_offset;
    open_[header.base_offset] = header.producer_id;
  }
}

std::optional<AbortedTransaction> ProducerState::note_marker(const BatchHeader& header,
                                                             TxnMarker marker, int64_t now_ms) {
  CHECK(header.has_producer(), header.base_offset);
  ProducerEntry& entry = entry_for(header.producer_id, now_ms);
  const bool same_epoch = entry.epoch == header.producer_epoch;
  raise_epoch(entry, header.producer_epoch);
  entry.coordinator_epoch = marker.coordinator_epoch;
  entry.last_timestamp_ms = header.max_timestamp;
  if (!entry.transaction_first) return std::nullopt;
  const Offset first = *entry.transaction_first;
  entry.transaction_first.reset();
  open_.erase(first);
  ended_[first] = header.base_offset;
  if (marker.committed) return std::nullopt;
  // Some producers use the sequences of an aborted transaction again under the same epoch: a window
  // kept here would answer such a batch with an offset that was aborted, and lose it.
  if (same_epoch) {
    entry.batch_count = 0;
    entry.any_sequence = true;
  }
  return AbortedTransaction{header.producer_id, first, header.base_offset, Offset(-1)};
}

std::optional<Offset> ProducerState::first_unstable() const {
  if (open_.empty() && ended_.empty()) return std::nullopt;
  if (open_.empty()) return ended_.begin()->first;
  if (ended_.empty()) return open_.begin()->first;
  return std::min(open_.begin()->first, ended_.begin()->first);
}

void ProducerState::on_high_watermark(Offset high_watermark) {
  std::erase_if(ended_, [&](const auto& e) { return e.second < high_watermark; });
}

size_t ProducerState::expire(int64_t now_ms, int64_t expiration_ms) {
  return std::erase_if(producers_, [&](const auto& p) {
    return !p.second.transaction_first && now_ms - p.second.noted_ms >= expiration_ms;
  });
}

// The oldest sixty-fourth goes at once, so that the search is paid for once in thousands of
// appends.
void ProducerState::evict_idle() {
  std::vector<std::pair<int64_t, ProducerId>> idle;
  for (const auto& [id, entry] : producers_) {
    if (!entry.transaction_first) idle.emplace_back(entry.noted_ms, id);
  }
  const size_t count = std::min(idle.size(), kProducersPerPartitionMax / 64);
  std::ranges::nth_element(idle, idle.begin() + static_cast<ptrdiff_t>(count));
  for (size_t i = 0; i < count; ++i) producers_.erase(idle[i].second);
}

void ProducerState::on_log_start(Offset log_start) {
  std::erase_if(ended_, [&](const auto& e) { return e.second < log_start; });
}

void ProducerState::clear() {
  producers_.clear();
  open_.clear();
  ended_.clear();
}

const ProducerEntry* ProducerState::find(ProducerId id) const {
  const auto found = producers_.find(id);
  return found == producers_.end() ? nullptr : &found->second;
}

}  // namespace odradek::log
