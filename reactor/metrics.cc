#include "reactor/metrics.h"

#include <algorithm>
#include <cmath>

#include "reactor/base/check.h"
#include "reactor/base/utf8.h"
#include "reactor/limits.h"

namespace odradek::reactor {

static_assert(Histogram::bucket_of(Histogram::bucket_low(100)) == 100);
static_assert(Histogram::bucket_low(Histogram::kBuckets) == uint64_t{1} << Histogram::kValueBits);

void Histogram::merge(const Histogram& other) {
  count_ += other.count_;
  sum_ += other.sum_;
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
}

uint64_t Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return bucket_low(i) + (bucket_low(i + 1) - bucket_low(i)) / 2;
  }
  return bucket_low(kBuckets);
}

uint64_t Histogram::count_at_most(uint64_t bound) const {
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets && bucket_low(i + 1) - 1 <= bound; ++i) seen += buckets_[i];
  return seen;
}

std::string metric_labels(
    std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out.append(name).append("=\"");
    // Prometheus refuses a whole page for one byte that is not UTF-8.
    for (const char c : to_utf8(value)) {
      if (c == '\n') {
        out += "\\n";
        continue;
      }
      if (c == '\\' || c == '"') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out;
}

void MetricsSnapshot::merge(MetricsSnapshot other) {
  for (auto& [name, family] : other.families) {
    Family& into = families[name];
    into.info = family.info;
    for (auto& [labels, sample] : family.samples) {
      Sample& to = into.samples[labels];
      to.value += sample.value;
      if (!sample.histogram) continue;
      if (to.histogram) {
        to.histogram->merge(*sample.histogram);
      } else {
        to.histogram = std::move(sample.histogram);
      }
    }
  }
}

MetricWatch::MetricWatch(MetricWatch&& other) noexcept
    : metrics_(std::exchange(other.metrics_, nullptr)),
      info_(other.info_),
      labels_(std::move(other.labels_)) {}

MetricWatch& MetricWatch::operator=(MetricWatch&& other) noexcept {
  if (this == &other) return *this;
  reset();
  metrics_ = std::exchange(other.metrics_, nullptr);
  info_ = other.info_;
  labels_ = std::move(other.labels_);
  return *this;
}

void MetricWatch::reset() {
  if (metrics_) std::exchange(metrics_, nullptr)->remove(*info_, labels_);
}

Metrics::Family& Metrics::family(const MetricInfo& info) {
  Family& found = families_[info.name];
  // One name is one metric, wherever it is registered.
  if (found.info) CHECK(found.info->kind == info.kind && found.info->help == info.help);
  found.info = &info;
  return found;
}

// The series, made by `make` when it is new; CHECKs that it is of the same sort.
template <class T>
Metrics::Value& Metrics::series(const MetricInfo& info, std::string labels, T make) {
  auto& all = family(info).series;
  const auto found = all.find(labels);
  if (found != all.end()) return found->second;
  ++series_count_;
  return all.emplace(std::move(labels), make()).first->second;
}

Counter& Metrics::counter(const MetricInfo& info, std::string labels) {
  CHECK(info.kind == MetricKind::counter);
  const bool room = series_count_ < kMetricSeriesMax || family(info).series.contains(labels);
  if (!room && ++series_refused_) return counter_beyond_;
  return std::get<Counter>(series(info, std::move(labels), [] { return Value(Counter()); }));
}

Gauge& Metrics::gauge(const MetricInfo& info, std::string labels) {
  CHECK(info.kind == MetricKind::gauge);
  const bool room = series_count_ < kMetricSeriesMax || family(info).series.contains(labels);
  if (!room && ++series_refused_) return gauge_beyond_;
  return std::get<Gauge>(series(info, std::move(labels), [] { return Value(Gauge()); }));
}

Histogram& Metrics::histogram(const MetricInfo& info, std::string labels) {
  CHECK(info.kind == MetricKind::histogram);
  const bool room = series_count_ < kMetricSeriesMax || family(info).series.contains(labels);
  if (!room && ++series_refused_) return histogram_beyond_;
  return *std::get<std::unique_ptr<Histogram>>(
      series(info, std::move(labels), [] { return Value(std::make_unique<Histogram>()); }));
}

MetricWatch Metrics::watch(const MetricInfo& info, std::string labels,
                           std::function<int64_t()> read) {
  CHECK(info.kind != MetricKind::histogram);
  if (series_count_ >= kMetricSeriesMax) {
    ++series_refused_;
    return {};
  }
  CHECK(!family(info).series.contains(labels));
  series(info, labels, [&read] { return Value(std::move(read)); });
  return {*this, info, std::move(labels)};
}

void Metrics::remove(const MetricInfo& info, const std::string& labels) {
  series_count_ -= family(info).series.erase(labels);
}

MetricsSnapshot Metrics::snapshot() const {
  MetricsSnapshot out;
  for (const auto& [name, family] : families_) {
    auto& to = out.families[name];
    to.info = family.info;
    for (const auto& [labels, value] : family.series) {
      auto& sample = to.samples[labels];
      if (const auto* counter = std::get_if<Counter>(&value)) {
        sample.value = static_cast<int64_t>(counter->value());
      } else if (const auto* gauge = std::get_if<Gauge>(&value)) {
        sample.value = gauge->value();
      } else if (const auto* read = std::get_if<std::function<int64_t()>>(&value)) {
        sample.value = (*read)();
      } else {
        const auto& histogram = std::get<std::unique_ptr<Histogram>>(value);
        sample.histogram = std::make_unique<Histogram>(*histogram);
      }
    }
  }
  return out;
}

}  // namespace odradek::reactor
