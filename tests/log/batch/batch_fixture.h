// Records and batches for the tests of log/batch.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "log/batch/batch_builder.h"
#include "log/batch/batch_validator.h"
#include "log/batch/record_reader.h"
#include "reactor/base/prng.h"
#include "tests/test.h"

namespace odradek::log {

inline constexpr int64_t kTestNow = 1'700'000'000'000;
inline constexpr Codec kAllCodecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4,
                                       Codec::zstd};

// A record that owns its bytes.
struct OwnedRecord {
  int64_t timestamp = kTestNow;
  int32_t offset_delta = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  bool operator==(const OwnedRecord&) const = default;
};

inline std::optional<BytesView> view(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return as_bytes(*text);
}
inline std::optional<std::string> text(const std::optional<BytesView>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

inline void append(BatchBuilder& builder, const OwnedRecord& from) {
  std::vector<RecordHeader> headers;
  for (const auto& [key, value] : from.headers) headers.push_back({as_bytes(key), view(value)});
  builder.append_at_delta({.timestamp = from.timestamp,
                           .key = view(from.key),
                           .value = view(from.value),
                           .headers = headers,
                           .offset_delta = from.offset_delta});
}

inline std::vector<uint8_t> build(const std::vector<OwnedRecord>& records,
                                  const BatchOptions& options = {}) {
  BatchBuilder builder(options);
  for (const auto& record : records) append(builder, record);
  auto bytes = builder.finish();
  REQUIRE(bytes);
  return *bytes;
}

inline OwnedRecord own(const Record& record) {
  OwnedRecord out{record.timestamp, record.offset_delta, text(record.key), text(record.value), {}};
  for (const RecordHeader& h : record.headers) {
    out.headers.emplace_back(std::string(h.name()), text(h.value));
  }
  return out;
}

inline Result<std::vector<OwnedRecord>> read_all(const Chain& batch,
                                                 uint64_t output_bytes_max = 64ULL << 20) {
  RecordReader reader(batch, output_bytes_max);
  std::vector<OwnedRecord> records;
  for (;;) {
    TRY_ASSIGN(const auto record, reader.next());
    if (!record) return records;
    records.push_back(own(*record));
  }
}

// `count` records of about `value_bytes` each, somewhat compressible, with nulls and headers among
// them.
inline std::vector<OwnedRecord> some_records(int32_t count, size_t value_bytes = 100,
                                             uint64_t seed = 1) {
  Prng prng(seed);
  std::vector<OwnedRecord> records;
  for (int32_t i = 0; i < count; ++i) {
    OwnedRecord r{.timestamp = kTestNow + static_cast<int64_t>(prng.below(1000)),
                  .offset_delta = i};
    if (!prng.chance(1, 5)) r.key = "key-" + std::to_string(prng.below(50));
    if (!prng.chance(1, 9)) {
      std::string value(prng.below(2 * value_bytes + 1), 'a');
      for (auto& c : value) c = static_cast<char>('a' + prng.below(6));
      r.value = std::move(value);
    }
    for (uint64_t h = prng.below(3); h > 0; --h) {
      r.headers.emplace_back("h" + std::to_string(h),
                             prng.chance(1, 3) ? std::nullopt : std::optional<std::string>("v"));
    }
    records.push_back(std::move(r));
  }
  return records;
}

// Writes the checksum that the bytes ask for, after a test has changed them.
inline void reseal(std::vector<uint8_t>& batch) {
  store_be(batch.data() + kCrcAt, batch_crc(BytesView(batch)));
}
inline void set_length(std::vector<uint8_t>& batch) {
  store_be(batch.data() + kLengthAt, static_cast<int32_t>(batch.size() - kBatchPrefixBytes));
}

// `bytes` in pieces of `piece` bytes.
inline Chain in_pieces(BytesView bytes, size_t piece) {
  Chain chain;
  for (; bytes.size() > piece; bytes = bytes.subspan(piece)) chain.append(bytes.first(piece));
  chain.append(bytes);
  return chain;
}

inline ValidationOptions options_now() { return {.now = WallTime{kTestNow}}; }

inline BatchFault fault_of(BytesView bytes, const ValidationOptions& options = options_now()) {
  BatchValidator validator{Chain(bytes), options};
  return validator.run();
}

// The batch as a log would store it at `base`.
inline std::vector<uint8_t> stored(BatchValidator& validator, Offset base = Offset(0)) {
  assign(validator.header_bytes(), base, LeaderEpoch(0));
  std::vector<uint8_t> out(validator.header_bytes().begin(), validator.header_bytes().end());
  const Chain& records = validator.records();
  out.resize(out.size() + records.size());
  records.copy_out(0, MutableBytes(out).subspan(kBatchHeaderBytes));
  return out;
}

}  // namespace odradek::log
