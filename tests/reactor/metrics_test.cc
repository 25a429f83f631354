#include "reactor/metrics.h"

#include <algorithm>
#include <cmath>

#include "reactor/base/prng.h"
#include "reactor/limits.h"
#include "reactor/log_limit.h"
#include "reactor/shard.h"
#include "tests/reactor/support.h"

namespace odradek::reactor {
namespace {

constexpr MetricInfo kSent{MetricKind::counter, "test_sent_total", "What was sent"};
constexpr MetricInfo kOpen{MetricKind::gauge, "test_open", "What is open"};
constexpr MetricInfo kTook{MetricKind::histogram, "test_took_seconds", "How long it took",
                           MetricUnit::seconds};

TEST_CASE("a bucket holds its lowest value and the next bucket the first beyond it") {
  for (size_t i = 0; i < Histogram::kBuckets; ++i) {
    const uint64_t low = Histogram::bucket_low(i);
    EXPECT_EQ(Histogram::bucket_of(low), i);
    EXPECT_EQ(Histogram::bucket_of(Histogram::bucket_low(i + 1) - 1), i);
  }
  EXPECT_EQ(Histogram::bucket_of(UINT64_MAX), Histogram::kBuckets - 1);
}

TEST_CASE("quantiles to p99.99 are within 3.2 % of the exact ones") {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Prng prng(seed);
    Histogram histogram;
    std::vector<uint64_t> values;
    for (int i = 0; i < 200'000; ++i) {
      // Spread over seven powers of ten, as latencies are.
      const double exponent = 2 + 7 * (static_cast<double>(prng.next() >> 11) * 0x1p-53);
      values.push_back(static_cast<uint64_t>(std::pow(10.0, exponent)));
      histogram.record(values.back());
    }
    std::ranges::sort(values);
    for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
      const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
      const auto exact = static_cast<double>(values[rank - 1]);
      const auto told = static_cast<double>(histogram.quantile(q));
      EXPECT(std::abs(told - exact) <= 0.032 * exact);
    }
  }
}

TEST_CASE("the merge of two histograms is the histogram of both") {
  Histogram one;
  Histogram two;
  Histogram both;
  for (uint64_t v = 1; v < 1'000'000; v = v * 3 + 1) {
    one.record(v);
    two.record_many(v * 7, 3);
    both.record(v);
    both.record_many(v * 7, 3);
  }
  one.merge(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.sum(), both.sum());
  for (const double q : {0.1, 0.5, 0.9, 1.0}) EXPECT_EQ(one.quantile(q), both.quantile(q));
}

TEST_CASE("an empty histogram has the quantile 0") { EXPECT_EQ(Histogram().quantile(0.99), 0); }

TEST_CASE("what is at most a bound is exact at a bucket's end and never too much") {
  Histogram histogram;
  for (uint64_t v = 1; v <= 4096; ++v) histogram.record(v);
  EXPECT_EQ(histogram.count_at_most(1023), 1023);
  for (const uint64_t bound : {10u, 100u, 1000u, 3000u}) {
    EXPECT(histogram.count_at_most(bound) <= bound);
    EXPECT(histogram.count_at_most(bound) >= bound - bound / 16 - 1);
  }
  EXPECT_EQ(histogram.count_at_most(UINT64_MAX), 4096);
}

TEST_CASE("the same name and labels are the same series, and snapshots of shards add up") {
  Metrics shard_0;
  Metrics shard_1;
  const std::string labels = metric_labels({{"api", "Fetch"}});
  shard_0.counter(kSent, labels).add(2);
  shard_0.counter(kSent, labels).add(3);
  shard_1.counter(kSent, labels).add(10);
  shard_1.counter(kSent).add(1);
  shard_0.gauge(kOpen).set(7);
  shard_1.histogram(kTook).record(5);
  MetricsSnapshot all = shard_0.snapshot();
  all.merge(shard_1.snapshot());
  EXPECT_EQ(all.families.size(), 3);
  EXPECT_EQ(all.families["test_sent_total"].samples[labels].value, 15);
  EXPECT_EQ(all.families["test_sent_total"].samples[""].value, 1);
  EXPECT_EQ(all.families["test_open"].samples[""].value, 7);
  EXPECT_EQ(all.families["test_took_seconds"].samples[""].histogram->count(), 1);
}

