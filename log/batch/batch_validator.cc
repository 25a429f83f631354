#include "log/batch/batch_validator.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/batch/limits.h"

namespace odradek::log {
namespace {

// A step's work, in bytes of walked records; the other phases are charged in proportion.
constexpr uint64_t kStepCost = kSliceBytes;
constexpr uint64_t kCrcBytesPerCost = kCrcSliceBytes / kSliceBytes;
// The least length that any batch of any magic has: Kafka's reader stops at smaller ones.
constexpr int32_t kLengthMin = 14;

int64_t saturated_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

BatchFault codec_fault(const Error& error) {
  switch (error.code) {
    case Errc::too_large: return BatchFault::expands_too_far;
    case Errc::overloaded: return BatchFault::codec_failed;
    default: return BatchFault::bad_compression;
  }
}

}  // namespace

// The work per record, inlined into the scanner's loop; a copy of what that loop needs, given back
// by keep().
struct BatchValidator::RecordCheck {
  explicit RecordCheck(BatchValidator& validator)
      : v(validator),
        create_time(v.header_.attributes.timestamp_type() == TimestampType::create_time),
        base(create_time ? v.header_.base_timestamp : v.header_.max_timestamp),
        keyless_allowed(!v.options_.compacted),
        low(v.timestamp_low_),
        high(v.timestamp_high_),
        max(v.max_timestamp_),
        max_delta(v.info_.max_timestamp_delta),
        index(v.index_),
        consecutive(v.consecutive_) {}

  void operator()(const RecordShape& shape) {
    const uint64_t delta = create_time ? static_cast<uint64_t>(shape.timestamp_delta) : 0;
    const auto timestamp = static_cast<int64_t>(static_cast<uint64_t>(base) + delta);
    consecutive &= shape.offset_delta == index;
    if (timestamp > max) {
      max = timestamp;
      max_delta = index;
    }
    const bool in_time = timestamp >= low && timestamp <= high;
    if (!in_time || (shape.key_bytes < 0 && !keyless_allowed)) [[unlikely]] {
      v.on_bad_record(shape, timestamp, index);
    }
    ++index;
  }
  void keep() const {
    v.max_timestamp_ = max;
    v.info_.max_timestamp_delta = max_delta;
    v.index_ = index;
    v.consecutive_ = consecutive;
  }

