// The metrics of one shard: counters, gauges and log-linear histograms, registered by name.
//
// Owned by the shard; only its thread registers, moves and reads them. So a counter is a plain
// integer and moving it is one instruction; no atomics, no locks. Whoever wants the numbers of all
// shards sends each a message (submit_to) that takes a snapshot() there, and merges the copies: a
// scrape comes every few seconds and may cost a hop, while the hot path runs millions of times. It
// also lets a metric be a function that reads what only the owner may look at (watch()).
//
// Bounds: at most kMetricSeriesMax series; what comes after moves a nameless one and is counted.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace odradek::reactor {

enum class MetricKind : uint8_t { counter, gauge, histogram };

// What is recorded, and how it is shown: time is recorded in nanoseconds and shown in seconds.
enum class MetricUnit : uint8_t { none, bytes, seconds };

// What one metric is: a constant with static storage, beside the code that moves it.
struct MetricInfo {
  MetricKind kind;
  std::string_view name;  // as Prometheus wants it: odradek_<noun>_<base unit>, _total for counters
  std::string_view help;  // one sentence without a full stop
  MetricUnit unit = MetricUnit::none;
};

class Counter {
 public:
  void add(uint64_t n = 1) { value_ += n; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

class Gauge {
 public:
  void set(int64_t value) { value_ = value; }
  void add(int64_t n) { value_ += n; }
  int64_t value() const { return value_; }

 private:
  int64_t value_ = 0;
};

// How often which values came: 16 linear buckets to each power of two, so that a quantile is off by
// at most 1/32 (3 %) of itself. Values from 2^kValueBits on (73 minutes, 4 TiB) share the last
// bucket. 5 KiB; record() touches one bucket and two sums.
class Histogram {
 public:
  static constexpr unsigned kLinearBits = 4;
  static constexpr unsigned kValueBits = 42;
  static constexpr size_t kBuckets = (kValueBits - kLinearBits + 1) << kLinearBits;

  void record(uint64_t value) { record_many(value, 1); }
  // The same as `times` calls of record(value).
  void record_many(uint64_t value, uint64_t times) {
    buckets_[bucket_of(value)] += times;
    count_ += times;
    sum_ += value * times;
  }
  void merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  // The value that the share `q` (0..1) of all values does not exceed, as the middle of its bucket;
  // 0 when there are none.
  uint64_t quantile(double q) const;
  // How many values are in buckets that end at or below `bound`: exact where a bucket ends there,
  // else less by the values of at most 1/16 of `bound` below it.
  uint64_t count_at_most(uint64_t bound) const;

  static constexpr size_t bucket_of(uint64_t value) {
    constexpr uint64_t kLinear = uint64_t{1} << kLinearBits;
    if (value < kLinear) return static_cast<size_t>(value);
    if (value >> kValueBits) return kBuckets - 1;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kLinearBits - 1;
    return (size_t{shift} << kLinearBits) + static_cast<size_t>(value >> shift);
  }
  // The smallest value of a bucket. bucket_low(kBuckets) is one past the largest value.
  static constexpr uint64_t bucket_low(size_t bucket) {
    constexpr size_t kLinear = size_t{1} << kLinearBits;
    if (bucket < kLinear) return bucket;
    const size_t shift = (bucket >> kLinearBits) - 1;
    return (kLinear + (bucket & (kLinear - 1))) << shift;
  }

 private:
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  std::array<uint64_t, kBuckets> buckets_{};
};

// `name="value",...` as the text format wants it: escaped, and U+FFFD for what is not UTF-8.
std::string metric_labels(
    std::initializer_list<std::pair<std::string_view, std::string_view>> labels);

// Copies of all metrics of one or more shards, by family name and then by labels.
struct MetricsSnapshot {
  struct Sample {
    int64_t value = 0;                     // of counters and gauges
    std::unique_ptr<Histogram> histogram;  // of histograms
  };
  struct Family {
    const MetricInfo* info = nullptr;
    std::map<std::string, Sample, std::less<>> samples;
  };
  std::map<std::string_view, Family> families;

  // Adds what `other` counted: values and buckets of equal name and labels are summed.
  void merge(MetricsSnapshot other);
};

class Metrics;

// Keeps a function registered as a metric; destroyed before what the function reads.
class MetricWatch {
 public:
  MetricWatch() = default;
  MetricWatch(MetricWatch&& other) noexcept;
  MetricWatch& operator=(MetricWatch&& other) noexcept;
  ~MetricWatch() { reset(); }
  void reset();

 private:
  friend class Metrics;
  MetricWatch(Metrics& metrics, const MetricInfo& info, std::string labels)
      : metrics_(&metrics), info_(&info), labels_(std::move(labels)) {}
  Metrics* metrics_ = nullptr;
  const MetricInfo* info_ = nullptr;
  std::string labels_;
};

class Metrics {
 public:
  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The series of this name and these labels, made at the first call. The reference is valid as
  // long as the shard: look it up once and keep it. REQUIRES: info.kind fits.
  Counter& counter(const MetricInfo& info, std::string labels = {});
  Gauge& gauge(const MetricInfo& info, std::string labels = {});
  Histogram& histogram(const MetricInfo& info, std::string labels = {});
  // A counter or gauge whose value is what `read` returns when somebody looks: for what is counted
  // anyway. REQUIRES: no other series has this name and these labels.
  [[nodiscard]] MetricWatch watch(const MetricInfo& info, std::string labels,
                                  std::function<int64_t()> read);
  // Makes the name known although it has no series yet (its labels are not known beforehand).
  void declare(const MetricInfo& info) { family(info); }

  MetricsSnapshot snapshot() const;
  size_t series_count() const { return series_count_; }
  // Requests for series beyond the bound.
  uint64_t series_refused() const { return series_refused_; }

 private:
  friend class MetricWatch;
  using Value = std::variant<Counter, Gauge, std::unique_ptr<Histogram>, std::function<int64_t()>>;
  struct Family {
    const MetricInfo* info = nullptr;
    std::map<std::string, Value, std::less<>> series;
  };
  Family& family(const MetricInfo& info);
  template <class T>
  Value& series(const MetricInfo& info, std::string labels, T make);
  void remove(const MetricInfo& info, const std::string& labels);

  std::map<std::string_view, Family> families_;
  size_t series_count_ = 0;
  uint64_t series_refused_ = 0;
  // Moved instead of series beyond the bound.
  Counter counter_beyond_;
  Gauge gauge_beyond_;
  Histogram histogram_beyond_;
};

}  // namespace odradek::reactor
