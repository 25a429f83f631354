#include "log/compaction_plan.h"

#include "tests/test.h"

namespace odradek::log {
namespace {

constexpr int64_t kNow = 1'000'000;

// Segments of 100 offsets and 1,000 bytes each, a second apart; the last is a second old.
LogFacts facts_of(int segments, int64_t clean_to = -1) {
  LogFacts out;
  for (int i = 0; i < segments; ++i) {
    out.closed.push_back({.base = Offset(i * 100),
                          .next = Offset(i * 100 + 100),
                          .bytes = 1'000,
                          .max_timestamp_ms = kNow - 1'000 * (segments - i),
                          .first_timestamp_ms = kNow - 1'000 * (segments - i) - 500});
  }
  out.last_stable = out.log_end = Offset(segments * 100 + 50);
  out.clean_to = Offset(clean_to);
  return out;
}

TEST_CASE("what was never cleaned is dirty, up to the active segment") {
  const Cleanable found = cleanable(facts_of(3), {}, kNow);
  EXPECT_EQ(found.first_dirty.value, 0);
  EXPECT_EQ(found.end.value, 300);
  EXPECT_EQ(found.dirty_bytes, 3'000);
  EXPECT_EQ(found.ratio(), 1.0);
  EXPECT(wants_cleaning(found, {}));
}

TEST_CASE("the dirty ratio decides, and Kafka's bound is exclusive") {
  LogConfig config;
  EXPECT_FALSE(wants_cleaning(cleanable(facts_of(4, 200), config, kNow), config));
  EXPECT(wants_cleaning(cleanable(facts_of(4, 100), config, kNow), config));
  config.min_cleanable_ratio = 0;
  EXPECT(wants_cleaning(cleanable(facts_of(4, 300), config, kNow), config));
  EXPECT_FALSE(wants_cleaning(cleanable(facts_of(4, 400), config, kNow), config));
}

TEST_CASE("a clean point that the log does not have any more counts as none") {
  LogFacts facts = facts_of(3, 100);
  facts.log_start = Offset(150);
  EXPECT_EQ(cleanable(facts, {}, kNow).first_dirty.value, 150);
  facts.clean_to = Offset(9'999);
  EXPECT_EQ(cleanable(facts, {}, kNow).first_dirty.value, 150);
}

TEST_CASE("nothing above the last stable offset is cleaned, nor younger than the least lag") {
  LogFacts facts = facts_of(4);
  facts.last_stable = Offset(250);
  EXPECT_EQ(cleanable(facts, {}, kNow).end.value, 200);
  LogConfig config;
  config.min_compaction_lag_ms = 1'500;
  EXPECT_EQ(cleanable(facts_of(4), config, kNow).end.value, 300);
  config.min_compaction_lag_ms = INT64_MAX;
  const Cleanable none = cleanable(facts_of(4), config, kNow);
  EXPECT_EQ(none.end.value, 0);
  EXPECT_FALSE(wants_cleaning(none, config));
}

TEST_CASE("what waited longer than the greatest lag is cleaned however clean the rest is") {
  LogConfig config;
  config.max_compaction_lag_ms = 2'000;
  EXPECT(wants_cleaning(cleanable(facts_of(10, 700), config, kNow), config));
  EXPECT_FALSE(wants_cleaning(cleanable(facts_of(10, 900), config, kNow), config));
  config.max_compaction_lag_ms = INT64_MAX;
  EXPECT_FALSE(wants_cleaning(cleanable(facts_of(10, 700), config, kNow), config));
}

TEST_CASE("segments are put together up to the size of one") {
  LogConfig config;
  config.segment_bytes = 2'500;
  const auto groups = group_segments(facts_of(5), config, Offset(401));
  REQUIRE_EQ(groups.size(), 3);
  EXPECT_EQ(groups[0].count, 2);
  EXPECT_EQ(groups[1].first, 2);
  EXPECT_EQ(groups[2].count, 1);
  EXPECT_EQ(group_segments(facts_of(5), config, Offset(400)).back().count, 2);
  EXPECT(group_segments(facts_of(5), config, Offset(0)).empty());
}

TEST_CASE("segments are not put together beyond the index or the range of relative offsets") {
  LogFacts facts = facts_of(3);
  LogConfig config;
  config.index_interval_bytes = 100;
  config.segment_index_bytes = 250;  // 120 for each segment at most
  EXPECT_EQ(group_segments(facts, config, Offset(300)).size(), 2);
  facts.closed[1].next = facts.closed[2].base = Offset(3'000'000'000);
  facts.closed[2].next = Offset(3'000'000'100);
  EXPECT_EQ(group_segments(facts, LogConfig{}, Offset(4'000'000'000)).size(), 3);
}

}  // namespace
}  // namespace odradek::log
