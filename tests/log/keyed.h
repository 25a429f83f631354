// Batches of records with keys, for the tests of compaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "log/batch/batch_builder.h"
#include "log/batch/record_reader.h"
#include "tests/test.h"

namespace odradek::log::test {

struct KeyedRecord {
  std::string key;
  std::optional<std::string> value;
  int64_t timestamp_ms = 1'000;
};
struct KeyedBatch {
  std::vector<KeyedRecord> records;
  int64_t base = 0;
  Codec codec = Codec::none;
  int64_t producer = -1;
  int16_t epoch = -1;
  int32_t sequence = -1;
  bool transactional = false;
  std::optional<int64_t> log_append_time = std::nullopt;
};

inline std::vector<uint8_t> make_keyed(const KeyedBatch& spec) {
  BatchOptions options;
  options.compression.codec = spec.codec;
  options.base_offset = Offset(spec.base);
  options.leader_epoch = LeaderEpoch(3);
  options.producer_id = ProducerId(spec.producer);
  options.producer_epoch = ProducerEpoch(spec.epoch);
  options.base_sequence = spec.sequence;
  options.transactional = spec.transactional;
  if (spec.log_append_time) options.log_append_time = WallTime{*spec.log_append_time};
  BatchBuilder builder(options);
  for (const KeyedRecord& r : spec.records) {
    Record record;
    record.timestamp = r.timestamp_ms;
    record.key = as_bytes(r.key);
    if (r.value) record.value = as_bytes(*r.value);
    builder.append(record);
  }
  auto bytes = builder.finish();
  REQUIRE(bytes.has_value());
  return *bytes;
}

// A record that was read.
struct SeenRecord {
  int64_t offset = 0;
  std::string key;
  std::optional<std::string> value;
  int64_t timestamp_ms = 0;
  bool operator==(const SeenRecord&) const = default;
};

inline std::vector<SeenRecord> records_of(BytesView batch) {
  std::vector<SeenRecord> out;
  RecordReader reader(Chain(batch), 1 << 30);
  for (;;) {
    auto record = reader.next();
    REQUIRE(record.has_value());
    if (!*record) return out;
    SeenRecord& seen = out.emplace_back();
    seen.offset = reader.offset_of(**record).value;
    if ((*record)->key) seen.key = std::string(as_text(*(*record)->key));
    if ((*record)->value) seen.value = std::string(as_text(*(*record)->value));
    seen.timestamp_ms = (*record)->timestamp;
  }
}

}  // namespace odradek::log::test
