#include "cmd/broker/admin/prometheus_text.h"

#include <fmt/format.h>

#include <array>
#include <span>

namespace odradek::broker::admin {

namespace {

using reactor::Histogram;
using reactor::MetricInfo;
using reactor::MetricKind;
using reactor::MetricUnit;

// Bounds of buckets, as recorded: nanoseconds, bytes.
constexpr auto kTimeBounds = std::to_array<uint64_t>(
    {50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 25'000'000,
     50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000,
     10'000'000'000});
constexpr auto kByteBounds =
    std::to_array<uint64_t>({1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22});

std::string_view kind_name(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter: return "counter";
    case MetricKind::gauge: return "gauge";
    case MetricKind::histogram: return "histogram";
  }
  return "untyped";
}

std::string shown(const MetricInfo& info, int64_t value) {
  if (info.unit != MetricUnit::seconds) return fmt::format("{}", value);
  return fmt::format("{}", static_cast<double>(value) / 1e9);
}

void add_sample(std::string& out, std::string_view name, std::string_view suffix,
                std::string_view labels, std::string_view more, std::string_view value) {
  out.append(name).append(suffix);
  if (!labels.empty() || !more.empty()) {
    out.append("{").append(labels);
    if (!labels.empty() && !more.empty()) out.append(",");
    out.append(more).append("}");
  }
  out.append(" ").append(value).append("\n");
}

void add_histogram(std::string& out, const MetricInfo& info, std::string_view labels,
                   const Histogram& histogram) {
  const std::span<const uint64_t> bounds =
      info.unit == MetricUnit::seconds ? std::span<const uint64_t>(kTimeBounds) : kByteBounds;
  for (const uint64_t bound : bounds) {
    const std::string le = fmt::format("le=\"{}\"", shown(info, static_cast<int64_t>(bound)));
    add_sample(out, info.name, "_bucket", labels, le,
               fmt::format("{}", histogram.count_at_most(bound)));
  }
  const std::string count = fmt::format("{}", histogram.count());
  add_sample(out, info.name, "_bucket", labels, "le=\"+Inf\"", count);
  add_sample(out, info.name, "_sum", labels, "",
             shown(info, static_cast<int64_t>(histogram.sum())));
  add_sample(out, info.name, "_count", labels, "", count);
}

}  // namespace

std::string prometheus_text(const reactor::MetricsSnapshot::Family& family) {
  const MetricInfo& info = *family.info;
  std::string out =
      fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", info.name, info.help, kind_name(info.kind));
  for (const auto& [labels, sample] : family.samples) {
    if (sample.histogram) {
      add_histogram(out, info, labels, *sample.histogram);
    } else {
      add_sample(out, info.name, "", labels, "", shown(info, sample.value));
    }
  }
  return out;
}

std::string prometheus_text(const reactor::MetricsSnapshot& snapshot) {
  std::string out;
  for (const auto& [name, family] : snapshot.families) out += prometheus_text(family);
  return out;
}

}  // namespace odradek::broker::admin
