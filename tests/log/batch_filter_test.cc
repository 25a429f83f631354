#include "log/batch_filter.h"

#include <array>

#include "log/transaction_filter.h"
#include "tests/log/keyed.h"

namespace odradek::log::test {
namespace {

using Outcome = BatchFilter::Outcome;

constexpr FilterRules kRules{.now_ms = 50'000, .delete_retention_ms = 10'000};

// The last offsets of keys, everything below `latest` looked at.
struct Keys {
  explicit Keys(std::vector<std::pair<std::string, int64_t>> seen, int64_t latest = 1'000)
      : map({MutableBytes(memory)}, 0.9, KeyHasher(1, 2)) {
    for (const auto& [key, offset] : seen)
      CHECK(map.try_put(map.hash_ahead(as_bytes(key)), Offset(offset)));
    map.note_latest(Offset(latest));
  }
  std::array<uint8_t, 4096> memory{};
  KeyMap map;
};

struct Filtered {
  Outcome outcome;
  std::vector<uint8_t> bytes;
  BatchHeader header() const { return BatchHeader::parse(bytes); }
};

Filtered filter(const std::vector<uint8_t>& batch, const KeyMap& keys, BatchFate fate = {},
                FilterRules rules = kRules) {
  BatchFilter filter(Chain(BytesView(batch)), keys, rules, fate);
  for (;;) {
    const auto done = filter.step();
    REQUIRE(done.has_value());
    if (*done) break;
  }
  const bool same = filter.outcome() == Outcome::kept;
  const std::vector<uint8_t> bytes = same ? batch : filter.bytes();
  if (!bytes.empty()) {
    EXPECT_EQ(batch_crc(BytesView(bytes)), BatchHeader::parse(bytes).crc);
    EXPECT_EQ(BatchHeader::parse(bytes).size_bytes(), bytes.size());
  }
  return {filter.outcome(), bytes};
}

const KeyedBatch kThree{.records = {{"a", "1", 10}, {"b", "2", 30}, {"c", "3", 20}},
                        .base = 100,
                        .producer = 7,
                        .epoch = 2,
                        .sequence = 40};

TEST_CASE("a batch whose records are all the newest of their keys stays as it is") {
  const Keys keys({{"a", 100}, {"b", 101}, {"c", 102}});
  const auto batch = make_keyed(kThree);
  EXPECT(filter(batch, keys.map).outcome == Outcome::kept);
  // Keys that the dirty part does not have.
  EXPECT(filter(batch, Keys({{"x", 500}}).map).outcome == Outcome::kept);
}

TEST_CASE("records that are overtaken go; what is left keeps its place, times and sequences") {
  for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const Keys keys({{"c", 102}, {"a", 300}, {"b", 400}});
    KeyedBatch spec = kThree;
    spec.codec = codec;
    const Filtered out = filter(make_keyed(spec), keys.map);
    REQUIRE(out.outcome == Outcome::rewritten);
    const BatchHeader header = out.header();
    EXPECT_EQ(header.base_offset.value, 100);
    EXPECT_EQ(header.last_offset().value, 102);
    EXPECT_EQ(header.record_count, 1);
    EXPECT(header.attributes.codec() == codec);
    EXPECT_EQ(header.last_sequence(), 42);
    EXPECT_EQ(header.producer_id.value, 7);
    EXPECT_EQ(header.producer_epoch.value, 2);
    EXPECT_EQ(header.leader_epoch.value, 3);
    EXPECT_EQ(header.max_timestamp, 20);
    EXPECT(records_of(out.bytes) == std::vector<SeenRecord>{{102, "c", "3", 20}});
  }
  const Keys keys({{"b", 300}});
  const Filtered out = filter(make_keyed(kThree), keys.map);
  EXPECT_EQ(out.header().last_offset().value, 102);
  EXPECT(records_of(out.bytes) ==
         std::vector<SeenRecord>{{100, "a", "1", 10}, {102, "c", "3", 20}});
  const Filtered last_gone = filter(make_keyed(kThree), Keys({{"c", 300}}).map);
  EXPECT_EQ(last_gone.header().last_offset().value, 102);
  EXPECT_EQ(last_gone.header().last_sequence(), 42);
}

TEST_CASE("records behind what was looked at stay, whatever the map says") {
  const Keys keys({{"a", 50}, {"b", 60}}, 100);
  EXPECT(filter(make_keyed(kThree), keys.map).outcome == Outcome::kept);
}

TEST_CASE("a batch of nothing goes, unless a producer's sequence or the round's end is in it") {
  const Keys keys({{"a", 200}, {"b", 201}, {"c", 202}});
  EXPECT(filter(make_keyed(kThree), keys.map).outcome == Outcome::dropped);
  KeyedBatch spec = kThree;
  spec.codec = Codec::zstd;
  const Filtered out = filter(make_keyed(spec), keys.map, {.keep_empty = true});
  REQUIRE(out.outcome == Outcome::emptied);
  const BatchHeader header = out.header();
  EXPECT_EQ(out.bytes.size(), kBatchHeaderBytes);
  EXPECT_EQ(header.record_count, 0);
  EXPECT_EQ(header.base_offset.value, 100);
  EXPECT_EQ(header.last_offset().value, 102);
  EXPECT_EQ(header.last_sequence(), 42);
  EXPECT_EQ(header.base_timestamp, kNoTimestamp);
  EXPECT_EQ(header.max_timestamp, 30);
  EXPECT_EQ(header.attributes.bits, 0);
}

TEST_CASE("a tombstone gets its horizon when it is first cleaned, and goes when it is over") {
  const KeyedBatch spec{.records = {{"a", "1", 10}, {"b", std::nullopt, 30}}, .base = 5};
  const Keys keys({{"a", 5}, {"b", 6}});
  const Filtered first = filter(make_keyed(spec), keys.map);
  REQUIRE(first.outcome == Outcome::rewritten);
  EXPECT(first.header().attributes.delete_horizon());
  EXPECT_EQ(first.header().base_timestamp, 60'000);
  EXPECT_EQ(first.header().max_timestamp, 30);
  EXPECT(records_of(first.bytes) ==
         std::vector<SeenRecord>{{5, "a", "1", 10}, {6, "b", std::nullopt, 30}});

  const FilterRules before{.now_ms = 59'999, .delete_retention_ms = 10'000};
  EXPECT(filter(first.bytes, keys.map, {}, before).outcome == Outcome::kept);
  const FilterRules after{.now_ms = 60'000, .delete_retention_ms = 10'000};
  const Filtered gone = filter(first.bytes, keys.map, {}, after);
  REQUIRE(gone.outcome == Outcome::rewritten);
  EXPECT(records_of(gone.bytes) == std::vector<SeenRecord>{{5, "a", "1", 10}});
  // The horizon of the batch stays as it was.
  EXPECT_EQ(gone.header().base_timestamp, 60'000);
  EXPECT(filter(gone.bytes, keys.map, {}, after).outcome == Outcome::kept);
}

TEST_CASE("a tombstone behind what was looked at gets no horizon yet") {
  const KeyedBatch spec{.records = {{"a", std::nullopt, 10}}, .base = 5};
  EXPECT(filter(make_keyed(spec), Keys({{"x", 2}}, 4).map).outcome == Outcome::kept);
}

TEST_CASE("a horizon that no clock reaches is the last millisecond there is") {
  const KeyedBatch spec{.records = {{"a", std::nullopt, 10}}, .base = 5};
  const FilterRules forever{.now_ms = 50'000, .delete_retention_ms = INT64_MAX};
  const Filtered out = filter(make_keyed(spec), Keys({{"a", 5}}).map, {}, forever);
  EXPECT_EQ(out.header().base_timestamp, INT64_MAX);
  EXPECT(records_of(out.bytes) == std::vector<SeenRecord>{{5, "a", std::nullopt, 10}});
}

TEST_CASE("log append time stays the time of every record") {
  KeyedBatch spec = kThree;
  spec.log_append_time = 777;
  const Filtered out = filter(make_keyed(spec), Keys({{"b", 300}}).map);
  EXPECT(out.header().attributes.timestamp_type() == TimestampType::log_append_time);
  EXPECT_EQ(out.header().max_timestamp, 777);
  EXPECT(records_of(out.bytes) ==
         std::vector<SeenRecord>{{100, "a", "1", 777}, {102, "c", "3", 777}});
}

TEST_CASE("records without a key go") {
  BatchBuilder builder(BatchOptions{});
  Record record;
  record.value = as_bytes(std::string_view("v"));
  builder.append(record);
  EXPECT(filter(*builder.finish(), Keys({{"x", 2}}).map).outcome == Outcome::dropped);
}

TEST_CASE("what was aborted goes whole") {
  const Keys keys({{"x", 1}});
  EXPECT(filter(make_keyed(kThree), keys.map, {.discard = true}).outcome == Outcome::dropped);
  EXPECT(filter(make_keyed(kThree), keys.map, {.discard = true, .keep_empty = true}).outcome ==
         Outcome::emptied);
}

TEST_CASE("a marker stays, gets a horizon when it marks nothing, and goes after it") {
  const Keys keys({{"x", 1}});
  const BatchOptions options{.base_offset = Offset(9), .producer_id = ProducerId(7)};
  const auto marker = *build_txn_marker(options, {.committed = true}, 20);
  EXPECT(filter(marker, keys.map).outcome == Outcome::kept);
  const Filtered marked = filter(marker, keys.map, {.marks_nothing = true});
  REQUIRE(marked.outcome == Outcome::rewritten);
  EXPECT_EQ(marked.header().base_timestamp, 60'000);
  EXPECT(marked.header().attributes.control());
  EXPECT(marked.header().attributes.transactional());
  EXPECT(filter(marked.bytes, keys.map, {.discard = true, .marks_nothing = true}).outcome ==
         Outcome::dropped);
}

TEST_CASE("a batch is filtered in steps, and many records survive them") {
  KeyedBatch spec{.base = 0, .codec = Codec::lz4};
  for (int i = 0; i < 3'000; ++i) {
    spec.records.push_back({"k" + std::to_string(i % 50), std::string(40, 'v'), i});
  }
  std::vector<std::pair<std::string, int64_t>> newest;
  for (int i = 0; i < 50; ++i) newest.emplace_back("k" + std::to_string(i), 2'950 + i);
  const Keys keys(newest, 3'000);
  const auto batch = make_keyed(spec);
  BatchFilter filter(Chain(BytesView(batch)), keys.map, kRules, {});
  int steps = 1;
  while (!*filter.step()) ++steps;
  EXPECT(steps >= 20);
  EXPECT_EQ(filter.records_removed(), 2'950);
  EXPECT_EQ(records_of(filter.bytes()).size(), 50);
}

TEST_CASE("transactions: aborted batches are told, markers may go when their batches went") {
  TransactionFilter filter(
      {{.producer_id = ProducerId(7), .first = Offset(10), .last = Offset(14)}});
  const auto batch = [](int64_t producer, int64_t base) {
    BatchHeader header;
    header.producer_id = ProducerId(producer);
    header.base_offset = Offset(base);
    header.attributes.set(Attributes::kTransactional, true);
    return header;
  };
  EXPECT_FALSE(filter.on_batch(batch(7, 9)));  // of an earlier transaction
  EXPECT_FALSE(filter.on_control_batch(batch(7, 9), ControlType::commit));
  EXPECT(filter.on_batch(batch(7, 10)));
  EXPECT_FALSE(filter.on_batch(batch(8, 11)));
  EXPECT_FALSE(filter.on_control_batch(batch(8, 12), ControlType::commit));
  EXPECT_FALSE(filter.on_control_batch(batch(7, 14), ControlType::abort));
  REQUIRE_EQ(filter.kept().size(), 1);
  EXPECT_EQ(filter.kept()[0].last.value, 14);
  // Nothing of these is left.
  EXPECT(filter.on_control_batch(batch(7, 20), ControlType::abort));
  EXPECT(filter.on_control_batch(batch(8, 21), ControlType::commit));
  EXPECT(filter.on_control_batch(batch(8, 22), std::nullopt));
  EXPECT_FALSE(filter.on_control_batch(batch(8, 23), ControlType::leader_change));
}

}  // namespace
}  // namespace odradek::log::test
