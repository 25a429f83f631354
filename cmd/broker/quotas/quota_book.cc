#include "cmd/broker/quotas/quota_book.h"

#include <algorithm>

namespace odradek::broker {

namespace {

int32_t bounded(int64_t throttle_ms, int64_t max_ms) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(throttle_ms, 0, std::min<int64_t>(max_ms, INT32_MAX)));
}

}  // namespace

QuotaBook::Account& QuotaBook::account(const std::string& name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    accounts_.splice(accounts_.begin(), accounts_, found->second);
    return accounts_.front();
  }
  if (accounts_.size() >= accounts_max_) {
    by_name_.erase(accounts_.back().name);
    accounts_.pop_back();
  }
  accounts_.push_front({name, {}, {}});
  by_name_.emplace(name, accounts_.begin());
  return accounts_.front();
}

int32_t QuotaBook::charge(const QuotaCharge& charge, int64_t now_ms) {
  SampledRate& rate = account(charge.match.account).rate;
  // What alone is more than all windows allow would never come: it does when nothing came before.
  const bool first = charge.mode == ChargeMode::if_within && charge.kind == QuotaKind::fetch &&
                     rate.per_second(windows_, now_ms) <= 0;
  rate.record(windows_, charge.amount, now_ms);
  if (first) return 0;
  const int64_t throttle = rate.throttle_ms(windows_, charge.match.limit, now_ms);
  const bool unused =
      charge.mode == ChargeMode::probe || (charge.mode == ChargeMode::if_within && throttle > 0);
  if (unused) rate.record(windows_, -charge.amount, now_ms);
  switch (charge.kind) {
    case QuotaKind::request: return bounded(throttle, windows_.each_ms);
    case QuotaKind::connection: return bounded(throttle, windows_.all_ms());
    case QuotaKind::produce:
    case QuotaKind::fetch:
    case QuotaKind::mutation: break;
  }
  return bounded(throttle, INT32_MAX);
}

bool QuotaBook::mutate(const QuotaMatch& match, double amount, bool strict, int64_t now_ms,
                       int32_t* throttle_ms) {
  TokenBucket& bucket = account(match.account).bucket;
  if (strict) {
    const int64_t owed = bucket.throttle_ms(windows_, match.limit, now_ms);
    *throttle_ms = std::max(*throttle_ms, bounded(owed, INT32_MAX));
    // Kafka's own measure: less than half a millisecond of debt is a refusal without a wait.
    if (bucket.tokens(windows_, match.limit, now_ms) < 0) return false;
    bucket.spend(windows_, match.limit, amount, now_ms);
    return true;
  }
  bucket.spend(windows_, match.limit, amount, now_ms);
  const int64_t owed = bucket.throttle_ms(windows_, match.limit, now_ms);
  *throttle_ms = std::max(*throttle_ms, bounded(owed, INT32_MAX));
  return true;
}

}  // namespace odradek::broker
