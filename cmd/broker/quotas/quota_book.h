// What clients used of their quotas, account by account: the part of a shard that is home of those
// accounts. Pure: times are given. Owned by the shard's Quotas.
//
// Bounds: at most `accounts_max` accounts; the one that was used longest ago is forgotten for a new
// one. That loses nothing when it had no use for all windows, and is in the client's favour before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "cmd/broker/quotas/quota_table.h"
#include "cmd/broker/quotas/rate.h"

namespace odradek::broker {

// What becomes of an amount that is over the quota.
enum class ChargeMode : uint8_t {
  keep,       // it was used: it counts
  if_within,  // it is not used then: it does not count
  probe,      // it is not used anyway: only the time is asked for
};

struct QuotaCharge {
  QuotaKind kind = QuotaKind::produce;
  QuotaMatch match;
  double amount = 0;
  ChargeMode mode = ChargeMode::keep;
};

class QuotaBook {
 public:
  QuotaBook(QuotaWindows windows, size_t accounts_max)
      : windows_(windows), accounts_max_(accounts_max) {}

  // How many milliseconds its sender has to be held back. A fetch of an account that had nothing
  // for all windows never is: its batch may be larger than they allow (Kafka never delivers that).
  // Of what a thread spends on requests at most one window, of connections at most all, of bytes as
  // long as it takes.
  int32_t charge(const QuotaCharge& charge, int64_t now_ms);
  // Kafka's controller mutations. Strict: false, and nothing is spent, when there is no credit.
  // Else true; `throttle_ms` is how long its sender has to be held back.
  bool mutate(const QuotaMatch& match, double amount, bool strict, int64_t now_ms,
              int32_t* throttle_ms);
  size_t size() const { return accounts_.size(); }

 private:
  struct Account {
    std::string name;
    SampledRate rate;
    TokenBucket bucket;
  };
  Account& account(const std::string& name);

  QuotaWindows windows_;
  size_t accounts_max_;
  std::list<Account> accounts_;  // the one used last stands first
  std::unordered_map<std::string, std::list<Account>::iterator> by_name_;
};

}  // namespace odradek::broker
