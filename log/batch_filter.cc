#include "log/batch_filter.h"

#include <algorithm>
#include <utility>

#include "log/batch/batch_builder.h"
#include "log/batch/limits.h"
#include "reactor/base/check.h"

namespace odradek::log {

// Of one step: some tens of microseconds, whatever the records are like.
static constexpr uint32_t kRecordsPerStep = 256;
static constexpr size_t kBytesPerStep = 32 * 1024;

BatchFilter::BatchFilter(Chain batch, const KeyMap& keys, const FilterRules& rules, BatchFate fate)
    : batch_(std::move(batch)),
      header_(BatchHeader::parse(batch_)),
      keys_(keys),
      rules_(rules),
      fate_(fate) {}

BatchFilter::~BatchFilter() = default;

// The newest record of its key stays, unless it is a tombstone whose time has come. Control records
// have keys of another kind.
bool BatchFilter::stays(const Seen& record) const {
  if (fate_.discard) return false;
  if (header_.attributes.control() || record.offset > keys_.latest()) return true;
  if (!record.has_key) return false;
  const auto newest = keys_.find(record.hash);
  if (newest && record.offset < *newest) return false;
#ifdef ODRADEK_PLANT_IGNORE_HORIZON  // a bug that the simulator must find
  return record.has_value;
#else
  const bool expired =
      header_.attributes.delete_horizon() && rules_.now_ms >= header_.base_timestamp;
  return record.has_value || !expired;
#endif
}

BatchFilter::Seen BatchFilter::see(const Record& record) const {
  Seen seen{.hash = {},
            .offset = reader_->offset_of(record),
            .has_key = record.key.has_value(),
            .has_value = record.value.has_value()};
  if (seen.has_key && seen.offset <= keys_.latest()) seen.hash = keys_.hash_ahead(*record.key);
  return seen;
}

Result<bool> BatchFilter::step() { return stage_ == Stage::looking ? look() : write(); }

Status BatchFilter::look_ahead() {
  ahead_count_ = 0;
  size_t bytes = 0;
  while (ahead_count_ < ahead_.size() && bytes < kBytesPerStep) {
    TRY_ASSIGN(const auto record, reader_->next());
    if (!record) {
      all_seen_ = true;
      break;
    }
    ahead_[ahead_count_++] = see(*record);
    bytes += record->payload_bytes();
  }
  step_bytes_ += bytes;
  return {};
}

Result<bool> BatchFilter::look() {
  if (!reader_) reader_ = std::make_unique<RecordReader>(batch_, kBatchBytesMax);
  step_bytes_ = 0;
  for (uint32_t i = 0; i < kRecordsPerStep && step_bytes_ < kBytesPerStep; i += ahead_.size()) {
    TRY(look_ahead());
    for (size_t n = 0; n < ahead_count_; ++n) {
      const bool stay = stays(ahead_[n]);
      stay_.push_back(stay);
      kept_ += stay ? 1 : 0;
      tombstones_ |= stay && !ahead_[n].has_value;
    }
    if (all_seen_) return decide();
  }
  return false;
}

Result<bool> BatchFilter::decide() {
  reader_.reset();
  if (kept_ == 0) {
    outcome_ = fate_.keep_empty ? Outcome::emptied : Outcome::dropped;
    if (fate_.keep_empty) write_empty();
    return true;
  }
  // The horizon begins once all older values of its keys are gone.
  const bool all_known = header_.last_offset() <= keys_.latest();
  const bool set_horizon = !header_.attributes.delete_horizon() && all_known &&
                           ((tombstones_ && !header_.attributes.control()) || fate_.marks_nothing);
  if (kept_ == header_.record_count && !set_horizon) {
    outcome_ = Outcome::kept;
    return true;
  }
  BatchOptions options{.compression = {*header_.attributes.codec(), std::nullopt},
                       .base_offset = header_.base_offset,
                       .leader_epoch = header_.leader_epoch,
                       .producer_id = header_.producer_id,
                       .producer_epoch = header_.producer_epoch,
                       .base_sequence = header_.base_sequence,
                       .transactional = header_.attributes.transactional(),
                       .control = header_.attributes.control()};
  if (header_.attributes.timestamp_type() == TimestampType::log_append_time) {
    options.log_append_time = WallTime{header_.max_timestamp};
  }
  if (header_.attributes.delete_horizon()) options.delete_horizon_ms = header_.base_timestamp;
  if (set_horizon) {
    options.delete_horizon_ms =
        rules_.now_ms + std::min(rules_.delete_retention_ms, INT64_MAX - rules_.now_ms);
  }
  builder_ = std::make_unique<BatchBuilder>(options);
  reader_ = std::make_unique<RecordReader>(batch_, kBatchBytesMax);
  stage_ = Stage::writing;
  return false;
}

Result<bool> BatchFilter::write() {
  size_t bytes = 0;
  for (uint32_t i = 0; i < kRecordsPerStep && bytes < kBytesPerStep; ++i) {
    TRY_ASSIGN(const auto record, reader_->next());
    if (!record) {
      builder_->end_at_delta(header_.last_offset_delta);
      TRY_ASSIGN(bytes_, builder_->finish());
      outcome_ = Outcome::rewritten;
      return true;
    }
    CHECK(at_ < stay_.size(), at_);
    if (stay_[at_++]) builder_->append_at_delta(*record);
    bytes += record->payload_bytes();
  }
  return false;
}

// As Kafka writes it: no codec, no base timestamp, everything that tells of the producer.
void BatchFilter::write_empty() {
  BatchHeader empty = header_;
  empty.attributes.bits = 0;
  empty.attributes.set(Attributes::kLogAppendTime,
                       header_.attributes.timestamp_type() == TimestampType::log_append_time);
  empty.attributes.set(Attributes::kTransactional, header_.attributes.transactional());
  empty.attributes.set(Attributes::kControl, header_.attributes.control());
  empty.length = static_cast<int32_t>(kBatchHeaderBytes - kBatchPrefixBytes);
  empty.base_timestamp = kNoTimestamp;
  empty.record_count = 0;
  bytes_.resize(kBatchHeaderBytes);
  empty.write(bytes_);
  store_be(bytes_.data() + kCrcAt, batch_crc(BytesView(bytes_)));
}

}  // namespace odradek::log
