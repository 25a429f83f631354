// The text format 0.0.4 of Prometheus, made of a snapshot. Pure.
#pragma once

#include <string>

#include "reactor/metrics.h"

namespace odradek::broker::admin {

inline constexpr const char* kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

// HELP and TYPE of every family, then its samples; families by name, samples by labels. Times are
// in seconds. Buckets of histograms: of times 1, 2.5, 5 by powers of ten from 50 us to 10 s, of
// sizes powers of four from 1 KiB to 4 MiB (a bucket's count is what is surely at or below its
// bound: reactor::Histogram::count_at_most()).
std::string prometheus_text(const reactor::MetricsSnapshot& snapshot);
// One of its metrics.
std::string prometheus_text(const reactor::MetricsSnapshot::Family& family);

}  // namespace odradek::broker::admin
