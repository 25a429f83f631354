// Batches and segments for the tests of log/: what a test needs in one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/batch/batch_builder.h"
#include "log/segment_format.h"
#include "tests/test.h"

namespace odradek::log::test {

struct BatchSpec {
  int64_t base = 0;
  int32_t records = 1;
  int64_t timestamp_ms = 1'000;  // of the first record
  int64_t step_ms = 0;           // from record to record
  size_t value_bytes = 10;
  int64_t producer = -1;
  int16_t epoch = -1;
  int32_t sequence = -1;
  bool transactional = false;
  int32_t leader_epoch = 0;
  std::optional<int64_t> log_append_time = std::nullopt;
  Codec codec = Codec::none;
};

inline std::vector<uint8_t> make_batch(const BatchSpec& spec) {
  BatchOptions options;
  options.compression.codec = spec.codec;
  options.base_offset = Offset(spec.base);
  options.leader_epoch = LeaderEpoch(spec.leader_epoch);
  options.producer_id = ProducerId(spec.producer);
  options.producer_epoch = ProducerEpoch(spec.epoch);
  options.base_sequence = spec.sequence;
  options.transactional = spec.transactional;
  if (spec.log_append_time) options.log_append_time = WallTime{*spec.log_append_time};
  BatchBuilder builder(options);
  std::vector<uint8_t> value(spec.value_bytes);
  for (int32_t i = 0; i < spec.records; ++i) {
    for (size_t k = 0; k < value.size(); ++k) {
      value[k] = static_cast<uint8_t>(static_cast<size_t>(spec.base + i) * 31 + k * 7 + k / 251);
    }
    Record record;
    record.timestamp = spec.timestamp_ms + i * spec.step_ms;
    record.value = BytesView(value);
    builder.append(record);
  }
  auto bytes = builder.finish();
  REQUIRE(bytes.has_value());
  return *bytes;
}

inline BatchHeader header_of(const BatchSpec& spec) { return BatchHeader::parse(make_batch(spec)); }

inline SegmentId segment_id(int64_t base = 0) {
  SegmentId id;
  for (size_t i = 0; i < 16; ++i) id.partition.topic.bytes[i] = static_cast<uint8_t>(i + 1);
  id.partition.partition = PartitionId(3);
  id.base = Offset(base);
  return id;
}

}  // namespace odradek::log::test
