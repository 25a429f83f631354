#include "cmd/broker/quotas/rate.h"

#include <algorithm>
#include <cmath>

namespace odradek::broker {

namespace {

// As Java rounds: halves up; what is not a number is 0, what is too large the largest.
int64_t rounded(double value) {
  constexpr double kLargest = 9.2e18;
  if (std::isnan(value)) return 0;
  return static_cast<int64_t>(std::floor(std::clamp(value, -kLargest, kLargest) + 0.5));
}

}  // namespace

void SampledRate::record(const QuotaWindows& windows, double value, int64_t now_ms) {
  if (windows_.empty()) windows_.push_back({now_ms, now_ms, 0});
  if (now_ms - windows_[current_].begin_ms >= windows.each_ms) {
    // One more than are counted: the oldest is in part outside of the time that counts.
    current_ = (current_ + 1) % static_cast<size_t>(windows.count + 1);
    if (current_ >= windows_.size()) {
      windows_.push_back({now_ms, now_ms, 0});
      current_ = windows_.size() - 1;
    } else {
      windows_[current_] = {now_ms, now_ms, 0};
    }
  }
  windows_[current_].sum += value;
  windows_[current_].last_ms = now_ms;
}

void SampledRate::forget_old(const QuotaWindows& windows, int64_t now_ms) {
  for (Window& window : windows_) {
    if (now_ms - window.last_ms >= windows.all_ms()) window = {now_ms, now_ms, 0};
  }
}

int64_t SampledRate::span_ms(const QuotaWindows& windows, int64_t now_ms) const {
  if (windows_.empty()) return (windows.count - 1) * windows.each_ms;
  const auto oldest = std::ranges::min_element(windows_, {}, &Window::begin_ms);
  const int64_t elapsed = now_ms - oldest->begin_ms;
  const int64_t missing = windows.count - 1 - elapsed / windows.each_ms;
  return elapsed + std::max<int64_t>(missing, 0) * windows.each_ms;
}

double SampledRate::per_second(const QuotaWindows& windows, int64_t now_ms) {
  forget_old(windows, now_ms);
  double sum = 0;
  for (const Window& window : windows_) sum += window.sum;
  return sum / (static_cast<double>(span_ms(windows, now_ms)) / 1000);
}

int64_t SampledRate::throttle_ms(const QuotaWindows& windows, double limit, int64_t now_ms) {
  const double rate = per_second(windows, now_ms);
  if (!(rate > limit)) return 0;
  return rounded((rate - limit) / limit * static_cast<double>(span_ms(windows, now_ms)));
}

double TokenBucket::tokens(const QuotaWindows& windows, double limit, int64_t now_ms) {
  const double full = limit * static_cast<double>(windows.all_ms()) / 1000;
  const double grown =
      updated_ms_ ? tokens_ + limit * static_cast<double>(now_ms - *updated_ms_) / 1000 : full;
  tokens_ = std::min(full, grown);
  updated_ms_ = now_ms;
  return tokens_;
}

void TokenBucket::spend(const QuotaWindows& windows, double limit, double amount, int64_t now_ms) {
  tokens_ = tokens(windows, limit, now_ms) - amount;
}

int64_t TokenBucket::throttle_ms(const QuotaWindows& windows, double limit, int64_t now_ms) {
  const double left = tokens(windows, limit, now_ms);
  return left < 0 ? rounded(-left / limit * 1000) : 0;
}

}  // namespace odradek::broker