  BatchValidator& v;
  const bool create_time;
  const int64_t base;
  const bool keyless_allowed;
  const int64_t low;
  const int64_t high;
  int64_t max;
  int32_t max_delta;
  int32_t index;
  bool consecutive;
};

BatchValidator::BatchValidator(Chain input, const ValidationOptions& options)
    : input_(std::move(input)), options_(options) {
  const bool create_time = options_.timestamp_type == TimestampType::create_time;
  const int64_t now = options_.now.ms;
  timestamp_low_ = create_time ? saturated_add(now, -options_.timestamp_before_max_ms) : INT64_MIN;
  timestamp_high_ = create_time ? saturated_add(now, options_.timestamp_after_max_ms) : INT64_MAX;
}

BatchValidator::Progress BatchValidator::step() {
  CHECK(phase_ != Phase::done, fault_);
  for (uint64_t cost = 0; phase_ != Phase::done && cost < kStepCost;) cost += run_phase();
  return phase_ == Phase::done ? Progress::done : Progress::more;
}

BatchFault BatchValidator::run() {
  while (step() == Progress::more) {
  }
  return fault_;
}

uint64_t BatchValidator::run_phase() {
  switch (phase_) {
    case Phase::head: return step_head();
    case Phase::checksum: return step_checksum();
    case Phase::records: return step_records();
    case Phase::rebuild: return step_rebuild();
    case Phase::done: break;
  }
  return kStepCost;
}

void BatchValidator::end_with(BatchFault fault) {
  fault_ = fault;
  phase_ = Phase::done;
}

// --- head: one whole batch of magic 2, and what Kafka refuses before it looks at the checksum.

uint64_t BatchValidator::step_head() {
  const BatchFault fault = check_head();
  if (fault != BatchFault::none) {
    end_with(fault);
    return 1;
  }
  input_.copy_out(0, header_bytes_);
  const auto size = static_cast<size_t>(header_.size_bytes());
  records_ = input_.slice(kBatchHeaderBytes, size - kBatchHeaderBytes);
  info_.header = header_;
  phase_ = Phase::checksum;
  crc_ = crc32c(0, BytesView(header_bytes_).subspan(kAttributesAt));
  return 1;
}

BatchFault BatchValidator::check_head() {
  constexpr size_t kToMagic = kMagicAt + 1;
  if (input_.size() < kBatchPrefixBytes) return BatchFault::no_batch;
  std::array<uint8_t, kBatchHeaderBytes> raw{};
  const size_t seen = std::min(input_.size(), raw.size());
  input_.copy_out(0, MutableBytes(raw).first(seen));
  header_ = BatchHeader::parse(raw);
  if (header_.length < kLengthMin) return BatchFault::bad_length;
  if (seen < kToMagic) return BatchFault::no_batch;
  if (header_.magic < 0 || header_.magic > kMagic) return BatchFault::unknown_magic;
  if (header_.size_bytes() > static_cast<int64_t>(input_.size())) return BatchFault::no_batch;
  if (header_.magic != kMagic) return BatchFault::old_magic;
  // The attributes are there even if the rest of the header is not: see kLengthMin.
  constexpr int16_t kZstdVersion = 7;
  if (header_.attributes.codec() == Codec::zstd && options_.produce_version < kZstdVersion) {
    return BatchFault::zstd_too_early;
  }
  const BatchFault fault = check_only_batch(static_cast<uint64_t>(header_.size_bytes()));
  if (fault != BatchFault::none) return fault;
  if (!options_.internal && header_.base_offset != Offset(0))
    return BatchFault::base_offset_not_zero;
  if (header_.size_bytes() < static_cast<int64_t>(kBatchHeaderBytes)) return BatchFault::bad_length;
  return header_.size_bytes() > int64_t{options_.message_bytes_max} ? BatchFault::too_large
                                                                    : BatchFault::none;
}

// What follows the batch may only be less than a batch: Kafka cuts that off without a word.
BatchFault BatchValidator::check_only_batch(uint64_t position) {
  const uint64_t left = input_.size() - position;
  if (left < kBatchPrefixBytes) return BatchFault::none;
  std::array<uint8_t, kMagicAt + 1> raw{};
  input_.copy_out(position, MutableBytes(raw).first(std::min<uint64_t>(left, raw.size())));
  const auto length = load_be<int32_t>(raw.data() + kLengthAt);
  if (length < kLengthMin) return BatchFault::bad_length;
  if (left < raw.size()) return BatchFault::none;
  const auto magic = static_cast<int8_t>(raw[kMagicAt]);
  if (magic < 0 || magic > kMagic) return BatchFault::unknown_magic;
  if (left < uint64_t{kBatchPrefixBytes} + static_cast<uint64_t>(length)) return BatchFault::none;
  return BatchFault::many_batches;
}

// --- checksum

uint64_t BatchValidator::step_checksum() {
  uint64_t done = 0;
  while (crc_part_ < records_.part_count() && done < kCrcSliceBytes) {
    const BytesView part = records_.part(crc_part_).subspan(crc_at_);
    const size_t n = std::min<size_t>(part.size(), kCrcSliceBytes - done);
    crc_ = crc32c(crc_, part.first(n));
    done += n;
    crc_at_ += n;
    if (n == part.size()) {
      ++crc_part_;
      crc_at_ = 0;
    }
  }
  if (crc_part_ < records_.part_count()) return done / kCrcBytesPerCost + 1;
  if (crc_ != header_.crc) {
    end_with(BatchFault::bad_crc);
  } else if (const BatchFault fault = check_header(); fault != BatchFault::none) {
    end_with(fault);
  } else {
    begin_records();
  }
  return done / kCrcBytesPerCost + 1;
}

BatchFault BatchValidator::check_header() {
  if (!header_.attributes.codec()) return BatchFault::unknown_codec;
  if (header_.record_count < 0) return BatchFault::record_count;
  if (options_.internal) return BatchFault::none;
  if (header_.last_offset_delta < 0) return BatchFault::offset_range;
  if (header_.record_count == 0) return BatchFault::record_count;
  if (int64_t{header_.last_offset_delta} + 1 != header_.record_count) {
    return BatchFault::count_mismatch;
  }
  if (header_.attributes.control()) return BatchFault::control_from_client;
  if (header_.has_producer() && header_.base_sequence < 0) return BatchFault::bad_sequence;
  return BatchFault::none;
}

// --- records

void BatchValidator::begin_records() {
  phase_ = Phase::records;
  slices_ = open_slices(*header_.attributes.codec(), records_,
                        batch_expansion_bytes_max(options_.message_bytes_max), options_.contexts);
  scanner_ = RecordScanner(header_.record_count);
  // LogAppendTime is not the producer's to claim: then every record takes the slow path.
  if (header_.attributes.timestamp_type() == TimestampType::log_append_time) {
    if (options_.timestamp_type == TimestampType::log_append_time ||
        header_.max_timestamp == kNoTimestamp) {
      timestamp_high_ = INT64_MIN;
      timestamp_low_ = INT64_MAX;
    }
  }
}

uint64_t BatchValidator::step_records() {
  const Result<BytesView> slice = slices_->read();
  if (!slice) return refuse_whole(codec_fault(slice.error()));
  if (slice->empty()) {
    const BatchFault fault = scanner_.finish();
    if (fault != BatchFault::none) return refuse_whole(fault);
    if (record_error_count_ > 0) {
      end_with(record_errors_fault());
    } else {
      end_records();
    }
    return 1;
  }
  RecordCheck check(*this);
  const BatchFault fault = scanner_.feed(*slice, check);
  check.keep();
  info_.bytes_uncompressed += slice->size();
  return fault == BatchFault::none ? slice->size() : refuse_whole(fault);
}

// The records as a whole are at fault: then, as with Kafka, no single one is named.
uint64_t BatchValidator::refuse_whole(BatchFault fault) {
  record_errors_.clear();
  record_error_count_ = 0;
  end_with(fault);
  return kStepCost;
}

// Which error a record has, if any: the key is looked at first, and one record has one, as with
// Kafka.
BatchFault BatchValidator::record_fault(const RecordShape& shape, int64_t timestamp) const {
  if (options_.compacted && shape.key_bytes < 0) return BatchFault::key_missing;
  if (options_.timestamp_type == TimestampType::create_time && timestamp != kNoTimestamp) {
    return BatchFault::bad_timestamp;
  }
  const bool claimed = header_.attributes.timestamp_type() == TimestampType::log_append_time;
  return claimed ? BatchFault::log_append_time_set : BatchFault::none;
}

void BatchValidator::on_bad_record(const RecordShape& shape, int64_t timestamp, int32_t index) {
  const BatchFault fault = record_fault(shape, timestamp);
  if (fault == BatchFault::none) return;
  ++record_error_count_;
  timestamp_refused_ |= fault != BatchFault::key_missing;
  if (record_errors_.size() == kRecordErrorsMax) return;
  std::string message(fault_text(fault));
  if (fault == BatchFault::bad_timestamp) {
    message = fmt::format("Timestamp {} at offset {} of the batch is outside [{}, {}].", timestamp,
                          shape.offset_delta, timestamp_low_, timestamp_high_);
  }
  record_errors_.push_back({index, std::move(message)});
}

BatchFault BatchValidator::record_errors_fault() const {
  return timestamp_refused_ ? BatchFault::bad_timestamp : BatchFault::key_missing;
}

bool BatchValidator::must_recompress() const {
  const Codec source = *header_.attributes.codec();
  if (!options_.compression || options_.compression->codec == source) return false;
  // Control records are written as they come.
  return !(source == Codec::none && header_.attributes.control());
}

void BatchValidator::end_records() {
  slices_.reset();
  if (must_recompress() || (!consecutive_ && !options_.internal)) {
    begin_rebuild();
    return;
  }
  const bool append_time = options_.timestamp_type == TimestampType::log_append_time;
  set_max_timestamp(header_bytes_, options_.timestamp_type,
                    append_time ? options_.now.ms : max_timestamp_, records_.size());
  info_.header = BatchHeader::parse(header_bytes_);
  if (append_time) info_.max_timestamp_delta = header_.last_offset_delta;
  end_with(check_size());
}

// --- rebuild

void BatchValidator::begin_rebuild() {
  phase_ = Phase::rebuild;
  reader_.emplace(header_, records_, batch_expansion_bytes_max(options_.message_bytes_max),
                  options_.contexts);
  BatchOptions to{.compression = options_.compression.value_or(
                      Compression{*header_.attributes.codec(), std::nullopt}),
                  .producer_id = header_.producer_id,
                  .producer_epoch = header_.producer_epoch,
                  .base_sequence = header_.base_sequence,
                  .transactional = header_.attributes.transactional(),
                  .control = header_.attributes.control(),
                  .contexts = options_.contexts};
  if (options_.timestamp_type == TimestampType::log_append_time) to.log_append_time = options_.now;
  builder_.emplace(to);
}

uint64_t BatchValidator::step_rebuild() {
  const size_t start = builder_->bytes_uncompressed();
  while (builder_->bytes_uncompressed() - start < kCompressSliceBytes) {
    auto record = reader_->next();
    if (!record) {
      end_with(codec_fault(record.error()));
      return kStepCost;
    }
    if (!*record) {
      end_rebuild();
      return kStepCost;
    }
    (*record)->attributes = 0;  // no bit has a meaning, and whoever writes a record writes none
    builder_->append(**record);
  }
  return kStepCost;
}

void BatchValidator::end_rebuild() {
  auto bytes = builder_->finish();
  if (!bytes) {
    end_with(codec_fault(bytes.error()));
    return;
  }
  rebuilt_ = std::move(*bytes);
  std::copy_n(rebuilt_.begin(), kBatchHeaderBytes, header_bytes_.begin());
  records_ = Chain(BytesView(rebuilt_).subspan(kBatchHeaderBytes));
  info_.header = BatchHeader::parse(header_bytes_);
  info_.rebuilt = true;
  if (options_.timestamp_type == TimestampType::log_append_time) {
    info_.max_timestamp_delta = info_.header.last_offset_delta;
  }
  reader_.reset();
  builder_.reset();
  end_with(check_size());
}

// Sizes as they will be stored. Ends the work with or without a fault.
BatchFault BatchValidator::check_size() const {
  const auto size = static_cast<uint64_t>(info_.header.size_bytes());
  if (size > options_.message_bytes_max) return BatchFault::too_large;
  return size > options_.segment_bytes ? BatchFault::larger_than_segment : BatchFault::none;
}

std::string BatchValidator::error_message() const {
  CHECK(phase_ == Phase::done);
  if (fault_ == BatchFault::none) return {};
  std::string text(fault_text(fault_));
  if (fault_ == BatchFault::too_large || fault_ == BatchFault::larger_than_segment) {
    text += fmt::format(" It takes {} bytes; max.message.bytes is {}, segment.bytes {}.",
                        info_.rebuilt ? info_.header.size_bytes() : header_.size_bytes(),
                        options_.message_bytes_max, options_.segment_bytes);
  } else if (fault_ == BatchFault::key_missing) {
    text +=
        fmt::format(" {} of {} records were refused.", record_error_count_, header_.record_count);
  }
  return text;
}

std::vector<uint8_t> BatchValidator::take_rebuilt() {
  CHECK(info_.rebuilt);
  std::copy(header_bytes_.begin(), header_bytes_.end(), rebuilt_.begin());
  return std::move(rebuilt_);
}

}  // namespace odradek::log