TEST_CASE("a watched function is read when somebody looks, and gone with its watch") {
  Metrics metrics;
  int64_t value = 1;
  {
    MetricWatch watch = metrics.watch(kOpen, "", [&value] { return value; });
    value = 42;
    EXPECT_EQ(metrics.snapshot().families["test_open"].samples[""].value, 42);
    EXPECT_EQ(metrics.series_count(), 1);
  }
  EXPECT_EQ(metrics.series_count(), 0);
  EXPECT(metrics.snapshot().families["test_open"].samples.empty());
}

TEST_CASE("series beyond the bound are refused and counted, and those that are there still move") {
  Metrics metrics;
  for (size_t i = 0; i < kMetricSeriesMax; ++i) {
    metrics.counter(kSent, metric_labels({{"n", std::to_string(i)}})).add();
  }
  metrics.counter(kSent, metric_labels({{"n", "one more"}})).add();
  metrics.counter(kSent, metric_labels({{"n", "0"}})).add();
  EXPECT_EQ(metrics.series_refused(), 1);
  EXPECT_EQ(metrics.series_count(), kMetricSeriesMax);
  EXPECT_EQ(metrics.counter(kSent, metric_labels({{"n", "0"}})).value(), 2);
}

TEST_CASE("labels are escaped as the text format wants it") {
  EXPECT_EQ(metric_labels({{"a", "x"}, {"b", "q\"\\\n"}}), "a=\"x\",b=\"q\\\"\\\\\\n\"");
}

TEST_CASE("what is not UTF-8 in a label is replaced, so that a page of metrics stays text") {
  EXPECT_EQ(metric_labels({{"a", "caf\xe9"}, {"b", "caf\xc3\xa9"}}),
            "a=\"caf\xef\xbf\xbd\",b=\"caf\xc3\xa9\"");
}

TEST_CASE("a log limit lets one line through an interval and tells how many it held back") {
  LogLimit limit(1s);
  const MonoTime start{};
  EXPECT_EQ(limit.allow(start), std::optional<uint64_t>(0));
  EXPECT(!limit.allow(start + 1ms));
  EXPECT(!limit.allow(start + 999ms));
  EXPECT_EQ(limit.allow(start + 1s), std::optional<uint64_t>(2));
}

Task<void> work(Duration duration) {
  co_await name_task("hard work");
  auto& shard = this_shard();
  const MonoTime end = shard.precise_now() + duration;
  while (shard.precise_now() < end) continue;
}
Task<int> work_alone(Duration duration) {
  Gate gate;
  gate.spawn("a worker", work(duration));
  co_await gate.close();
  co_return 0;
}
// Runs it on a node and returns what the node logged.
std::vector<std::string> lines_after(Duration duration) {
  sim::World world(1);
  const sim::NodeId node = world.start({.name = "busy"}, [=] { return work_alone(duration); });
  REQUIRE_EQ(world.run_until_exit(node), sim::Run::done);
  return world.lines(node);
}

TEST_CASE("a turn over 5 ms is logged with the name of its task, even if it ran only one") {
  const auto lines = lines_after(6ms);
  REQUIRE_EQ(lines.size(), 1);
  EXPECT(lines.front().find("a turn of the loop took 6.") != std::string::npos);
  EXPECT(lines.front().find("in: a worker (0 more") != std::string::npos);
  EXPECT(lines_after(4ms).empty());
}

Task<void> slow_turns_are_counted() {
  Gate gate;
  for (int i = 0; i < 3; ++i) {
    gate.spawn("a worker", work(6ms));
    co_await sleep_for(20ms);
  }
  co_await gate.close();
  auto& shard = this_shard();
  EXPECT_EQ(shard.stats().turns_slow, 3);
  EXPECT(shard.stats().busy >= 18ms);
  EXPECT(shard.stats().busy < 25ms);
  auto families = shard.metrics().snapshot().families;
  const std::string label = "shard=\"0\"";
  EXPECT_EQ(families["odradek_reactor_slow_turns_total"].samples[label].value, 3);
  EXPECT(families["odradek_reactor_longest_turn_seconds"].samples[label].value >= 6'000'000);
  EXPECT_EQ(families["odradek_log_lines_total"].samples[label].value, 1);
}
TEST_CASE("slow turns are counted and timed, and one line is logged for them in a while") {
  in_world([] { return slow_turns_are_counted(); });
}

}  // namespace
}  // namespace odradek::reactor
